"""What inputs look like: small machines, states and requests for property tests, all as JSON the way users write it.

Everything is small enough for `brute.best` to try all placements, and lopsided on purpose: domains of unequal size,
GPUs above the leaves, domains that R holds in part, ids that no domain lists, ranks that do not start at 0.
"""

# R is what the RFCs call it.

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from exactfit.grammar.idset import IdSet

Json = dict[str, Any]
Draw = st.DrawFn

_LEVELS: tuple[tuple[str, ...], ...] = (("numa",), ("socket",), ("socket", "numa"), ("numa", "socket"), ("apu",))
_DEEP = ("socket", "numa", "l3")
_EXTRAS = ("ib10g", "nic")


@dataclass(frozen=True)
class Case:
    """A machine, what runs on it, and a request."""

    R: Json
    running: tuple[Json, ...] = ()
    down: str = ""
    resources: tuple[Json, ...] = ()
    constraint: Json | None = None
    slot_exclusive: str = "shared"
    unknown_types: str = "refuse"


def text(ids: Sequence[int] | set[int]) -> str:
    """Return the idset of these ids."""
    return str(IdSet.of(ids))


# ---------------------------------------------------------------------------------------------------------------------
# Machines
# ---------------------------------------------------------------------------------------------------------------------


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


@st.composite
def machines(draw: Draw, simple: bool = False) -> Json:
    """Draw the R of a machine of one to three nodes."""
    count = draw(st.sampled_from((1, 2, 2, 3)))
    first, step = draw(st.sampled_from(((0, 1), (0, 1), (0, 1), (3, 2))))
    ranks = [first + step * n for n in range(count)]
    kinds = [draw(topos(simple)) for _ in range(draw(st.integers(1, 2)))]
    kind_of = {rank: kinds[draw(st.integers(0, len(kinds) - 1))] for rank in ranks}
    lite: list[Json] = []
    children: list[Json] = []
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
        lite.append({"rank": str(rank), "children": _children(core_ids, gpu_ids)})
        children.append({"ranks": str(rank), "topo": topo})
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
        R["scheduling"] = {"writer": "TreePool", "children": children}
        if not simple and count > 1 and draw(st.booleans()):
            R["scheduling"]["groups"] = draw(groups(ranks))
    return R


def _children(cores: set[int], gpus: set[int]) -> Json:
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


# ---------------------------------------------------------------------------------------------------------------------
# States
# ---------------------------------------------------------------------------------------------------------------------


def resources_of(R: Json) -> dict[int, tuple[set[int], set[int]]]:
    """Return the core and gpu ids of each rank."""
    return {
        rank: (
            set(IdSet.parse(entry["children"]["core"])),
            set(IdSet.parse(entry["children"].get("gpu", ""))),
        )
        for entry in R["execution"]["R_lite"]
        for rank in IdSet.parse(entry["rank"])
    }


def allocated(R: Json, held: Mapping[int, tuple[set[int], set[int]]], placement: Sequence[Json] = ()) -> Json:
    """Return the R of a job that holds these cores and gpus of these ranks."""
    names = dict(zip(resources_of(R), R["execution"]["nodelist"], strict=True))
    job: Json = {
        "version": 1,
        "execution": {
            "R_lite": [{"rank": str(rank), "children": _children(*held[rank])} for rank in sorted(held)],
            "nodelist": [names[rank] for rank in sorted(held)],
            "nslots": 1,
            "starttime": 0,
            "expiration": 0,
        },
    }
    if placement:
        job["scheduling"] = {"writer": "exactfit.adapters.flux", "placement": list(placement)}
    return job


