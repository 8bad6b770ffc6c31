"""What `exactfit study` takes: a workload, what varies, what is simulated, and where."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ..study.plan import Axes


@dataclass(frozen=True, slots=True)
class WorkloadOptions:
    """Where the jobs come from."""

    workload: Annotated[
        str,
        typer.Argument(
            metavar="WORKLOAD",
            show_default=False,
            help="A trace: Standard Workload Format, Flux jobs as JSON, sacct --parsable2; told by content, also .gz. "
            "Or the generator: lublin, lublin:days=1,load=0.85,gpu=0.5,longest=24 (jobs=N in the place of days).",
        ),
    ]
    jobs: Annotated[
        int | None, typer.Option("--jobs", metavar="N", min=1, show_default=False, help="The first N jobs of a trace.")
    ] = None
    rules: Annotated[
        Path | None,
        typer.Option(
            "--rules", metavar="FILE", show_default=False, help="Shapes for a trace: CONDITION => SHAPE a line."
        ),
    ] = None
    mix: Annotated[
        Path | None,
        typer.Option("--mix", metavar="FILE", show_default=False, help="Shapes to generate: WEIGHT => SHAPE a line."),
    ] = None


@dataclass(frozen=True, slots=True)
class AxesOptions:
    """What is compared, and what varies."""

    pools: Annotated[
        str,
        typer.Option(
            "--pools",
            metavar="NAMES",
            help="Pools with commas between: exactfit, exactfit:POLICY (terms with + between), Rv1Pool, TreePool, "
            "module:Class.",
        ),
    ] = "exactfit,Rv1Pool,TreePool"
    scheduling: Annotated[str, typer.Option("--scheduling", metavar="easy|fifo", help="Order of the queue.")] = "easy"
    sweep: Annotated[
        str | None,
        typer.Option(
            "--sweep",
            metavar="AXES",
            show_default=False,
            help="What varies: pools=a+b, load=0.7:1.1:0.1, seeds=20, scheduling=easy+fifo, with commas between.",
        ),
    ] = None
    seed: Annotated[int, typer.Option("--seed", min=1, help="Of the generator; a trace is shaken by any but 1.")] = 1
    load: Annotated[
        float | None,
        typer.Option(
            "--load", show_default=False, help="What is offered; submissions come closer together or farther."
        ),
    ] = None

    def axes(self) -> Axes:
        """Return what varies.

        Raises
        ------
        ValueError
            For a pool, an order or an axis that cannot be.
        """
        from ..study.plan import Axes
        from ..study.pools import PoolName

        axes = Axes(tuple(self.pools.split(",")), (self.load,), (self.seed,), (self.scheduling,)).checked()
        axes = axes.swept(self.sweep) if self.sweep else axes
        for name in axes.pools:
            PoolName.read(name).load()
        return axes


@dataclass(frozen=True, slots=True)
class SimulationOptions:
    """What is simulated, and what is asked of it."""

    queue_depth: Annotated[
        int, typer.Option("--queue-depth", metavar="N", min=0, help="Jobs the scheduler sees at a time; 0 for all.")
    ] = 8
    prove: Annotated[
        bool, typer.Option("--prove/--no-prove", help="Ask exactfit whether each refusal of another pool was right.")
    ] = True
    snapshots: Annotated[
        int,
        typer.Option("--snapshots", metavar="N", min=0, help="Moments at which batches are compared with the optimum."),
    ] = 0
    batch: Annotated[int, typer.Option("--batch", metavar="N", min=1, help="Jobs of such a batch.")] = 16
    time_limit: Annotated[
        float, typer.Option("--time-limit", metavar="SECONDS", help="For one decision of exactfit, and for one proof.")
    ] = 0.5


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """Where simulations run, and where their results go."""

    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="FOLDER", help="Results and report; what is there is not run again."),
    ] = Path("study")
    engine: Annotated[
        str, typer.Option("--engine", metavar="ENGINE", help="local, dask://HOST:PORT, or flux (inside an instance).")
    ] = "local"
    workers: Annotated[
        int, typer.Option("--workers", metavar="N", min=0, help="Processes of the local engine; 0 for all cores.")
    ] = 0
