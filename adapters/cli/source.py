"""Reading files and standard input, and JSON that may be hostile."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ...grammar.json_text import distinct, no_constant
from ..kinds import HWLOC, JOBSPEC, R, kind_of
from .errors import InputError

STDIN = "-"
SWAPPED = "are the arguments in their order, MACHINE before JOB?"
_ARGUMENTS = frozenset({JOBSPEC, R, HWLOC})
_MOST_BYTES = 2**30


class Sources:
    """The inputs of one command; standard input can be read but once.

    Attributes
    ----------
    stdin_taken_by
        What standard input was read as, "" before.
    files
        The files that were read and what as.
    """

    def __init__(self) -> None:
        self.stdin_taken_by = ""
        self.files: dict[str, str] = {}

    def read(self, name: str, purpose: str) -> bytes:
        """Return the content of a file, or of standard input for ``-``.

        Parameters
        ----------
        name
            A path, or ``-``.
        purpose
            What it is read as, for messages ("the machine").

        Raises
        ------
        InputError
            When it cannot be read, is larger than 1 GiB, or standard input was read before.
        """
        try:
            if name == STDIN:
                if self.stdin_taken_by:
                    raise InputError(f"standard input cannot be both {self.stdin_taken_by} and {purpose}")
                self.stdin_taken_by = purpose
                if sys.stdin is None:
                    raise InputError(f"standard input is closed: cannot read {purpose}")
                data = sys.stdin.buffer.read(_MOST_BYTES + 1)
            else:
                self.files[name] = purpose
                with Path(name).open("rb") as file:
                    data = file.read(_MOST_BYTES + 1)
        except OSError as error:
            raise InputError(f"{source_name(name)}: cannot read {purpose}: {error.strerror or error}") from None
        except ValueError as error:
            raise InputError(f"{name!r}: cannot read {purpose}: {error}") from None
        if len(data) > _MOST_BYTES:
            raise InputError(f"{source_name(name)}: {purpose} is larger than 1 GiB")
        return data


def is_there(name: str) -> bool:
    """Tell whether a path exists; text that cannot be one does not."""
    try:
        return bool(name) and Path(name).exists()
    except (OSError, ValueError):
        return False


def source_name(name: str) -> str:
    """Return what messages call a source."""
    return "standard input" if name == STDIN else name


def decode(data: bytes, name: str) -> str:
    """Return the text of UTF-8 bytes, with or without a byte order mark.

    Raises
    ------
    InputError
        For bytes that are no UTF-8 text.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{source_name(name)}: not UTF-8 text (byte {error.start})") from None


@contextmanager
def kinds_told(data: bytes, name: str, kinds: frozenset[str], readable: str) -> Iterator[None]:
    """Where a file cannot be read and shows itself to be something else, say what in the place of the error.

    Parameters
    ----------
    data
        How it begins.
    name
        What messages call it.
    kinds
        What it is to be; of these the error itself says more.
    readable
        A sentence on what can be read in its place.

    Raises
    ------
    InputError
        For arguments in the wrong order it says that they are.
    """
    try:
        yield
    except InputError:
        kind = kind_of(data)
        if kind is None or kind in kinds:
            raise
        swapped = f"; {SWAPPED}" if kind in _ARGUMENTS else ""
        raise InputError(f"{name}: this is {kind}; {readable}{swapped}") from None


def json_documents(text: str, name: str, *, unique_keys: bool = False) -> Iterator[Any]:
    """Yield the JSON values of a text one after the other: one document, or one a line as JSON lines.

    Parameters
    ----------
    text
        Values with only white space between.
    name
        Of the source, for messages.
    unique_keys
        Refuse an object that gives a key twice, of which plain JSON reading keeps the last in silence.

    Raises
    ------
    InputError
        For malformed JSON (with line and column), NaN and infinities, and nesting too deep to read.
    """
    decoder = json.JSONDecoder(parse_constant=no_constant, object_pairs_hook=distinct if unique_keys else None)
    position = 0
    while True:
        while position < len(text) and text[position] in " \t\r\n":
            position += 1
        if position >= len(text):
            return
        try:
            value, position = decoder.raw_decode(text, position)
        except json.JSONDecodeError as error:
            raise InputError(
                f"{source_name(name)}: not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
            ) from None
        except RecursionError:
            raise InputError(f"{source_name(name)}: not usable JSON: nested too deeply") from None
        except ValueError as error:
            raise InputError(f"{source_name(name)}: not usable JSON: {error}") from None
        yield value


def one_json_document(text: str, name: str, *, unique_keys: bool = False) -> Any:
    """Return the only JSON value of a text.

    Raises
    ------
    InputError
        As `json_documents`, and for none or several.
    """
    documents = list(json_documents(text, name, unique_keys=unique_keys))
    if len(documents) != 1:
        found = "is empty" if not documents else f"holds {len(documents)} JSON values where one is expected"
        raise InputError(f"{source_name(name)}: {found}")
    return documents[0]
