"""What solver/README.md says is so: its rooms are there, its words are at home, its walk gives its values."""

from __future__ import annotations

import doctest
import importlib
import re
import sys
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, cast

import pytest

from exactfit.grammar.idset import mask_text
from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver import Checker, Pool, Request
from exactfit.solver.cpsat.budget import Budget
from exactfit.solver.node.lower_bounds import lower_bound
from exactfit.solver.node.packing import SlotShape, WholeSlots
from exactfit.solver.node.ranking_bounds import TouchBounds, crossing_bound
from exactfit.solver.node.tearing import TornSlots
from exactfit.topology.presets import preset
from exactfit.topology.rset import read_R
from rooms import floors_of, rooms_of

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "solver" / "README.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[list[str]]:
    """Return the rows of the table whose first column has a heading."""
    lines = TEXT[TEXT.index(f"| {heading} |") :].partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_rooms_are_those_on_disk_each_on_its_floor() -> None:
    told = {cells[1].strip("`").removesuffix("/").removesuffix(".py"): int(cells[0]) for cells in rows("floor")}
    assert told == floors_of(rooms_of("solver"))


@pytest.mark.parametrize(("word", "home"), [(cells[0], cells[2].strip("`")) for cells in rows("word")])
def test_a_word_is_at_home_where_it_says(word: str, home: str) -> None:
    module, _, name = home.rpartition(".")
    assert hasattr(importlib.import_module(f"exactfit.{module}"), name), word


def test_what_is_wrong_is_looked_for_in_files_that_are_there() -> None:
    named = [path for cells in rows("what is wrong") for path in re.findall(r"`([a-z_/]+(?:\.py|/))`", cells[1])]
    assert len(named) >= 3
    assert [path for path in named if not (ROOT / "solver" / path).exists()] == []


def test_files_that_the_text_names_are_there() -> None:
    named = set(re.findall(r"\(?`((?:\w+/)*\w+\.py|(?:\w+/)+)`", TEXT))
    assert [path for path in sorted(named) if not ((ROOT / "solver" / path).exists() or (ROOT / path).exists())] == []


@dataclass(frozen=True)
class Step:
    """A function on the way of a request, and how deep in the calls it stands."""

    name: str
    depth: int
    code: CodeType


def steps() -> list[Step]:
    """Return the functions on the way, in the order of the text."""
    found = []
    for line in re.findall(r"```text\n(Allocator\.alloc .*?)```", TEXT, re.DOTALL)[0].splitlines():
        name, path = line.split()
        module = importlib.import_module(f"exactfit.solver.{path.removesuffix('.py').replace('/', '.')}")
        function = reduce(getattr, name.split("."), cast("Any", module))
        found.append(Step(name, (len(line) - len(line.lstrip())) // 2, function.__code__))
    return found


def test_the_functions_on_the_way_are_called_in_that_order() -> None:
    way = steps()
    by_code = {step.code: step.name for step in way}
    stack: list[str | None] = []
    calls: list[tuple[str | None, str]] = []

    def see(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call":
            name = by_code.get(frame.f_code)
            if name is not None:
                calls.append((next((above for above in reversed(stack) if above), None), name))
            stack.append(name)
        elif event == "return" and stack:
            stack.pop()

    pool = Pool(read_R(preset("rfc49-a")))
    request = Request.of(parse_resources(parse_shape("node/slot=12/core=10")))
    sys.setprofile(see)
    try:
        pool.alloc(1, request).to_dict()
    finally:
        sys.setprofile(None)
    at = 0
    above: list[str] = []
    for step in way:
        del above[step.depth :]
        call = (above[-1] if above else None, step.name)
        assert call in calls[at:], f"{step.name} is not called there: {calls}"
        at = calls.index(call, at)
        above.append(step.name)


def test_the_walk_gives_what_it_says() -> None:
    blocks = re.findall(r"```pycon\n(.*?)```", TEXT, re.DOTALL)
    names: dict[str, Any] = {
        thing.__name__: thing
        for thing in (
            Budget,
            Checker,
            Pool,
            Request,
            SlotShape,
            TornSlots,
            TouchBounds,
            WholeSlots,
            crossing_bound,
            lower_bound,
            mask_text,
            parse_resources,
            parse_shape,
            preset,
            read_R,
        )
    }
    walk = doctest.DocTestParser().get_doctest("\n".join(blocks), names, "walk", "solver/README.md", 0)
    assert len(walk.examples) > 30
    said: list[str] = []
    assert doctest.DocTestRunner(verbose=False).run(walk, out=said.append).failed == 0, "".join(said)
