"""The tree of a whole physical node, read from an RFC 49 `topo` object."""

from __future__ import annotations

import marshal
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any, NamedTuple, cast

from ..grammar.idset import text_mask
from .listing import RESERVED, read_listing
from .nesting import Vertex, nest, order_levels
from .plain_topo import NotPlain, read_plain
from .topo_ids import PARTIAL

MAX_LOCAL_ID = 2**16 - 1
"""The highest id of a core or gpu: no node has as many, and hostile text must not make masks of megabytes."""

MAX_DOMAINS = 4096
"""The highest number of domains in a node."""

NODE = "node"

_ID_KEYS = frozenset({"cores", "gpus"})

_NO_LEVELS = frozenset({PARTIAL, *RESERVED} - {"memory", *_ID_KEYS})


class PhysicalDomain(NamedTuple):
    """One domain of a physical node, the node itself included; a tuple, since large machines have many."""

    level: str
    number: int
    """n-th domain of its level, from 0."""
    parent: int
    """Place of the domain around it in `PhysicalTree.domains`, -1 for the node."""
    cores: int
    """Bitmask of the core ids that it and what is below it list."""
    gpus: int
    amounts: Mapping[str, Fraction]
    """Its own countable resources, in GiB where they are bytes."""
    partial: bool = False
    """Whether it is marked as a part of a physical domain, of which more is not listed."""


@dataclass(frozen=True, eq=False)
class PhysicalTree:
    """All that R says of the inside of a node. Equal to itself alone: equal `topo` objects share one."""

    domains: tuple[PhysicalDomain, ...]
    """In pre-order, the node first."""
    levels: tuple[str, ...]
    """Levels below the node, coarsest first."""


def local_ids(value: object, place: str) -> int:
    """Return the bitmask of an idset of node-local ids.

    Raises
    ------
    ValueError
        It is no idset or has an id above `MAX_LOCAL_ID`; the message names the place.
    """
    if not isinstance(value, str):
        raise ValueError(f"{place}: not an idset string")
    try:
        return _local_mask(value)
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None


@lru_cache(maxsize=4096)
def _local_mask(text: str) -> int:
    mask = text_mask(text)
    if mask.bit_length() > MAX_LOCAL_ID + 1:
        raise ValueError(f"an id above {MAX_LOCAL_ID}")
    return mask


def topo_tree(topo: object, place: str = "topo") -> PhysicalTree:
    """Return the tree of the node that a `topo` object describes. Equal objects give the same tree.

    Parameters
    ----------
    topo : the object; `{}` is a node that says nothing about its inside.
    place : where it stands in the input, for messages.

    Raises
    ------
    ValueError
        The object is not as RFC 49 has it; the message names the place.
    """
    try:
        written = marshal.dumps(cast(Any, topo), _WITHOUT_REFERENCES)  # a tenth of the time that JSON takes
    except ValueError:
        # No JSON, or too deep: reading it says where.
        return _build(topo, place)
    tree = _tree_of.get(written)
    if tree is None:
        tree = _build(topo, place)
        if len(_tree_of) >= _MAX_TREES:
            _tree_of.pop(next(iter(_tree_of)))
        _tree_of[written] = tree
    return tree


_WITHOUT_REFERENCES = 2
"""The last version of that form in which equal objects are written alike, whatever they share."""

_MAX_TREES = 256
_tree_of: dict[bytes, PhysicalTree] = {}


def _build(topo: object, place: str) -> PhysicalTree:
    try:
        plain = read_plain(topo, NODE, _plain_ids, _NO_LEVELS)
    except NotPlain:
        return _build_with_care(topo, place)
    if len(plain) > MAX_DOMAINS:
        return _build_with_care(topo, place)
    pairs = [(plain[parent][0], level) for level, _, parent, *_ in plain if parent > 0]
    levels = order_levels([level for level, *_ in plain[1:]], pairs)
    return PhysicalTree(tuple(map(PhysicalDomain._make, plain)), levels)


def _plain_ids(value: object) -> int:
    return local_ids(value, "topo")


def _build_with_care(topo: object, place: str) -> PhysicalTree:
    masks = {"cores": 0, "gpus": 0}
    shift = MAX_LOCAL_ID + 1

    def read_ids(key: str, value: object, where: str) -> int:
        mask = local_ids(value, where)
        masks[key] |= mask
        return mask << shift if key == "gpus" else mask

    listed = read_listing(topo, place, root_level=NODE, id_keys=_ID_KEYS, read_ids=read_ids, limit=MAX_DOMAINS)
    # Domains are compared by all ids at once, gpu ids above the core ids.
    near = masks["cores"].bit_length()
    cores_part = (1 << shift) - 1
    for vertex in listed:
        vertex.ids = vertex.ids & cores_part | vertex.ids >> shift << near
    return _tree(nest(listed, place=place, key_bits=near), near)


def _tree(vertices: Sequence[Vertex], near: int) -> PhysicalTree:
    domains = []
    count: Counter[str] = Counter()
    for vertex in vertices:
        cores, gpus = vertex.ids & ((1 << near) - 1), vertex.ids >> near
        number = count[vertex.level]
        amounts = {name: amount for name, amount in vertex.amounts.items() if name != PARTIAL}
        partial = len(amounts) < len(vertex.amounts)
        domains.append(PhysicalDomain(vertex.level, number, vertex.parent, cores, gpus, amounts, partial))
        count[vertex.level] += 1
    pairs = [(vertices[v.parent].level, v.level) for v in vertices if v.parent > 0]
    return PhysicalTree(tuple(domains), order_levels([v.level for v in vertices[1:]], pairs))
