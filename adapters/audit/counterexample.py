"""A finding as a file that runs: by itself, or by pytest."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from pprint import pformat
from typing import Any

from .findings import Finding, Kind
from .pools import load_allocator
from .steps import Stream, in_words, machine_in_words
from .trial import Event, run

_FILE = '''"""{title}: {pool}, found by exactfit audit.

{steps}

{said}

Run it with python, or with pytest; it fails as long as the allocator does this.
"""

from exactfit.adapters.audit.counterexample import replay

POOL = {pool!r}
STREAM = {stream}


def test_{name}() -> None:
    assert replay(POOL, STREAM) == []


if __name__ == "__main__":
    raise SystemExit(1 if replay(POOL, STREAM) else 0)
'''


def text_of(finding: Finding, pool: str) -> str:
    """Return the file of a finding."""
    steps = "\n".join(f"{place}. {in_words(step)}" for place, step in enumerate(finding.stream.steps, 1))
    steps = f"{machine_in_words(finding.stream.R)}\n{steps}"
    # What the file says must not end its docstring.
    said = finding.said.replace("\\", "/").replace('"""', "'''")
    return _FILE.format(
        title=finding.title[:1].upper() + finding.title[1:],
        pool=pool,
        steps=steps.replace("\\", "/"),
        said=said,
        stream=pformat(json.loads(json.dumps(finding.stream.to_json())), width=116, sort_dicts=False),
        name=name_of(finding),
    )


def name_of(finding: Finding) -> str:
    """Return a name for a finding, as a file and a function may have it."""
    return re.sub(r"\W+", "_", finding.title)


def write_all(findings: list[Finding], pool: str, folder: Path) -> list[Path]:
    """Write a file for each finding, and return them.

    Raises
    ------
    OSError
        When that cannot be done.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for place, finding in enumerate(findings, 1):
        path = folder / f"test_{place:02}_{name_of(finding)}.py"
        path.write_text(text_of(finding, pool), encoding="utf-8")
        paths.append(path)
    return paths


def replay(pool: str, stream: Mapping[str, Any]) -> list[str]:
    """Put a stream to an allocator, tell step by step what comes of it, and return the faults that it shows.

    Parameters
    ----------
    pool
        Its name, as `load_allocator` takes it.
    stream
        As a counterexample has it.
    """
    sys.path.insert(0, "")
    read = Stream.from_json(stream)
    events = run(load_allocator(pool), read)
    for place, step in enumerate(read.steps):
        print(f"{place + 1}. {in_words(step)}")
        _tell([event for event in events if event.at == place])
    faults = [event for event in events if isinstance(event.what, Kind)]
    _tell([event for event in faults if event.at < 0])
    return [f"{event.what.value}: {event.said}" for event in faults if isinstance(event.what, Kind)]


def _tell(events: list[Event]) -> None:
    for event in events:
        what = event.what if isinstance(event.what, str) else event.what.value
        print(f"     {what}{f': {event.said}' if event.said else ''}")
