"""What the checker is: of no code of the solver, and quick enough to look at every answer."""

from __future__ import annotations

import ast
import time
from pathlib import Path

import exactfit.solver.checker
from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver.checker import Checker
from exactfit.topology.presets import preset
from exactfit.topology.rset import read_R

from .conftest import Json

HOME = Path(exactfit.solver.checker.__file__).parent


def test_it_imports_grammar_and_topology_alone() -> None:
    for path in HOME.glob("*.py"):
        for statement in ast.walk(ast.parse(path.read_text())):
            if isinstance(statement, ast.ImportFrom) and statement.level > 1:
                package = (statement.module or "").partition(".")[0]
                assert (statement.level, package) in {(3, "grammar"), (3, "topology")}, path.name
            names = [alias.name for alias in statement.names] if isinstance(statement, ast.Import) else []
            if isinstance(statement, ast.ImportFrom) and statement.level == 0:
                names = [statement.module or ""]
            assert not [name for name in names if name.partition(".")[0] in {"ortools", "exactfit", "networkx"}]


def small(rank: int) -> Json:
    slots = [{"label": "task", "cores": "0-7", "gpus": "0"}]
    return {
        "version": 1,
        "execution": {"R_lite": [{"rank": str(rank), "children": {"core": "0-7", "gpu": "0"}}], "nslots": 1},
        "scheduling": {"placement": [{"ranks": str(rank), "slots": slots}]},
    }


def test_one_node_of_a_thousand_takes_less_than_5_ms() -> None:
    checker = Checker(read_R(preset("rfc49-a:1000")))
    request = parse_resources(parse_shape("slot/[core=8;gpu=1]"))
    took = []
    for rank in range(100):
        start = time.process_time()
        assert checker.judge(request, small(rank)).legal
        checker.allocate(small(rank))
        took.append(time.process_time() - start)
    assert sorted(took)[50] < 1


def test_a_job_on_every_node_of_a_thousand() -> None:
    """A thousand nodes in the same state are looked at one by one, but searched once."""
    checker = Checker(read_R(preset("rfc49-a:1000")))
    R = {"execution": {"R_lite": [{"rank": "0-999", "children": {"core": "0-119", "gpu": "0-7"}}], "nslots": 8000}}
    start = time.process_time()
    verdict = checker.judge(parse_resources(parse_shape("node=1000/slot=8/[core=15;gpu=1]")), R)
    assert verdict.legal
    assert (verdict.terms["affinity.numa"], verdict.terms["fit.numa"]) == (0, 120_000)
    assert time.process_time() - start < 30


def test_a_search_that_is_too_long_says_so() -> None:
    """Which node stands for the vertex with 240 cores takes too long to find out: it is not judged, in a moment."""
    checker = Checker(read_R(preset("rfc49-a:1000")))
    slots = [{"label": "task", "slot": 0, "cores": "0-119"}]
    R = {
        "execution": {"R_lite": [{"rank": "0-999", "children": {"core": "0-119"}}], "nslots": 1},
        "scheduling": {"placement": [{"ranks": "0-999", "slots": slots}]},
    }
    start = time.process_time()
    verdict = checker.judge(parse_resources(parse_shape("slot/[node=999/core=120;core=120]")), R)
    assert not verdict.legal
    assert verdict.violations[0].startswith("not judged")
    assert checker.judge(parse_resources(parse_shape("slot/node=1000/core=120")), R).legal
    assert time.process_time() - start < 30
