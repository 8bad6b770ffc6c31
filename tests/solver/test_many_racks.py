"""Many racks: shared out in the fewest, well where there are too many to be sure, and as fast as they should be."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exactfit.grammar.constraint import ALWAYS, parse_constraint
from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver.checker import Checker
from exactfit.solver.cpsat.budget import Budget
from exactfit.solver.demand.request import Request
from exactfit.solver.explain import explain
from exactfit.solver.machine.model.many_parts import fill
from exactfit.solver.machine.model.sharing import NotDirectError, Part, Way, share_out
from exactfit.solver.pool import Pool
from exactfit.topology.rset import read_R
from racks import ids

Json = dict[str, Any]


def site(racks: int, nodes: int, cores: int, **listed: int) -> Pool:
    """Return a pool of equal racks."""
    groups = [{"ranks": ids(first, nodes), **listed} for first in range(0, racks * nodes, nodes)]
    lite = [{"rank": ids(0, racks * nodes), "children": {"core": ids(0, cores)}}]
    return Pool(read_R({"version": 1, "execution": {"R_lite": lite}, "scheduling": {"groups": {"rack": groups}}}))


def ask(pool: Pool, jobid: int, shape: str, ranks: str = "") -> Json:
    constraint = parse_constraint({"ranks": [ranks]}) if ranks else ALWAYS
    answer: Json = pool.alloc(jobid, Request.of(parse_resources(parse_shape(shape)), constraint)).to_dict()
    return answer


def linear(room: int, touch: int, each: int) -> Part:
    return Part(room, partial(_way, touch, each), linear=(touch, each))


def _way(touch: int, each: int, number: int) -> Way:
    return Way(touch + each * number)


@given(st.lists(st.integers(1, 6), min_size=2, max_size=7), st.integers(0, 9), st.integers(0, 5), st.data())
@settings(max_examples=200, deadline=None)
def test_the_fewest_parts_are_the_best_where_all_cost_the_same(
    rooms: list[int], touch: int, each: int, data: st.DataObject
) -> None:
    number = data.draw(st.integers(1, sum(rooms)))
    found = share_out([linear(room, touch, each) for room in rooms], number, touch, each, Budget(60))
    tried = share_out([Part(room, partial(_way, touch, each)) for room in rooms], number, touch, each, Budget(60))
    assert found.cost == tried.cost
    assert sum((part.cost - touch) for part in found.parts) == each * number


@given(st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=5), min_size=2, max_size=6), st.data())
@settings(max_examples=300, deadline=None)
def test_what_is_filled_is_never_below_its_bound(more: list[list[int]], data: st.DataObject) -> None:
    touch = data.draw(st.integers(0, 20))
    tables = [[0, *(touch + sum(sorted(costs)[:n]) for n in range(1, len(costs) + 1))] for costs in more]
    number = data.draw(st.integers(1, sum(map(len, more))))
    best = {0: 0}
    for table in tables:
        best = {
            n: min(best[n - k] + table[k] for k in range(min(n, len(table) - 1) + 1) if n - k in best)
            for n in range(number + 1)
            if any(n - k in best for k in range(min(n, len(table) - 1) + 1))
        }
    filled = fill(tables, number, touch, 0)
    cost = sum(table[n] for table, n in zip(tables, filled.numbers, strict=True))
    assert sum(filled.numbers) == number
    assert filled.bound <= best[number] <= cost


@pytest.mark.parametrize("busy", [False, True])
def test_whole_nodes_with_storage_of_their_chassis(busy: bool) -> None:
    # El Capitan's size. Each chassis has storage for 14 of its 16 nodes.
    pool = site(696, 16, 96, storage=22500)
    checker = Checker(pool.machine)
    if busy:
        for rack in range(0, 696, 2):
            checker.allocate(ask(pool, rack + 1, f"node={rack % 8 + 1}/slot/core=1", ids(16 * rack, 16)))
    answer = ask(pool, 1000, "slot=4000/node/storage=1501")
    certificate = answer["scheduling"]["certificate"]
    assert certificate["status"] == "OPTIMAL"
    # With 14 in each, 286; every other chassis has 8 to 15 whole nodes when busy, and there are 348 with 14.
    assert certificate["terms"]["spread.rack"] == 286
    assert checker.judge(parse_resources(parse_shape("slot=4000/node/storage=1501")), answer).legal


def test_racks_in_as_many_states_as_there_are_get_a_good_placement_with_a_bound() -> None:
    pool = site(150, 8, 160)
    for rack in range(150):
        ask(pool, rack + 1, f"node={rack % 7 + 2}/slot/core={rack + 1}", ids(8 * rack, 8))
    assert len(pool.present[1].classes) == 151
    certificate = ask(pool, 1000, "node=800/slot/core=8")["scheduling"]["certificate"]
    assert certificate["terms"]["spread.rack"] == certificate["bound"]["spread.rack"] >= 100
    for name, bound in certificate["bound"].items():
        assert name == "size" or bound <= certificate["terms"][name]


def test_slots_larger_than_a_rack_are_at_hand_where_the_search_is_cut_off() -> None:
    pool = site(40, 16, 64)
    for rack in range(40):
        ask(pool, rack + 1, f"node={rack % 5 + 1}/slot/core={rack + 1}", ids(16 * rack, 16))
    answer = ask(pool, 1000, "slot=9/node=40/core=2")
    terms, bound = (answer["scheduling"]["certificate"][key] for key in ("terms", "bound"))
    assert 18 <= bound["affinity.rack"] <= terms["affinity.rack"] <= 24
    verdict = Checker(pool.machine).judge(parse_resources(parse_shape("slot=9/node=40/core=2")), answer)
    assert verdict.terms["affinity.rack"] == terms["affinity.rack"]


def test_why_four_thousand_nodes_with_storage_do_not_fit_seven_hundred_chassis() -> None:
    pool = site(700, 16, 4, storage=1501 * 3 + 700)
    shape = "slot=4000/node/storage=1501"
    request = Request.of(parse_resources(parse_shape(shape)))
    told = explain(pool, request, job_name=str, seconds=20.0)
    rows = {row.path: row for row in told.rows}
    assert (rows["slot"].exist, rows["slot/node"].free) == (2100, 2100)
    assert all(number is not None for row in rows.values() for number in (row.exist, row.match, row.up, row.free))
    assert "ask for slot=2100 instead of 4000" in told.advice
    # With 6 nodes in each of 700 chassis there is room for all, and so much is 867 for each.
    assert any("storage=867 instead of 1501" in line for line in told.advice)


@pytest.mark.parametrize("number", [2, 5])
def test_what_is_not_known_to_be_the_best_proves_nothing_of_the_whole(number: int) -> None:
    """A rack whose nodes were too many to try has a way and a bound: two of them have no sum that is the best."""
    parts = [Part(4, lambda n: Way(10 * n, bound=9 * n)), Part(4, lambda n: Way(10 * n))]
    with pytest.raises(NotDirectError):
        share_out(parts, number, 0, 1, Budget(60))
    assert share_out(parts[:1], 2, 0, 1, Budget(60)).bound == 18
