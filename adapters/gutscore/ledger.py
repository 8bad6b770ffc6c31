"""Who holds which CPUs and GPUs of this machine: one SQLite file for all groups and processes.

A claim stands as long as one of the processes that use it does, or anything that they started in their session, and no
longer: whoever looks at the ledger first strikes out the claims of which nothing is left. So nothing has to be tidied
up after a crash, and what a crashed group's surviving workers use stays theirs.
"""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
import stat
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

from ...grammar.idset import mask_text, text_mask
from ...topology.expect import short
from .members import named
from .processes import MAX_PID, ProcessId

PATH_VARIABLE: Final = "EXACTFIT_LEDGER"
REQUESTER, GROUP, WORKER = "requester", "group", "worker"
_FORMAT: Final = 1
_NAME: Final = re.compile("[0-9a-f]{32}")
_LOCK_SECONDS: Final = 60.0
_TABLES: Final = """
CREATE TABLE IF NOT EXISTS claim (id TEXT PRIMARY KEY, wgroup INTEGER NOT NULL, cpus TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS gpu (claim TEXT NOT NULL REFERENCES claim ON DELETE CASCADE, key TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS process (
    claim TEXT NOT NULL REFERENCES claim ON DELETE CASCADE,
    role TEXT NOT NULL, pid INTEGER NOT NULL, start INTEGER NOT NULL,
    space TEXT NOT NULL, boot TEXT NOT NULL, host TEXT NOT NULL,
    UNIQUE (claim, pid, start, space, boot)
);
"""


class _Slot(Protocol):
    @property
    def cpus(self) -> int: ...
    @property
    def gpus(self) -> Iterable[Any] | None: ...


_S = TypeVar("_S", bound=_Slot)


@dataclass(frozen=True)
class Held:
    """What others hold now.

    Parameters
    ----------
    cpus
        Bitmask of CPUs.
    gpus
        Keys of GPUs.
    groups
        Who: "workergroup 3 holds CPUs 0-1", for messages.
    """

    cpus: int = 0
    gpus: frozenset[str] = frozenset()
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim in a ledger; it may be over already.

    Parameters
    ----------
    ledger
        The ledger's file.
    id
        Never used again.
    """

    ledger: str
    id: str

    def join(self, role: str, process: ProcessId | None = None) -> None:
        """Let the claim stand for a process too, this one by default.

        Raises
        ------
        RuntimeError
            The claim is over: what it held may be another's.
        """
        joining = process or ProcessId.current()
        with _opened(self.ledger) as book:
            if not book.execute("SELECT 1 FROM claim WHERE id = ?", (self.id,)).fetchone():
                raise RuntimeError(f"the claim to cores that process {joining.pid} was to work on is over")
            _enter(book, self.id, role, joining)

    def leave(self, role: str) -> None:
        """Let the claim no longer stand for the processes of a role."""
        with _opened(self.ledger) as book:
            book.execute("DELETE FROM process WHERE claim = ? AND role = ?", (self.id, role))

    def processes(self) -> list[tuple[str, ProcessId]]:
        """Return the roles and processes that the claim stands for."""
        with _opened(self.ledger) as book:
            rows = book.execute("SELECT role, pid, start, space, boot, host FROM process WHERE claim = ?", (self.id,))
            return [(role, _process(rest)) for role, *rest in rows]

    def strike(self) -> None:
        """End the claim. One that is over already is no error."""
        with _opened(self.ledger) as book:
            book.execute("DELETE FROM claim WHERE id = ?", (self.id,))


def default_path() -> str:
    """Return the file that all of a user's processes on this machine share, or the one that the environment names."""
    named = os.environ.get(PATH_VARIABLE)
    if named:
        return os.path.abspath(named)
    # No variable of a session or a batch job may change it, as TMPDIR and XDG_RUNTIME_DIR do.
    base = next((path for path in ("/var/tmp", "/tmp") if os.path.isdir(path)), os.getcwd())
    folder = Path(base) / f"exactfit-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o022:
        raise RuntimeError(f"{folder} is not a folder that this user alone may write to; {PATH_VARIABLE} names another")
    return str(folder / "ledger.db")


def is_claim(name: str) -> bool:
    """Tell whether a text can be the name of a claim."""
    return _NAME.fullmatch(name) is not None


