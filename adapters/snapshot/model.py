"""What a snapshot holds, and its form in JSON: `{"schema": "exactfit.snapshot/1", ...}`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final

from ...grammar.errors import printable, shown
from ...topology.expect import array_of, mapping

VERSION: Final = 1
SCHEMA: Final = f"exactfit.snapshot/{VERSION}"
_SCHEMAS: Final = "exactfit.snapshot/"

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Down:
    """Nodes that take no jobs.

    Attributes
    ----------
    ranks
        An idset.
    state
        In the word of the system: down, drained, ....
    why
        What it says of that.
    """

    ranks: str
    state: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue of Flux, a partition of Slurm.

    Attributes
    ----------
    name
        As jobs name it; empty for the one of a Flux without any.
    ranks
        Of its nodes, as an idset.
    open
        Whether it starts jobs.
    tier
        Jobs of a higher one go before all others.
    limits
        What a job may have at most, as far as said: `nodes`, `seconds`.
    """

    name: str
    ranks: str
    open: bool = True
    tier: int = 0
    limits: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Running:
    """A job that holds resources.

    Attributes
    ----------
    id, name, user, queue
        As the system has them.
    start, end
        In seconds since the epoch; 0 where there is none.
    priority
        The higher goes first.
    R
        What it holds, on the ranks of the machine.
    """

    id: str
    R: Mapping[str, Any]
    name: str = ""
    user: str = ""
    queue: str = ""
    start: float = 0.0
    end: float = 0.0
    priority: float = 0.0


@dataclass(frozen=True, slots=True)
class Waiting:
    """A job in the queue.

    Attributes
    ----------
    id, name, user, queue, priority
        As of those that run.
    jobspec
        RFC 14, with duration and constraint.
    submit
        When it was, in seconds since the epoch.
    reason
        Why it waits, in the word of the system.
    blocked
        Why it could not start on an empty machine either, such as "held" or "depends on 17"; empty where it could.
    begin
        Not before then, in seconds since the epoch; 0 where nothing is said.
    reservation
        The one that it runs in.
    left_out
        What of its request has no counterpart in the jobspec.
    """

    id: str
    jobspec: Mapping[str, Any]
    name: str = ""
    user: str = ""
    queue: str = ""
    priority: float = 0.0
    submit: float = 0.0
    reason: str = ""
    blocked: str = ""
    begin: float = 0.0
    reservation: str = ""
    left_out: Sequence[str] = ()

    @property
    def seconds(self) -> float:
        """How long it may run; 0 where its jobspec does not say."""
        value: Any = self.jobspec
        for key in ("attributes", "system", "duration"):
            value = value.get(key) if isinstance(value, Mapping) else None
        number = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 2.0**63
        return float(value) if number else 0.0


@dataclass(frozen=True, slots=True)
class Reservation:
    """Nodes that are kept for some, or for nobody, from a time to another."""

    name: str
    ranks: str
    start: float
    end: float
    why: str = ""


@dataclass(frozen=True)
class Snapshot:
    """A system at a moment.

    Attributes
    ----------
    system, version, cluster
        `flux` or `slurm`, its version, what the cluster is called.
    taken
        When, in seconds since the epoch.
    R
        The machine (RFC 20 with `scheduling`), whole and with all ranks.
    down, queues, running, reservations
        What they say.
    waiting
        In the order in which the system looks at them.
    unseen
        What the user who asks may not see or what could not be read, and what was assumed in its place; a line each.
    """

    system: str
    version: str
    taken: float
    R: Mapping[str, Any]
    cluster: str = ""
    down: Sequence[Down] = ()
    queues: Sequence[Queue] = ()
    running: Sequence[Running] = ()
    waiting: Sequence[Waiting] = ()
    reservations: Sequence[Reservation] = ()
    unseen: Sequence[str] = ()

    def to_json(self) -> Json:
        """Return the snapshot as JSON."""
        return {"schema": SCHEMA, **asdict(self)}

    def text(self) -> str:
        """Return the snapshot as the text of a file; what does not show is escaped in it."""
        return json.dumps(self.to_json(), ensure_ascii=True, separators=(",", ":"), allow_nan=False) + "\n"

    def job(self, name: str) -> Waiting | Running | None:
        """Return the job of an id, None where there is none."""
        for waiting in self.waiting:
            if waiting.id == name:
                return waiting
        return next((job for job in self.running if job.id == name), None)


def is_snapshot(value: object) -> bool:
    """Tell whether JSON says that it is a snapshot."""
    return isinstance(value, Mapping) and str(value.get("schema", "")).startswith(_SCHEMAS)


def read_snapshot(value: Mapping[str, Any]) -> Snapshot:
    """Read a snapshot from JSON; what R and jobspecs say is read by those who use them.

    Raises
    ------
    ValueError
        It is none, or of another version; the message names the place.
    """
    if value.get("schema") != SCHEMA:
        raise ValueError(f"schema: {shown(value.get('schema'))}: {SCHEMA} is read here")
    lists = {"down": Down, "queues": Queue, "running": Running, "waiting": Waiting, "reservations": Reservation}
    read: Json = {
        key: tuple(_read(kind, one, f"{key}[{n}]") for n, one in enumerate(array_of(value.get(key, []), key)))
        for key, kind in lists.items()
    }
    top = {key: item for key, item in value.items() if key not in lists and key != "schema"}
    made: Snapshot = _read(Snapshot, {**top, **read}, "")
    return made


def _read(kind: Any, value: object, place: str) -> Any:
    """Return an object of a class from its fields; those that it does not know are passed over."""
    given = mapping(value, place)
    dot = f"{place}." if place else ""
    taken: Json = {}
    for known in fields(kind):
        if known.name in given:
            taken[known.name] = _checked(str(known.type), given[known.name], dot + known.name)
    try:
        return kind(**taken)
    except TypeError as error:
        raise ValueError(f"{place or 'snapshot'}: {error}".replace("__init__() ", "")) from None


_KINDS: Final = {
    "str": ((str,), "a string"),
    "float": ((int, float), "a number"),
    "int": ((int,), "a whole number"),
    "bool": ((bool,), "true or false"),
}


def _checked(kind: str, value: object, place: str) -> object:
    if kind == "Mapping[str, float]":
        return {
            key: _checked("float", one, f"{place}.{printable(str(key))}") for key, one in mapping(value, place).items()
        }
    if kind.startswith("Mapping"):
        return mapping(value, place)
    if kind == "Sequence[str]":
        return tuple(_checked("str", one, f"{place}[{n}]") for n, one in enumerate(array_of(value, place)))
    if kind.startswith("Sequence"):
        return value
    classes, what = _KINDS[kind]
    if not isinstance(value, classes) or (isinstance(value, bool) and kind != "bool"):
        raise ValueError(f"{place}: {shown(value)} is not {what}")
    if isinstance(value, int | float) and not -(2.0**63) < value < 2.0**63:
        raise ValueError(f"{place}: {shown(value)} is out of range")
    return value
