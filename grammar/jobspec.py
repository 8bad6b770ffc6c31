"""RFC 14 jobspecs: the `resources` list as a tree of vertices, and what else a scheduler needs of a jobspec."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from .constraint import ALWAYS, Constraint, parse_constraint
from .count import Count, parse_count
from .errors import GrammarError, shown
from .idset import IdSet
from .limits import MAX_DEPTH, MAX_DURATION
from .suggest import hint
from .unit import gib

T = TypeVar("T")

SLOT: Final = "slot"
RFC_14: Final = 9999
"""The version of jobspecs that follow RFC 14 in full, as Flux's tools write it; 999 is the same in older ones."""
VERSIONS: Final = (1, 999, RFC_14)
"""Those that there are; 1 is RFC 25."""
DEFAULT_LABEL: Final = "task"
"""The label of the only slot of a jobspec that gives it none, as Flux's command line has it."""

_LONGEST_PLACE: Final = 60
_KEYS: Final = frozenset({"type", "count", "unit", "exclusive", "with", "label", "id"})
_MEASURED: Final = frozenset({"memory", "storage"})
_ALTERNATIVES: Final = frozenset({"xor_slot", "or_slot"})
"""Types by which Fluxion asks for one of several slots."""
_ALTERNATIVES_ADVICE: Final = (
    "a slot whose counts may vary (a range such as 2-4, or min and max) comes nearest; "
    "what is something else altogether is a job of its own"
)
_LABELS_ADVICE: Final = (
    "a label names one vertex: equal slots are one slot with a count, others have labels of their own"
)


