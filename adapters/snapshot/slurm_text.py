"""What `scontrol show` prints, as records of fields, in the text of 22.05 and later.

A record begins with its first key at the start of a line; all other lines of it are indented. Fields are Key=Value with
blanks between, and values may have blanks and, where users name things, line breaks and whole fields in them. So what
a field says is believed only where its key stands once: in a job with two Priority= the second one may be part of a
name, and the job counts as one that cannot be read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

_FIELD: Final = re.compile(r"(?:^|(?<=\s))([A-Za-z][A-Za-z0-9_/:]*)=", re.MULTILINE)
_NOTHING: Final = frozenset({"(null)", "N/A", "None", "n/a", "Unknown", "NONE", "UNLIMITED", "INFINITE"})
_REPEATED: Final = frozenset({"Nodes", "CPU_IDs", "Mem", "GRES", "NodeName", "CoreIDs"})
"""Keys that stand once for each node, or group of nodes, of one record."""


@dataclass(frozen=True)
class Record:
    """One node, job, partition, ... of what `scontrol show` prints.

    Attributes
    ----------
    fields
        The values by key, of the keys that stand once.
    repeated
        The keys that stand several times though they should not.
    lines
        The indented lines as they are.
    """

    fields: Mapping[str, str]
    repeated: frozenset[str] = frozenset()
    lines: tuple[str, ...] = field(default=(), repr=False)

    def get(self, key: str, default: str = "") -> str:
        """Return a value; the default where it is not there, or is one of Slurm's words for nothing."""
        value = self.fields.get(key, default)
        return default if value in _NOTHING else value

    def number(self, key: str, default: int = 0) -> int:
        """Return a whole number that a value begins with."""
        match = re.match(r"\d{1,18}", self.get(key))
        return int(match[0]) if match else default


def records(text: str, first: str) -> Iterator[Record]:
    """Yield the records of a text, each beginning with this key at the start of a line."""
    starts = [match.start() for match in re.finditer(rf"^{first}=", text, re.MULTILINE)]
    for start, end in zip(starts, [*starts[1:], len(text)], strict=False):
        yield _record(text[start:end])


def _record(text: str) -> Record:
    found = list(_FIELD.finditer(text))
    values: dict[str, str] = {}
    repeated: set[str] = set()
    for match, following in zip(found, [*found[1:], None], strict=False):
        key = match[1]
        end = following.start() if following else len(text)
        if key in values and key not in _REPEATED:
            repeated.add(key)
        values.setdefault(key, text[match.end() : end].strip())
    known = {key: value for key, value in values.items() if key not in repeated}
    return Record(known, frozenset(repeated), tuple(line for line in text.split("\n") if line.startswith(" ")))
