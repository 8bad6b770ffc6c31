"""Certificates that travel: what is made is verified by plain code, and what was changed is found out."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from exactfit.adapters.cli.app import app
from exactfit.adapters.proof.certificate import verify
from exactfit.adapters.proof.duals import bound_of, proves, proves_impossible
from exactfit.adapters.proof.program import Program

Json = dict[str, Any]


def main(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        app(arguments)
    assert isinstance(end.value.code, int)
    return end.value.code


@cache
def certificates(folder: Path) -> list[Json]:
    path = folder / "proof.json"
    jobs = ["node/slot=12/core=10", "slot=2/numa/[core=8;gpu=1]", "slot=1-3/core=7", "slot=1/numa{x}"]
    assert main("place", "rfc49-a:2", *jobs, "--proof", str(path), "--quiet") == 0
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> list[Json]:
    return certificates(tmp_path_factory.mktemp("proofs"))


def test_what_is_made_holds(made: list[Json]) -> None:
    assert len(made) == 4
    verified = [verify(one) for one in made]
    assert [one.faults for one in verified] == [()] * 4
    assert sum(one.is_plain for one in verified) >= 3
    assert {"zero", "dual"} <= set(verified[1].arguments.values())
    assert verified[2].arguments["size"] in ("fixed", "counting")
    assert set(verified[0].arguments.values()) == {"fixed", "counting"}


def test_what_was_changed_is_found_out(made: list[Json]) -> None:
    changed = []
    for name in ("affinity.numa", "fit.node"):
        better = copy.deepcopy(made[0])
        better["values"][name] = max(0, better["values"][name] - 1)
        changed.append(better)
    given_twice = copy.deepcopy(made[1])
    given_twice["running"].append(given_twice["placement"])
    argument = copy.deepcopy(made[1])
    term = next(name for name, parts in argument["terms"].items() if parts and parts[0]["argument"] == "dual")
    argument["terms"][term][0]["tree"] = {"multipliers": {}}
    for one in (*changed, given_twice, argument):
        with pytest.raises((AssertionError, ValueError)):
            assert verify(one).faults == ()


@pytest.mark.parametrize("key", ["schema", "R", "terms", "values", "placement"])
def test_what_is_no_certificate_is_refused(made: list[Json], key: str) -> None:
    with pytest.raises(ValueError, match=r"no certificate|no exactfit"):
        verify({name: value for name, value in made[1].items() if name != key})


def test_a_solver_takes_no_part_in_verifying(made: list[Json], tmp_path: Path) -> None:
    path = tmp_path / "proof.json"
    path.write_text(json.dumps(made[1]), encoding="utf-8")
    program = (
        "import json, sys\n"
        "from exactfit.adapters.proof.certificate import verify\n"
        "assert verify(json.load(open(sys.argv[1]))).faults == ()\n"
        "print([name for name in ('highspy', 'ortools', 'numpy') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_from_the_command_line(made: list[Json], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "proof.json"
    path.write_text("\n".join(map(json.dumps, made[1:])), encoding="utf-8")
    assert main("verify", str(path)) == 0
    assert "holds, by plain code alone" in capsys.readouterr().out
    assert main("verify", str(path), "--json") == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["faults"] for line in lines] == [[], [], []]
    false = copy.deepcopy(made[1])
    false["values"]["spread.node"] = 0
    path.write_text(json.dumps(false), encoding="utf-8")
    assert main("verify", str(path)) == 1
    path.write_text("{}", encoding="utf-8")
    assert main("verify", str(path)) == 2


def test_weak_duality() -> None:
    """Two kinds of coins for at least 7: whatever the multipliers, the bound is one, and some give the optimum."""
    program = Program()
    x, y = program.variable(5), program.variable(5)
    program.at_least({x: 2, y: 3}, 7)
    for factor in (Fraction(0), Fraction(1, 3), Fraction(1, 2)):
        bound = bound_of(program, {x: 1, y: 1}, {0: factor})
        assert bound is not None
        assert bound <= 3
    assert proves(program, {x: 1, y: 1}, {0: Fraction(1, 3)}, 3)
    assert not proves(program, {x: 1, y: 1}, {0: Fraction(1, 3)}, 4)
    assert bound_of(program, {x: 1, y: 1}, {0: Fraction(-1)}) is None
    assert bound_of(program, {x: 1}, {7: Fraction(1)}) is None
    program.at_most({x: 1, y: 1}, 2)
    assert proves_impossible(program, {0: Fraction(1), 1: Fraction(-3)})
    assert not proves_impossible(program, {0: Fraction(1)})