@dataclass(frozen=True, slots=True)
class Vertex:
    """One resource vertex of a request.

    Parameters
    ----------
    type
        What is asked for: slot, node, core, or any other name.
    count
        How many, in each instance of the parent.
    unit
        Unit of the count as the jobspec gives it; None when it gives none.
    exclusive
        As the jobspec gives it; None when it does not.
    label
        Name of the vertex; a slot always has one.
    id
        The only ids allowed; None when any will do.
    children
        What each instance has to hold, in the order of the jobspec.
    path
        Where the vertex stands, for messages: the types from the outermost, with the place among siblings (from 0)
        where there are several, e.g. "node/slot[1]/core".
    """

    type: str
    count: Count
    unit: str | None = None
    exclusive: bool | None = None
    label: str | None = None
    id: IdSet | None = None
    children: tuple[Vertex, ...] = ()
    path: str = ""

    @property
    def is_slot(self) -> bool:
        """Whether this is a task slot."""
        return self.type == SLOT

    @property
    def holds_slots(self) -> bool:
        """Whether this is a slot with slots inside: tasks run in the innermost ones, and only these are counted."""
        return self.is_slot and any(below.is_slot for child in self.children for below in child.walk())

    def walk(self) -> Iterator[Vertex]:
        """Yield this vertex and all below it in pre-order."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True, slots=True)
class Jobspec:
    """What a scheduler reads in a jobspec.

    Parameters
    ----------
    vertices
        The `resources` list.
    constraint
        `attributes.system.constraints`; matches everything when there is none.
    duration
        Seconds; 0 means unlimited or unset.
    version
        As given: 1 (RFC 25), or any other number for RFC 14 in full.
    name
        Name of the job: `attributes.system.job.name`, else the first word of the command, else empty.
    policy
        `attributes.system.exactfit.policy`: the order of terms that the job asks for, names with commas between them;
        empty for the site's.
    raw
        The jobspec itself.
    """

    vertices: tuple[Vertex, ...]
    constraint: Constraint = ALWAYS
    duration: float = 0.0
    version: int = 1
    name: str = ""
    policy: str = ""
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


def parse_resources(value: object) -> tuple[Vertex, ...]:
    """Read an RFC 14 `resources` list that is parsed already (YAML, JSON or a shape).

    Raises
    ------
    GrammarError
        For anything that RFC 14 does not allow; the message starts with the place, e.g. `resources[0].with[1].count`.
    """
    reader = _Reader()
    vertices = reader.vertices(value, "resources", "", 1)
    return reader.checked(vertices)


def check_version(jobspec: Jobspec) -> None:
    """Refuse a version that is not known, which a pool that is asked by Flux leaves to Flux.

    Raises
    ------
    GrammarError
        For any but `VERSIONS`.
    """
    if jobspec.version not in VERSIONS:
        known = " and ".join(map(str, VERSIONS[1:]))
        raise _error("version", f"{shown(jobspec.version)} is not known; 1 is RFC 25, {known} are RFC 14 in full")


def parse_jobspec(value: object) -> Jobspec:
    """Read a jobspec that is parsed already.

    Raises
    ------
    GrammarError
        For what RFC 14 does not allow in the parts that matter to a scheduler; tasks are not looked into.
    """
    jobspec = _mapping(value, "jobspec")
    if "resources" not in jobspec:
        raise _error("jobspec", "the key resources is missing")
    version = jobspec.get("version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise _error("version", f"expected a positive integer, not {_or_missing(jobspec, 'version')}")
    attributes = _optional_mapping(jobspec, "attributes", "attributes")
    system = _optional_mapping(attributes, "system", "attributes.system")
    return Jobspec(
        vertices=parse_resources(jobspec["resources"]),
        constraint=_constraint(system),
        duration=_duration(system, required=version == 1),
        version=version,
        name=_name(jobspec, system),
        policy=_policy(system),
        raw=jobspec,
    )


class _Reader:
    """Reads one `resources` list; keeps what concerns the list as a whole."""

    def __init__(self) -> None:
        self.labels: set[str] = set()
        self.slots = 0
        self.unlabelled = ""

    def vertices(self, value: object, place: str, path: str, depth: int) -> tuple[Vertex, ...]:
        if not isinstance(value, (list, tuple)):
            raise _error(place, f"expected a list, not {shown(value)}")
        if not value:
            raise _error(place, "the list is empty")
        if depth > MAX_DEPTH:
            raise _error(place[:_LONGEST_PLACE] + "...", f"more than {MAX_DEPTH} levels deep")
        many = len(value) > 1
        return tuple(
            [
                self.vertex(item, f"{place}[{index}]", path, index if many else None, depth)
                for index, item in enumerate(value)
            ]
        )

    def vertex(self, value: object, place: str, above: str, index: int | None, depth: int) -> Vertex:
        vertex = _mapping(value, place)
        for key in vertex:
            if key not in _KEYS:
                raise _error(place, f"unknown key {shown(key)}{hint(str(key), sorted(_KEYS))}")
        kind = _typed(vertex, "type", place, str, "text")
        if not kind:
            raise _error(place, "type is empty" if "type" in vertex else "the key type is missing")
        if kind in _ALTERNATIVES:
            raise _error(place, f"RFC 14 has no {kind}: {_ALTERNATIVES_ADVICE}")
        is_slot = kind == SLOT
        path = above + kind if index is None else f"{above}{kind}[{index}]"
        children: tuple[Vertex, ...] = ()
        if "with" in vertex:
            children = self.vertices(vertex["with"], f"{place}.with", path + "/", depth + 1)
        elif is_slot:
            raise _error(place, "a slot needs the key with: it holds at least one resource")
        return Vertex(
            kind,
            _count(vertex, place),
            _unit(vertex, kind, place),
            _typed(vertex, "exclusive", place, bool, "true or false"),
            self.label(vertex, is_slot, place),
            _ids(vertex, place),
            children,
            path,
        )

    def label(self, vertex: Mapping[str, Any], is_slot: bool, place: str) -> str | None:
        label = _typed(vertex, "label", place, str, "text")
        if is_slot:
            self.slots += 1
            if label is None:
                self.unlabelled = self.unlabelled or place
                return DEFAULT_LABEL
        if label is not None:
            if label in self.labels:
                raise _error(f"{place}.label", f"the label {shown(label)} is given twice; {_LABELS_ADVICE}")
            self.labels.add(label)
        return label

    def checked(self, vertices: tuple[Vertex, ...]) -> tuple[Vertex, ...]:
        if not self.slots:
            outermost = shown(vertices[0].type)
            raise _error("resources", f"there is no slot; tasks run in slots: put {outermost} in one, or one in it")
        if self.unlabelled and self.slots > 1:
            raise _error(self.unlabelled, "one of several slots needs a label")
        if self.unlabelled and DEFAULT_LABEL in self.labels:
            raise _error(self.unlabelled, f"the label {shown(DEFAULT_LABEL)} of an unnamed slot is taken")
        return vertices


def _count(vertex: Mapping[str, Any], place: str) -> Count:
    if "count" not in vertex:
        raise _error(place, "the key count is missing")
    try:
        return parse_count(vertex["count"])
    except GrammarError as fault:
        raise fault.at(f"{place}.count") from None


def _unit(vertex: Mapping[str, Any], kind: str, place: str) -> str | None:
    unit = _typed(vertex, "unit", place, str, "text")
    if unit is not None and kind in _MEASURED:
        try:
            gib(1, unit)
        except GrammarError as fault:
            raise fault.at(f"{place}.unit") from None
    return unit


def _ids(vertex: Mapping[str, Any], place: str) -> IdSet | None:
    text = _typed(vertex, "id", place, str, "text")
    if text is None:
        return None
    try:
        return IdSet.parse(text)
    except GrammarError as fault:
        raise fault.at(f"{place}.id") from None


def _typed(vertex: Mapping[str, Any], key: str, place: str, kind: type[T], name: str) -> T | None:
    """Return a vertex's value of a type, None where it has none; the name is what a message calls the type."""
    if key not in vertex:
        return None
    value = vertex[key]
    if not isinstance(value, kind):
        raise _error(f"{place}.{key}", f"expected {name}, not {shown(value)}")
    return value


