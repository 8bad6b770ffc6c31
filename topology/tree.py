"""Node types: the locality tree of one node, cut down to the cores and gpus that R_lite lists.

Level names and resources are those of RFC 49, ids are node-local ids in bitmasks. Nodes with equal trees share one
`NodeType`, which is why memory grows with types and not with ranks.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, NamedTuple

from ..grammar.idset import mask_text
from .links import Links
from .nesting import order_levels
from .topo import NODE, PhysicalDomain, PhysicalTree, topo_tree

if TYPE_CHECKING:
    import networkx as nx


class Domain(NamedTuple):
    """One vertex of a node's locality tree, the node itself the first; a tuple, since large machines have many."""

    level: str
    index: int  # type: ignore[assignment]  # nobody looks for a value in a domain
    """Place in `NodeType.domains`."""
    number: int
    """n-th domain of its level in the physical node, from 0."""
    parent: int
    """Index of the domain around it, -1 for the node."""
    children: tuple[int, ...]
    cores: int
    """Bitmask of the core ids in this domain or below it, as far as R_lite lists them."""
    gpus: int
    own_cores: int
    """The part of `cores` that no child has."""
    own_gpus: int
    memory: int | Fraction | None
    """GiB that this domain itself lists, whole MiB of them, None if it lists none."""
    storage: Fraction | None
    """GiB that this domain itself lists, None if it lists none."""
    resources: tuple[tuple[str, int], ...]
    """Other countable resources that this domain itself lists, by name."""
    whole: bool
    """R_lite lists all cores and gpus of the physical domain. What it lists of another is whole too, but less good."""


@dataclass(frozen=True)
class NodeType:
    """The tree that equal nodes share."""

    domains: tuple[Domain, ...]
    """In pre-order, the node first."""
    levels: tuple[str, ...]
    """Levels below the node, coarsest first."""
    links: Links = ()
    """Pairs of GPUs that are joined by less than the best are, and by how much."""

    @property
    def cores(self) -> int:
        """Bitmask of all core ids of such a node."""
        return self.domains[0].cores

    @property
    def gpus(self) -> int:
        """Bitmask of all gpu ids of such a node."""
        return self.domains[0].gpus

    @cached_property
    def by_level(self) -> dict[str, tuple[Domain, ...]]:
        """The domains of each level, the node's own included."""
        return {level: tuple(d for d in self.domains if d.level == level) for level in (NODE, *self.levels)}

    @cached_property
    def kinds(self) -> tuple[int, ...]:
        """A number per domain; equal numbers mean equal level, totals and structure, whatever the ids."""
        seen: dict[tuple[object, ...], int] = {}
        kinds = [0] * len(self.domains)
        for d in reversed(self.domains):
            below = tuple(sorted(kinds[c] for c in d.children))
            own = (d.own_cores.bit_count(), d.own_gpus.bit_count(), d.memory, d.storage, d.resources)
            kinds[d.index] = seen.setdefault((d.level, d.whole, *own, below), len(seen))
        return tuple(kinds)

    @cached_property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """(level, level right below it) for all pairs of levels that meet in the tree."""
        found = ((self.domains[d.parent].level, d.level) for d in self.domains[1:] if d.parent > 0)
        return tuple(dict.fromkeys(found))

    @cached_property
    def innermost(self) -> tuple[dict[int, int], dict[int, int]]:
        """The index of the deepest domain that lists each core id, and each gpu id."""
        cores: dict[int, int] = {}
        gpus: dict[int, int] = {}
        for d in self.domains:
            for own, place in ((d.own_cores, cores), (d.own_gpus, gpus)):
                while own:
                    low = own & -own
                    place[low.bit_length() - 1] = d.index
                    own ^= low
        return cores, gpus

    @cached_property
    def graph(self) -> nx.DiGraph[int]:
        """The tree as a graph: a vertex per domain, by index, with the fields of `Domain` as attributes."""
        import networkx as nx  # here: most who have a machine never look at its graph

        graph: nx.DiGraph[int] = nx.DiGraph()
        for d in self.domains:
            own = {"own_cores": mask_text(d.own_cores), "own_gpus": mask_text(d.own_gpus)}
            amounts = {"memory": d.memory, "storage": d.storage, **dict(d.resources)}
            graph.add_node(d.index, level=d.level, number=d.number, whole=d.whole, **own, **amounts)
            if d.parent >= 0:
                graph.add_edge(d.parent, d.index)
        return graph

    @cached_property
    def _hash(self) -> int:
        return hash(self.domains)

    def __hash__(self) -> int:
        """Return the hash, computed once: types are keys on hot paths."""
        return self._hash


BARE_NODE = topo_tree({})
"""The tree of a node whose inside nobody describes."""


