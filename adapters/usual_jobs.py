"""The usual jobs of a site, from a file: for the policy and the term ``future=FILE``."""

from __future__ import annotations

import os
import stat

from ..solver.policy.usual import Usual, parse_usual

MOST_BYTES = 1 << 20


def read_usual(path: str) -> Usual:
    """Return the usual jobs that a file lists, ``WEIGHT => SHAPE`` a line.

    Raises
    ------
    ValueError
        For a file that cannot be read, is none, is above a MiB, or has a line that is none.
    """
    return parse_usual(usual_text(path), path)


def usual_text(path: str) -> str:
    """Return the text of such a file. ValueError as `read_usual` has it."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise ValueError(f"{path}: no regular file")
        with open(path, encoding="utf-8") as file:
            text = file.read(MOST_BYTES + 1)
    except OSError as fault:
        raise ValueError(f"{path}: {fault.strerror or fault}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{path}: no text in UTF-8") from None
    if len(text) > MOST_BYTES:
        raise ValueError(f"{path}: more than {MOST_BYTES} characters")
    return text
