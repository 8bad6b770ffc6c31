"""What `exactfit study` takes: a workload, what varies, what is simulated, and where."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...grammar.duration import parse_duration
from ...grammar.errors import shown
from . import completions, options
from .errors import InputError

if TYPE_CHECKING:
    from ..study.plan import Axes

POOLS = "exactfit,Rv1Pool,TreePool"
EASY = "easy"
LOCAL = "local"
BATCH = 16
SECONDS = 0.5
_MOST_PATIENCE = 2.0**30
"""Seconds; who has more has no limit."""


@dataclass(frozen=True, slots=True)
class StudiedOptions(options.OfMachineAsItWouldBe):
    """A machine, and what is to be different of it."""

    machine: options.MachineArgument
    with_nodes: options.WithNodesOption = None
    amounts: options.WithOption = None
    without: options.WithoutOption = None


@dataclass(frozen=True, slots=True)
class WorkloadOptions:
    """Where the jobs come from."""

    workload: Annotated[
        str,
        typer.Argument(
            metavar="WORKLOAD",
            autocompletion=completions.workloads,
            show_default=False,
            help="A trace: Standard Workload Format, Flux jobs as JSON, sacct --parsable2 or --json, Batsim, Philly, a "
            "table in CSV or Parquet; told by content, also .gz and .zip; - for standard input. Or the generator: "
            "lublin, lublin:days=1,load=0.85,gpu=0.5,longest=24 (jobs=N in the place of days).",
        ),
    ]
    jobs: Annotated[
        int | None, typer.Option("--jobs", metavar="N", min=1, show_default=False, help="The first N jobs of a trace.")
    ] = None
    columns: Annotated[
        Path | None,
        typer.Option(
            "--columns",
            metavar="FILE",
            autocompletion=completions.files,
            show_default=False,
            help="What the columns of a table mean: FIELD = COLUMNS a line, such as runtime = end - start.",
        ),
    ] = None
    rules: Annotated[
        Path | None,
        typer.Option(
            "--rules",
            metavar="FILE",
            autocompletion=completions.files,
            show_default=False,
            help="Shapes for a trace: CONDITION => SHAPE a line.",
        ),
    ] = None
    mix: Annotated[
        Path | None,
        typer.Option(
            "--mix",
            metavar="FILE",
            autocompletion=completions.files,
            show_default=False,
            help="Shapes to generate: WEIGHT => SHAPE a line.",
        ),
    ] = None
    as_it_was: Annotated[
        bool,
        typer.Option(
            "--as-it-was",
            help="Judge as well where the jobs of the trace really ran, against the best of the same moment.",
        ),
    ] = False


@dataclass(frozen=True, slots=True)
class AxesOptions:
    """What is compared, and what varies."""

    pools: Annotated[
        str | None,
        typer.Option(
            "--pools",
            autocompletion=completions.pools,
            metavar="NAMES",
            show_default=POOLS,
            help="Pools with commas between: exactfit, exactfit:POLICY (terms with + between), Rv1Pool, TreePool, "
            "module:Class.",
        ),
    ] = None
    scheduling: Annotated[
        str | None,
        typer.Option(
            "--scheduling",
            metavar="easy|flux|conservative|fifo",
            autocompletion=completions.words("easy", "flux", "conservative", "fifo"),
            show_default=EASY,
            help="Order of the queue: EASY backfill as published, as Flux's sched-backfill does it, conservative "
            "backfill, or strictly in order.",
        ),
    ] = None
    sweep: Annotated[
        str | None,
        typer.Option(
            "--sweep",
            autocompletion=completions.axes,
            metavar="AXES",
            show_default=False,
            help="What varies: pools=a+b, load=0.7:1.1:0.1, seeds=20, scheduling=easy+flux, with commas between; and "
            "what if: with-nodes=0+16+32, with='none+numa memory=256', without='none+rack[3]'.",
        ),
    ] = None
    seed: Annotated[
        int | None,
        typer.Option(
            "--seed",
            min=1,
            show_default="1",
            help="Of the generator. With any but 1, jobs of a trace come up to 5 minutes later.",
        ),
    ] = None
    load: Annotated[
        float | None,
        typer.Option(
            "--load", show_default=False, help="The load to be offered: jobs come closer together or farther apart."
        ),
    ] = None

    def axes(self, what_if: options.WhatIf) -> Axes:
        """Return what varies.

        Parameters
        ----------
        what_if
            What is different of the machine in any case.

        Raises
        ------
        ValueError
            For a pool, an order or an axis that cannot be.
        """
        from ..study.plan import Axes, names_in
        from ..study.pools import PoolName

        fixed: dict[str, object] = {
            "pools": self.pools,
            "load": self.load,
            "seeds": self.seed,
            "scheduling": self.scheduling,
            "with-nodes": what_if.with_nodes,
            "with": what_if.amounts,
            "without": what_if.without,
        }
        swept = names_in(self.sweep) if self.sweep is not None else []
        for name, value in fixed.items():
            if value is not None and name in swept:
                raise ValueError(f"--{'seed' if name == 'seeds' else name} and {name}= of --sweep exclude each other")
        pools = tuple((self.pools or POOLS).split(","))
        axes = Axes(pools, (self.load,), (self.seed or 1,), (self.scheduling or EASY,)).checked()
        axes = axes.swept(self.sweep) if self.sweep is not None else axes
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
    batch: Annotated[
        int | None,
        typer.Option("--batch", metavar="N", min=1, show_default="16", help="With --snapshots: jobs of such a batch."),
    ] = None
    time_limit: Annotated[
        str | None,
        typer.Option(
            "--time-limit",
            metavar="TIME",
            show_default="0.5s unless the site chose another",
            help="For one decision of exactfit, and for one proof: seconds, or 500ms, 2s.",
        ),
    ] = None

    patience: Annotated[
        str | None,
        typer.Option(
            "--patience",
            metavar="TIME",
            show_default=False,
            help="How much of the processor's time one simulation may take (90s, 10m, 2h). One that takes longer, or "
            "by its first seconds would take far longer, is given up, and the study goes on without it.",
        ),
    ] = None

    def patience_seconds(self) -> float:
        """Return the patience in seconds, 0 for no limit. InputError for what is none."""
        if self.patience is None:
            return 0.0
        try:
            seconds = parse_duration(self.patience)
        except ValueError:
            seconds = 0.0
        if not seconds:
            raise InputError(f"--patience: expected a time above 0, got {shown(self.patience)} (seconds, or 90s, 10m)")
        return seconds if seconds < _MOST_PATIENCE else 0.0

    def check(self) -> None:
        """Refuse a size for batches that are not compared, and a patience that is none.

        Raises
        ------
        InputError
            For one.
        """
        if self.batch is not None and not self.snapshots:
            raise InputError("--batch goes with --snapshots, of which there are none")
        self.patience_seconds()


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """Where simulations run, and where their results go."""

    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FOLDER",
            autocompletion=completions.files,
            help="Results and report; what is there is not run again.",
        ),
    ] = Path("study")
    engine: Annotated[
        str,
        typer.Option(
            "--engine",
            metavar="ENGINE",
            autocompletion=completions.words("local", "flux", "dask://"),
            help="local, dask://HOST:PORT, or flux (inside an instance).",
        ),
    ] = LOCAL
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers",
            metavar="N",
            min=0,
            show_default="0",
            help="With the local engine: how many processes; 0 for all cores.",
        ),
    ] = None

    def check(self) -> None:
        """Refuse a number of processes for an engine that has its own.

        Raises
        ------
        InputError
            For one.
        """
        if self.workers is not None and self.engine != LOCAL:
            raise InputError(f"--workers goes with the local engine; {self.engine} has its own")
