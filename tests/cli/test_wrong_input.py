"""Wrong input: exit status 2 and one clear line that says what and where, at once, whatever the input is."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from .conftest import R_of, Runner

JOB = "slot=1/core=1"
PLACE = ("place", "rfc49-a:1")


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        # The program itself.
        (("plaice",), ["plaice"]),
        ((*PLACE, JOB, "--polici", "pack"), ["--polici"]),
        (("place", "rfc49-a"), ["JOB"]),
        # Machines.
        (("place", "rfc49-c", JOB), ["rfc49-c", "no such file", "rfc49-a", "sierra"]),
        (("place", "rfc49-a:0", JOB), ["rfc49-a:0"]),
        (("place", "rfc49-a:many", JOB), ["rfc49-a:many"]),
        (("place", "rfc49-a:-3", JOB), ["rfc49-a:-3"]),
        (("place", "rfc49-a:99999999999", JOB), ["rfc49-a:99999999999"]),
        (("place", "/", JOB), ["/: cannot read the machine"]),
        (("place", "no/such/R.json", JOB), ["no/such/R.json"]),
        (("topo", "rfc49-a", "--nodes", "3"), ["rfc49-a", "--nodes", "hwloc XML"]),
        (("topo", "rfc49-a", "--hosts", "n[0-3]"), ["rfc49-a", "--hosts", "hwloc XML"]),
        # Jobs.
        ((*PLACE, "slot=1/core="), ["'slot=1/core='", "RFC 46", "column"]),
        ((*PLACE, "slot=1/core=x"), ["'slot=1/core=x'", "'x'", "column 13"]),
        ((*PLACE, "core=4"), ["slot"]),
        ((*PLACE, ""), ["''"]),
        (("place", "", JOB), ["nothing: no such file"]),
        ((*PLACE, "jobs/a"), ["jobs/a", "no file is called jobs/a"]),
        ((*PLACE, "missing.yaml"), ["missing.yaml: cannot read a job"]),
        ((*PLACE, "/"), ["/: cannot read a job"]),
        # State and options.
        ((*PLACE, JOB, "--requires", "(a"), ["--requires", "RFC 35", "column"]),
        ((*PLACE, JOB, "--allocated", "missing.json"), ["missing.json: cannot read an allocation"]),
        ((*PLACE, JOB, "--down", "1-"), ["--down", "RFC 22"]),
        ((*PLACE, JOB, "--down", "0,77-78"), ["--down", "77-78"]),
        ((*PLACE, JOB, "--down", "nowhere[1-2]"), ["--down", "nowhere1"]),
        ((*PLACE, JOB, "--policy", "packed"), ["--policy", "packed", "lowest"]),
        ((*PLACE, JOB, "--time-limit", "0"), ["--time-limit", "above 0"]),
        ((*PLACE, JOB, "--time-limit", "nan"), ["--time-limit", "above 0"]),
        ((*PLACE, JOB, "--time-limit", "soon"), ["--time-limit", "number"]),
        ((*PLACE, JOB, "--slot-exclusive", "rfc15"), ["--slot-exclusive", "rfc15"]),
        ((*PLACE, JOB, "--unknown-types", "drop"), ["--unknown-types", "drop"]),
        # Output.
        ((*PLACE, JOB, JOB, "-o", "one.json"), ["one.json", "2 jobs"]),
        ((*PLACE, JOB, "--json", "-o", "-"), ["standard output"]),
        ((*PLACE, JOB, "--draw", "picture.gif"), ["--draw", "picture.gif", ".svg"]),
        ((*PLACE, JOB, "--draw", "no/such/picture.svg"), ["--draw", "no/such"]),
    ],
)
def test_says_what_is_wrong(run: Runner, arguments: tuple[str, ...], parts: list[str]) -> None:
    complaint = run(*arguments, stdin="{}").complaint
    for part in parts:
        assert part in complaint


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ["is empty"]),
        ("{", ["not JSON", "line 1, column 2"]),
        ('{"version": 1}\n{"version": 1}', ["2 JSON values"]),
        ("[1]", ["neither R or JGF (JSON objects) nor hwloc XML"]),
        ("{}", ["version"]),
        ('{"version": NaN}', ["NaN"]),
        ('{"version": 2, "execution": {}}', ["version"]),
        ('{"version": 1, "execution": {"R_lite": [{"rank": "0-x", "children": {}}]}}', ["R_lite[0]", "0-x"]),
        ('{"version": 1, "execution": {"R_lite": []}}', [""]),
        ("[" * 100_000, ["nested too deeply"]),
        ("9" * 100_000, ["not usable JSON"]),
        ("<xml", ["machine"]),
        ("<topology version='2.0'></topology>", ["machine"]),
        ("\x00\x01\x02", ["not JSON"]),
    ],
)
def test_machine_files(run: Runner, tmp_path: Path, text: str, parts: list[str]) -> None:
    path = tmp_path / "machine"
    path.write_text(text, encoding="utf-8")
    start = time.process_time()
    complaint = run("place", path, JOB).complaint
    assert time.process_time() - start < 30
    assert len(complaint) < 600
    for part in (str(path), *parts):
        assert part in complaint


def test_a_machine_that_is_no_text(run: Runner, tmp_path: Path) -> None:
    path = tmp_path / "machine"
    path.write_bytes(b'{"version": 1, "\xff": 2}')
    assert "not UTF-8 text (byte 16)" in run("place", path, JOB).complaint


LAUGHS = "a: &a [x]\n" + "".join(
    f"{name}: &{name} [{', '.join(['*' + below] * 10)}]\n" for below, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ["holds no jobspec"]),
        ("just text", ["a jobspec is a mapping, not text"]),
        ("a: [", ["not usable YAML", "line 1"]),
        ("a: b: c", ["not usable YAML", "line 1, column 5"]),
        ("!!python/object/apply:os.system ['true']", ["not usable YAML"]),
        ("version: 1\nversion: 1", ["'version' is given twice", "line 2, column 1"]),
        (LAUGHS, ["more than 200000 values"]),
        ("&a [*a]", ["*a holds itself"]),
        ("[" * 100_000, ["nested more than 150 deep"]),
        ("{}", ["resources"]),
        ("version: 1\nresources: 3", ["resources"]),
        ("version: 9999\nresources: [{type: slot, count: 1}]", ["resources[0]"]),
        (
            "version: 9999\nresources: [{type: slot, count: -1, label: t, with: [{type: core, count: 1}]}]",
            ["resources[0].count", "-1"],
        ),
        (
            "version: 9999\nresources: [{type: slot, count: 1, label: t, with: [{type: core, count: one}]}]",
            ["resources[0].with[0].count", "one"],
        ),
    ],
)
def test_jobspec_files(run: Runner, tmp_path: Path, text: str, parts: list[str]) -> None:
    path = tmp_path / "job.yaml"
    path.write_text(text, encoding="utf-8")
    start = time.process_time()
    complaint = run(*PLACE, path).complaint
    assert time.process_time() - start < 30
    assert len(complaint) < 600
    for part in (str(path), *parts):
        assert part in complaint


def test_a_json_jobspec_with_a_key_given_twice(run: Runner, tmp_path: Path) -> None:
    path = tmp_path / "job.json"
    path.write_text('{"version": 1, "resources": [], "resources": []}', encoding="utf-8")
    assert "'resources' is given twice" in run(*PLACE, path).complaint


@pytest.mark.parametrize(
    ("value", "parts"),
    [
        ("nothing", ["no R"]),
        ({"version": 1}, ["no R"]),
        ([], ["no R"]),
        (R_of(("9", "0")), ["9"]),
        ([R_of(("0", "0-3")), R_of(("0", "3-4"))], ["(2)"]),
    ],
)
def test_allocations(run: Runner, tmp_path: Path, value: Any, parts: list[str]) -> None:
    path = tmp_path / "busy.json"
    path.write_text(json.dumps(value) if value else "[[]]", encoding="utf-8")
    complaint = run(*PLACE, JOB, "--allocated", path).complaint
    for part in (str(path), *parts):
        assert part in complaint


def test_nothing_is_placed_or_written_when_a_later_argument_is_wrong(run: Runner, tmp_path: Path) -> None:
    target = tmp_path / "out"
    assert run(*PLACE, JOB, "slot=", "-o", f"{target}/").status == 2
    assert not target.exists()


def test_a_folder_that_cannot_be_made(run: Runner, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    done = run(*PLACE, JOB, "-o", tmp_path / "file" / "out.json")
    assert done.status == 2
    assert done.err.count("\n") == 1


def test_standard_input_can_be_read_once(run: Runner, machine_R: Path) -> None:
    done = run("place", "-", "-", stdin=machine_R.read_text(encoding="utf-8"))
    assert done.complaint == "standard input cannot be both the machine and a job"
