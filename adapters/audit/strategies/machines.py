"""Small lopsided machines, as R."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

from ....grammar.idset import IdSet
from .listed import Json

Draw = st.DrawFn

_LEVELS: tuple[tuple[str, ...], ...] = (("numa",), ("socket",), ("socket", "numa"), ("numa", "socket"), ("apu",))
_DEEP = ("socket", "numa", "l3")
_EXTRAS = ("ib10g", "nic")


def text(ids: Sequence[int] | set[int]) -> str:
    """Return the idset of these ids."""
    return str(IdSet.of(ids))


@dataclass
class _Ids:
    """Hands out node-local ids in order, domain by domain."""

    cores: int = 0
    gpus: int = 0

    def take(self, cores: int, gpus: int) -> Json:
        listed: Json = {}
        if cores:
            listed["cores"] = text(range(self.cores, self.cores + cores))
        if gpus:
            listed["gpus"] = text(range(self.gpus, self.gpus + gpus))
        self.cores += cores
        self.gpus += gpus
        return listed


@st.composite
def topos(draw: Draw, simple: bool) -> tuple[Json, int, int]:
    """Draw a node's tree (RFC 49 `topo`) with its numbers of cores and gpus."""
    levels = draw(st.sampled_from(_LEVELS if simple or draw(st.integers(0, 5)) else (_DEEP,)))
    widths = [draw(st.integers(1, 2)) for _ in levels]
    if len(levels) == 1:
        widths = [draw(st.integers(1, 4))]
    gpu_levels = {draw(st.sampled_from(("", "node", *levels, levels[-1])))}
    if draw(st.integers(0, 4)) == 0:
        gpu_levels.add(draw(st.sampled_from(("node", *levels))))
    memory_level = "" if simple else draw(st.sampled_from(("", "node", *levels)))
    # Memory of a package beside that of its dies.
    memory_levels = {memory_level, draw(st.sampled_from((memory_level, memory_level, memory_level, *levels)))}
    extra_level = "" if simple else draw(st.sampled_from(("", "", "node", *levels)))
    extra = draw(st.sampled_from(_EXTRAS))
    largest = 3 if len(levels) < 3 else 2
    even = draw(st.integers(1, largest)) if draw(st.integers(0, 2)) else 0
    ids = _Ids()

    def own(level: str, leaf: bool) -> Json:
        cores = (even or draw(st.integers(1, largest))) if leaf else 0
        gpus = draw(st.integers(1, 2)) if level in gpu_levels else 0
        listed = ids.take(cores, gpus)
        if memory_level and level in memory_levels:
            listed["memory"] = draw(st.integers(1, 6))
        if level == extra_level:
            listed[extra] = draw(st.integers(1, 2))
        return listed

    def build(depth: int) -> Json:
        if depth == len(levels):
            return {}
        level, leaf = levels[depth], depth == len(levels) - 1
        return {level: [{**own(level, leaf), **build(depth + 1)} for _ in range(widths[depth])]}

    topo = build(0)
    topo.update(own("node", False))
    if not simple and draw(st.integers(0, 3)) == 0:
        topo["storage"] = [{"path": "/nvme", "capacity": draw(st.integers(1, 4)), "unit": "GiB"}]
    return topo, ids.cores, ids.gpus


def links(draw: Draw, rank: str, gpus: int) -> Json:
    """Draw how the GPUs of a node are joined."""
    rows = [[0] * gpus for _ in range(gpus)]
    for one in range(gpus):
        for other in range(one):
            rows[one][other] = rows[other][one] = draw(st.sampled_from((0, 25, 50, 50)))
    return {"ranks": rank, "gpus": text(range(gpus)), "bandwidth": rows}


@st.composite
def machines(draw: Draw, simple: bool = False) -> Json:
    """Draw the R of a machine of one to three nodes."""
    count = draw(st.sampled_from((1, 2, 2, 3)))
    first, step = draw(st.sampled_from(((0, 1), (0, 1), (0, 1), (3, 2))))
    ranks = [first + step * n for n in range(count)]
    kinds = [draw(topos(simple)) for _ in range(draw(st.integers(1, 2)))]
    kind_of = {rank: kinds[draw(st.integers(0, len(kinds) - 1))] for rank in ranks}
    lite: list[Json] = []
    trees: list[Json] = []
    bare = draw(st.integers(0, 7)) == 0
    for rank in ranks:
        topo, cores, gpus = kind_of[rank]
        core_ids, gpu_ids = set(range(cores)), set(range(gpus))
        oddity = draw(st.integers(0, 7))
        if oddity == 0 and cores > 1:
            core_ids -= draw(st.sets(st.sampled_from(range(cores)), min_size=1, max_size=cores - 1))
        elif oddity == 1 and gpus:
            gpu_ids -= draw(st.sets(st.sampled_from(range(gpus)), min_size=1))
        elif oddity == 2:
            core_ids.add(cores)
        elif oddity == 3 and cores > 1:
            core_ids -= set(range(0, cores, draw(st.integers(2, 3))))  # as low-noise nodes keep some for the system
        lite.append({"rank": str(rank), "children": children(core_ids, gpu_ids)})
        trees.append({"ranks": str(rank), "topo": topo})
    R: Json = {
        "version": 1,
        "execution": {
            "R_lite": lite,
            "nodelist": [f"n{rank}" for rank in ranks],
            "starttime": 0,
            "expiration": 0,
        },
    }
    if draw(st.booleans()):
        fast = draw(st.sets(st.sampled_from(ranks)))
        R["execution"]["properties"] = {"fast": text(fast), "+batch": text(ranks)}
    if not bare:
        R["scheduling"] = {"writer": "TreePool", "children": trees}
        if not simple and count > 1 and draw(st.booleans()):
            R["scheduling"]["groups"] = draw(groups(ranks))
    if draw(st.integers(0, 3)) == 0:
        linked = [links(draw, str(rank), kind_of[rank][2]) for rank in ranks if kind_of[rank][2] > 1]
        if linked:
            R.setdefault("scheduling", {"writer": "TreePool"})["exactfit"] = {"links": linked}
    return R


def children(cores: set[int], gpus: set[int]) -> Json:
    """Return what an entry of `R_lite` says of these ids."""
    listed = {"core": text(cores)}
    if gpus:
        listed["gpu"] = text(gpus)
    return listed


@st.composite
def groups(draw: Draw, ranks: Sequence[int]) -> Json:
    """Draw `scheduling.groups` over these ranks: racks, and sometimes a cluster around them."""
    cut = draw(st.integers(0, len(ranks) - 1))
    racks: list[Json] = [{"ranks": text(part)} for part in (ranks[:cut], ranks[cut:]) if part]
    if draw(st.integers(0, 2)) == 0:
        for rack in racks:
            rack["storage"] = draw(st.integers(1, 4))
    if draw(st.integers(0, 2)):
        return {"rack": racks}
    cluster: Json = {"rack": racks}
    if draw(st.booleans()):
        cluster["licence"] = draw(st.integers(1, 2))
    return {"cluster": [cluster]}
