"""`exactfit top`: what is on the screen, at any size, on a terminal and elsewhere, and the page."""

from __future__ import annotations

import json
import os
import re
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from busy_system import NOW, busy
from exactfit.adapters.cli.errors import InputError
from exactfit.adapters.cli.top.folds import folds_of, left, numbers
from exactfit.adapters.cli.top.frame import ALL, HELP, VIEWS, Look, Screen
from exactfit.adapters.cli.top.keys import Terminal
from exactfit.adapters.cli.top.live import Asked
from exactfit.adapters.cli.top.moment import Moment, read_moment
from exactfit.adapters.snapshot.commands import RefusedError, SystemDownError
from exactfit.adapters.snapshot.model import Snapshot, read_snapshot
from exactfit.adapters.snapshot.remembering import LASTS, Remembering
from exactfit.grammar.shape import parse_shape
from terminal_session import Session

from .conftest import Runner

EXACTFIT = [sys.executable, "-m", "exactfit.adapters.cli", "top"]
EVIL = "<script>alert(1)</script>\x1b[31m\u202e\r\n&amp;"


@pytest.fixture(scope="module")
def moment() -> Moment:
    """A thousand nodes, some hundred jobs."""
    return read_moment(read_snapshot(busy(1000, 200, 30)))


def small(**changes: Any) -> Snapshot:
    return read_snapshot({**busy(32, 6, 4), **changes})


def wait(shape: str, ident: str = "9", **more: Any) -> dict[str, Any]:
    system = {"duration": 60, **more.pop("system", {})}
    jobspec = {"version": 1, "resources": parse_shape(shape), "tasks": [], "attributes": {"system": system}}
    return {"id": ident, "jobspec": jobspec, "queue": "batch", **more}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "now.json"
    path.write_text(json.dumps(busy(32, 6, 4)), encoding="utf-8")
    return path


class TestWhatIf:
    def test_it_shows_the_machine_as_it_would_be(self, run: Runner, file: Path) -> None:
        before = run("top", "--once", "--snapshot", file).out
        done = run("top", "--once", "--snapshot", file, "--with-nodes", "16", "--with", "numa memory=99")
        assert "32 nodes: " in before
        assert "busy, what if: numa memory=99, 16 nodes more" in " ".join(done.out.split())
        assert "48 nodes: " in done.out
        assert "new[0-15]" in done.out

    def test_what_runs_on_nodes_that_are_gone_has_ended(self, run: Runner, file: Path) -> None:
        done = run("top", "--once", "--snapshot", file, "--without", "rack[0]")
        assert done.err.count("taken to have ended") == 1
        assert "16 nodes: " in done.out
        assert "rack[9]" in run("top", "--once", "--snapshot", file, "--without", "rack[9]").complaint

    def test_an_audit_has_no_machine_to_change(self, run: Runner) -> None:
        for option in ("--with-nodes", "--with", "--without"):
            assert f"{option}: an audit takes no machine" in run("audit", "Rv1Pool", option, "1").complaint


