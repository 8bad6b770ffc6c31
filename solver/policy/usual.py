"""Room for the usual jobs: how many of them, weighed, a domain could still take without tearing a slot of theirs.

A usual job is known by its slots and by what it takes of one node. Each slot belongs to the finest domains that can
hold it when they are idle, and what it takes of a node belongs to the node. Room for a shape in a domain with `c` free
cores and `g` free GPUs is the least of `c` over its cores and `g` over its GPUs, rounded down. It is weighed by how
often the shape is asked for and by the share of the domain that it takes. Summed up over shapes and domains, this is
how far a machine is from being fragmented, as FGD counts it (Q. Weng et al., Beware of Fragmentation, USENIX ATC 2023),
and it adds up over domains and nodes. Where nothing is known of the jobs to come, whole domains are what is usual.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import accumulate
from math import prod

from ...grammar.jobspec import Vertex, parse_resources
from ...grammar.shape import parse_shape
from ..state.domain_state import UNNAMED, DomainState
from ..state.seen import Seen

UNIT = 1000
"""Room is counted in thousandths of a core of usual jobs: all jobs together weigh one."""

MOST_SHAPES = 1000
"""Usual jobs that a file may list: each has its place in the table of each kind of domain."""

Size = tuple[int, int]
"""Cores and GPUs."""

_Kind = tuple[str, Size, tuple[Size, ...]]
"""A level, the size of a domain, and of the domains next below."""

_Table = tuple[tuple[int, ...], ...]
"""Room by free GPUs, and then by free cores."""

WHOLE: Size = (0, 0)
"""Stands for all of a node, whatever it has."""

_ARROW = "=>"
_LONGEST_WEIGHT, _MOST_WEIGHT = 40, 10**9


@dataclass(frozen=True)
class Usual:
    """The usual jobs.

    Attributes
    ----------
    slots, hosts
        Cores and GPUs that their slots take, and that they take of a node where they name nodes, each with a weight;
        `WHOLE` is all of a node. Both empty: whole domains are usual.
    text
        That they were read from.
    """

    slots: tuple[tuple[Size, Fraction], ...] = ()
    hosts: tuple[tuple[Size, Fraction], ...] = ()
    text: str = field(default="", compare=False, repr=False)
    _kinds: dict[_Kind, _Table] = field(default_factory=dict, compare=False, repr=False)
    _tables: dict[DomainState, _Table] = field(default_factory=dict, compare=False, repr=False)

    def room(self, domain: DomainState, cores: int, gpus: int) -> int:
        """Return how much room a domain has with so many free cores and GPUs, in all that is inside of it as well."""
        table = self._tables.get(domain)
        if table is None:
            if len(self._tables) >= _REMEMBERED:
                self._tables.clear()
            kind = domain.level, (domain.cores, domain.gpus), tuple(sorted(_named(domain.children)))
            if kind not in self._kinds:
                self._kinds[kind] = _table(self.slots, self.hosts, *kind)
            table = self._tables[domain] = self._kinds[kind]
        return table[gpus][cores]


_REMEMBERED = 100_000


def _named(children: Iterable[DomainState]) -> Iterable[Size]:
    """Yield the sizes of the domains next below: of what is no domain of its own, nothing."""
    for child in children:
        if child.level != UNNAMED:
            yield child.cores, child.gpus


def _table(
    slots: Sequence[tuple[Size, Fraction]],
    hosts: Sequence[tuple[Size, Fraction]],
    level: str,
    size: Size,
    inside: Sequence[Size],
) -> tuple[tuple[int, ...], ...]:
    """Return the room of a kind of domain, by free GPUs and then by free cores."""
    cores, gpus = size
    if level == UNNAMED:
        return ((0,) * (cores + 1),) * (gpus + 1)
    if not slots and not hosts:
        rows = [[0] * (cores + 1) for _ in range(gpus + 1)]
        rows[gpus][cores] = UNIT * max(cores, gpus)
        return tuple(map(tuple, rows))
    kept = [
        (shape, weight) for shape, weight in slots if _fits(shape, size) and not any(_fits(shape, s) for s in inside)
    ]
    if level == "node":
        kept += [(size if shape == WHOLE else shape, weight) for shape, weight in hosts if _fits(shape, size)]
    weighed = [(shape, round(UNIT * weight * _share(shape, size))) for shape, weight in kept]
    return tuple(_row(weighed, cores, g) for g in range(gpus + 1))


def _row(weighed: Sequence[tuple[Size, int]], cores: int, gpus: int) -> tuple[int, ...]:
    """Return the room by free cores, with so many free GPUs: each shape adds its weight wherever one more fits."""
    more = [0] * (cores + 1)
    for (of_cores, of_gpus), weight in weighed:
        most = min(cores // of_cores if of_cores else gpus, gpus // of_gpus if of_gpus else cores)
        if not of_cores:
            more[0] += most * weight
            continue
        for times in range(1, most + 1):
            more[times * of_cores] += weight
    return tuple(accumulate(more))


def _fits(shape: Size, size: Size) -> bool:
    return shape[0] <= size[0] and shape[1] <= size[1]


def _share(shape: Size, size: Size) -> Fraction:
    """Return what a shape takes of a domain, in cores: the larger share of its cores and of its GPUs."""
    by_gpus = Fraction(shape[1] * size[0], size[1]) if size[0] and size[1] else Fraction(shape[1])
    return max(Fraction(shape[0]), by_gpus)


def parse_usual(text: str, name: str = "the usual jobs") -> Usual:
    """Return the usual jobs of a text: ``WEIGHT => SHAPE`` a line, as the generator of workloads takes them.

    Parameters
    ----------
    text
        Shapes as in RFC 46, of fixed counts of slots of cores and GPUs; what follows ``#`` is left out.
    name
        Where it stands, for messages.

    Raises
    ------
    ValueError
        For a line that is none, with its number; and where there is none.
    """
    slots: defaultdict[Size, Fraction] = defaultdict(Fraction)
    hosts: defaultdict[Size, Fraction] = defaultdict(Fraction)
    total = Fraction(0)
    lines = 0
    for number, line in enumerate(text.splitlines(), start=1):
        kept = line.partition("#")[0].strip()
        if not kept:
            continue
        lines += 1
        left, arrow, right = kept.partition(_ARROW)
        try:
            if not arrow or lines > MOST_SHAPES:
                raise ValueError(f"expected WEIGHT {_ARROW} SHAPE" if not arrow else f"more than {MOST_SHAPES} shapes")
            weight = _weight(left)
            slot, host = sizes_of(parse_resources(parse_shape(right.strip())))
        except ValueError as fault:
            raise ValueError(f"{name}:{number}: {fault}") from None
        total += weight
        if slot is not None:
            slots[slot] += weight
        if host is not None:
            hosts[host] += weight
    if not total:
        raise ValueError(f"{name}: no shape has a weight above 0")
    return Usual(_parts(slots, total), _parts(hosts, total), text)


def usual_of(seen: Seen) -> Usual:
    """Return the usual jobs that a pool has seen; whole domains while it has seen few."""
    lines = []
    for (cores, gpus, each), weight in seen.weights:
        slot = "[{}]".format(";".join(f"{name}={n}" for name, n in (("core", cores), ("gpu", gpus)) if n))
        lines.append(f"{weight} => {f'node=1/slot={each}' if each > 1 else 'slot=1'}/{slot}\n")
    return parse_usual("".join(lines)) if lines else Usual()


def _parts(weights: dict[Size, Fraction], total: Fraction) -> tuple[tuple[Size, Fraction], ...]:
    return tuple(sorted((size, weight / total) for size, weight in weights.items() if weight))


def _weight(text: str) -> Fraction:
    try:
        weight = Fraction(text.strip()) if len(text) < _LONGEST_WEIGHT else Fraction(-1)
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"expected a weight, got {text.strip()[:40]!r}") from None
    if not 0 <= weight <= _MOST_WEIGHT:
        raise ValueError(f"a weight is from 0 to {_MOST_WEIGHT}, not {text.strip()[:40]}")
    return weight


def sizes_of(roots: Sequence[Vertex]) -> tuple[Size | None, Size | None]:
    """Return what a slot of a request takes, and what it takes of one node where it names nodes.

    Raises
    ------
    ValueError
        For what is neither one kind of slot of cores and GPUs, with fixed counts, nor whole nodes.
    """
    path: list[Vertex] = []
    vertices = roots
    while len(vertices) == 1 and vertices[0].count.is_fixed:
        path.append(vertices[0])
        if vertices[0].type in ("core", "gpu"):
            break
        vertices = vertices[0].children
    place = next((i for i, vertex in enumerate(path) if vertex.type == "node"), None)
    if place is not None and (path[place].exclusive or not _asks(path[place])):
        return None, WHOLE
    slots = [i for i, vertex in enumerate(path) if vertex.is_slot]
    if len(slots) != 1 or any(vertex.exclusive for vertex in path):
        raise ValueError("expected one kind of slot, with fixed counts, or whole nodes")
    slot = _size_of(path[slots[0]])
    if place is None:
        return slot, None
    times = prod(vertex.count.min for vertex in path[place + 1 : slots[0] + 1])
    return slot, (times * slot[0], times * slot[1])


def _asks(node: Vertex) -> bool:
    """Tell whether some cores or GPUs of a node are asked for, and not all."""
    return any(vertex.type in ("core", "gpu") for vertex in node.walk())


def _size_of(slot: Vertex) -> Size:
    size: Counter[str] = Counter()
    for vertex in slot.children:
        if vertex.type not in ("core", "gpu", "memory", "storage") or not vertex.count.is_fixed or vertex.children:
            raise ValueError(f"a usual slot holds so many cores and GPUs, not {vertex.type}")
        size[vertex.type] += vertex.count.min
    if not (size["core"] or size["gpu"]):
        raise ValueError("a usual slot takes a core or a GPU at least")
    return size["core"], size["gpu"]
