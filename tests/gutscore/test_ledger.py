"""The ledger outlives every crash: dead processes hold nothing, and what a living one uses is never given away."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from exactfit.adapters.gutscore import ledger
from exactfit.adapters.gutscore.ledger import GROUP, REQUESTER, WORKER, Claim, Held
from exactfit.adapters.gutscore.processes import ProcessId, end
from exactfit.adapters.gutscore.slots import Slot, SlotGpu

FORK = multiprocessing.get_context("fork")


@pytest.fixture
def path(folder: Path) -> str:
    return str(folder / "book.db")


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A process that does nothing, for a minute, in a session of its own."""
    process = subprocess.Popen(["sleep", "60"], start_new_session=True)
    yield process
    process.kill()
    process.wait()


def take(path: str, cpus: int, wgroup: int = 0, gpus: tuple[str, ...] = ()) -> Claim:
    slot = Slot(cpus, tuple(SlotGpu(key, "", key) for key in gpus))
    return ledger.claim(path, wgroup, lambda _: [slot])[0]


def owned(path: str, cpus: int, process: ProcessId, role: str = GROUP) -> Claim:
    """Claim CPUs for another process."""
    claim = take(path, cpus)
    claim.join(role, process)
    claim.leave(REQUESTER)
    return claim


def identity(process: subprocess.Popen[bytes]) -> ProcessId:
    found = ProcessId.of(process.pid)
    assert found is not None
    return found


def test_what_is_claimed_is_held_until_it_is_struck_out(path: str) -> None:
    first, second = take(path, 0b0011, 1, ("a",)), take(path, 0b1000, 2, ("b", "c"))
    held = ledger.held(path)
    assert (held.cpus, held.gpus) == (0b1011, frozenset("abc"))
    assert held.groups == ("workergroup 1 holds CPUs 0-1", "workergroup 2 holds CPUs 3")
    first.strike()
    assert (ledger.held(path).cpus, ledger.held(path).gpus) == (0b1000, frozenset("bc"))
    first.strike()
    second.strike()
    assert ledger.held(path) == Held()


def test_a_choice_that_fails_claims_nothing(path: str) -> None:
    def fail(_: Held) -> list[Slot]:
        raise RuntimeError("no place")

    with pytest.raises(RuntimeError, match="no place"):
        ledger.claim(path, 0, fail)
    assert ledger.held(path) == Held()


def test_a_dead_process_holds_nothing(path: str, sleeper: subprocess.Popen[bytes]) -> None:
    owned(path, 0b1, identity(sleeper))
    assert ledger.held(path).cpus == 0b1
    sleeper.kill()
    sleeper.wait()
    assert ledger.held(path).cpus == 0


def test_a_dead_process_whose_parent_does_not_ask_holds_nothing(path: str, sleeper: subprocess.Popen[bytes]) -> None:
    owned(path, 0b1, identity(sleeper))
    sleeper.kill()
    deadline = time.monotonic() + 10
    while ledger.held(path).cpus and time.monotonic() < deadline:
        time.sleep(0.02)
    assert Path(f"/proc/{sleeper.pid}").exists()
    assert ledger.held(path).cpus == 0


def test_a_worker_that_outlives_its_group_keeps_the_claim(path: str, sleeper: subprocess.Popen[bytes]) -> None:
    claim = owned(path, 0b1, identity(sleeper), WORKER)
    dead = subprocess.Popen(["sleep", "60"])
    claim.join(GROUP, identity(dead))
    dead.kill()
    dead.wait()
    assert ledger.held(path).cpus == 0b1


