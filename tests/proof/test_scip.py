"""The same questions to SCIP, where it is installed: it and HiGHS say the same of programs and of placements."""

from __future__ import annotations

import json
import random
from importlib.util import find_spec
from pathlib import Path

import pytest

from exactfit.adapters.cli.app import app
from exactfit.adapters.proof.program import Outcome, Program, Solver
from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver import Pool, Request
from exactfit.topology.presets import preset
from exactfit.topology.rset import read_R
from opinions import opinion_on, real_cases, small

pytestmark = pytest.mark.skipif(find_spec("pyscipopt") is None, reason="pyscipopt is not installed")


def program(draw: random.Random, solver: Solver) -> Program:
    """Return a random small program."""
    made = Program(solver=solver)
    for _ in range(6):
        made.variable(draw.randint(1, 4))
    for _ in range(4):
        terms = {place: draw.randint(-3, 5) for place in draw.sample(range(6), 3)}
        {0: made.at_most, 1: made.at_least, 2: made.equal}[draw.randint(0, 2)](terms, draw.randint(0, 9))
    return made


def test_it_and_HiGHS_say_the_same_of_programs() -> None:
    ended = set()
    for number in range(80):
        objective = {place: random.Random(f"objective {number}").randint(-4, 9) for place in range(6)}
        one, other = (
            program(random.Random(number), solver).minimise(objective, 20, presolve=bool(number % 2))
            for solver in Solver
        )
        assert (one.outcome, one.bound, one.value) == (other.outcome, other.bound, other.value)
        assert sum(objective[k] * v for k, v in enumerate(other.values)) == (other.value or 0)
        ended.add(other.outcome)
    assert ended == {Outcome.OPTIMAL, Outcome.INFEASIBLE}


def test_it_agrees_with_the_solver() -> None:
    cases = [*small(40, 11), *real_cases(5, 500)]
    said = [opinion_on(case, policy, solver=Solver.SCIP) for case, policy in cases]
    assert [one for one in said if one.is_fault] == []
    assert sum(one.what.endswith("proven") for one in said) > 0.8 * len(said)


def test_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    machine = read_R(preset("rfc49-a:1"))
    R = Pool(machine).alloc(1, Request.of(parse_resources(parse_shape("slot=3/[core=10;gpu=1]")))).to_dict()
    path = tmp_path / "R.json"
    path.write_text(json.dumps(R), encoding="utf-8")
    for more, status, words in ((["--prove"], 0, "by counting or by SCIP"), ([], 2, "")):
        with pytest.raises(SystemExit) as end:
            app(["check", "rfc49-a:1", "slot=3/[core=10;gpu=1]", str(path), *more, "--solver", "scip"])
        assert end.value.code == status
        assert words in capsys.readouterr().out
