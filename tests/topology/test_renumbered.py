"""Cores of a sub-instance, which Flux numbers from zero: they stand where the job's cores stand."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exactfit.adapters.audit import strategies as draw_
from exactfit.grammar.idset import mask_text, text_mask
from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver import Pool, Request
from exactfit.topology.machine import Machine
from exactfit.topology.presets import preset
from exactfit.topology.rset import read_R, write_R
from sub_instance import places, places_of, renumbered

Json = dict[str, Any]
NUMA = {"numa": [{"cores": "0-3", "gpus": "0", "memory": 8}, {"cores": "4-7", "gpus": "1", "memory": 8}]}


def request(shape: str) -> Request:
    return Request.of(parse_resources(parse_shape(shape)))


def R_of(cores: str, children: list[Json], gpus: str = "") -> Json:
    return {
        "version": 1,
        "execution": {"R_lite": [{"rank": "0", "children": {"core": cores, "gpu": gpus}}]},
        "scheduling": {"children": children},
    }


def numas(machine: Machine, rank: int = 0) -> list[str]:
    kind = machine.type_at(machine.position(rank))
    return [mask_text(domain.cores) for domain in kind.by_level.get("numa", ())]


MATCHED = [
    ("the same", "0-7", "0-3", "4-7", ["0-3", "4-7"]),
    ("a part of them: by id", "0-5", "0-3", "4-7", ["0-3", "4-5"]),
    ("as many others: by order", "0-7", "0-3", "8-11", ["0-3", "4-7"]),
    ("in any order of domains", "0-7", "8-11", "0-3", ["4-7", "0-3"]),
    ("woven", "0-5", "1,5,9", "3,7,11", ["0,2,4", "1,3,5"]),
    ("also where R does not start at 0", "4-5,9", "10", "20,30", ["4", "5,9"]),
    ("fewer in topo: by id", "0-7", "1-2", "4-5", ["1-2", "4-5"]),
    ("none in common, and not as many", "0-2", "8-9", "10-11", []),
]


@pytest.mark.parametrize(
    ("cores", "first", "second", "expected"), [row[1:] for row in MATCHED], ids=[r[0] for r in MATCHED]
)
def test_cores_are_matched_as_ranks_are(cores: str, first: str, second: str, expected: list[str]) -> None:
    topo = {"numa": [{"cores": first}, {"cores": second}]}
    machine = read_R(R_of(cores, [{"ranks": "0", "topo": topo}]))
    assert numas(machine) == expected
    # What is written again is read as the same.
    again = read_R(write_R(machine, machine.holdings))
    assert again.types == machine.types


def test_the_cores_of_a_batch_job_on_cluster_a_keep_their_numa() -> None:
    machine = read_R(preset("rfc49-a:1"))
    job = write_R(machine, [(1, text_mask("0-9,15-24,30-39,45-54"), 0b1111)], cut_ids=True)
    inside = read_R(renumbered(job))
    assert mask_text(inside.types[0].cores) == "0-39"
    assert numas(inside) == ["0-9", "10-19", "20-29", "30-39"]
    R = Pool(inside).alloc(1, request("slot=4/core=10")).to_dict()
    assert [slot["cores"] for slot in R["scheduling"]["placement"][0]["slots"]] == ["0-9", "10-19", "20-29", "30-39"]
    assert R["scheduling"]["certificate"]["terms"]["affinity.numa"] == 0


def test_children_are_cut_to_the_ids_of_the_job() -> None:
    machine = read_R(R_of("0-7", [{"ranks": "0", "topo": {"socket": [NUMA, {"ssd": 1}], "memory": 3}}], "0-1"))
    job = write_R(machine, [(1, 0b0110_0000, 0b10)], cut_ids=True)
    assert job["scheduling"]["children"] == [
        {
            "ranks": "0",
            "topo": {
                "socket": [
                    {
                        "numa": [{"cores": "5-6", "gpus": "1", "memory": 8, "exactfit.partial": 1}],
                        "exactfit.partial": 1,
                    },
                    {"ssd": 1},
                ],
                "memory": 3,
                "exactfit.partial": 1,
            },
        }
    ]
    # What a job holds in full is not copied.
    whole = write_R(machine, [(1, 0xFF, 0b11)], cut_ids=True)
    assert whole["scheduling"]["children"][0]["topo"] is machine.topologies[0][0]


def test_a_part_of_a_domain_is_known_from_a_whole_one() -> None:
    machine = read_R(R_of("0-7", [{"ranks": "0", "topo": NUMA}], "0-1"))
    inside = read_R(renumbered(write_R(machine, [(1, 0b0011_1111, 0b11)], cut_ids=True)))
    assert [domain.whole for domain in inside.types[0].domains] == [False, True, False]
    assert "exactfit.partial" not in inside.amounts
    # Nested once more, where it is all that there is.
    again = read_R(renumbered(write_R(inside, inside.holdings, cut_ids=True)))
    assert [domain.whole for domain in again.types[0].domains] == [False, True, False]


def test_a_core_that_no_domain_lists_is_taken_for_no_other() -> None:
    """Core 9 stands at the node; in the sub-instance it has the number of a core that has a numa in the parent."""
    machine = read_R(R_of("0-7,9", [{"ranks": "0", "topo": NUMA}], "0-1"))
    for cores in ("1,9", "4-7,9", "1-7,9", "9"):
        job = write_R(machine, [(1, text_mask(cores), 0)], cut_ids=True)
        assert places(read_R(renumbered(job)), 0) == places_of(machine, 0, text_mask(cores)), cores
        # As a set of the same machine as well, of which as many cores are listed as `topo` lists.
        part = read_R(write_R(machine, [(1, text_mask(cores), 0)]))
        assert places(part, 0) == places_of(machine, 0, text_mask(cores)), cores


def test_nodes_of_several_types_and_fragments_in_one_job() -> None:
    flat = {"cores": "0-3", "memory": 4}
    R = {
        "version": 1,
        "execution": {
            "R_lite": [
                {"rank": "0-5", "children": {"core": "0-7", "gpu": "0-1"}},
                {"rank": "6-7", "children": {"core": "0-3"}},
                {"rank": "8", "children": {"core": "0-7"}},
            ]
        },
        "scheduling": {"children": [{"ranks": "0-5", "topo": NUMA}, {"ranks": "6-7", "topo": flat}]},
    }
    machine = read_R(R)
    held = [
        (0b0_0000_0010, 0b1111_0000, 0b10),
        (0b0_0001_0100, 0b0110_0110, 0b11),
        (0b0_0010_0000, 0b0000_1111, 0b00),
        (0b0_1000_0000, 0b0000_1100, 0b00),
        (0b1_0000_0000, 0b0000_1010, 0b00),
    ]
    inside = read_R(renumbered(write_R(machine, held, cut_ids=True)))
    parents = [1, 2, 4, 5, 7, 8]
    of = {position: (cores, gpus) for nodes, cores, gpus in held for position in range(9) if nodes >> position & 1}
    for rank, parent in enumerate(parents):
        assert places(inside, rank) == places_of(machine, parent, of[parent][0]), rank
        assert inside.type_at(rank).gpus == of[parent][1]


@st.composite
def jobs(draw: st.DrawFn, machine: Machine) -> list[tuple[int, int, int]]:
    """Draw which ids of which nodes a job holds."""
    held = []
    for position in range(machine.size):
        kind = machine.type_at(position)
        cores = draw(st.integers(0, (1 << kind.cores.bit_length()) - 1)) & kind.cores
        gpus = draw(st.integers(0, (1 << kind.gpus.bit_length()) - 1)) & kind.gpus
        if cores:
            held.append((1 << position, cores, gpus))
    return held


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_locality_survives_any_number_of_instances(data: st.DataObject) -> None:
    machine = read_R(data.draw(draw_.machines()))
    for _ in range(3):
        held = data.draw(jobs(machine))
        if not held:
            return
        job = write_R(machine, held, cut_ids=True)
        inside = read_R(renumbered(json.loads(json.dumps(job))))
        for position, (node, cores, gpus) in enumerate(held):
            parent = node.bit_length() - 1
            assert places(inside, position) == places_of(machine, parent, cores)
            assert inside.type_at(position).gpus == gpus
        machine = inside


def test_too_many_to_number_anew_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exactfit.topology.scheduling._MAX_RENUMBERED", 500)
    topo = {"numa": [{"cores": str(core)} for core in range(1, 50)]}

    def R(nodes: int) -> Json:
        lite = [{"rank": str(rank), "children": {"core": f"{rank + 2}-{rank + 50}"}} for rank in range(nodes)]
        children = [{"ranks": f"0-{nodes - 1}", "topo": topo}]
        return {"version": 1, "execution": {"R_lite": lite}, "scheduling": {"children": children}}

    assert len(read_R(R(10)).types) == 10
    with pytest.raises(ValueError, match=r"scheduling.children: more than 500 domains to number anew"):
        read_R(R(11))
