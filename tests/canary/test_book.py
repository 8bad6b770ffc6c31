"""Decisions about nodes: never at odds with each other, exact, and remembered no longer than they hold."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exactfit.adapters.canary import chooser
from exactfit.adapters.canary.book import Book, NodeEntry
from exactfit.adapters.canary.needs import NodeNeeds
from exactfit.adapters.canary.offer import Offer, offer
from exactfit.adapters.canary.stock import NodeState

Resources = dict[str, list[dict[str, Any]]]


def resources(**types: Sequence[float]) -> Resources:
    return {name: [{"id": str(i), "slots": n} for i, n in enumerate(slots)] for name, slots in types.items()}


def entries(*nodes: Resources, topology: object = None) -> list[NodeEntry]:
    return [NodeEntry(f"n{i}", node, topology) for i, node in enumerate(nodes)]


def needs(book: Book, exclusive: bool = False, **types: Sequence[float]) -> NodeNeeds:
    items = [{"type": name, "slots": n} for name, slots in types.items() for n in slots]
    return book.needs(items, exclusive=exclusive)


slots = st.lists(st.integers(0, 3), max_size=3)
parts = st.tuples(st.booleans(), slots, slots)


@settings(deadline=None)
@given(st.lists(st.tuples(slots, slots), min_size=1, max_size=3), st.lists(parts, min_size=1, max_size=3))
def test_what_is_said_to_fit_is_given_and_comes_back(
    nodes: list[tuple[list[int], list[int]]], request: list[tuple[bool, list[int], list[int]]]
) -> None:
    book = Book()
    pool = [resources(cpus=cpus, gpus=gpus) for cpus, gpus in nodes]
    there = entries(*pool)
    before = [resources(cpus=cpus, gpus=gpus) for cpus, gpus in nodes]
    asked = [needs(book, exclusive, cpus=cpus, gpus=gpus) for exclusive, cpus, gpus in request]
    says = book.fits(asked, there)

    def serves(node: int, part: int) -> bool:
        return all(sum(want) <= sum(have) for want, have in zip(request[part][1:], nodes[node], strict=True))

    by_hand = any(
        all(serves(node, part) for part, node in enumerate(order))
        for order in permutations(range(len(nodes)), len(request))
    )
    assert says == by_hand
    taken = book.take(asked, there)
    assert (taken is not None) == says
    if taken is None:
        assert pool == before
        return
    assert all(instance["slots"] >= 0 for node in pool for listed in node.values() for instance in listed)
    book.give_back([(node.name, node.resources[name], i["id"], n) for node, name, i, n in taken], there)
    assert pool == before
    assert book.fits(asked, there)


def test_a_refusal_is_remembered_until_something_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    def counted(asked: NodeNeeds, state: NodeState) -> Offer | None:
        made.append(asked)
        return offer(asked, state)

    monkeypatch.setattr(chooser, "offer", counted)
    book = Book()
    pool = resources(cpus=[1, 1])
    there = entries(pool)
    held = book.take([needs(book, cpus=[1, 1])], there)
    assert held is not None
    made.clear()
    for _ in range(200):
        assert book.take([needs(book, cpus=[1])], there) is None
    assert len(made) == 1
    book.give_back([(n.name, n.resources[name], i["id"], s) for n, name, i, s in held[:1]], there)
    assert book.fits([needs(book, cpus=[1])], there)


def test_a_change_behind_our_back_is_seen() -> None:
    book = Book()
    pool = resources(cpus=[1])
    there = entries(pool)
    assert not book.fits([needs(book, cpus=[1, 1])], there)
    pool["cpus"] = resources(cpus=[1, 1])["cpus"]
    assert book.fits([needs(book, cpus=[1, 1])], there)
    pool["cpus"][0]["slots"] = 0
    assert not book.fits([needs(book, cpus=[1, 1])], there)


def test_best_fit_leaves_a_node_whole() -> None:
    book = Book()
    pool = [resources(cpus=[1] * 4) for _ in range(3)]
    there = entries(*pool)
    assert book.take([needs(book, cpus=[1])], there[1:2])
    for _ in range(3):
        taken = book.take([needs(book, cpus=[1])], there)
        assert taken is not None
        assert taken[0][0].name == "n1"


def test_a_test_without_gpus_leaves_them_alone() -> None:
    book = Book()
    there = entries(resources(cpus=[1, 1], gpus=[1]), resources(cpus=[1, 1], gpus=[]))
    taken = book.take([needs(book, cpus=[1])], there)
    assert taken is not None
    assert taken[0][0].name == "n1"


TOPO = {"numa": [{"cores": "0-3", "gpus": "2-3"}, {"cores": "4-7", "gpus": "0-1"}]}


def described(topo: dict[str, Any]) -> dict[str, Any]:
    from exactfit.topology.describe import describe_R

    return describe_R(topo)


def test_cpus_and_gpus_are_near_each_other() -> None:
    book = Book()
    there = entries(resources(cpus=[1] * 8, gpus=[1] * 4), topology=described(TOPO))
    first = book.take([needs(book, cpus=[1, 1], gpus=[1])], there)
    assert first is not None
    assert [(name, i["id"]) for _, name, i, _ in first] == [("cpus", "0"), ("cpus", "1"), ("gpus", "2")]
    # Three cpus are left together in the second domain only.
    second = book.take([needs(book, cpus=[1, 1, 1], gpus=[1])], there)
    assert second is not None
    assert [(name, i["id"]) for _, name, i, _ in second] == [("cpus", "4"), ("cpus", "5"), ("cpus", "6"), ("gpus", "0")]


def test_fractional_gpus_are_near_too_and_the_fullest() -> None:
    book = Book()
    there = entries(resources(cpus=[1] * 8, gpus=[4, 4, 4, 2]), topology=described(TOPO))
    taken = book.take([needs(book, cpus=[1], gpus=[2])], there)
    assert taken is not None
    assert [(name, i["id"]) for _, name, i, _ in taken] == [("cpus", "0"), ("gpus", "3")]
    # Items of two sizes go into one domain as well.
    taken = book.take([needs(book, cpus=[1], gpus=[4, 3])], there)
    assert taken is not None
    assert {(name, i["id"]) for _, name, i, _ in taken} == {("cpus", "4"), ("gpus", "0"), ("gpus", "1")}


def test_a_test_too_large_for_a_domain_straddles() -> None:
    book = Book()
    there = entries(resources(cpus=[1] * 8, gpus=[1] * 4), topology=described(TOPO))
    taken = book.take([needs(book, cpus=[1] * 6, gpus=[1])], there)
    assert taken is not None
    assert len(taken) == 7


def test_ids_of_gpus_with_vendor_and_uuid_stand_for_the_number() -> None:
    book = Book()
    pool = resources(cpus=[1] * 8, gpus=[1] * 4)
    for number, gpu in enumerate(pool["gpus"]):
        gpu["id"] = f"NVIDIA:{number}:GPU-{number}-aa"
    taken = book.take([needs(book, cpus=[1], gpus=[1])], entries(pool, topology=described(TOPO)))
    assert taken is not None
    assert [i["id"] for _, _, i, _ in taken] == ["0", "NVIDIA:2:GPU-2-aa"]
