"""`exactfit study`: what pools would have made of a workload, offline."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...grammar.errors import printable
from . import options
from .console import make_console, warn
from .errors import InputError
from .machine_input import NamedMachine, read_machine
from .source import Sources, decode

if TYPE_CHECKING:
    from ..study.task import Source, Task

_PROGRAMS = ("exactfit", "flux-python", "ortools", "matplotlib", "pyarrow", "distributed")


def study(
    machine: options.MachineArgument,
    workload: Annotated[
        str,
        typer.Argument(
            metavar="WORKLOAD",
            show_default=False,
            help="A trace: Standard Workload Format, Flux jobs as JSON, sacct --parsable2; told by content, also .gz. "
            "Or the generator: lublin, lublin:days=1,load=0.85,gpu=0.5,longest=24 (jobs=N in the place of days).",
        ),
    ],
    pools: Annotated[
        str,
        typer.Option(
            "--pools",
            metavar="NAMES",
            help="Pools with commas between: exactfit, exactfit:POLICY (terms with + between), Rv1Pool, TreePool, "
            "module:Class.",
        ),
    ] = "exactfit,Rv1Pool,TreePool",
    scheduling: Annotated[str, typer.Option("--scheduling", metavar="easy|fifo", help="Order of the queue.")] = "easy",
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="FOLDER", help="Results and report; what is there is not run again."),
    ] = Path("study"),
    sweep: Annotated[
        str | None,
        typer.Option(
            "--sweep",
            metavar="AXES",
            show_default=False,
            help="What varies: pools=a+b, load=0.7:1.1:0.1, seeds=20, scheduling=easy+fifo, with commas between.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=1, help="Of the generator; a trace is shaken by any but 1.")] = 1,
    load: Annotated[
        float | None,
        typer.Option(
            "--load", show_default=False, help="What is offered; submissions come closer together or farther."
        ),
    ] = None,
    jobs: Annotated[
        int | None, typer.Option("--jobs", metavar="N", min=1, show_default=False, help="The first N jobs of a trace.")
    ] = None,
    rules: Annotated[
        Path | None,
        typer.Option(
            "--rules", metavar="FILE", show_default=False, help="Shapes for a trace: CONDITION => SHAPE a line."
        ),
    ] = None,
    mix: Annotated[
        Path | None,
        typer.Option("--mix", metavar="FILE", show_default=False, help="Shapes to generate: WEIGHT => SHAPE a line."),
    ] = None,
    queue_depth: Annotated[
        int, typer.Option("--queue-depth", metavar="N", min=0, help="Jobs the scheduler sees at a time; 0 for all.")
    ] = 8,
    prove: Annotated[
        bool, typer.Option("--prove/--no-prove", help="Ask exactfit whether each refusal of another pool was right.")
    ] = True,
    snapshots: Annotated[
        int,
        typer.Option("--snapshots", metavar="N", min=0, help="Moments at which batches are compared with the optimum."),
    ] = 0,
    batch: Annotated[int, typer.Option("--batch", metavar="N", min=1, help="Jobs of such a batch.")] = 16,
    time_limit: Annotated[
        float, typer.Option("--time-limit", metavar="SECONDS", help="For one decision of exactfit, and for one proof.")
    ] = 0.5,
    engine: Annotated[
        str, typer.Option("--engine", metavar="ENGINE", help="local, dask://HOST:PORT, or flux (inside an instance).")
    ] = "local",
    workers: Annotated[
        int, typer.Option("--workers", metavar="N", min=0, help="Processes of the local engine; 0 for all cores.")
    ] = 0,
) -> int:
    """Simulate a machine with its jobs under several pools, and write a report with figures and pictures.

    Every simulation that is done is kept in the folder. A study that was interrupted goes on where it was, when it is
    started again in the same way.

    For example:

      exactfit study rfc49-a lublin:days=1 -o day

      exactfit study R.json trace.swf.gz --rules site.rules --sweep load=0.7:1.1:0.1,seeds=5 -o sweep
    """
    # matplotlib and the solver take seconds to import.
    from ...solver.options import Options
    from ..study.plan import Axes, Settings, tasks_of
    from ..study.pools import PoolName
    from ..study.store import Store
    from ..study.task import machine_R

    named = read_machine(machine, Sources())
    _check_installed()
    try:
        axes = Axes(tuple(pools.split(",")), (load,), (seed,), (scheduling,)).checked()
        axes = axes.swept(sweep) if sweep else axes
        for name in axes.pools:
            PoolName.read(name).load()
        source, words = _source(workload, named, rules, mix, jobs)
        # What is wrong with it is better said now than by every simulation.
        Options(time_limit=time_limit)
        settings = Settings(machine_R(named.machine), source, queue_depth, prove, time_limit, snapshots, batch)
        tasks = tasks_of(axes, settings)
    except ValueError as error:
        raise InputError(str(error)) from None
    try:
        store = Store(output)
    except OSError as error:
        raise InputError(f"-o {output}: {error.strerror or error}") from None
    _run(tasks, store, engine, workers)
    _report(tasks, store, named, words)
    return 0


def _check_installed() -> None:
    for module, extra in (("matplotlib", "draw"), ("flux", "flux")):
        from importlib.util import find_spec

        if find_spec(module) is None:
            raise InputError(f"a study needs {module}: pip install 'exactfit[study,{extra}]'")


def _source(
    workload: str, named: NamedMachine, rules: Path | None, mix: Path | None, jobs: int | None
) -> tuple[Source, str]:
    """Return where jobs come from, and what it is called."""
    from ..study.generate import NAME, Generator, read_mix
    from ..study.outline import outline_of
    from ..study.rules import DEFAULT, read_rules
    from ..study.submissions import from_trace
    from ..study.task import Source
    from ..study.workloads.source import read_trace

    sources = Sources()
    if workload.partition(":")[0] == NAME and not Path(workload).exists():
        if rules is not None or jobs is not None:
            raise InputError(
                f"{'--rules' if rules else '--jobs'} goes with a trace; the generator takes --mix and jobs=N"
            )
        generator = Generator.read(workload)
        text = decode(sources.read(str(mix), "a mix"), str(mix)) if mix else ""
        if mix:
            read_mix(text, str(mix))
        return Source(generator=str(generator), mix=text), f"Generated workload {generator}"
    if mix is not None:
        raise InputError("--mix goes with the generator; a trace takes --rules")
    outline = outline_of(named.machine)
    text = decode(sources.read(str(rules), "rules"), str(rules)) if rules else DEFAULT
    trace = read_trace(workload)
    found = from_trace(trace, read_rules(text, str(rules or "the usual rules"), outline), jobs)
    parts = (
        f"{len(found.jobs)} jobs of {printable(Path(workload).name)}",
        *trace.remarks,
        f"offered load {found.load:.2f}",
    )
    return Source.of(found), ", ".join(parts)


def _run(tasks: list[Task], store: object, engine: str, workers: int) -> None:
    from ..study.engines import EngineError, make_engine, run_all
    from ..study.store import Store

    assert isinstance(store, Store)
    left = [task for task in tasks if not store.has(task.key)]
    with _progress(len(tasks), len(tasks) - len(left)) as done:
        try:
            run_all(left, store, lambda: make_engine(engine, workers, store), done)
        except EngineError as error:
            raise InputError(f"{error} (what is done is kept)") from None
        except KeyboardInterrupt:
            warn("what is done is kept: the same command goes on from there")
            raise


@contextmanager
def _progress(total: int, before: int) -> Iterator[Callable[[Task], None]]:
    """Show a bar with the time left, on a terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = make_console(stderr=True)
    with Progress(*columns, console=console, disable=not sys.stderr.isatty()) as bar:
        line = bar.add_task("simulating", total=total, completed=before)
        yield lambda task: bar.update(line, advance=1, description=printable(task.label)[:48])


def _report(tasks: list[Task], store: object, named: NamedMachine, words: str) -> None:
    from ..study.report import About, write_report
    from ..study.store import Store
    from ..study.summary import lines

    assert isinstance(store, Store)
    command = "exactfit " + " ".join(shlex.quote(part) for part in sys.argv[1:])
    versions = {"Python": sys.version.split()[0]}
    for program in _PROGRAMS:
        try:
            versions[program] = version(program)
        except PackageNotFoundError:
            continue
    path = write_report(About(printable(named.name), named.machine, words, command, versions), tasks, store)
    console = make_console()
    console.print(words, markup=False)
    console.print(lines(tasks, store, named.machine))
    console.print(f"report: {path}", soft_wrap=True)