class TestFrames:
    @pytest.mark.parametrize("size", [(80, 24), (40, 10), (20, 4), (200, 60)])
    @pytest.mark.parametrize("view", [*VIEWS, HELP])
    def test_it_has_the_size_of_the_screen(self, moment: Moment, view: str, size: tuple[int, int]) -> None:
        lines, _ = Screen().frame(moment, Look(view), size, "slurm is gone " * 9)
        assert len(lines) == size[1]
        assert max(line.cell_len for line in lines) <= size[0]

    def test_all_has_something_of_each_section_in_24_lines(self, moment: Moment) -> None:
        lines, _ = Screen().frame(moment, Look(ALL), (80, 24))
        text = "\n".join(line.plain for line in lines)
        for name in ("2 racks", "3 nodes", "5 jobs", "6 queue", "7 down", "q quit"):
            assert name in text
        assert "1,000 nodes: " in text
        assert "more lines" in text

    def test_it_scrolls_to_the_end_and_no_further(self, moment: Moment) -> None:
        screen = Screen()
        look = Look().after("6", 10).after("end", 10)
        lines, look = screen.frame(moment, look, (80, 24))
        assert lines[-2].plain.startswith("5029")
        assert look.offset == 30 + 1 - (24 - 5 - 1)
        assert lines[5].plain.split()[:2] == ["job", "user"], "the head of the table stays"
        up, _ = screen.frame(moment, look.after("up", 10), (80, 24))
        assert up[-2].plain.startswith("5028")
        assert look.after("home", 10).offset == 0

    def test_what_keys_do(self) -> None:
        look = Look()
        assert [look.after(key, 5).view for key in ("3", "tab", "backtab", "?", "9", "x")] == [
            "nodes", "racks", "down", HELP, ALL, ALL,
        ]  # fmt: skip
        assert look.after("?", 5).after("?", 5).view == ALL
        assert look.after("p", 5).paused
        assert [look.after(key, 5).offset for key in (" ", "j", "k", "b")] == [5, 1, 0, 0]

    def test_before_the_first_answer_and_without_jobs(self) -> None:
        lines, _ = Screen().frame(None, Look(), (80, 24), "no answer since 14:00:00: scontrol: down", "asking")
        assert lines[0].plain.rstrip().endswith("asking")
        assert lines[1].plain == "no answer since 14:00:00: scontrol: down"
        idle = read_moment(small(running=[], waiting=[], down=[]))
        for view, said in (("queue", "no jobs wait"), ("jobs", "no jobs run"), ("down", "nothing is")):
            assert said in "\n".join(line.plain for line in Screen().frame(idle, Look(view), (80, 24))[0])


class TestFolds:
    def test_nodes_are_counted_once_and_equal_ones_are_one_line(self, moment: Moment) -> None:
        assert sum(fold.count for fold in moment.folds) == moment.machine.size
        assert len(moment.folds) <= 5
        assert len(moment.scene.states) > 10 * len(moment.folds)
        assert sum(numbers(moment.folds).values()) == 1000
        held, free, gone = left(moment.folds, "core")
        assert held == sum(one.cores for one in moment.running)
        assert held + free + gone == 1000 * 120
        assert gone == 120
        assert [fold.word for fold in moment.folds] == sorted(
            (fold.word for fold in moment.folds), key=["in part", "idle", "full", "down"].index
        )

    def test_what_is_free_of_each_domain(self) -> None:
        taken = small(running=[], waiting=[])
        R = {"version": 1, "execution": {"R_lite": [{"rank": "0", "children": {"core": "0-14,15-20", "gpu": "0"}}]}}
        made = read_moment(replace(taken, running=read_snapshot({**busy(1, 0, 0), "running": [
            {"id": "1", "R": R}]}).running))  # fmt: skip
        part = made.folds[0]
        assert (part.word, part.count, part.marks) == ("in part", 1, "[#6··][····]")
        assert (part.cores, part.gpus, part.level, part.where) == ((99, 120), (7, 8), "numa", "node0")
        assert [fold.marks for fold in folds_of(made.machine, made.scene.states)][-1] == "[////][////]"

    def test_torn_slots_are_those_that_need_not_be(self, moment: Moment) -> None:
        # Ten cores from the tenth on lie in two domains of fifteen, and would go into one.
        torn = [one for one in moment.running if one.torn.torn]
        assert torn
        assert all(one.cores == 10 * one.nodes and one.torn.torn == one.torn.slots == one.nodes for one in torn)
        assert moment.torn.torn == sum(one.nodes for one in torn) == sum(fold.torn for fold in moment.folds)

    def test_what_a_node_gives_to_several_tasks_is_no_slot(self) -> None:
        text = json.dumps(busy(32, 6, 4)).replace('"label": "task"', '"label": "tasks"')
        assert read_moment(read_snapshot(json.loads(text))).torn.slots == 0


