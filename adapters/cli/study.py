"""`exactfit study`: what pools would have made of a workload, offline."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...grammar.errors import printable
from .bundles import flat
from .console import make_console, warn
from .ending import OF_THE_SYSTEM
from .errors import InputError
from .json_output import json_line
from .machine_input import NamedMachine, read_machine
from .minutes import a_line_a_minute
from .source import Sources
from .status import DONE
from .study_given import Given
from .study_options import (
    AxesOptions,
    EngineOptions,
    SimulationOptions,
    StudiedOptions,
    WorkloadOptions,
)
from .study_planned import planned
from .what_if import as_it_would_be

if TYPE_CHECKING:
    from ...solver.options import Options as SolverOptions
    from ...topology.machine import Machine
    from ..study.lived_said import AsItWas
    from ..study.plan import Axes
    from ..study.store import Store
    from ..study.task import Task

_NEEDED = {"flux": "flux-python", "matplotlib": "matplotlib"}
"""What a study needs beyond the base dependencies: modules, and who brings them. Without pyarrow, tables are CSV."""

USUAL = "usual.mix"
"""The usual jobs, in the study's folder."""

_PROGRAMS = ("exactfit", "flux-python", "ortools", "matplotlib", "bokeh", "pyarrow", "distributed")


@flat
def study(
    studied: StudiedOptions,
    workload: WorkloadOptions,
    compared: AxesOptions,
    simulated: SimulationOptions,
    engine: EngineOptions,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json",
            help='Print one JSON object and nothing else: {"machine", "workload", "shapes", "folder", "report", '
            '"simulations", "groups", "to_load", "greed", "given_up", "as_it_was"}; a group is of a pool, '
            "an order of the queue, a load and a machine.",
        ),
    ] = False,
) -> int:
    """Simulate a machine with its jobs under several pools, and write a report with figures and pictures.

    Every simulation that is done is kept in the folder. A study that was interrupted goes on where it was, when it is
    started again in the same way.

    For example:

      exactfit study rfc49-a lublin:days=1 -o day

      exactfit study R.json trace.swf.gz --rules site.rules --sweep load=0.7:1.1:0.1,seeds=5 -o sweep

      exactfit study now.json lublin:days=1 -o from-now-on

      exactfit study R.json trace.swf.gz --pools exactfit --sweep with-nodes=0+16+32,seeds=10 -o larger
    """
    _check_installed()
    simulated.check()
    engine.check()
    named = as_it_would_be(read_machine(studied.machine, Sources()), studied.what_if)
    try:
        axes = _without_those_that_refuse(compared.axes(studied.what_if), named.machine)
        given, tasks, options = planned(named, workload, axes, simulated)
    except ValueError as error:
        raise InputError(str(error)) from None
    with _into(engine.output):
        store = _store(engine.output)
        as_it_was = _as_it_was(named, given, options)
        _run(tasks, store, engine, simulated.patience_seconds())
        report = _write(tasks, store, named, given, as_it_was)
    if as_json:
        _print_json(tasks, store, named, given, report, as_it_was)
    else:
        _show(tasks, store, named, given, report, as_it_was)
    return DONE


def _without_those_that_refuse(axes: Axes, machine: Machine) -> Axes:
    """Leave out the pools that cannot be made of the machine, with a word: Flux's TreePool is none of plain ranks."""
    from ..study.pools import PoolName
    from ..study.task import machine_R

    pools = {name: PoolName.read(name) for name in axes.pools}
    if all(pool.ours for pool in pools.values()):
        return axes
    R = machine_R(machine)
    said = {name: pool.refusal(R) for name, pool in pools.items()}
    _foretell([f"without {name}: it takes no such machine ({why})" for name, why in said.items() if why is not None])
    kept = tuple(name for name, why in said.items() if why is None)
    if not kept:
        raise ValueError("no pool that is named takes such a machine")
    return replace(axes, pools=kept)


def _as_it_was(named: NamedMachine, given: Given, options: SolverOptions) -> AsItWas | None:
    """Judge where the jobs really ran, where that was asked for."""
    if given.history is None:
        return None
    from ..study.as_it_was import judge_all
    from ..study.lived_said import AsItWas

    machine, history = named.machine, given.history
    with _progress(len(history.jobs), 0, "judging", "placements judged") as done:
        return AsItWas(machine, history, judge_all(machine, history, options, lambda one: done(one.job.name)))


@contextmanager
def _into(folder: Path) -> Iterator[None]:
    """Say of what cannot be written that it was for the folder."""
    try:
        yield
    except OSError as error:
        if error.errno not in OF_THE_SYSTEM:
            raise
        raise InputError(f"-o {folder}: {error.strerror} (what is done is kept)") from None


def _store(folder: Path) -> Store:
    from ..study.store import Store

    try:
        return Store(folder)
    except OSError as error:
        raise InputError(f"-o {folder}: {error.strerror or error}") from None


