"""A jobspec's own policy on the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


@pytest.fixture
def job(tmp_path: Path) -> Callable[[str], Path]:
    def write(policy: str) -> Path:
        resources = [{"type": "slot", "count": 1, "label": "task", "with": [{"type": "core", "count": 4}]}]
        system = {"duration": 60, "exactfit": {"policy": policy}}
        path = tmp_path / "job.json"
        path.write_text(json.dumps({"version": 1, "resources": resources, "attributes": {"system": system}}))
        return path

    return write


def test_it_is_followed_and_said(run: Run, job: Callable[[str], Path]) -> None:
    done = run("place", "rfc49-a:2", "slot/core=4", job("spread"), "slot/core=4", "--certificate", "--no-drawing")
    assert done.status == 0
    assert "certificate of job 1: OPTIMAL\n" in done.out
    assert "certificate of job 2: OPTIMAL, under the job's own policy spread" in done.out
    (line,) = run("place", "rfc49-a:2", job("spread"), "--policy", "lowest", "--json").lines
    assert line["R"]["scheduling"]["certificate"]["policy"] == "spread"


def test_what_is_not_allowed_is_infeasible(run: Run, job: Callable[[str], Path]) -> None:
    done = run("place", "rfc49-a:1", job("affinity,fit"))
    assert done.status == 1
    assert "affinity,fit is not allowed here: of their own jobs may bring pack, future, spread, lowest" in done.out


def test_a_site_may_allow_any(run: Run, job: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXACTFIT_JOB_POLICY", "any")
    assert run("place", "rfc49-a:1", job("affinity,fit")).status == 0


def test_what_is_none_is_wrong_input(run: Run, job: Callable[[str], Path]) -> None:
    done = run("place", "rfc49-a:1", job("best"))
    assert done.status == 2
    assert "job.json: attributes.system.exactfit.policy 'best': no policy or term is called 'best'" in done.err