@pytest.mark.parametrize(
    ("jobs", "words"),
    [
        ([wait("slot=1/core=1"), wait("slot=2/core=1", "10")], ["nothing: it should", "its turn: 1 before it"]),
        ([wait("node=40/slot=1/core=1")], ["40 nodes: 32 exist"]),
        ([wait("node=32/slot=1/core=1")], ["32 nodes: 31 up"]),
        ([wait("node=31/slot=1/core=120")], ["31 nodes: 15 with room"]),
        ([wait("slot=31/node")], ["31 slots: 15 with room"]),
        ([wait("slot=1/core=1", system={"constraints": {"properties": ["none"]}})], ["1 slot: 0 match its constraint"]),
        ([wait("slot=1/licence=1")], ["what never is: slot/licence: "]),
        ([wait("slot=1/core=1", blocked="held by its user")], ["held by its user"]),
        ([wait("slot=1/core=1", begin=NOW + 3600)], ["not before 2023-11-1"]),
        ([wait("slot=1/core=1", queue="shut")], ["shut starts no jobs"]),
        ([wait("node=3/slot=1/core=1", queue="few")], ["few allows a job 2 nodes, and it asks for 3"]),
        ([{"id": "1", "jobspec": {"resources": 7}}], ["what never is: "]),
    ],
)  # fmt: skip
def test_what_a_job_waits_for(jobs: list[dict[str, Any]], words: list[str]) -> None:
    queues = [
        {"name": "batch", "ranks": "0-31"},
        {"name": "shut", "ranks": "0-31", "open": False},
        {"name": "few", "ranks": "0-31", "limits": {"nodes": 2}},
    ]
    said = [one.why for one in read_moment(small(waiting=jobs, queues=queues)).waiting]
    assert len(said) == len(words)
    for one, expected in zip(said, words, strict=True):
        assert one.startswith(expected)


def test_a_reservation_keeps_nodes_from_a_job_that_would_run_into_it() -> None:
    kept = [{"name": "maint", "ranks": "0-31", "start": NOW + 600, "end": NOW + 999}]
    long, quick = wait("slot=1/core=1", system={"duration": 6000}), wait("slot=1/core=2", "10")
    why = [one.why for one in read_moment(small(waiting=[long, quick], reservations=kept)).waiting]
    assert why == ["1 slot: 0 up", "its turn: 1 before it"]


def test_nodes_that_a_reservation_keeps_now_are_kept_and_not_down(run: Runner, tmp_path: Path) -> None:
    kept = [{"name": "maint", "ranks": "28-31", "start": NOW - 5, "end": NOW + 999, "why": "for ada"}]
    made = read_moment(small(reservations=kept))
    assert numbers(made.folds) == {"full": 16, "in part": 0, "idle": 12, "kept": 3, "down": 1}
    assert left(made.folds, "gpu") == (128, 96, 32)
    path = tmp_path / "kept.json"
    path.write_text(made.snapshot.text(), encoding="utf-8")
    shown = run("top", "--snapshot", path).out
    assert re.search(r"^ +3  kept +120 of 120 +8 of 8 .* node\[28-30\]$", shown, re.MULTILINE), shown
    assert "node[28-31]  kept by maint" in shown
    assert re.search(r"^gpus .* of 256, 32 kept or down$", shown, re.MULTILINE)