@lru_cache(maxsize=4096)
def node_type(tree: PhysicalTree, cores: int, gpus: int, links: Links = ()) -> NodeType:
    """Return the type of a node of which R_lite lists these cores and gpus.

    Parameters
    ----------
    tree : the physical node, of `topo_tree`.
    cores, gpus : bitmasks of ids; those that the tree lacks stand at the node.
    links : pairs of these GPUs that are joined by less than the best of the node.

    Notes
    -----
    A domain of which R_lite has nothing is left out. One that lists neither cores nor gpus in the first place (memory
    of its own, say) is kept.
    """
    if cores == tree.domains[0].cores and gpus == tree.domains[0].gpus:
        return _whole_type(tree, links)
    index: dict[int, int] = {}
    children: list[list[int]] = []
    kept: list[tuple[_Row, int, int, int]] = []
    for vertex, row in enumerate(_rows(tree)):
        has_cores, has_gpus = row.cores & cores, row.gpus & gpus
        if vertex == 0:
            has_cores, has_gpus = cores, gpus
        elif row.parent not in index or ((row.cores or row.gpus) and not (has_cores or has_gpus)):
            continue
        else:
            children[index[row.parent]].append(len(kept))
        index[vertex] = len(kept)
        children.append([])
        kept.append((row, index.get(row.parent, -1), has_cores, has_gpus))
    domains = []
    for i, (row, parent, has_cores, has_gpus) in enumerate(kept):
        below_cores = below_gpus = 0
        for child in children[i]:
            below_cores |= kept[child][2]
            below_gpus |= kept[child][3]
        domains.append(
            Domain(
                row.level,
                i,
                row.number,
                parent,
                tuple(children[i]),
                has_cores,
                has_gpus,
                has_cores & ~below_cores,
                has_gpus & ~below_gpus,
                row.memory,
                row.storage,
                row.resources,
                not (row.partial or row.cores & ~cores or row.gpus & ~gpus),
            )
        )
    present = {d.level for d in domains}
    return NodeType(tuple(domains), tuple(level for level in tree.levels if level in present), links)


def _whole_type(tree: PhysicalTree, links: Links) -> NodeType:
    """Return the type of a node of which R_lite lists all that its tree does."""
    count = len(tree.domains)
    children: list[list[int]] = [[] for _ in range(count)]
    below_cores, below_gpus = [0] * count, [0] * count
    for i, domain in enumerate(tree.domains):
        above = domain.parent
        if above >= 0:
            children[above].append(i)
            below_cores[above] |= domain.cores
            below_gpus[above] |= domain.gpus
    domains = []
    for i, domain in enumerate(tree.domains):
        cores, gpus = domain.cores, domain.gpus
        domains.append(
            Domain(
                domain.level,
                i,
                domain.number,
                domain.parent,
                tuple(children[i]),
                cores,
                gpus,
                cores & ~below_cores[i],
                gpus & ~below_gpus[i],
                *_amounts(domain),
                not domain.partial,
            )
        )
    return NodeType(tuple(domains), tree.levels, links)


_Amounts = tuple["int | Fraction | None", "Fraction | None", tuple[tuple[str, int], ...]]


def _amounts(domain: PhysicalDomain) -> _Amounts:
    """Return the memory of a domain, its storage, and what else it has."""
    if not domain.amounts:
        return None, None, ()
    amounts = dict(domain.amounts)
    memory, storage = amounts.pop("memory", None), amounts.pop("storage", None)
    return (
        memory.numerator if memory is not None and memory.denominator == 1 else memory,
        storage,
        tuple(sorted((name, int(amount)) for name, amount in amounts.items())),
    )


class _Row(NamedTuple):
    """A vertex of a physical tree, as fast to read as can be: `node_type` is run for every type of a large machine."""

    level: str
    number: int
    parent: int
    cores: int
    gpus: int
    memory: int | Fraction | None
    storage: Fraction | None
    resources: tuple[tuple[str, int], ...]
    partial: bool


@lru_cache(maxsize=256)
def _rows(tree: PhysicalTree) -> tuple[_Row, ...]:
    return tuple(_Row(d.level, d.number, d.parent, d.cores, d.gpus, *_amounts(d), d.partial) for d in tree.domains)


def merge_levels(types: tuple[NodeType, ...]) -> tuple[str, ...]:
    """Return the levels of all types, coarsest first."""
    if len(types) == 1:
        return types[0].levels
    distinct = dict.fromkeys(t.levels for t in types)
    if len(distinct) == 1:
        return next(iter(distinct))
    names = [name for levels in distinct for name in levels]
    pairs = dict.fromkeys(pair for t in types for pair in t.pairs)
    return order_levels(names, list(pairs))
