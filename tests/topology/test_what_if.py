"""Machines as they would be: more nodes, more of an amount, without some nodes."""

from __future__ import annotations

import pytest

from exactfit.topology.line import line_R
from exactfit.topology.machine import Machine
from exactfit.topology.rset import read_R
from exactfit.topology.what_if import with_amount, with_nodes, without_nodes

RACKS = read_R(line_R("rack:3(power=5) node:2 core:4", None, None))


def test_nodes_are_added_as_most_are() -> None:
    machine = Machine.preset("rfc49-a:4")
    more = with_nodes(machine, 3)
    assert more.types == machine.types
    assert list(more.ranks) == [0, 1, 2, 3, 4, 5, 6]
    assert list(more.hosts)[4:] == ["new0", "new1", "new2"]
    assert with_nodes(RACKS, 2).size == 8
    assert list(with_nodes(without_nodes(RACKS, "0"), 1).ranks) == [1, 2, 3, 4, 5, 6]


def test_amounts_are_of_every_domain_and_group_of_a_level() -> None:
    machine = with_amount(Machine.preset("rfc49-a:4"), "numa", "memory", 256)
    assert {d.memory for d in machine.types[0].domains if d.level == "numa"} == {256}
    assert [int(g.resources[0][1]) for g in with_amount(RACKS, "rack", "power", 9).groups if g.level == "rack"] == [
        9
    ] * 3
    assert with_amount(RACKS, "node", "memory", 64).types[0].domains[0].memory == 64


def test_what_is_taken_away_is_not_there() -> None:
    fewer = without_nodes(RACKS, "rack[0,2]")
    assert (list(fewer.ranks), [g.level for g in fewer.groups]) == ([2, 3], ["rack"])
    assert list(without_nodes(RACKS, "1-4").ranks) == [0, 5]


@pytest.mark.parametrize(
    ("what", "fault"),
    [
        (lambda: without_nodes(RACKS, "rack[7]"), r"there are rack\[0-2\]"),
        (lambda: without_nodes(RACKS, "rack[1"), "rack"),
        (lambda: without_nodes(RACKS, "77"), "no rank 77"),
        (lambda: without_nodes(RACKS, "all"), "nothing is left"),
        (lambda: with_amount(RACKS, "numa", "memory", 3), "numa: the machine has none"),
        (lambda: with_amount(RACKS, "node", "gpu", 3), "have ids"),
        (lambda: with_nodes(RACKS, 1 << 20), "expected a number of nodes"),
    ],
)
def test_what_cannot_be(what: object, fault: str) -> None:
    assert callable(what)
    with pytest.raises(ValueError, match=fault):
        what()