def _subsets(ids: set[int]) -> st.SearchStrategy[set[int]]:
    return st.just(set[int]()) if not ids else st.sets(st.sampled_from(sorted(ids)), max_size=(len(ids) + 2) // 2)


@st.composite
def states(draw: Draw, R: Json) -> tuple[tuple[Json, ...], str]:
    """Draw the R of running jobs and the ranks that are down."""
    free = resources_of(R)
    stock = {rank: dict(_node_stock(R, rank)) for rank in free}
    jobs = []
    for _ in range(draw(st.sampled_from((1, 0, 1, 0, 2, 0)))):
        held = {}
        placement: list[Json] = []
        for rank, (cores, gpus) in free.items():
            if not draw(st.booleans()):
                continue
            taken = draw(_subsets(cores)), draw(_subsets(gpus))
            if not any(taken):
                continue
            held[rank] = taken
            slot: Json = {"label": "task"}
            slot.update({key: text(ids) for key, ids in zip(("cores", "gpus"), taken, strict=True) if ids})
            for name, amount in stock[rank].items():
                if amount and draw(st.booleans()):
                    slot[name] = draw(st.integers(1, amount))
                    stock[rank][name] -= slot[name]
            placement.append({"ranks": str(rank), "slots": [slot]})
        if held:
            for rank, (cores, gpus) in held.items():
                free[rank] = free[rank][0] - cores, free[rank][1] - gpus
            jobs.append(allocated(R, held, placement))
    down = draw(st.sets(st.sampled_from(sorted(free)), max_size=1)) if draw(st.integers(0, 3)) == 0 else set()
    return tuple(jobs), text(down)


def _node_stock(R: Json, rank: int) -> Json:
    """Return what the node itself lists of memory and the like: what a job took of it leaves no doubt about where."""
    for entry in R.get("scheduling", {}).get("children", ()):
        if rank in IdSet.parse(entry["ranks"]):
            topo = entry["topo"]
            inside = _stock_in({key: item for key, item in topo.items() if isinstance(item, list)})
            return {name: n for name, n in topo.items() if isinstance(n, int) and name not in inside}
    return {}


# ---------------------------------------------------------------------------------------------------------------------
# Requests
# ---------------------------------------------------------------------------------------------------------------------


@st.composite
def counts(draw: Draw, most: int) -> int | str | Json:
    """Draw a count of any form that RFC 14 knows, mostly up to `most`."""
    form = draw(st.integers(0, 11))
    low = min(draw(st.integers(1, most)), draw(st.integers(1, most)), draw(st.integers(1, most)))
    high = draw(st.integers(low, most + 2))
    step = draw(st.integers(2, 3))
    if form < 5:
        return low
    if form == 5:
        return {"min": low}
    if form == 6:
        return {"min": low, "max": high}
    if form == 7:
        return {"min": low, "max": high + 1, "operator": "+", "operand": step}
    if form == 8:
        return {"min": low, "max": 2 * high, "operator": "*", "operand": step}
    if form == 9:
        return f"{low}+"
    if form == 10:
        return text(draw(st.sets(st.integers(1, most + 2), min_size=1, max_size=3)))
    return {"min": low + 1, "max": (low + 1) ** 2, "operator": "^", "operand": 2}


def levels_of(R: Json) -> tuple[str, ...]:
    """Return the names of the levels below the node, in no order that matters."""
    found: list[str] = []

    def walk(value: Json) -> None:
        for key, items in value.items():
            if isinstance(items, list) and key != "storage":
                found.append(key)
                for item in items:
                    walk(item)

    for entry in R.get("scheduling", {}).get("children", ()):
        walk(entry["topo"])
    return tuple(dict.fromkeys(found))


def group_levels_of(R: Json) -> tuple[str, ...]:
    """Return the names of the levels above the node."""
    groups = R.get("scheduling", {}).get("groups", {})
    return ("cluster", "rack") if "cluster" in groups else tuple(groups)


def stock_of(R: Json) -> tuple[str, ...]:
    """Return the names of memory, storage and other amounts that the machine lists."""
    scheduling = R.get("scheduling", {})
    topos = [entry["topo"] for entry in scheduling.get("children", ())]
    return tuple(dict.fromkeys(name for one in (*topos, scheduling.get("groups", {})) for name in _stock_in(one)))


def _stock_in(listing: Json) -> list[str]:
    """Return the names of amounts in a domain or a group and all inside it."""
    found: list[str] = []
    for key, item in listing.items():
        if isinstance(item, int | float) or key == "storage":
            found.append(key)
        elif isinstance(item, list):
            found += [name for inner in item for name in _stock_in(inner)]
    return found


def group_stock_of(R: Json) -> frozenset[str]:
    """Return what groups list beside their nodes."""

    def names(listing: Json) -> set[str]:
        found: set[str] = set()
        for key, value in listing.items():
            if key == "storage" or not isinstance(value, list | str):
                found.add(key)
            elif isinstance(value, list):
                found |= {name for below in value for name in names(below)}
        return found

    return frozenset(names(R.get("scheduling", {}).get("groups", {})))


def vertex(type_: str, count: object, *children: Json, **more: object) -> Json:
    """Return a vertex of a request."""
    made: Json = {"type": type_, "count": count, **more}
    if children:
        made["with"] = list(children)
    return made


@st.composite
def contents(draw: Draw, levels: Sequence[str]) -> list[Json]:
    """Draw what a slot of a simple request holds: cores, gpus, or whole domains."""
    form = draw(st.integers(0, 9))
    if form < 5 or (form > 7 and not levels):
        return [vertex("core", draw(counts(4)))]
    if form == 5:
        return [vertex("gpu", draw(counts(2)))]
    if form < 8:
        return [vertex("core", draw(counts(3))), vertex("gpu", draw(counts(2)))]
    marked = {"exclusive": True} if draw(st.booleans()) else {}
    return [vertex(draw(st.sampled_from(levels)), draw(counts(2)), **marked)]


@st.composite
def simple_requests(draw: Draw, R: Json) -> tuple[Json, ...]:
    """Draw a request of one slot type, with or without nodes, in any order of node and slot."""
    levels = levels_of(R)
    nodes = len(resources_of(R))
    form = draw(st.sampled_from(("slot", "node/slot", "node/slot", "slot/node", "slot/whole node", "node{x}/slot")))
    inside = draw(contents(levels))
    slots = draw(counts(4))
    if form == "slot":
        return (vertex("slot", slots, *inside, label="task"),)
    if form == "slot/whole node":
        marked = draw(st.sampled_from(({}, {"exclusive": True})))
        return (vertex("slot", draw(counts(nodes)), vertex("node", 1, **marked), label="task"),)
    if form == "slot/node":
        marked = draw(st.sampled_from(({}, {}, {"exclusive": True}, {"exclusive": False})))
        inner = vertex("node", draw(st.sampled_from((1, 1, 2, "1-2"))), *inside, **marked)
        return (vertex("slot", draw(counts(nodes)), inner, label="task"),)
    marked = {"exclusive": True} if form == "node{x}/slot" else {}
    return (vertex("node", draw(counts(nodes)), vertex("slot", slots, *inside, label="task"), **marked),)


_EXCLUSIVE: tuple[Json, ...] = ({}, {}, {}, {}, {"exclusive": True}, {"exclusive": False})


@st.composite
def _amounts(draw: Draw, R: Json) -> list[Json]:
    names = stock_of(R)
    if not names or draw(st.integers(0, 2)):
        return []
    name = draw(st.sampled_from(names))
    if name in {"memory", "storage"}:
        unit = draw(st.sampled_from(({}, {}, {"unit": "GiB"}, {"unit": "GB"}, {"unit": "MiB"})))
        if unit == {"unit": "MiB"}:
            return [vertex(name, draw(st.sampled_from((512, 1024, 1536, 2560))), **unit)]
        return [vertex(name, draw(counts(3)), **unit)]
    return [vertex(name, draw(st.integers(1, 2)))]


@st.composite
def _slots(draw: Draw, R: Json, label: str, below: Sequence[str], with_nodes: bool, most: int) -> Json:
    """Draw a slot vertex; `below` are the levels that may stand in it."""
    cores = vertex("core", draw(counts(3)))
    if draw(st.integers(0, 7)) == 0:
        cores["id"] = draw(st.sampled_from(("0", "0-2", "1,3", "2-9")))
    gpus = vertex("gpu", draw(counts(2)))
    inside = [[cores], [cores], [cores, gpus], [gpus], []][draw(st.integers(0, 4))]
    inside = [*inside, *draw(_amounts(R))]
    if len(below) > 0 and (draw(st.booleans()) or not any(v["type"] in {"core", "gpu"} for v in inside)):
        marked = draw(st.sampled_from(_EXCLUSIVE if inside else _EXCLUSIVE[:5]))
        level = vertex(draw(st.sampled_from(tuple(below))), draw(counts(2)), *inside, **marked)
        if draw(st.integers(0, 5)) == 0:
            level["id"] = draw(st.sampled_from(("0", "0-1", "1-2")))
        inside = [level]
        if draw(st.integers(0, 5)) == 0:
            inside.insert(draw(st.integers(0, 1)), vertex("core", 1))
        if draw(st.integers(0, 5)) == 0:
            inside += draw(_amounts(R))
    elif not any(v["type"] in {"core", "gpu"} for v in inside):
        inside = [cores, *inside]
    if with_nodes and draw(st.booleans()):
        node = vertex("node", draw(st.sampled_from((1, 1, 1, 2))), *inside, **draw(st.sampled_from(_EXCLUSIVE)))
        # Beside several nodes of one slot an amount is refused: it has to be said of each node.
        inside = [node, *(draw(_amounts(R)) if node["count"] == 1 else ())]
    return vertex("slot", draw(counts(most)), *inside, label=label)


@st.composite
def full_requests(draw: Draw, R: Json) -> tuple[Json, ...]:
    """Draw a request that may use all of RFC 14: hard levels, groups, amounts, ids, one or two slot types."""
    levels, around = levels_of(R), group_levels_of(R)

    def branch(label: str, most: int) -> Json:
        # Outermost last: what stands above the slot is wrapped around it.
        above = []
        with_node = draw(st.booleans())
        if levels and draw(st.integers(0, 3)) == 0:
            above.append(draw(st.sampled_from(levels)))
        if with_node:
            above.append("node")
        if len(around) > 0 and draw(st.booleans()):
            above.append(draw(st.sampled_from(around)))
        below = levels[levels.index(above[0]) + 1 :] if above and above[0] in levels else levels
        made = draw(_slots(R, label, below, not with_node and not above, most))
        for type_ in above:
            beside = []
            if draw(st.integers(0, 5)) == 0:
                beside = draw(_amounts(R))
            if type_ in around:
                # An amount above the nodes is one that groups list.
                beside = [amount for amount in beside if amount["type"] in group_stock_of(R)]
            if type_ == "node" and draw(st.integers(0, 9)) == 0:
                beside = [vertex("core", 1)]
            marked = (
                draw(st.sampled_from(_EXCLUSIVE)) if type_ in ("node", *levels) or not draw(st.integers(0, 3)) else {}
            )
            many = draw(counts(2)) if draw(st.booleans()) else 1
            made = vertex(type_, many, made, *beside, **marked)
        return made

    if draw(st.integers(0, 2)):
        return (branch("task", 3),)
    if draw(st.booleans()):
        return (branch("read", 2), branch("write", 1))
    inside = [draw(_slots(R, label, levels, False, 2)) for label in ("read", "write")]
    return (vertex("node", draw(counts(2)), *inside),)


@st.composite
def core_and_gpu_requests(draw: Draw, R: Json) -> tuple[Json, ...]:
    """Draw one to three slot types of cores and GPUs, some of them on nodes that they name."""
    nodes = len(resources_of(R))

    def slot(label: str) -> Json:
        cores, gpus = vertex("core", draw(st.integers(1, 4))), vertex("gpu", draw(st.integers(1, 2)))
        inside = draw(st.sampled_from(([cores], [cores], [cores, gpus], [gpus])))
        return vertex("slot", draw(counts(3)), *inside, label=label)

    def branch(label: str) -> Json:
        form = draw(st.integers(0, 4))
        if form > 1:
            return slot(label)
        inside = [slot(label), *([slot(f"{label}2")] if draw(st.booleans()) else ())]
        return vertex("node", draw(counts(nodes)), *inside)

    return tuple(branch(label) for label in "abc"[: draw(st.sampled_from((1, 2, 2, 3)))])


@st.composite
def core_and_gpu_cases(draw: Draw) -> Case:
    """Draw a machine with a state and a request of cores and GPUs."""
    R = draw(machines(simple=True))
    running, down = draw(states(R))
    return Case(R, running, down, draw(core_and_gpu_requests(R)), draw(constraints(R)))


@st.composite
def policies(draw: Draw) -> str:
    """Draw a policy that ships, or terms in any order."""
    terms = ("partial", "affinity", "share", "spread", "intact", "shield", draw(st.sampled_from(("fit", "worst-fit"))))
    if draw(st.booleans()):
        return draw(st.sampled_from(("pack", "spread", "lowest")))
    return ",".join(draw(st.permutations(terms))[: draw(st.integers(1, 7))])


@st.composite
def constraints(draw: Draw, R: Json) -> Json | None:
    """Draw a constraint, most often none."""
    ranks = sorted(resources_of(R))
    form = draw(st.integers(0, 15))
    if form > 3:
        return None
    some = text(draw(st.sets(st.sampled_from(ranks), min_size=1)))
    forms: list[Json] = [
        {"properties": ["fast"]},
        {"properties": ["^fast"]},
        {"ranks": [some]},
        {"not": [{"hostlist": [f"n{ranks[0]}"]}]},
    ]
    return forms[form]


@st.composite
def cases(draw: Draw, simple: bool = False) -> Case:
    """Draw a machine with a state and a request; `simple` leaves out what only RFC 14 in full has."""
    R = draw(machines(simple))
    running, down = draw(states(R))
    resources = draw(simple_requests(R)) if simple or draw(st.integers(0, 3)) == 0 else draw(full_requests(R))
    slot_exclusive = "shared" if simple else draw(st.sampled_from(("shared", "shared", "shared", "rfc14")))
    return Case(R, running, down, resources, draw(constraints(R)), slot_exclusive)
