"""The terms of policies, worked out by hand on nodes of two sockets and four numa domains."""

from __future__ import annotations

from .conftest import FOUR, Case, Slot, answer, on

IDLE = {
    "size": (),
    "partial": 0,
    "affinity.rack": 0,
    "spread.rack": 1,
    "spread.node": 1,
    "intact.node": 1,
    "fit.node": 12,
    "balance.rack": 0,
}


def test_a_slot_in_one_domain(four: Case) -> None:
    verdict = four.judge("slot/core=2", answer([on(0, "0-1")]))
    assert verdict.terms == {
        **IDLE,
        "affinity.socket": 0,
        "affinity.numa": 0,
        "share.socket": 0,
        "share.numa": 0,
        "intact.socket": 1,
        # The node, a socket and a numa are idle no more: 12, 6 and 3 cores.
        "future": 21_000,
        "intact.numa": 1,
        "links": 0,
        # The GPU of numa 0; that of socket 0 stands in no innermost domain of these cores.
        "shield": 1,
        "fit.socket": 6,
        "fit.numa": 3,
    }
    assert list(verdict.terms) == [
        "size",
        "partial",
        "affinity.rack",
        "affinity.socket",
        "affinity.numa",
        "share.socket",
        "share.numa",
        "future",
        "spread.rack",
        "spread.node",
        "intact.node",
        "intact.socket",
        "intact.numa",
        "links",
        "shield",
        "fit.node",
        "fit.socket",
        "fit.numa",
        "balance.rack",
    ]


def test_slots_over_several_domains(four: Case) -> None:
    """Three numa and both sockets for one slot, two numa for the other: 2 + 1 and 1 + 0 above one."""
    verdict = four.judge("slot=2/core=4", answer([on(0, "0,3-4,6"), on(0, "7-10")]))
    assert (verdict.terms["affinity.numa"], verdict.terms["affinity.socket"]) == (3, 1)
    assert (verdict.terms["intact.numa"], verdict.terms["fit.numa"]) == (4, 12)


def test_gpus_count_for_affinity(four: Case) -> None:
    """A GPU of socket 0 that is in no numa leaves the slot in the numa of its cores."""
    near = four.judge("slot/[core;gpu]", answer([on(0, "0/2")]))
    assert (near.terms["affinity.numa"], near.terms["affinity.socket"]) == (0, 0)
    far = four.judge("slot/[core;gpu]", answer([on(0, "0/1")]))
    assert (far.terms["affinity.numa"], far.terms["affinity.socket"]) == (1, 1)
    assert far.terms["shield"] == 0


def test_a_slot_of_several_nodes(four: Case) -> None:
    verdict = four.judge("slot/node=3/core", answer([Slot({0: "0", 1: "3", 2: "11"})]))
    assert (verdict.terms["affinity.numa"], verdict.terms["affinity.socket"]) == (2, 2)
    assert (verdict.terms["spread.rack"], verdict.terms["spread.node"], verdict.terms["fit.node"]) == (2, 3, 36)


def test_what_was_taken_before_is_neither_intact_nor_free() -> None:
    case = Case(FOUR, [answer([on(0, "1/0"), on(0, "9")])])
    terms = case.judge("slot/core=3", answer([on(0, "0,2-3")])).terms
    assert (terms["intact.node"], terms["intact.socket"], terms["intact.numa"]) == (0, 0, 1)
    assert (terms["fit.node"], terms["fit.socket"], terms["fit.numa"]) == (10, 5, 5)
    assert terms["shield"] == 0


def test_each_domain_counts_once(four: Case) -> None:
    terms = four.judge("slot=3/core", answer([on(0, "0"), on(0, "1"), on(0, "2")])).terms
    assert (terms["intact.numa"], terms["fit.numa"], terms["shield"]) == (1, 3, 1)


def test_what_belongs_to_no_slot_is_touched_all_the_same(four: Case) -> None:
    """But affinity and shield are about slots."""
    R = answer([on(0, "0")], rest={0: "1-11/0-2"})
    terms = four.judge("node{x}/slot/core", R).terms
    assert (terms["intact.numa"], terms["fit.numa"], terms["shield"], terms["affinity.numa"]) == (4, 12, 1, 0)


def test_size_is_the_counts_that_were_open(four: Case) -> None:
    R = answer([on(0, "0-1"), on(0, "2-3"), on(1, "0-1"), on(1, "2-3")])
    verdict = four.judge("node=1-4/slot=2/core=1+", R)
    assert verdict.terms["size"] == (2, 2)
    assert verdict.counts == {"node": 2, "node/slot": 2, "node/slot/core": 2}


def test_a_machine_without_levels() -> None:
    R = {key: value for key, value in FOUR.items() if key != "scheduling"}
    terms = Case(R).judge("slot/[core=2;gpu]", answer([on(0, "0,9/1")])).terms
    assert terms == {
        "size": (),
        "partial": 0,
        "future": 12_000,
        "spread.node": 1,
        "intact.node": 1,
        "links": 0,
        "shield": 0,
        "fit.node": 12,
    }


def test_an_illegal_answer_has_terms_too(four: Case) -> None:
    verdict = four.judge("slot/core=2", answer([on(0, "0-2")]))
    assert verdict.terms["fit.node"] == 12
    assert "size" not in verdict.terms