def claim(ledger: str, wgroup: int, choose: Callable[[Held], list[_S]]) -> tuple[Claim, list[_S]]:
    """Choose slots among what nobody holds, and hold them in this process's name.

    Parameters
    ----------
    choose
        Gets what others hold. Nobody else can claim anything while it runs; when it raises, nothing is claimed.
    """
    made = Claim(ledger, uuid.uuid4().hex)
    with _opened(ledger) as book:
        slots = choose(_held(book))
        cpus = 0
        for slot in slots:
            cpus |= slot.cpus
        book.execute("INSERT INTO claim VALUES (?, ?, ?)", (made.id, wgroup, mask_text(cpus)))
        keys = [(made.id, gpu.key) for slot in slots for gpu in slot.gpus or ()]
        book.executemany("INSERT INTO gpu VALUES (?, ?)", keys)
        _enter(book, made.id, REQUESTER, ProcessId.current())
    return made, slots


def held(ledger: str) -> Held:
    """Return what is held now, without the claims of which no process is left."""
    with _opened(ledger) as book:
        return _held(book)


def _held(book: sqlite3.Connection) -> Held:
    users: dict[str, list[ProcessId]] = {}
    leaders: dict[str, list[ProcessId]] = {}
    for name, role, *rest in book.execute("SELECT claim, role, pid, start, space, boot, host FROM process"):
        process = _process(rest)
        users.setdefault(name, []).append(process)
        if role == GROUP:
            leaders.setdefault(name, []).append(process)
    cpus, gpus, groups = 0, set[str](), []
    for name, wgroup, text in book.execute("SELECT id, wgroup, cpus FROM claim ORDER BY rowid").fetchall():
        using = users.get(name, [])
        over = all(process.is_gone for process in using)
        if over and not any(leader.session() for leader in leaders.get(name, ())):
            book.execute("DELETE FROM claim WHERE id = ?", (name,))
        elif any(process.is_of_this_machine for process in using):
            cpus |= _cpus(name, text)
            gpus.update(key for (key,) in book.execute("SELECT key FROM gpu WHERE claim = ?", (name,)))
            groups.append(f"workergroup {wgroup} holds CPUs {text}")
    return Held(cpus, frozenset(gpus), tuple(groups))


def _cpus(name: object, text: object) -> int:
    """Return the CPUs of a claim. What others hold has to be known: a claim that cannot be read is not passed over."""
    try:
        return text_mask(text if isinstance(text, str) else "?")
    except ValueError:
        raise sqlite3.DataError(f"claim {short(name)}: {short(text)} are no CPUs") from None


def _process(row: Sequence[object]) -> ProcessId:
    """Return the process of a row, which any SQLite can have written: it does not hold columns to their types."""
    pid, start, *names = row
    numbers = isinstance(pid, int) and isinstance(start, int) and 0 < pid <= MAX_PID
    if not numbers or not all(isinstance(name, str) for name in names):
        raise sqlite3.DataError(f"{short(tuple(row))} is no process")
    return ProcessId(*row)  # type: ignore[arg-type]


def _enter(book: sqlite3.Connection, name: str, role: str, process: ProcessId) -> None:
    row = (name, role, process.pid, process.start, process.space, process.boot, process.host)
    book.execute("INSERT OR REPLACE INTO process VALUES (?, ?, ?, ?, ?, ?, ?)", row)


@contextlib.contextmanager
def _opened(path: str) -> Iterator[sqlite3.Connection]:
    """Open the ledger, alone, for one change that happens wholly or not at all.

    Notes
    -----
    A connection must not outlive a fork, so each change has its own.
    """
    try:
        book = sqlite3.connect(path, timeout=_LOCK_SECONDS, isolation_level=None)
        try:
            book.execute("PRAGMA foreign_keys = ON")
            book.execute("BEGIN IMMEDIATE")
            _prepare(book, path)
            try:
                yield book
            except BaseException:
                book.execute("ROLLBACK")
                raise
            book.execute("COMMIT")
        finally:
            book.close()
    except sqlite3.Error as error:
        raise RuntimeError(f"ledger of claimed cores, {named(path)}: {error}") from error


def _prepare(book: sqlite3.Connection, path: str) -> None:
    (found,) = book.execute("PRAGMA user_version").fetchone()
    if found == 0:
        for statement in filter(str.strip, _TABLES.split(";")):
            book.execute(statement)
        book.execute(f"PRAGMA user_version = {_FORMAT}")
    elif found != _FORMAT:
        raise RuntimeError(f"ledger of claimed cores, {named(path)}: of format {found}, not {_FORMAT}")