class TestOutput:
    def test_what_is_no_terminal_gets_one_plain_frame(self, run: Runner, file: Path) -> None:
        done = run("top", "--snapshot", file)
        assert (done.status, done.err) == (0, "")
        assert "\x1b" not in done.out
        assert done.out.splitlines()[1].startswith("32 nodes: ")
        for name in ("racks", "nodes", "down", "jobs", "queue"):
            assert f"\n\n{name}\n" in done.out
        assert run("top", "--once", "--snapshot", file).out == done.out

    def test_in_ascii_and_in_words(self, run: Runner, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("COLUMNS", "80")
        monkeypatch.setenv("EXACTFIT_ASCII", "1")
        plain = run("top", "--snapshot", file).out
        assert plain.isascii()
        assert max(map(len, plain.splitlines())) <= 80
        monkeypatch.setenv("EXACTFIT_NO_DRAWING", "1")
        words = run("top", "--snapshot", file).out
        assert re.search(r"^cores: [\d,]+ of 3,840 held, [\d,]+ free, 120 down$", words, re.MULTILINE)
        assert "##" not in words

    def test_text_that_means_harm(self, run: Runner, tmp_path: Path) -> None:
        taken = busy(32, 2, 1)
        taken["cluster"] = taken["version"] = taken["running"][0]["name"] = taken["running"][1]["user"] = EVIL
        taken["down"][0]["why"] = taken["waiting"][0]["user"] = taken["queues"][0]["name"] = EVIL
        taken["waiting"][0]["queue"] = taken["running"][0]["queue"] = EVIL
        taken["unseen"] = [EVIL]
        path = tmp_path / "evil.json"
        path.write_text(json.dumps(taken), encoding="utf-8")
        shown = run("top", "--snapshot", path).out
        assert shown.replace("\n", "").isprintable()
        page = run("top", "--snapshot", path, "--html", "-").out
        assert "<script" not in page
        assert "\x1b" not in page
        assert "\u202e" not in page
        assert "&amp;amp;" in page

    def test_what_cannot_be_asked(self, run: Runner, file: Path, machine_R: Path, tmp_path: Path) -> None:
        assert "a machine without a queue" in run("top", "--snapshot", machine_R).complaint
        assert "--from goes without --snapshot" in run("top", "--snapshot", file, "--from", "flux").complaint
        assert "--from: expected flux or slurm" in run("top", "--from", "lsf").complaint
        assert "--every: expected a time from 5s to 1d" in run("top", "--every", "1s").complaint
        taken = busy(32, 2, 1)
        taken["running"].append({**taken["running"][0], "id": "twice"})
        path = tmp_path / "twice.json"
        path.write_text(json.dumps(taken), encoding="utf-8")
        assert "twice" in run("top", "--snapshot", path).complaint

    def test_3_when_the_system_does_not_answer(
        self, run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.delenv("FLUX_URI", raising=False)
        for more in ((), ("--once",), ("--html", str(tmp_path / "x.html"))):
            done = run("top", *more)
            assert (done.status, done.out) == (3, "")
            assert done.err == "exactfit: neither flux nor scontrol is on the PATH\n"
        assert not (tmp_path / "x.html").exists()


class Page(HTMLParser):
    """Reads a page: what it refers to, what is open, what it says."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.refers: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "link"):
            self.open.append(tag)
        self.refers += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_needs_nothing_else_and_says_what_the_screen_says(run: Runner, tmp_path: Path) -> None:
    path = tmp_path / "now.json"
    path.write_text(json.dumps(busy(400, 60, 5)), encoding="utf-8")
    done = run("top", "--snapshot", path, "--html", tmp_path / "now.html")
    assert (done.status, done.out, done.err) == (0, "", "")
    text = (tmp_path / "now.html").read_text(encoding="utf-8")
    page = Page()
    page.feed(text)
    assert page.open == []
    assert all(reference.startswith(("#", "data:")) for reference in page.refers)
    assert "url(" not in text
    assert "@import" not in text
    for name in ("400 nodes: ", "60 jobs run, 5 wait", "Groups: rack (25)", "fan broken", "20000 nodes: 400 exist"):
        assert name in page.text
    assert "prefers-color-scheme:dark" in text
    assert "@media print" in text


class TestKeys:
    @pytest.mark.parametrize(
        ("reads", "keys"),
        [
            ([b"q"], ["q"]),
            ([b"\x1b[A\x1b[B\x1bOA"], ["up", "down", "up"]),
            ([b"\x1b[5", b"~3"], ["pgup", "3"]),
            ([b"\x1b", b"[6~"], ["pgdn"]),
            ([b"\x1bx\x1b\x1b[F"], ["x", "end"]),
            ([b"\x1b[1;5A"], ["\x1b[1;5A"]),
            ([b"\t\x1b[Z\x04"], ["tab", "backtab", "q"]),
            ([b"\xc3\xa4"], ["\xc3", "\xa4"]),
        ],
    )
    def test_what_was_pressed(self, reads: list[bytes], keys: list[str]) -> None:
        terminal = Terminal.__new__(Terminal)
        terminal._rest = b""
        assert [key for data in reads for key in terminal._parsed(data)] == keys


class TestAsking:
    def test_what_hardly_changes_is_asked_once_and_a_refusal_is_remembered(self) -> None:
        now = 0.0
        said: list[tuple[str, ...]] = []

        def run(*words: str) -> str:
            said.append(words)
            if words[-1] == "R":
                raise RefusedError("not yours")
            return words[-1]

        asking = Remembering(run, lambda: now)
        jobs, spec = ("flux", "jobs", "--json"), ("flux", "job", "info", "f1", "jobspec")
        for _ in range(3):
            assert (asking(*jobs), asking(*spec)) == ("--json", "jobspec")
            with pytest.raises(RefusedError):
                asking("flux", "job", "info", "f1", "R")
            asking("flux", "resource", "R", "-s", "allocated")
            asking.forget()
        assert (said.count(jobs), said.count(spec), len(said)) == (3, 1, 3 + 3 + 2)
        now = LASTS + 1
        asking.forget()
        asking(*spec)
        assert said.count(spec) == 2

    def test_a_system_that_is_down_is_told_of_and_what_was_known_stays(self) -> None:
        answers: list[Snapshot | Exception] = [small(), SystemDownError("gone"), InputError("odd"), small()]

        def take() -> Snapshot:
            answer = answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer

        asked = Asked(take, 5.0)
        asked.once()
        first = asked.moment
        assert first is not None
        assert asked.trouble == ""
        for text in ("gone", "odd"):
            asked.once()
            assert re.fullmatch(rf"no answer since \d\d:\d\d:\d\d: {text}", asked.trouble)
            assert asked.moment is first
        asked.once()
        assert (asked.trouble, asked.moment is first) == ("", False)
        assert asked.moment is not None
        assert asked.moment.machine is first.machine, "the same machine is not read again"

    @pytest.mark.parametrize(("took", "pause"), [(0.1, 5.0), (2.0, 8.0)])
    def test_a_system_that_answers_slowly_is_asked_less_often(self, took: float, pause: float) -> None:
        assert Asked(small, 5.0).pause(took) == pause


NODES = """\
NodeName=n0 Arch=x86_64 CoresPerSocket=8
   CPUAlloc=0 CPUTot=16 Gres=(null) RealMemory=16000 Sockets=2 State=IDLE ThreadsPerCore=1
   Partitions=main

"""
FAKE = """\
#!/bin/sh
echo "$@" >> {folder}/said
if [ -e {folder}/down ]; then echo 'Unable to contact slurm controller' >&2; exit 1; fi
case "$*" in *node*) cat {folder}/nodes;; esac
"""


class TestOnATerminal:
    def test_keys_size_and_end(self, file: Path, tmp_path: Path) -> None:
        session = Session([*EXACTFIT, "--snapshot", str(file)], (80, 24), {}, tmp_path)
        session.until("q quit")
        assert "\x1b[?1049h" in session.raw
        session.press("6")
        assert any("asks for" in line for line in session.until("q quit"))
        session.resize(50, 12)
        session.press("\t")
        frame = session.until("drained")
        assert max(map(len, frame)) <= 50
        session.press("q")
        status, said, same = session.end()
        assert (status, said, same) == (0, "", True)
        assert session.raw.endswith("\x1b[?25h")
        assert "\x1b[?1049l" in session.raw

    def test_a_system_that_comes_back_is_shown(self, tmp_path: Path) -> None:
        (tmp_path / "scontrol").write_text(FAKE.format(folder=tmp_path))
        (tmp_path / "scontrol").chmod(0o755)
        (tmp_path / "nodes").write_text(NODES)
        (tmp_path / "down").touch()
        environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "NO_COLOR": "1"}
        session = Session([*EXACTFIT, "--from", "slurm"], (80, 24), environment, tmp_path)
        session.until("Unable to contact slurm controller")
        (tmp_path / "down").unlink()
        session.until("1 nodes: 1 idle")
        assert "\x1b[3" not in session.raw, "no colours"
        session.press("q")
        assert session.end() == (0, "", True)
        said = (tmp_path / "said").read_text().splitlines()
        assert all(words.split()[-2] == "show" for words in said), said

    def test_3_when_it_never_answered(self, tmp_path: Path) -> None:
        (tmp_path / "scontrol").write_text("#!/bin/sh\necho no munge here >&2\nexit 1\n")
        (tmp_path / "scontrol").chmod(0o755)
        environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
        session = Session([*EXACTFIT, "--from", "slurm"], (80, 24), environment, tmp_path)
        session.until("no munge here")
        session.press("q")
        status, said, same = session.end()
        assert (status, same) == (3, True)
        assert said == "exactfit: scontrol show node: no munge here\n"
