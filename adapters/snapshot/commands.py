"""The commands of a resource manager: those that read, each with a time limit, and what is said when it is down."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from typing import Final

from ...grammar.errors import printable

SECONDS: Final = 30.0
"""How long one command may take."""

MOST_BYTES: Final = 2**28
"""How much one command may print."""

_SAID: Final = 200

Run = Callable[..., str]
"""Runs a command, given in words, and returns what it prints; raises `SystemDownError` where it cannot."""


class SystemDownError(Exception):
    """The system does not answer: one line that says which command failed, and why."""


class RefusedError(SystemDownError):
    """The system answered that this may not be had."""


def run_command(*words: str, seconds: float = SECONDS) -> str:
    """Return what a command prints.

    Raises
    ------
    SystemDownError
        It is not there, takes too long, or prints too much.
    RefusedError
        It ends with an error.
    """
    name = printable(" ".join(words[:3]))
    try:
        done = subprocess.run(words, capture_output=True, stdin=subprocess.DEVNULL, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        raise SystemDownError(f"{name}: no answer within {seconds:g} s") from None
    except (OSError, ValueError) as error:
        raise SystemDownError(f"{name}: {getattr(error, 'strerror', None) or error}") from None
    if len(done.stdout) > MOST_BYTES:
        raise SystemDownError(f"{name}: more than {MOST_BYTES // 2**20} MiB")
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        said = printable(lines[-1])[:_SAID] if lines else f"exit status {done.returncode}"
        raise RefusedError(f"{name}: {said}")
    return done.stdout.decode("utf-8", "replace")


def or_nothing(run: Run, *words: str) -> str:
    """Return what a command prints; nothing where the system refuses it, as it does where there is no such thing."""
    try:
        return run(*words)
    except RefusedError:
        return ""


def is_installed(name: str) -> bool:
    """Tell whether a command is on the PATH."""
    return shutil.which(name) is not None
