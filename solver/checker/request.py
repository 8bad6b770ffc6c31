"""What the vertices of a request ask for on a given machine, by RFC 14 and what the pages say where that is open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

from ...grammar.jobspec import Vertex
from ...grammar.unit import gib
from ...topology.machine import Machine

MEASURED = ("memory", "storage")


class Kind(Enum):
    """What a vertex stands for on this machine."""

    SLOT = "slot"
    OUTER = "outer"
    """A slot that holds slots: what it holds beside them is the job's, and only the innermost ones have tasks."""
    GROUP = "group"
    NODE = "node"
    DOMAIN = "domain"
    CORE = "core"
    GPU = "gpu"
    AMOUNT = "amount"
    """Memory, storage or another resource that places list by number."""
    NOTHING = "nothing"
    """A type that the machine does not know and that is to be passed over; its children stand where it stands."""

    @property
    def is_place(self) -> bool:
        """Whether an instance of such a vertex is a place in the tree: a group, a node or a domain."""
        return self in (Kind.GROUP, Kind.NODE, Kind.DOMAIN)


@dataclass(frozen=True, slots=True, eq=False)
class Need:
    """One vertex of the request.

    Parameters
    ----------
    vertex
        The vertex.
    kind
        What it stands for.
    whole
        Whether it takes the whole place; its children are then the least that the place must have.
    in_slot
        Whether it stands inside a slot.
    children
        What stands below.
    index
        Place in pre-order.
    in_whole
        Whether the vertex right above takes its node or domain whole; of what stands beside the one node of a slot
        that holds slots, whether that node is.
    of_slot
        Inside a slot that has tasks, the kind of the vertex right above; else None.
    beside_nodes
        Whether a group or a node stands right beside it.
    """

    vertex: Vertex
    kind: Kind
    whole: bool
    in_slot: bool
    children: tuple[Need, ...]
    index: int
    in_whole: bool = False
    of_slot: Kind | None = None
    beside_nodes: bool = False

    def walk(self) -> Iterator[Need]:
        """Go through this vertex and all below it in pre-order."""
        yield self
        for child in self.children:
            yield from child.walk()

    @property
    def is_shared(self) -> bool:
        """Whether it only says where nodes of a slot stand: its places may be other slots' as well."""
        return self.kind is Kind.GROUP and self.of_slot is not None and not self.whole

    @property
    def is_of_groups(self) -> bool:
        """Whether it asks groups for an amount, in a slot: it stands in a group vertex, or beside one or a node."""
        beside = self.of_slot is Kind.SLOT and self.beside_nodes
        return self.kind is Kind.AMOUNT and (beside or self.of_slot is Kind.GROUP)

    @property
    def has_choice(self) -> bool:
        """Whether its count is one of several, and so part of the term size."""
        return not self.vertex.count.is_fixed and (self.kind is not Kind.NOTHING or bool(self.children))

    def amount(self, count: int) -> Fraction:
        """Return what so many come to: GiB of memory and storage, pieces of anything else."""
        return gib(count, self.vertex.unit) if self.vertex.type in MEASURED else Fraction(count)


@dataclass(frozen=True, slots=True)
class Request:
    """A request as read for one machine.

    Parameters
    ----------
    needs
        The outermost vertices.
    chains
        For the label of each slot the vertices from the outermost down to the slot itself.
    unknown
        The types that the machine does not have.
    united
        The types that have a unit, though they are no measured amounts.
    faults
        What else no placement can be, a sentence each.
    """

    needs: tuple[Need, ...]
    chains: dict[str, tuple[Need, ...]]
    unknown: tuple[str, ...]
    united: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()


class _Types:
    """The types of vertices that a machine knows."""

    def __init__(self, machine: Machine) -> None:
        self.kinds = dict.fromkeys(machine.group_levels, Kind.GROUP)
        self.kinds |= {"node": Kind.NODE, "slot": Kind.SLOT, "core": Kind.CORE, "gpu": Kind.GPU}
        self.kinds |= dict.fromkeys(machine.levels, Kind.DOMAIN)
        self.of_groups = {name for group in machine.groups for name, _ in group.resources}
        listed = set(self.of_groups)
        for domain in (domain for kind in machine.types for domain in kind.domains):
            listed.update(name for name, _ in domain.resources)
            listed.update(name for name in MEASURED if getattr(domain, name) is not None)
        for name in listed:
            self.kinds.setdefault(name, Kind.AMOUNT)

    def of(self, vertex: Vertex) -> Kind:
        """Return what a vertex stands for."""
        return self.kinds.get(vertex.type, Kind.NOTHING)

    def is_place(self, vertex: Vertex) -> bool:
        """Whether a vertex stands for a place."""
        return self.of(vertex).is_place

    def takes_whole(self, vertex: Vertex, in_slot: bool, bare: bool, slot_exclusive: str) -> bool:
        """Whether a vertex asks for all of a place; `bare`: in a slot that asks for no core and no gpu anywhere."""
        innermost = bare and not any(self.is_place(inner) for child in vertex.children for inner in child.walk())
        by_default = not vertex.children or innermost or (in_slot and slot_exclusive == "rfc14")
        return self.is_place(vertex) and (by_default if vertex.exclusive is None else vertex.exclusive)