def _check_installed() -> None:
    """Make sure that what a study needs beyond the base dependencies is there.

    Raises
    ------
    InputError
        With what to install.
    """
    missing = [name for module, name in _NEEDED.items() if find_spec(module) is None]
    if missing:
        raise InputError(f"a study needs {' and '.join(missing)}: pip install 'exactfit[study,flux]'")
    try:
        import_module("..flux", __package__)
    except (ImportError, ValueError) as error:
        raise InputError(str(error)) from None


def _run(tasks: list[Task], store: Store, engine: EngineOptions, patience: float) -> None:
    from ..study.engine import EngineError
    from ..study.engines import make_engine, run_all

    left = [task for task in tasks if not store.has(task.key)]
    with _progress(len(tasks), len(tasks) - len(left)) as done:
        try:
            made = partial(make_engine, engine.engine, engine.workers or 0, store)
            run_all(
                left, store, made, lambda task: done(task.label), patience, lambda known: _foretell(known.sentences())
            )
        except EngineError as error:
            cause = error.__cause__
            if isinstance(cause, OSError) and cause.errno in OF_THE_SYSTEM:
                raise InputError(f"-o {store.folder}: {os.strerror(cause.errno)} (what is done is kept)") from None
            raise InputError(f"{error} (what is done is kept)") from None
        except KeyboardInterrupt:
            warn("what is done is kept: the same command goes on from there")
            raise


def _foretell(sentences: list[str]) -> None:
    for said in sentences:
        print(printable(said), file=sys.stderr, flush=True)


@contextmanager
def _progress(
    total: int, before: int, doing: str = "simulating", done: str = "simulations done"
) -> Iterator[Callable[[str], None]]:
    """Show a bar with the time left, on a terminal; a line a minute elsewhere."""
    if not sys.stderr.isatty():
        with a_line_a_minute(total, before, lambda line: print(line, file=sys.stderr, flush=True), what=done) as count:
            yield count
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = make_console(stderr=True)
    with Progress(*columns, console=console) as bar:
        line = bar.add_task(doing, total=total, completed=before)
        yield lambda label: bar.update(line, advance=1, description=printable(label)[:48])


def _write(tasks: list[Task], store: Store, named: NamedMachine, given: Given, as_it_was: AsItWas | None) -> Path:
    """Write the report, and return where it is."""
    from ..study.report import About, write_report

    command = "exactfit " + " ".join(shlex.quote(part) for part in sys.argv[1:])
    versions = {"Python": sys.version.split()[0]}
    for program in _PROGRAMS:
        try:
            versions[program] = version(program)
        except PackageNotFoundError:
            continue
    store.write_text(USUAL, _usual(tasks, named))
    about = About(printable(named.name), named.machine, given.words, given.shapes, command, versions)
    return write_report(about, tasks, store, as_it_was)


def _usual(tasks: list[Task], named: NamedMachine) -> str:
    """Return the shapes of the jobs of the first workload, each with how often it came: for ``future=FILE``."""
    from ..study.outline import outline_of
    from ..study.usual import usual_shapes

    first = tasks[0]
    return usual_shapes(first.source.workload(outline_of(named.machine), first.seed, first.load))


def _print_json(
    tasks: list[Task], store: Store, named: NamedMachine, given: Given, report: Path, as_it_was: AsItWas | None
) -> None:
    from ..study.summary_json import figures_fields

    about = {
        "machine": named.name,
        "workload": given.words,
        "shapes": given.shapes,
        "folder": str(report.parent),
        "report": str(report),
    }
    print(
        json_line(
            "study",
            {
                **about,
                **figures_fields(tasks, store, named.machine.levels),
                "as_it_was": as_it_was and as_it_was.fields(),
            },
        )
    )


def _show(
    tasks: list[Task], store: Store, named: NamedMachine, given: Given, report: Path, as_it_was: AsItWas | None
) -> None:
    from ..study.capacity import capacity_in_words
    from ..study.estimate import given_up_in_words
    from ..study.groups import gather, greed_rows
    from ..study.price import batches_of
    from ..study.recommend import advices
    from ..study.summary import lines
    from ..study.verdict import verdicts

    console = make_console()
    for said in (
        given.words,
        *given.shapes,
        *given_up_in_words(tasks, store),
        *(as_it_was.sentences() if as_it_was else ()),
    ):
        console.print(said, highlight=False)
    groups, levels = gather(tasks, store), named.machine.levels
    batches = batches_of(greed_rows(tasks, store))
    sentences = [one.sentence() for one in advices(groups, batches, levels)]
    sentences += [one.sentence() for one in verdicts(groups, levels, batches)]
    sentences += capacity_in_words(groups)
    for sentence in sentences:
        console.print(sentence, highlight=False)
    console.print(lines(tasks, store, named.machine))
    console.print(f"usual jobs: {report.parent / USUAL}", soft_wrap=True, overflow="ignore")
    console.print(f"report: {report}", soft_wrap=True, overflow="ignore")
