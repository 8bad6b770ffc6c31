"""Bounds by counting: never above what all placements come to, and of a day's decisions nearly always equal to it."""

from __future__ import annotations

from collections import Counter
from itertools import islice

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from day_proofs import GOAL, day, shapes, share_of
from exactfit.adapters.audit import brute, strategies
from exactfit.adapters.audit.streams import plain_requests
from exactfit.adapters.proof.alike import Alike, alike
from exactfit.adapters.proof.node_tables import Order
from exactfit.adapters.proof.question import Question
from exactfit.adapters.proof.tables import bound_by_counting, counted, impossible_by_counting
from exactfit.grammar.idset import IdSet
from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.topology.line import line_R
from exactfit.topology.machine import Machine
from exactfit.topology.presets import preset
from exactfit.topology.rset import read_R


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        ("slot=3/core=2", Alike(2, 0, 3, 0)),
        ("slot=3/[core=2;gpu]", Alike(2, 1, 3, 0)),
        ("slot=2/gpu=2", Alike(0, 2, 2, 0)),
        ("node=2/slot=3/core=2", Alike(2, 0, 3, 2)),
        ("slot=4/node=1/core=2", Alike(2, 0, 1, 4)),
        ("slot=4/node=2/core=2", None),
        ("slot=4/node", None),
        ("node=2{x}/slot=3/core=2", None),
        ("slot=2/numa/core=2", None),
        ("slot/[core=2;memory=4]", None),
        ("node/[core;slot/core]", None),
        ("rack=2/node/slot/core", None),
    ],
)
def test_what_is_alike(shape: str, said: Alike | None) -> None:
    question = Question(read_R(preset("rfc49-a:1")), parse_resources(parse_shape(shape)))
    assert alike(question, {}) == said


def test_a_number_holds_values_in_their_order() -> None:
    order = Order(("fit.node", "worst-fit.node", "spread.node"))
    values = {"fit": 3, "worst-fit": -120, "spread": -1}
    number = order.number(lambda family, _: values[family])
    assert order.values(number) == [3, -120, -1]
    assert number < order.number(lambda family, _: {**values, "worst-fit": -119, "spread": -9}[family])


@pytest.mark.parametrize(
    ("machine", "shape", "values"),
    [
        # Eight domains of 15: eight slots of ten are whole, and four are in two.
        ("node:1 socket:2 numa:4 core:15", "node/slot=12/core=10", {"affinity.socket": 0, "affinity.numa": 4}),
        ("node:1 socket:2 numa:4 core:15", "node/slot=13/core=9", {"affinity.socket": 1, "affinity.numa": 5}),
        ("node:1 numa:2 core:4 gpu:1", "slot=1/[core=6;gpu=2]", {"affinity.numa": 1, "share.numa": 0}),
        ("node:1 numa:2 core:4 gpu:1", "slot=1/[core=6;gpu=1]", {"affinity.numa": 1, "share.numa": 2}),
        ("node:3 numa:2 core:4", "slot=4/core=3", {"spread.node": 2, "intact.numa": 4, "fit.node": 16}),
        ("node:3 numa:2 core:4", "node=3/slot/core=3", {"spread.node": 3, "intact.numa": 3, "fit.numa": 12}),
        ("rack:2 node:2 core:4", "slot=3/core=4", {"affinity.rack": 0, "spread.rack": 2, "spread.node": 3}),
        ("rack:2 node:2 core:4", "slot=2/core=4", {"worst-fit.node": -8, "spread.rack": 1}),
    ],
)
def test_bounds(machine: str, shape: str, values: dict[str, int]) -> None:
    question = Question(read_R(line_R(machine)), parse_resources(parse_shape(shape)))
    assert bound_by_counting(question, {}, list(values)) == list(values.values())
    assert counted(question, {}, values) == len(values)
    worse = dict(zip(values, [*list(values.values())[:-1], 10**6], strict=True))
    assert counted(question, {}, worse) == len(values) - 1


def test_what_has_no_room_has_no_placement() -> None:
    question = Question(read_R(line_R("node:2 numa:2 core:4 gpu:1")), parse_resources(parse_shape("slot=9/core")))
    assert not impossible_by_counting(question, {})
    assert bound_by_counting(question, {}, []) == []
    for shape in ("slot=17/core", "slot=3/core=5", "node=3/slot/core", "slot=5/gpu"):
        refused = Question(question.machine, parse_resources(parse_shape(shape)))
        assert impossible_by_counting(refused, {})
        assert bound_by_counting(refused, {}, ["fit.node"]) is None


def test_a_term_that_is_no_sum_over_nodes_is_not_counted() -> None:
    question = Question(read_R(preset("rfc49-a:1")), parse_resources(parse_shape("slot/core")))
    assert bound_by_counting(question, {}, ["links"]) is None


def test_it_is_never_above_what_all_placements_come_to() -> None:
    said: Counter[str] = Counter()

    @seed(0)
    @given(st.data())
    @settings(
        max_examples=120, phases=[Phase.generate], deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    def compare(data: st.DataObject) -> None:
        R = data.draw(strategies.machines(simple=data.draw(st.booleans())))
        running, down = data.draw(strategies.states(R))
        machine, vertices = read_R(R), parse_resources(list(data.draw(plain_requests(R))))
        nodes = machine.mask_of(IdSet.parse(down)) if down else 0
        try:
            best = brute.find(machine, vertices, running=running, down=nodes, patience=2_000)
        except brute.TooManyError:
            return
        question = Question(machine, vertices, running=running, down=nodes)
        if best is None:
            said["refused, and counted so" if impossible_by_counting(question, {}) else "refused"] += 1
            return
        values = {k: v for k, v in best.terms.items() if isinstance(v, int) and k not in ("links", "future")}
        bound = bound_by_counting(question, {}, list(values))
        assert bound is not None
        assert bound <= list(values.values()), (R, running, down, vertices, values, bound)
        said["placed, and counted so" if bound == list(values.values()) else "placed"] += 1

    compare()
    assert said["placed, and counted so"] > 0.8 * (said["placed, and counted so"] + said["placed"]), said
    assert said["refused, and counted so"] > 9 * said["refused"], said


def test_of_a_days_decisions_nearly_all_rest_on_no_solver() -> None:
    """`make proofs` looks at all of them."""
    share = share_of(islice(day(Machine.preset("rfc49-a")), 0, 160, 20))
    assert (share.false, share.plain, share.done) == (0, 8, 8)
    drawn = share_of(islice(shapes(Machine.preset("rfc49-a:4")), 0, 40, 5))
    assert drawn.false == 0
    assert drawn.plain >= GOAL * drawn.done
