"""Fuzzes every reader for a bounded time: hypothesis, then atheris (coverage-guided) where it is installed.

`make fuzz`, or `python -m fuzzing [seconds] [reader ...]` with tests/support on the path: so many seconds for each
reader with each of the two.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from rich.console import Console
from rich.table import Table

from .confinement import SECONDS, confined
from .mutations import texts
from .target import Target
from .targets import TARGETS, warm

BUDGET = 20
LONGEST = 2000
"""Characters of a message."""

MEBIBYTES = 2048
"""What a whole process may hold."""


def invent(target: Target, seconds: float) -> int:
    """Fuzz with hypothesis for so long; return the number of texts. What is found is raised."""
    until = time.monotonic() + seconds
    tried = 0

    @given(texts(target))
    @settings(max_examples=500, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    def run(text: str) -> None:
        nonlocal tried
        if time.monotonic() < until:
            tried += 1
            read(target, text)

    while time.monotonic() < until:
        run()
    return tried


def read(target: Target, text: str) -> None:
    """Read one text, confined; its documented error is all that may be raised."""
    said = ""
    with confined(may=target.may):
        try:
            target.read(text)
        except target.refuses as refusal:
            said = str(refusal)
    # A message that repeats all that it refuses fills the log of a scheduler.
    assert len(said) < LONGEST, len(said)
    # And one that repeats an escape sequence as it is steers the terminal on which the log is read.
    assert said.isprintable(), ascii(said)


def evolve(name: str, seconds: int, corpus: Path) -> subprocess.CompletedProcess[str]:
    """Fuzz with atheris for so long, in a process of its own."""
    corpus.mkdir(parents=True, exist_ok=True)
    for number, sample in enumerate(TARGETS[name].samples()):
        (corpus / f"sample{number}").write_bytes(sample.encode("utf-8", "surrogateescape"))
    command = [sys.executable, "-m", "fuzzing.evolution", name, str(corpus)]
    limits = [
        f"-max_total_time={seconds}",
        f"-timeout={round(2 * SECONDS)}",
        f"-rss_limit_mb={MEBIBYTES}",
        "-print_final_stats=1",
        f"-artifact_prefix={corpus.parent}/crash-{name.replace(' ', '-')}-",
    ]
    return subprocess.run([*command, *limits], capture_output=True, text=True, check=False, timeout=seconds + 300)


def _statistic(output: str, name: str) -> str:
    return next((line.rpartition(":")[2].strip() for line in output.splitlines() if f"stat::{name}" in line), "?")


def main(seconds: int = BUDGET, *names: str) -> int:
    """Fuzz, print a table, and return how many readers did what they must not."""
    console = Console(width=None if sys.stdout.isatty() else 120)
    table = Table("reader", "hypothesis: texts", "atheris: texts", "peak MiB", title=f"{seconds} s for each reader")
    failed = 0
    logging.disable()
    warm()
    for name in names or TARGETS:
        target = TARGETS[name]
        row = [name]
        try:
            row.append(str(invent(target, seconds)))
        except BaseException as found:
            if isinstance(found, KeyboardInterrupt):
                raise
            failed += 1
            row.append("FAILED")
            notes = "\n".join(getattr(found, "__notes__", ()))
            console.print(f"{name}: {type(found).__name__}: {found}\n{notes}", markup=False, highlight=False)
        if find_spec("atheris") is None:
            row += ["not installed", ""]
        else:
            run = evolve(name, seconds, Path("build", "fuzz", name.replace(" ", "-")))
            output = run.stdout + run.stderr
            row += [_statistic(output, "number_of_executed_units"), _statistic(output, "peak_rss_mb")]
            if run.returncode:
                failed += 1
                row[-2] = "FAILED"
                console.print(f"{name}:\n{output[-3000:]}", markup=False, highlight=False)
        table.add_row(*row)
    console.print(table)
    return failed


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if sys.argv[1:] else BUDGET, *sys.argv[2:]))
