"""Trees of real nodes, as hwloc shows them, and nodes of which jobs hold a part."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from exactfit.topology.machine import Machine

Topo = dict[str, Any]


@dataclass(frozen=True)
class Tree:
    """Equal domains in equal domains.

    Attributes
    ----------
    levels
        Name and number of each level's domains, in each of the level above, the coarsest first.
    cores
        Of each innermost domain.
    gpus
        The level whose domains have GPUs, and how many each has.
    own
        Cores that the node lists outside of all domains.
    memory
        GiB of each innermost domain; 0 for none.
    """

    levels: tuple[tuple[str, int], ...]
    cores: int
    gpus: tuple[str, int] = ("", 0)
    own: int = 0
    memory: int = 0

    @property
    def topo(self) -> Topo:
        """The RFC 49 `topo`."""
        at = [0, 0]
        topo = self._domain(self.levels, at)
        if self.own:
            topo["cores"] = _ids(at[0], self.own)
        return topo

    def _domain(self, levels: Sequence[tuple[str, int]], at: list[int]) -> Topo:
        if not levels:
            topo: Topo = {"cores": _ids(at[0], self.cores)}
            if self.memory:
                topo["memory"] = self.memory
            at[0] += self.cores
            return topo
        (level, number), *inner = levels
        domains = []
        for _ in range(number):
            domain = self._domain(inner, at)
            if level == self.gpus[0]:
                domain["gpus"] = _ids(at[1], self.gpus[1])
                at[1] += self.gpus[1]
            domains.append(domain)
        return {level: domains}


TREES = {
    "A-node": Tree((("socket", 2), ("numa", 4)), 15, ("numa", 1)),
    "A-node with memory": Tree((("socket", 2), ("numa", 4)), 15, ("numa", 1), memory=64),
    "MI300A": Tree((("socket", 4),), 24, ("socket", 1)),
    "Sierra": Tree((("socket", 2),), 22, ("socket", 2)),
    "EPYC": Tree((("socket", 2), ("numa", 4), ("die", 2)), 8),
    "LLC as numa": Tree((("socket", 2), ("numa", 16)), 8),
    "four levels": Tree((("socket", 2), ("numa", 4), ("l3", 4)), 8),
    "EPYC with GPUs": Tree((("socket", 2), ("numa", 4), ("l3", 4)), 8, ("numa", 1)),
    "two dies": Tree((("socket", 2), ("numa", 4), ("l3", 2)), 8, ("socket", 2)),
    "cores outside": Tree((("socket", 2), ("numa", 2)), 4, own=8),
}

SMALL_TREES = {
    "one level": Tree((("numa", 4),), 3, ("numa", 1)),
    "two levels": Tree((("socket", 2), ("numa", 2)), 3, ("numa", 1)),
    "three sockets": Tree((("socket", 3), ("numa", 2)), 2, ("socket", 1)),
    "three levels": Tree((("socket", 2), ("numa", 2), ("l3", 2)), 2, ("numa", 1)),
}
"""Small enough for a model that stands for each slot to be proven."""


def tree(name: str) -> Topo:
    """Return the `topo` of a tree by its name."""
    return TREES[name].topo


def fragment(machine: Machine, draw: Callable[[st.SearchStrategy[Any]], Any]) -> dict[str, Any]:
    """Return the R of a job that holds some cores and GPUs of the only node: of each seven a few, all, or none."""
    node_type = machine.types[0]
    seed = draw(st.integers(0, 2**32))
    share = draw(st.sampled_from([0, 1, 2, 4, 6]))
    return held_R(_some(node_type.cores, seed, share), _some(node_type.gpus, seed // 7, share))


def _some(mask: int, seed: int, share: int) -> int:
    """Return some bits of a mask: of the eight that make a domain, or more, the same share on average."""
    chosen = 0
    for bit in range(mask.bit_length()):
        seed = (seed * 6364136223846793005 + 1442695040888963407 + bit) % 2**64
        if (seed >> 33) % 8 < share:
            chosen |= 1 << bit
    return chosen & mask


def held_R(cores: int, gpus: int, rank: int = 0) -> dict[str, Any]:
    """Return the R of a job that holds cores and GPUs, as bitmasks, of a rank."""
    children = {name: _list(mask) for name, mask in (("core", cores), ("gpu", gpus)) if mask}
    lite = [{"rank": str(rank), "children": children}] if children else []
    nodes = [f"node{rank}"] if lite else []
    return {"version": 1, "execution": {"R_lite": lite, "nodelist": nodes, "starttime": 0, "expiration": 0}}


def _list(mask: int) -> str:
    return ",".join(str(bit) for bit in range(mask.bit_length()) if mask >> bit & 1)


def _ids(first: int, count: int) -> str:
    return str(first) if count == 1 else f"{first}-{first + count - 1}"
