"""Changes the checker and the commit code in small ways, one at a time, and sees whether the tests notice.

`make mutants`, or `python -m mutants [mutants of each part] [part ...]` from the root with tests/support on the path.
cosmic-ray makes the changes, in a copy of the tree below build/mutants, so that the tree itself is never a mutant's. A
sample is drawn, the same each time for the same text: all of them take a day.
"""

from __future__ import annotations

import ast
import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

PER_PART = 100
SECONDS = 240
"""What the tests of one mutant may take; one that takes longer is noticed: it hangs."""

Place = tuple[int, int]
"""Line and column."""

LAYERS = ("grammar", "topology", "solver", "adapters")
COPIED = (*LAYERS, "tests", "benchmarks", "pyproject.toml")
PASSED_OVER = shutil.ignore_patterns("__pycache__", ".*", "*.egg-info")


@dataclass(frozen=True)
class Part:
    """What is changed, and the tests that ought to notice."""

    modules: tuple[str, ...]
    tests: tuple[str, ...]


PARTS: dict[str, Part] = {
    "checker": Part(
        ("solver/checker",),
        ("tests/checker", "tests/solver/test_checker_parts.py", "tests/solver/test_checker_searches.py"),
    ),
    "commit": Part(
        ("solver/allocator/allocator.py", "solver/state/pool_state.py", "solver/placement/realize.py"),
        # The quick ones first: one that notices is enough.
        (
            "tests/solver/test_reload.py",
            "tests/trust/test_group_amounts.py",
            "tests/flux/test_reload.py",
            "tests/flux/test_documented.py",
            "tests/trust/test_machine.py",
        ),
    ),
}

EQUIVALENT = ("core/NumberReplacer", "core/ReplaceBinaryOperator_BitOr_BitXor")
"""Left out: numbers that are bounds of searches or shares of time, and `|` of disjoint masks, which `^` is equal to."""


@dataclass(frozen=True)
class Survivor:
    """A change that no test noticed."""

    module: str
    line: int
    operator: str
    diff: str


def copied(target: Path) -> None:
    """Copy the tree, importable as `exactfit` from its folder ``src``."""
    shutil.rmtree(target, ignore_errors=True)
    (target / "src" / "exactfit").mkdir(parents=True)
    for name in COPIED:
        if Path(name).is_dir():
            shutil.copytree(name, target / name, ignore=PASSED_OVER)
        else:
            shutil.copy(name, target / name)
    for layer in LAYERS:
        (target / "src" / "exactfit" / layer).symlink_to(Path("..", "..", layer))


def run(target: Path, part: Part, most: int) -> tuple[int, list[Survivor]]:
    """Try a sample of a part's mutants; return how many, and those that survived."""
    modules = ", ".join(f'"{module}"' for module in part.modules)
    command = f"{sys.executable} -m pytest -x -q -p no:cacheprovider {' '.join(part.tests)}"
    (target / "config.toml").write_text(
        f"[cosmic-ray]\nmodule-path = [{modules}]\ntimeout = {SECONDS}.0\nexcluded-modules = []\n"
        f'test-command = "{command}"\n[cosmic-ray.distributor]\nname = "local"\n',
        encoding="utf-8",
    )
    (target / "session.sqlite").unlink(missing_ok=True)
    environment = {**os.environ, "PYTHONPATH": str(target / "src"), "HYPOTHESIS_PROFILE": "once", "PYTHONHASHSEED": "0"}

    def tool(*arguments: str) -> None:
        program = [sys.executable, "-m", "cosmic_ray.cli", *arguments]
        subprocess.run(program, cwd=target, env=environment, check=True)

    subprocess.run(command.split(), cwd=target, env=environment, check=True)
    tool("init", "config.toml", "session.sqlite")
    tried = _draw(target / "session.sqlite", most)
    tool("exec", "config.toml", "session.sqlite")
    return tried, sorted(_survivors(target / "session.sqlite"), key=lambda found: (found.module, found.line))


def _draw(session: Path, most: int) -> int:
    """Leave so many mutants in a session, spread by a hash of what they are; return how many there are."""
    with sqlite3.connect(session) as database:
        rows = database.execute(
            "SELECT job_id, module_path, operator_name, occurrence, start_pos_row, start_pos_col FROM mutation_specs"
        ).fetchall()
        spans = {module: _annotations(session.parent / module) for module in {row[1] for row in rows}}
        fair = [
            row
            for row in rows
            if not row[2].startswith(EQUIVALENT) and not any(a <= row[4:] < b for a, b in spans[row[1]])
        ]
        fair.sort(key=lambda row: hashlib.sha256(repr(row[1:]).encode()).digest())
        kept = {row[0] for row in fair[:most]}
        for table in ("mutation_specs", "work_items"):
            dropped = [(row[0],) for row in rows if row[0] not in kept]
            database.executemany(f"DELETE FROM {table} WHERE job_id = ?", dropped)
    return len(kept)


def _annotations(module: Path) -> list[tuple[Place, Place]]:
    """Return where a module's annotations begin and end; they are never run, so that a change there changes nothing."""
    found: list[ast.expr | None] = []
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef):
            found.append(node.returns)
        elif isinstance(node, ast.arg | ast.AnnAssign):
            found.append(node.annotation)
    return [((e.lineno, e.col_offset), (e.end_lineno or 0, e.end_col_offset or 0)) for e in found if e is not None]


def _survivors(session: Path) -> Iterator[Survivor]:
    with sqlite3.connect(session) as database:
        found = database.execute(
            "SELECT module_path, start_pos_row, operator_name, diff"
            " FROM mutation_specs JOIN work_results USING (job_id) WHERE test_outcome = 'SURVIVED'"
        )
        for module, line, operator, diff in found:
            yield Survivor(module, line, operator, diff or "")


def main(most: int = PER_PART, *names: str) -> int:
    """Run, and print the survivors; they are for a reader to judge, so that there is no failure."""
    console = Console(width=None if sys.stdout.isatty() else 140)
    target = Path("build", "mutants").resolve()
    table = Table("part", "mutants tried", "noticed", "survived")
    for name in names or PARTS:
        copied(target)
        tried, survivors = run(target, PARTS[name], most)
        table.add_row(name, str(tried), str(tried - len(survivors)), str(len(survivors)))
        for found in survivors:
            console.print(f"{found.module}:{found.line} {found.operator}", markup=False, highlight=False)
            changed = [line for line in found.diff.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
            console.print(*(f"    {line}" for line in changed), sep="\n", markup=False, highlight=False)
    console.print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if sys.argv[1:] else PER_PART, *sys.argv[2:]))
