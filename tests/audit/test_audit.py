"""What is planted is found out, with few steps; what has no fault has no finding; the same seed says the same."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from exactfit.adapters.audit.audit import Report, audit
from exactfit.adapters.audit.counterexample import text_of, write_all
from exactfit.adapters.audit.findings import Finding, Kind
from exactfit.adapters.audit.page import page_of
from exactfit.adapters.audit.pools import load_allocator
from exactfit.adapters.audit.steps import Ask, AskTooMuch, FreePart, Mark, Reload, Stream
from exactfit.adapters.audit.trial import run
from exactfit.adapters.cli.app import app


@cache
def report_of(pool: str, streams: int, seed: int = 0) -> Report:
    return audit(load_allocator(pool), pool=pool, seed=seed, at_most=streams, tries=60)


def found(report: Report, kind: Kind, cause: str = "") -> Finding:
    return next(finding for finding in report.findings if (finding.kind, finding.cause) == (kind, cause))


@pytest.mark.parametrize(
    ("kind", "cause", "does"),
    [
        (Kind.TAKEN, "", None),
        (Kind.NOT_NOW, "", None),
        (Kind.NOT_NOW, "after a partial free", FreePart),
        (Kind.DOWN, "after ranks went down or up", Mark),
        (Kind.TAKEN, "after a reload", Reload),
    ],
    ids=["gives a core twice", "refuses what fits", "forgets a partial free", "ignores down", "leaks at reload"],
)
def test_five_faults_in_thirty_lines_are_found_with_three_steps(
    kind: Kind, cause: str, does: type[object] | None
) -> None:
    finding = found(report_of("faulty:Faulty", 250, seed=0), kind, cause)
    assert len(finding.stream.steps) <= 3
    assert does is None or any(isinstance(step, does) for step in finding.stream.steps)
    events = run(load_allocator("faulty:Faulty"), finding.stream)
    assert [event.said for event in events if event.what is kind] == [finding.said]


def test_what_a_refusal_costs_is_found_with_two_steps() -> None:
    finding = found(report_of("faulty:Sore", 150), Kind.NOT_NOW, "after a refusal")
    assert len(finding.stream.steps) == 2
    assert isinstance(finding.stream.steps[0], AskTooMuch)


def test_flux_classes_with_faults() -> None:
    forgetful = report_of("faulty_pool:Forgetful", 60)
    kinds = {finding.kind for finding in forgetful.findings}
    assert {Kind.ACCOUNTS, Kind.CRASHES} <= kinds
    for finding in forgetful.findings:
        assert len(finding.stream.steps) <= 3
    assert "KeyError" in found(forgetful, Kind.CRASHES).said
    choosy = report_of("faulty_pool:Choosy", 50, seed=1)
    assert {Kind.NOT_NOW, Kind.ACCOUNTS} <= {finding.kind for finding in choosy.findings}
    assert found(choosy, Kind.ACCOUNTS, "after a copy").count > 0


def test_ours_has_no_fault_and_is_as_good_as_can_be() -> None:
    report = report_of("exactfit", 50)
    assert (report.findings, report.faults) == ([], [])
    assert {what for what in report.seen if what.startswith("places")} == {"places as well as can be"}
    assert all(mine == best for mine, best, _ in report.terms.values())


def test_what_flux_places_we_place_with_no_term_worse() -> None:
    for pool in ("Rv1Pool", "TreePool"):
        report = report_of(pool, 50)
        assert report.faults == []
        assert report.findings != []


def test_the_same_seed_says_the_same() -> None:
    one, other = (audit(load_allocator("faulty:Faulty"), seed=3, at_most=30, tries=20) for _ in range(2))
    assert one == other


def test_a_process_that_dies_is_a_finding() -> None:
    report = report_of("faulty:Deadly", 25)
    finding = found(report, Kind.DIES)
    assert finding.said == "the process ended with exit status 7"
    (step,) = finding.stream.steps
    assert isinstance(step, Ask)
    assert step.resources[0]["type"] == "node"


R = {
    "version": 1,
    "execution": {
        "R_lite": [{"rank": "0-3", "children": {"core": "0-3"}}],
        "nodelist": ["n[0-3]"],
        "properties": {},
        "starttime": 0,
        "expiration": 0,
    },
}


def core(count: int = 1) -> dict[str, object]:
    return {"type": "core", "count": count}


def slot(count: int, *inside: dict[str, object]) -> tuple[dict[str, object], ...]:
    return ({"type": "slot", "count": count, "label": "t", "with": list(inside)},)


@pytest.mark.parametrize(
    ("resources", "what"),
    [
        (slot(1, core()), "places as well as can be"),
        (slot(4, {"type": "node", "count": 1, "with": [core()]}), Kind.WRONG),
        (slot(1, {"type": "node", "count": 1}), Kind.UNREAD),
        (({"type": "slot", "count": "1,3", "label": "t", "with": [core()]},), Kind.NEVER),
        (slot(1, core(99)), "refuses what does not fit"),
    ],
    ids=["best", "wrong", "unread", "never", "refused"],
)
def test_each_answer_is_what_it_is(resources: tuple[dict[str, object], ...], what: object) -> None:
    events = run(load_allocator("Rv1Pool"), Stream(R, (Ask(1, resources),)))
    assert [event.what for event in events][-1] == what


def test_what_cannot_load_the_machine_is_a_finding() -> None:
    (event,) = run(load_allocator("TreePool"), Stream(R, (Ask(1, slot(1, core())),)))
    assert event.what is Kind.UNLOADED


def test_findings_are_files_that_run(tmp_path: Path) -> None:
    report = report_of("faulty:Deadly", 25)
    finding = found(report_of("faulty_pool:Forgetful", 60), Kind.CRASHES)
    (path,) = write_all([finding], "faulty_pool:Forgetful", tmp_path)
    for command in ([sys.executable, path.name], [sys.executable, "-m", "pytest", "-q", path.name]):
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 1, done.stdout + done.stderr
        assert "raises what is no documented error: KeyError" in done.stdout
    page = page_of(report, [], "versions")
    assert "takes the process with it" in page
    assert text_of(finding, "x:Y").count('"""') == 2


class TestTheCommand:
    def test_json_and_status(self, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
        assert main("audit", "faulty:Faulty", "--streams", "20", "--json", "-o", str(tmp_path)) == 1
        told = json.loads(capsys.readouterr().out)
        assert told["schema"] == "exactfit.audit/1"
        assert told["streams"] == 20
        assert len(told["findings"]) == len(list(tmp_path.glob("test_*.py")))
        assert "Audit of faulty:Faulty" in (tmp_path / "report.html").read_text(encoding="utf-8")
        assert main("audit", "exactfit", "--streams", "5") == 0
        assert "no fault in 5 streams" in capsys.readouterr().out

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["no_such:Pool"], "no_such"),
            (["nothing"], "any module:Class"),
            (["json:dumps"], "neither an Allocator"),
            (["exactfit", "--time", "soon"], "--time: expected a time above 0"),
        ],
    )
    def test_wrong_input(self, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert main("audit", *arguments) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert said in line


def main(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        app(arguments)
    assert isinstance(end.value.code, int)
    return end.value.code


def test_a_suite_by_the_plugin(tmp_path: Path) -> None:
    more = ["-p", "exactfit.adapters.audit.plugin", "--pool-streams=40"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--pool=faulty_pool:Forgetful", *more],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert "FAILED" in done.stdout, done.stdout + done.stderr
    assert "test_it_counts_right" in done.stdout
    assert " passed" in done.stdout