def _check_options(slot_exclusive: str, unknown_types: str) -> None:
    if slot_exclusive not in ("shared", "rfc14"):
        raise ValueError(f"slot-exclusive: expected shared or rfc14, not {slot_exclusive!r}")
    if unknown_types not in ("refuse", "ignore"):
        raise ValueError(f"unknown-types: expected refuse or ignore, not {unknown_types!r}")


def read_request(
    machine: Machine, vertices: Sequence[Vertex], *, slot_exclusive: str = "shared", unknown_types: str = "refuse"
) -> Request:
    """Say of each vertex what it stands for and whether it takes its place whole.

    Parameters
    ----------
    machine
        The machine.
    vertices
        The request.
    slot_exclusive
        `rfc14`: inside a slot a place is whole unless the request says otherwise. `shared` (default): it is not.
    unknown_types
        `ignore`: pass over types that the machine does not know. `refuse` (default): list them as unknown.

    Raises
    ------
    ValueError
        For another value of these.
    """
    _check_options(slot_exclusive, unknown_types)
    reader = _Reader(_Types(machine), slot_exclusive, unknown_types == "ignore")
    needs = tuple([reader.read(vertex) for vertex in vertices])
    chains: dict[str, tuple[Need, ...]] = {}
    for need in needs:
        _add_chains(chains, need, ())
    return Request(needs, chains, tuple(reader.unknown), tuple(reader.united), tuple(reader.faults))


@dataclass(frozen=True, slots=True)
class _Around:
    """What a vertex stands in: see `Need`; and what is right around it, None for the machine."""

    in_slot: bool = False
    bare: bool = False
    in_whole: bool = False
    of_slot: Kind | None = None
    beside_nodes: bool = False
    right: Kind | None = None


class _Reader:
    def __init__(self, types: _Types, slot_exclusive: str, ignores_unknown: bool) -> None:
        self.types = types
        self.slot_exclusive = slot_exclusive
        self.ignores_unknown = ignores_unknown
        self.unknown: dict[str, None] = {}
        self.united: dict[str, None] = {}
        self.faults: list[str] = []
        self.count = 0

    def read(self, vertex: Vertex, around: _Around | None = None) -> Need:
        """Say of a vertex, and of all below it, what it stands for."""
        around = around or _Around()
        index = self.count
        self.count += 1
        kind = self.types.of(vertex)
        if vertex.unit is not None and kind is not Kind.NOTHING and vertex.type not in MEASURED:
            self.united[vertex.type] = None
        if kind is Kind.SLOT and vertex.holds_slots:
            kind = Kind.OUTER
        bare = around.bare
        if kind in (Kind.SLOT, Kind.OUTER):
            bare = not any(inner.type in ("core", "gpu") for inner in vertex.walk())
        whole = self.types.takes_whole(vertex, around.in_slot, bare, self.slot_exclusive)
        if kind.is_place and not whole and not vertex.children:
            self.faults.append(f"{vertex.path} asks for nothing")
        if kind is Kind.AMOUNT and around.right in (None, Kind.GROUP) and vertex.type not in self.types.of_groups:
            self.faults.append(f"{vertex.path}: no group lists {vertex.type}, which nodes have")
        inside = self._inside(vertex, kind, whole, bare, around)
        children = tuple([self.read(child, inside) for child in vertex.children])
        if kind is Kind.NOTHING and not self.ignores_unknown and not _is_root(vertex):
            self.unknown[vertex.type] = None
        return Need(
            vertex,
            kind,
            whole,
            around.in_slot,
            children,
            index,
            around.in_whole,
            around.of_slot,
            around.beside_nodes,
        )

    def _inside(self, vertex: Vertex, kind: Kind, whole: bool, bare: bool, around: _Around) -> _Around:
        """Return what the children of a vertex stand in."""
        types = self.types
        lists = whole and kind is not Kind.GROUP
        if kind is Kind.OUTER:
            nodes = [child for child in vertex.children if types.of(child) is Kind.NODE]
            lists = [types.takes_whole(node, True, bare, self.slot_exclusive) for node in nodes] == [True]
        of_slot = around.of_slot
        if kind is Kind.SLOT or (of_slot is not None and kind is not Kind.NOTHING):
            of_slot = kind
        nodes_below = any(types.of(child) in (Kind.GROUP, Kind.NODE) for child in vertex.children)
        in_slot = around.in_slot or kind in (Kind.SLOT, Kind.OUTER)
        right = around.right if kind is Kind.NOTHING else kind
        return _Around(in_slot, bare, lists, of_slot, nodes_below, right)


def _add_chains(chains: dict[str, tuple[Need, ...]], need: Need, above: tuple[Need, ...]) -> None:
    """Note the vertices down to each slot."""
    if need.kind is Kind.SLOT:
        chains[need.vertex.label or ""] = (*above, need)
    for child in need.children:
        _add_chains(chains, child, (*above, need))


def _is_root(vertex: Vertex) -> bool:
    """Whether a vertex stands for the whole machine, which is one cluster that has no id and is nobody's alone."""
    asks_for_one = 1 in vertex.count and vertex.id is None and not vertex.exclusive
    return vertex.type == "cluster" and asks_for_one and bool(vertex.children)


def names_no_node(needs: Sequence[Need]) -> bool:
    """Whether something below a slot stands on a node without the request naming one."""
    return any(
        need.kind in (Kind.CORE, Kind.GPU, Kind.DOMAIN) or (need.kind is not Kind.NODE and names_no_node(need.children))
        for need in needs
    )
