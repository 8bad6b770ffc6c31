"""Processes that can be told apart for good: a pid is used again, a pid with its start time and boot is not."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_STAT_STATE, _STAT_SESSION, _STAT_THREADS, _STAT_START = 0, 3, 17, 19
_POLL_SECONDS: Final = 0.02

MAX_PID: Final = 2**31 - 1
"""The highest number that a process can have."""


@dataclass(frozen=True, slots=True)
class ProcessId:
    """A process.

    Parameters
    ----------
    pid
        Its number in its pid namespace.
    start
        When it started, in ticks since the machine did.
    space
        Its pid namespace: numbers of another one say nothing here.
    boot
        Which start of the machine it belongs to.
    host
        The machine's name.
    """

    pid: int
    start: int
    space: str
    boot: str
    host: str

    @classmethod
    def of(cls, pid: int) -> ProcessId | None:
        """Return the identity of a process that is there, also of one that ended and waits for its parent."""
        told = _stat(pid)
        if told is None:
            return None
        return cls(pid, int(told[_STAT_START]), _space(), _boot(), os.uname().nodename)

    @classmethod
    def current(cls) -> ProcessId:
        """Return the identity of this process."""
        found = cls.of(os.getpid())
        if found is None:
            raise RuntimeError("/proc does not tell of this process; workers cannot be accounted for without it")
        return found

    @property
    def is_of_this_machine(self) -> bool:
        """Whether it runs, or ran, here: since the last start of the machine, or before that under the same name."""
        return self.boot == _boot() or self.host == os.uname().nodename

    @property
    def is_gone(self) -> bool:
        """Whether it has certainly ended. One that this process cannot judge has not."""
        if self.boot != _boot():
            return self.host == os.uname().nodename
        if self.space != _space():
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            pass
        told = _stat(self.pid)
        if told is None:
            # Hidden from us (hidepid), or gone since: the signal tells.
            return _vanished(self.pid)
        # A process whose first thread has ended is shown as ended while others still work.
        ended = told[_STAT_STATE] in ("Z", "X") and int(told[_STAT_THREADS]) <= 1
        return int(told[_STAT_START]) != self.start or ended

    def session(self) -> list[ProcessId]:
        """Return what runs in the session that this process leads or led, itself included.

        Notes
        -----
        A session's number is no other process's while anything is left in it. So the session is this one's, unless
        the process of that number is another.
        """
        told = _stat(self.pid)
        if self.boot != _boot() or self.space != _space() or (told and int(told[_STAT_START]) != self.start):
            return []
        pids = (int(name) for name in os.listdir("/proc") if name.isdecimal())
        inside = [ProcessId.of(pid) for pid in pids if _session_of(pid) == self.pid]
        return [process for process in inside if process is not None and not process.is_gone]

    def send(self, number: int) -> None:
        """Send it a signal, and never another process that has got its pid."""
        try:
            handle = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return
        try:
            if not self.is_gone:
                signal.pidfd_send_signal(handle, number)
        except ProcessLookupError:
            return
        finally:
            os.close(handle)


def end(processes: list[ProcessId], grace: float) -> list[ProcessId]:
    """End processes, first with a request and after `grace` seconds by force; return those that are still there.

    Raises
    ------
    PermissionError
        One belongs to another user.
    """
    left = processes
    for number, seconds in ((signal.SIGTERM, grace), (signal.SIGKILL, 5.0)):
        for process in left:
            process.send(number)
        deadline = time.monotonic() + seconds
        while (left := [process for process in left if not process.is_gone]) and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
    return left


def _vanished(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def _session_of(pid: int) -> int:
    told = _stat(pid)
    return int(told[_STAT_SESSION]) if told else 0


def _stat(pid: int) -> list[str] | None:
    """Return the fields of /proc/PID/stat from the state on."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The name before them may have blanks and parentheses.
    return text[text.rindex(")") + 2 :].split()


def _space() -> str:
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""