def _constraint(system: Mapping[str, Any]) -> Constraint:
    if "constraints" not in system:
        return ALWAYS
    value = system["constraints"]
    place = "attributes.system.constraints"
    if not isinstance(value, Mapping):
        raise _error(place, f"expected a mapping, not {shown(value)}")
    try:
        return parse_constraint(value)
    except GrammarError as fault:
        raise fault.at(place) from None


def _duration(system: Mapping[str, Any], required: bool) -> float:
    place = "attributes.system.duration"
    if "duration" not in system:
        if required:
            raise _error(place, "missing, and version 1 (RFC 25) requires it")
        return 0.0
    value = system["duration"]
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 <= value <= MAX_DURATION:
        raise _error(place, f"expected a number of seconds from 0 to {MAX_DURATION}, not {shown(value)}")
    return float(value)


def _policy(system: Mapping[str, Any]) -> str:
    place = "attributes.system.exactfit"
    ours = _optional_mapping(system, "exactfit", place)
    for key in ours:
        if key != "policy":
            raise _error(place, f"unknown key {shown(key)}{hint(str(key), ['policy'])}")
    value = ours.get("policy", "")
    if isinstance(value, (list, tuple)) and value and all(isinstance(term, str) for term in value):
        value = ",".join(value)
    if not isinstance(value, str) or ("policy" in ours and not value):
        raise _error(f"{place}.policy", f"expected the name of a policy or an order of terms, not {shown(value)}")
    return value


def _name(jobspec: Mapping[str, Any], system: Mapping[str, Any]) -> str:
    job = system.get("job")
    name = job.get("name") if isinstance(job, Mapping) else None
    if isinstance(name, str) and name:
        return name
    tasks = jobspec.get("tasks")
    first = tasks[0] if isinstance(tasks, Sequence) and tasks else None
    command = first.get("command") if isinstance(first, Mapping) else None
    word = command[0] if isinstance(command, (list, tuple)) and command else ""
    return word if isinstance(word, str) else ""


def _mapping(value: object, place: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _error(place, f"expected a mapping, not {shown(value)}")
    return value


def _optional_mapping(parent: Mapping[str, Any], key: str, place: str) -> Mapping[str, Any]:
    value = parent.get(key)
    return {} if value is None else _mapping(value, place)


def _or_missing(parent: Mapping[str, Any], key: str) -> str:
    return shown(parent[key]) if key in parent else "nothing: the key is missing"


def _error(place: str, reason: str) -> GrammarError:
    return GrammarError(reason, rfc=14, language="jobspec", place=place)
