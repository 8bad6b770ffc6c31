"""Which slot has what in the drawings of a report, also under pools that do not say it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from exactfit.adapters.study.locality import SlotSize
from exactfit.adapters.study.run import run_task
from exactfit.adapters.study.slots import placement_of, split
from exactfit.adapters.study.task import Task
from exactfit.grammar.idset import mask_text, text_mask
from exactfit.topology.machine import Machine


def as_text(slots: list[tuple[int, int]]) -> list[tuple[str, str]]:
    return [(mask_text(cores), mask_text(gpus)) for cores, gpus in slots]


@pytest.mark.parametrize(
    ("cores", "gpus", "size", "slots"),
    [
        # A numa has 15 cores and a GPU: as many as can be stand in one, and the rest is put together.
        ("0-29", "", SlotSize(10, 0), [("15-24", ""), ("0-9", ""), ("10-14,25-29", "")]),
        ("0-9,30-39", "0,2", SlotSize(10, 1), [("30-39", "2"), ("0-9", "0")]),
        ("0-9,30-39", "1,3", SlotSize(10, 1), [("0-9", "1"), ("30-39", "3")]),
        # Within a socket before across.
        ("0-4,15-19,60-64,75-79", "", SlotSize(10, 0), [("60-64,75-79", ""), ("0-4,15-19", "")]),
        ("", "0-3", SlotSize(0, 2), [("", "0-1"), ("", "2-3")]),
        # No more than there are, and none that is not whole.
        ("0-29", "", SlotSize(10, 0, 1), [("15-24", "")]),
        ("0-8", "", SlotSize(10, 0), []),
    ],
)
def test_slots_are_made_of_what_is_innermost(
    machine: Machine, cores: str, gpus: str, size: SlotSize, slots: list[tuple[str, str]]
) -> None:
    found = split(machine.types[0], text_mask(cores), text_mask(gpus), size)
    assert as_text(found) == slots


def test_what_a_pool_says_itself_is_taken(machine: Machine) -> None:
    said = [{"ranks": "0", "slots": [{"label": "a", "cores": "0-1"}]}]
    R = {"execution": {"R_lite": [{"rank": "0", "children": {"core": "0-3"}}]}, "scheduling": {"placement": said}}
    assert placement_of(machine, R, SlotSize(4, 0)) == said


def test_slots_of_several_kinds_are_not_guessed(machine: Machine) -> None:
    R = {"execution": {"R_lite": [{"rank": "0", "children": {"core": "0-3"}}]}}
    assert placement_of(machine, R, None) == []


@pytest.mark.parametrize("pool", ["exactfit", "Rv1Pool", "TreePool"])
def test_a_moment_has_the_slots_of_its_jobs(task: Callable[..., Task], pool: str) -> None:
    moment: dict[str, Any] = run_task(task(pool, prove=False).to_json())["moment"]
    assert len(moment["placements"]) == len(moment["held"]) > 0
    for (_, execution), placement in zip(moment["held"], moment["placements"], strict=True):
        for name, key in (("core", "cores"), ("gpu", "gpus")):
            held = sum(
                text_mask(entry["children"].get(name, "")).bit_count() * ranks(entry["rank"])
                for entry in execution["R_lite"]
            )
            in_slots = sum(
                text_mask(slot.get(key, "")).bit_count() * ranks(entry["ranks"])
                for entry in placement
                for slot in entry["slots"]
            )
            assert in_slots == held


def ranks(text: str) -> int:
    return text_mask(text).bit_count()
