"""The door in the words of people: machines from what is at hand, requests as text, nodes by rank or host, pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from exactfit.solver import Checker, InfeasibleRequest, Machine, Pool, Request
from exactfit.topology.rset import write_R

LINE = "socket:2 numa:2 core:4 gpu:1"


def whole_R(machine: Machine) -> dict[str, Any]:
    return write_R(machine, machine.holdings)


def test_a_machine_of_unlike_nodes_is_built() -> None:
    machine = Machine.build(
        ("socket:2 core:32", 48),
        ("socket:2 core:32 gpu:2", 16),
        "numa:4 core:8",
        hosts="n[0-64]",
        properties={"gpu": "48-63"},
        groups={"rack": ["0-31", {"ranks": "32-64", "power": 40}]},
    )
    assert machine.size == 65
    assert [machine.type_at(position).cores.bit_count() for position in (0, 48, 64)] == [64, 64, 32]
    assert [machine.type_at(position).gpus.bit_count() for position in (0, 48, 64)] == [0, 4, 0]
    assert machine.host(64) == "n64"
    assert machine.properties == {"gpu": ((1 << 16) - 1) << 48}
    assert [str(machine.ids_of(group.members)) for group in machine.groups] == ["0-31", "32-64"]
    assert dict(machine.groups[1].resources) == {"power": 40}


def test_a_line_with_groups_is_a_machine_with_them() -> None:
    machine = Machine.build("rack:2 node:4 socket:2 core:4")
    assert machine.size == 8
    assert machine.group_levels == ("rack",)


@pytest.mark.parametrize(
    ("parts", "more", "said"),
    [
        ((), {}, "no nodes"),
        (("socket:2",), {}, "core"),
        ((("socket:2 core:4", 0),), {}, "0 nodes"),
        (("socket:2 core:4",), {"hosts": "a,b"}, "2 host names for 1 nodes"),
        ((("socket:2 core:4", 2),), {"hosts": "a,a"}, "twice"),
        (("socket:2 core:4",), {"properties": {"big": "0-1"}}, "big"),
        (("socket:2 core:4",), {"groups": {"rack": ["0-7"]}}, "rack"),
        (("rack:2 node:2 core:4", "core:8"), {}, "only line"),
    ],
)
def test_what_builds_no_machine_is_a_value_error(parts: Any, more: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Machine.build(*parts, **more)


def test_R_comes_as_mapping_text_or_file(tmp_path: Path) -> None:
    R = whole_R(Machine.build((LINE, 3)))
    path = tmp_path / "R.json"
    path.write_text(json.dumps(R), encoding="utf-8")
    assert [Machine.from_R(given).size for given in (R, json.dumps(R), json.dumps(R).encode(), path)] == [3] * 4
    with pytest.raises(TypeError, match="a mapping, as JSON text or as a path"):
        Machine.from_R(3)  # type: ignore[arg-type]  # what is refused
    with pytest.raises(ValueError, match="JSON"):
        Machine.from_R("{")


def test_hwloc_comes_as_text_or_file() -> None:
    path = next((Path(__file__).parents[1] / "topology" / "data").rglob("*.xml"))
    one = Machine.from_hwloc(path)
    assert Machine.from_hwloc(path.read_bytes(), nodes=4).size == 4
    assert one.type_at(0).cores.bit_count() > 0


def test_a_request_is_text_at_every_door() -> None:
    machine = Machine.build((LINE, 2))
    pool = Pool(machine)
    first = pool.alloc(1, "slot=2/[core=4;gpu=1]")
    again = Pool(machine).alloc(1, Request.from_shape("slot=2/[core=4;gpu=1]"))
    assert first.to_dict() == again.to_dict()
    with pytest.raises(InfeasibleRequest):
        pool.check_feasibility("slot/core=99")
    with pytest.raises(ValueError, match="column"):
        pool.alloc(2, "slot=/core")
    assert Checker(machine).judge(Request.from_shape("slot=2/[core=4;gpu=1]").shape.vertices, first.to_dict()).legal


def test_nodes_are_ranks_hosts_or_positions() -> None:
    pool = Pool(Machine.build((LINE, 8), hosts="n[0-7]"))
    for text, left in (("0-1", 0b11), ("n[2,5]", 0b100111), ("all", 0xFF)):
        pool.mark_down(text)
        assert pool.down_mask == left
    pool.mark_up("n3,n4")
    assert pool.up_mask == 0b11000
    pool.alloc(1, "slot=2/node")
    pool.free(1, "n3")
    pool.alloc(2, "slot=1/node")
    for wrong, said in (("9", "no rank 9"), ("m1", "no host"), ("[", "idset")):
        with pytest.raises(ValueError, match=said):
            pool.mark_down(wrong)


def test_the_pool_explains_in_words() -> None:
    pool = Pool(Machine.build((LINE, 2)))
    explained = pool.explain("slot=5/socket/core=8")
    assert explained.status == "infeasible"
    assert str(explained) == (
        "5 slots of socket/core=8 need 5 sockets with 8 cores: 4 exist\ninstead: ask for slot=4 instead of 5"
    )
    assert str(pool.explain("slot=4/socket/core=8")) == "it fits now"


def test_a_notebook_shows_allocations_and_pools(tmp_path: Path) -> None:
    pool = Pool(Machine.build((LINE, 2), hosts="<b>[0-1]"))
    allocation = pool.alloc(1, "slot=2/[core=4;gpu=1]")
    table = allocation._repr_html_()
    assert "OPTIMAL" in table
    assert "affinity.numa" in table
    pool.mark_down("1")
    for drawn in (allocation.draw(), pool.draw()):
        svg = drawn._repr_svg_()
        assert svg.lstrip().startswith("<?xml")
        assert "<b>" not in svg
        drawn.save(tmp_path / "picture.png")
        assert (tmp_path / "picture.png").stat().st_size > 1000
        with pytest.raises(ValueError, match="svg"):
            drawn.save(tmp_path / "picture.txt")