def test_what_a_dead_group_started_keeps_the_claim_as_long_as_it_runs(path: str, folder: Path) -> None:
    group = subprocess.Popen(["sh", "-c", "sleep 60 & echo $! > inner; wait"], start_new_session=True)
    owned(path, 0b1, identity(group))
    while not (folder / "inner").exists() or not (folder / "inner").read_text():
        time.sleep(0.02)
    inner = int((folder / "inner").read_text())
    group.kill()
    group.wait()
    assert ledger.held(path).cpus == 0b1
    os.kill(inner, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while ledger.held(path).cpus and time.monotonic() < deadline:
        time.sleep(0.02)
    assert ledger.held(path).cpus == 0


def test_a_pid_that_is_used_again_is_another_process(path: str, sleeper: subprocess.Popen[bytes]) -> None:
    other = replace(identity(sleeper), start=identity(sleeper).start - 1)
    owned(path, 0b1, other)
    assert other.is_gone
    assert other.session() == []
    assert ledger.held(path).cpus == 0
    other.send(signal.SIGKILL)
    assert sleeper.poll() is None


def test_a_process_of_another_pid_namespace_is_not_judged(path: str, sleeper: subprocess.Popen[bytes]) -> None:
    owned(path, 0b1, replace(identity(sleeper), pid=2**22 - 1, space="pid:[1]"))
    assert ledger.held(path).cpus == 0b1


def test_a_start_of_the_machine_ends_the_claims_before_it(path: str, sleeper: subprocess.Popen[bytes]) -> None:
    owned(path, 0b1, replace(identity(sleeper), boot="before"))
    assert ledger.held(path).cpus == 0


def test_claims_of_another_machine_are_neither_ours_nor_struck_out(path: str, sleeper: subprocess.Popen[bytes]) -> None:
    claim = owned(path, 0b1, replace(identity(sleeper), boot="elsewhere", host="elsewhere"))
    assert ledger.held(path).cpus == 0
    assert claim.processes() != []


def test_nobody_joins_a_claim_that_is_over(path: str) -> None:
    claim = take(path, 0b1)
    claim.strike()
    with pytest.raises(RuntimeError, match="is over"):
        claim.join(WORKER)


def _take_one_and_crash(path: str, width: int) -> None:
    def choose(held: Held) -> list[Slot]:
        free = ~held.cpus & ((1 << width) - 1)
        if not free:
            raise RuntimeError("full")
        time.sleep(0.01)
        return [Slot(free & -free)]

    ledger.claim(path, 0, choose)
    time.sleep(60)


def test_no_cpu_is_given_twice_however_many_ask_at_once_and_crashes_give_all_back(path: str) -> None:
    processes = [FORK.Process(target=_take_one_and_crash, args=(path, 6)) for _ in range(6)]
    for process in processes:
        process.start()
    deadline = time.monotonic() + 30
    while ledger.held(path).cpus != 0b111111 and time.monotonic() < deadline:
        time.sleep(0.05)
    with sqlite3.connect(path) as book:
        assert sorted(text for (text,) in book.execute("SELECT cpus FROM claim")) == list("012345")
    book.close()
    for process in processes:
        assert process.pid
        os.kill(process.pid, signal.SIGKILL)
    for process in processes:
        process.join(10)
    assert ledger.held(path) == Held()


def test_a_crash_in_the_middle_of_a_change_changes_nothing(path: str) -> None:
    first = take(path, 0b1)
    program = (
        "import os, sys; from exactfit.adapters.gutscore import ledger\n"
        "with ledger._opened(sys.argv[1]) as book:\n"
        "    book.execute('DELETE FROM claim'); os.kill(os.getpid(), 9)\n"
    )
    told = subprocess.run([sys.executable, "-c", program, path], check=False)
    assert told.returncode == -signal.SIGKILL
    assert ledger.held(path).cpus == 0b1
    first.strike()


def test_a_file_that_is_no_ledger_is_a_runtime_error_that_names_it(path: str) -> None:
    Path(path).write_text("something else, of some length, so that it cannot be taken for an empty file" * 10)
    with pytest.raises(RuntimeError, match=r"ledger of claimed cores, .*book\.db: "):
        ledger.held(path)


def test_a_ledger_of_another_format_is_refused(path: str) -> None:
    ledger.held(path)
    with sqlite3.connect(path) as book:
        book.execute("PRAGMA user_version = 99")
    book.close()
    with pytest.raises(RuntimeError, match="of format 99, not 1"):
        ledger.held(path)


def test_all_processes_of_a_user_share_a_ledger_that_no_variable_of_a_session_moves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    named = ledger.default_path()
    assert named == os.environ["EXACTFIT_LEDGER"]
    monkeypatch.delenv("EXACTFIT_LEDGER")
    default = ledger.default_path()
    monkeypatch.setenv("TMPDIR", "/somewhere")
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/somewhere")
    assert ledger.default_path() == default
    assert Path(default).parent.stat().st_mode & 0o777 == 0o700


def test_the_end_of_processes_is_asked_for_and_then_forced(folder: Path) -> None:
    polite = subprocess.Popen(["sleep", "60"])
    stubborn = subprocess.Popen(["sh", "-c", "trap '' TERM; touch ready; while :; do sleep 0.1; done"])
    while not (folder / "ready").exists():
        time.sleep(0.02)
    assert end([identity(polite), identity(stubborn)], grace=0.3) == []
    assert (polite.wait(), stubborn.wait()) == (-signal.SIGTERM, -signal.SIGKILL)


ENTRY = "'c', 'group', 1, 1, 'pid:[1]', 'boot', 'host'"


@pytest.mark.parametrize(
    ("table", "row", "message"),
    [
        ("claim", "'c', 1, '1-'", "claim 'c': '1-' are no CPUs"),
        ("claim", "'c\n\x1b[2J', 1, x'00'", r"claim 'c\\n\\x1b\[2J': b'\\x00' are no CPUs"),
        ("claim", "'c', 1, 7.5", r"claim 'c': '7\.5' are no CPUs"),
        ("process", ENTRY.replace("1, 1", "'pid', 1"), r"\('pid', 1, .* is no process"),
        ("process", ENTRY.replace("1, 1", "0, 1"), r"\(0, 1, .* is no process"),
        ("process", ENTRY.replace("1, 1", "-1, 1"), r"\(-1, 1, .* is no process"),
        ("process", ENTRY.replace("1, 1", f"{2**62}, 1"), "is no process"),
        ("process", ENTRY.replace("1, 1", "1, 1.5"), r"\(1, 1\.5, .* is no process"),
        ("process", ENTRY.replace("'host'", "x'00'"), "is no process"),
        ("process", ENTRY.replace("'host'", "CAST(x'ff' AS TEXT)"), "Could not decode to UTF-8"),
    ],
)
def test_a_row_that_is_none_is_a_runtime_error_that_shows_it(path: str, table: str, row: str, message: str) -> None:
    take(path, 0b1)
    with sqlite3.connect(path) as book:
        (mine,) = book.execute("SELECT id FROM claim").fetchone()
        book.execute(
            f"INSERT INTO {table} VALUES ({row.replace(repr('c'), repr(mine)) if table == 'process' else row})"
        )
        if table == "claim":
            book.execute("UPDATE process SET claim = (SELECT id FROM claim ORDER BY rowid DESC)")
    book.close()
    for look in (lambda: ledger.held(path), lambda: take(path, 0b10)):
        with pytest.raises(RuntimeError, match=rf"ledger of claimed cores, .*book\.db: .*{message}"):
            look()


def test_a_process_whose_first_thread_has_ended_is_there_as_long_as_another_works(path: str, folder: Path) -> None:
    program = (
        "import ctypes, pathlib, threading, time\n"
        "def work():\n    pathlib.Path('ready').touch()\n    time.sleep(60)\n"
        "threading.Thread(target=work, daemon=True).start()\n"
        "ctypes.CDLL(None).pthread_exit(None)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program], start_new_session=True)
    owned(path, 0b1, identity(process), WORKER)
    stat = Path(f"/proc/{process.pid}/stat")
    while ") Z " not in stat.read_text() or not (folder / "ready").exists():
        time.sleep(0.02)
    assert ledger.held(path).cpus == 0b1
    process.kill()
    process.wait()
    assert ledger.held(path).cpus == 0
