"""Run the benchmarks: all of them, or some on some machines."""

from __future__ import annotations

import os
import platform
import time
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from exactfit.solver.cpsat.loading import load_solver

from . import decisions, report, whole
from .machines import SITES
from .results import Results

SIZES = (100, 1000, 10_000, 100_000)
MEASURES = {"decisions": decisions.measure, "half": whole.half, "build": whole.build, "memory": whole.memory}
MOST = {"half": 10_000, "build": 10_000, "memory": 10_000}
"""Ranks up to which a measure is taken."""


def main(
    only: Annotated[list[str] | None, typer.Option(help=f"Of {', '.join(MEASURES)}; all by default.")] = None,
    site: Annotated[list[str] | None, typer.Option(help=f"Of {', '.join(SITES)}; all by default.")] = None,
    ranks: Annotated[list[int] | None, typer.Option(help="Sizes of machines; 100 to 100,000 by default.")] = None,
    out: Annotated[Path, typer.Option(help="Where results.json and times.png go.")] = Path("build/bench"),
) -> None:
    """Measure our pool beside TreePool and Rv1Pool."""
    console = Console(width=None if os.isatty(1) else 150)
    results = Results()
    load_solver()  # which is no part of the decision that would be the first to search
    begin = time.monotonic()
    for kind in site or SITES:
        for size in ranks or SIZES:
            machine = SITES[kind](size)
            for name in only or MEASURES:
                if size > MOST.get(name, size) or (name == "memory" and not ranks and size < MOST[name]):
                    continue  # Of memory only the size that is asked about; it takes long.
                start = time.monotonic()
                MEASURES[name](results, kind, machine)
                console.print(f"{kind}, {size:,} ranks, {name}: {time.monotonic() - start:.1f} s", style="dim")
    results.notes["seconds"] = round(time.monotonic() - begin)
    results.notes["python"] = platform.python_version()
    results.notes["packages"] = {name: version(name) for name in ("exactfit", "ortools", "immutables", "flux-python")}
    out.mkdir(parents=True, exist_ok=True)
    results.write(out / "results.json")
    report.draw(results, out / "times.png")
    report.show(results, console)
    judged = results.notes.get("judged", 0)
    console.print(f"{judged:,} answers of ours judged by the checker: legal, OPTIMAL, worth what they say.")
    console.print(f"{out}/results.json, {out}/times.png; {results.notes['seconds']} s in all.")


if __name__ == "__main__":
    typer.run(main)
