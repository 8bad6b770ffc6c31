"""The term `share`: the cores of a slot stand as near to its GPUs as GPUs stand where it is."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from exactfit.adapters.audit import strategies
from exactfit.grammar.idset import IdSet
from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver.checker import check as judge
from exactfit.solver.demand.request import Request
from exactfit.solver.node.shares import least_share
from exactfit.solver.node.shares_given import Equal, share_given
from exactfit.solver.pool import Pool
from exactfit.topology.presets import preset
from exactfit.topology.rset import read_R

from .test_against_brute_force import check


def a_node(**levels: tuple[tuple[int, int], ...]) -> dict[str, Any]:
    """Return the R of a node with one level of domains, each of so many cores and GPUs, with ids in their order."""
    ((level, sizes),) = levels.items()
    cores = gpus = 0
    domains = []
    for some_cores, some_gpus in sizes:
        domain = {"cores": str(IdSet.of(range(cores, cores + some_cores)))}
        if some_gpus:
            domain["gpus"] = str(IdSet.of(range(gpus, gpus + some_gpus)))
        domains.append(domain)
        cores, gpus = cores + some_cores, gpus + some_gpus
    children = {"core": str(IdSet.of(range(cores))), "gpu": str(IdSet.of(range(gpus)))}
    return {
        "version": 1,
        "execution": {"R_lite": [{"rank": "0", "children": children}], "starttime": 0, "expiration": 0},
        "scheduling": {"children": [{"ranks": "0", "topo": {level: domains}}]},
    }


CASES = [
    # Two sockets of 64 cores and a GPU each: half of the cores beside each of the GPUs.
    (a_node(socket=((64, 1), (64, 1))), "slot=1/[core=64;gpu=2]", [[32, 32]], {"share.socket": 0}),
    # One core is left over, and stands beside one of them: half a core too many, in halves.
    (a_node(socket=((64, 1), (64, 1))), "slot=1/[core=63;gpu=2]", [[32, 31]], {"share.socket": 1}),
    (a_node(numa=((48, 2),) * 4), "slot=1/[core=176;gpu=8]", [[44] * 4], {"share.numa": 0}),
    (a_node(numa=((16, 1), (16, 3))), "slot=1/[core=8;gpu=4]", [[2, 6]], {"share.numa": 0}),
    # Not all can stand where they should: of two thirds of 12 cores there are 5.
    (a_node(numa=((16, 1), (5, 2))), "slot=1/[core=12;gpu=3]", [[7, 5]], {"share.numa": 9}),
    (read_R, "slot=4/[core=15;gpu=2]", [[8, 7]] * 4, {"share.socket": 0, "share.numa": 4}),
    # A slot that is whole in a domain is as near as can be, and GPUs of which there are none nearby are no matter.
    (a_node(numa=((16, 2), (16, 2))), "slot=2/[core=15;gpu=2]", [[15], [15]], {"share.numa": 0}),
    (a_node(numa=((16, 2), (16, 2))), "slot=2/core=15", [[15], [15]], {"share.numa": 0}),
    (a_node(numa=((16, 2), (16, 2))), "slot=1/gpu=4", [[]], {"share.numa": 0}),
]


@pytest.mark.parametrize(("R", "shape", "split", "shares"), CASES)
def test_cores_stand_beside_their_gpus(R: Any, shape: str, split: list[list[int]], shares: dict[str, int]) -> None:
    machine = read_R(preset("rfc49-a:1") if R is read_R else R)
    vertices = parse_resources(parse_shape(shape))
    given = Pool(machine).alloc(1, Request.of(vertices)).to_dict()
    leaves = machine.types[0].by_level[machine.levels[-1]]
    (entry,) = given["scheduling"]["placement"]
    held = [IdSet.parse(slot.get("cores", "")).mask() for slot in entry["slots"]]
    assert [[n for d in leaves if (n := (d.cores & cores).bit_count())] for cores in held] == split
    certificate = given["scheduling"]["certificate"]
    assert certificate["status"] == "OPTIMAL"
    assert {name: certificate["terms"][name] for name in shares} == shares
    assert {name: judge(machine, vertices, given).terms[name] for name in shares} == shares


def test_gpus_above_the_cores_count_the_same_wherever_these_are() -> None:
    """Each core in a numa is beside none of the GPUs, which stand at the node: all of them, in units of half a core."""
    R = a_node(numa=((8, 0), (8, 0)))
    R["execution"]["R_lite"][0]["children"]["gpu"] = "0-1"
    for shape, value in (("slot=1/[core=6;gpu=2]", 12), ("slot=2/[core=7;gpu]", 14), ("slot=1/[core=12;gpu=2]", 24)):
        certificate = Pool(read_R(R)).alloc(1, Request.of(parse_resources(parse_shape(shape)))).certificate
        assert (certificate["status"], certificate["terms"]["share.numa"]) == ("OPTIMAL", value)


# What is free in domains.
bins = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 3)), min_size=1, max_size=3)


@given(bins, st.integers(1, 9), st.integers(1, 5))
@settings(max_examples=300, deadline=None)
def test_no_slot_counts_less_than_its_bound(bins: list[tuple[int, int]], cores: int, gpus: int) -> None:
    def ways(parts: list[tuple[int, int]], cores: int, gpus: int) -> Any:
        if not parts:
            if not (cores or gpus):
                yield ()
            return
        for x in range(min(cores, parts[0][0]) + 1):
            for y in range(min(gpus, parts[0][1]) + 1):
                for more in ways(parts[1:], cores - x, gpus - y):
                    yield ((x, y), *more)

    values = [sum(max(0, gpus * x - cores * y) for x, y in way) for way in ways(bins, cores, gpus)]
    assert least_share(bins, cores, gpus) <= min(values, default=1 << 60)


def splits(sockets: Sequence[Sequence[tuple[int, int]]], cores: int, gpus: int) -> list[tuple[tuple[int, int], ...]]:
    """Return all ways in which a slot takes cores and GPUs of the numas of sockets, numa by numa."""
    ways: list[tuple[tuple[int, int], ...]] = [()]
    for free_cores, free_gpus in (numa for socket in sockets for numa in socket):
        here = list(product(range(min(free_cores, cores) + 1), range(min(free_gpus, gpus) + 1)))
        ways = [(*way, more) for way in ways for more in here]
    return [way for way in ways if tuple(map(sum, zip(*way, strict=True))) == (cores, gpus)]


def two_levels(sockets: Sequence[Sequence[tuple[int, int]]]) -> dict[str, Any]:
    """Return the R of a node with numas of so many cores and GPUs in sockets."""
    topo = []
    cores = gpus = 0
    for socket in sockets:
        numas = []
        for some_cores, some_gpus in socket:
            ids = {"cores": range(cores, cores + some_cores), "gpus": range(gpus, gpus + some_gpus)}
            numas.append({name: str(IdSet.of(some)) for name, some in ids.items() if some})
            cores, gpus = cores + some_cores, gpus + some_gpus
        topo.append({"numa": numas})
    lite = [{"rank": "0", "children": {"core": str(IdSet.of(range(cores))), "gpu": str(IdSet.of(range(gpus)))}}]
    scheduling = {"children": [{"ranks": "0", "topo": {"socket": topo}}]}
    return {"version": 1, "execution": {"R_lite": lite}, "scheduling": scheduling}


@given(
    st.lists(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2)), min_size=1, max_size=2), min_size=2, max_size=2),
    st.sampled_from([(2, 1, 1), (2, 2, 1), (2, 3, 1), (2, 3, 2), (2, 2, 2), (3, 2, 1), (3, 1, 1), (1, 5, 3)]),
)
@settings(max_examples=120, deadline=None)
def test_no_slots_that_cross_as_often_count_less(
    sockets: list[list[tuple[int, int]]], slots: tuple[int, int, int]
) -> None:
    """Of any slots: what they cross of sockets and numas, and what they count at each; the bound knows the former."""
    count, cores, gpus = slots
    free = [numa for socket in sockets for numa in socket]
    assume(sum(c for c, _ in free) >= count * cores and sum(g for _, g in free) >= count * gpus)
    state = next(iter(Pool(read_R(two_levels(sockets))).present[1].classes))
    least: dict[tuple[int, int], tuple[int, int]] = {}
    owner = [number for number, socket in enumerate(sockets) for _ in socket]

    def of_one(way: tuple[tuple[int, int], ...]) -> tuple[int, int, int, int]:
        by_socket = [[0, 0], [0, 0]]
        for number, (x, y) in zip(owner, way, strict=True):
            by_socket[number][0] += x
            by_socket[number][1] += y
        counted = [sum(max(0, gpus * x - cores * y) for x, y in bins) for bins in (by_socket, way)]
        touched = [sum(1 for x, y in bins if x or y) - 1 for bins in (by_socket, way)]
        return touched[0], touched[1], counted[0], counted[1]

    def place(left: list[tuple[int, int]], more: int, after: int, so_far: tuple[int, ...]) -> None:
        if not more:
            key = so_far[0], so_far[1]
            known = least.get(key, (1 << 60, 1 << 60))
            least[key] = min(known[0], so_far[2]), min(known[1], so_far[3])
            return
        for number, way in enumerate(ways[after:], after):
            rest = [(a - x, b - y) for (a, b), (x, y) in zip(left, way, strict=True)]
            if all(a >= 0 and b >= 0 for a, b in rest):
                place(rest, more - 1, number, tuple(map(sum, zip(so_far, counts[number], strict=True))))

    ways = splits(sockets, cores, gpus)
    counts = [of_one(way) for way in ways]
    place(free, count, 0, (0, 0, 0, 0))
    for (across, between), values in least.items():
        crossed = {"socket": across, "numa": between}
        for level, value in zip(crossed, values, strict=True):
            assert share_given(state, level, Equal(count, cores, gpus), crossed) <= value


@st.composite
def requests_with_gpus(draw: st.DrawFn, R: strategies.Json) -> tuple[strategies.Json, ...]:
    """Draw one or two kinds of slots, most of them with several GPUs, on nodes or anywhere, with memory or without."""
    levels = strategies.levels_of(R)

    def slot(label: str) -> strategies.Json:
        cores = strategies.vertex("core", draw(st.integers(1, 8)))
        gpus = strategies.vertex("gpu", draw(st.integers(1, 4)))
        whole = [strategies.vertex(draw(st.sampled_from(levels)), 1)] if levels and not draw(st.integers(0, 5)) else []
        listed = "memory" in strategies.stock_of(R) and not whole
        memory = [strategies.vertex("memory", 1)] if listed and draw(st.booleans()) else []
        return strategies.vertex("slot", draw(st.integers(1, 3)), cores, gpus, *whole, *memory, label=label)

    def branch(label: str) -> strategies.Json:
        form = draw(st.integers(0, 3))
        if form == 0:
            return strategies.vertex("node", 1, slot(label))
        if form == 1 and levels:
            level = strategies.vertex(draw(st.sampled_from(levels)), draw(st.integers(1, 2)), *slot(label)["with"])
            return strategies.vertex("slot", 1, level, label=label)
        if form == 2:
            node = strategies.vertex("node", draw(st.integers(1, 2)), *slot(label)["with"][:2])
            return strategies.vertex("slot", 1, node, label=label)
        return slot(label)

    return tuple(branch(label) for label in "ab"[: draw(st.sampled_from((1, 1, 2)))])


@st.composite
def cases_with_gpus(draw: st.DrawFn) -> strategies.Case:
    R = draw(strategies.machines())
    running, down = draw(strategies.states(R))
    return strategies.Case(R, running, down, draw(requests_with_gpus(R)))


@pytest.mark.parametrize("policy", ["pack", "share,fit", "affinity,intact,share", "spread,share,affinity,partial"])
@given(data=st.data())
@settings(deadline=None, suppress_health_check=list(HealthCheck))
def test_slots_with_gpus_against_trying_everything(policy: str, data: st.DataObject) -> None:
    check(data.draw(cases_with_gpus()), policy)
