"""Slurm's programs: what one says, or why it says nothing."""

from __future__ import annotations

import subprocess


def told_by(*words: str, seconds: float) -> str:
    """Return what a program prints; bytes that are no UTF-8 are replaced.

    Parameters
    ----------
    words
        The program and its arguments.
    seconds
        How long it may take.

    Raises
    ------
    RuntimeError
        It is not there, fails, or takes longer; the message is what it said of that.
    """
    try:
        told = subprocess.run(
            words, capture_output=True, encoding="utf-8", errors="replace", check=True, timeout=seconds
        )
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", None) or str(error)
        raise RuntimeError(str(said).strip()) from error
    return told.stdout
