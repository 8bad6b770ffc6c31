"""Writes what a study found: the page, the pictures as files, the figures and all else as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...topology.machine import Machine
from . import html
from .capacity import capacity, capacity_in_words
from .estimate import given_up_in_words
from .figures_table import EXPLAINED, against_first, figures_table
from .findings import findings
from .groups import Group, gather, greed_rows
from .live import live, place_of
from .lived_said import AsItWas
from .methods import methods
from .moments import AROUND, DRAWN, drawings, gantts
from .overview import in_words, overview
from .pictured import Pictured
from .plots import svg_of
from .price import batches_of, price_in_words, price_table
from .recommend import advices
from .store import Store
from .task import SCHEDULING, Task
from .verdict import verdicts

_MOST_DRAWN = 2_000_000
"""Bytes of all drawings of machines, so that a page stays below five million."""


@dataclass(frozen=True, slots=True)
class About:
    """What a report says of a study besides its figures.

    Attributes
    ----------
    machine_name, machine
        Where.
    workload
        In words.
    shapes
        What must be known of the shapes, a sentence each.
    command
        That makes it again.
    versions
        Of the programs that matter.
    """

    machine_name: str
    machine: Machine
    workload: str
    shapes: Sequence[str]
    command: str
    versions: Mapping[str, str]


def write_report(about: About, tasks: Sequence[Task], store: Store, as_it_was: AsItWas | None = None) -> Path:
    """Write the report of what is done of a study, and return where its page is.

    An overview comes first: what was studied, what to load, and one table. The details follow.
    """
    groups, greed = gather(tasks, store), greed_rows(tasks, store)
    charts = list(Pictured(groups, about.machine.levels, greed).all()) if groups else []
    around, drawn = gantts(groups, about.machine), drawings(groups, about.machine)
    pictures = {chart.name: svg_of(chart) for chart in (*charts, *around)}
    for name, svg in (*pictures.items(), *((name, svg) for name, _, svg in drawn)):
        store.write_text(f"plots/{name}.svg", svg)
    store.write_table("figures", _figure_rows(tasks, store))
    store.write_table("greed", greed)
    if as_it_was is not None:
        store.write_table("as-it-was", as_it_was.rows())
    parts = [
        *_overview(about, tasks, store, groups, greed, as_it_was),
        *_figures(about, groups, greed),
        html.heading("Pictures"),
        *_which(groups),
        html.plots(html.chart(chart.name, chart.caption, pictures[chart.name], place_of(chart)) for chart in charts),
    ]
    if greed:
        parts += [html.heading("The price of greed"), *price_table(greed)]
    if as_it_was is not None:
        parts += as_it_was.section()
    if drawn or around:
        parts.append(html.heading("The machine at one moment"))
    if around:
        parts.append(html.paragraph(AROUND, "note"))
        parts += [html.chart(one.name, one.caption, pictures[one.name], place_of(one)) for one in around]
    if drawn:
        parts += [html.paragraph(DRAWN, "note"), *_small_enough(drawn)]
    parts += [*_methods(about, tasks, store), live([*charts, *around])]
    return store.write_text("report.html", html.page(f"Study: {about.machine_name}", parts))


def _small_enough(drawn: Sequence[tuple[str, str, str]]) -> list[str]:
    """Return the drawings that a page can hold which is to be sent by mail, and where the others are."""
    found, left, rest = [], _MOST_DRAWN, []
    for name, title, svg in drawn:
        part = html.plot(name, title, svg)
        left -= len(part)
        if left < 0:
            rest.append(f"{title}: plots/{name}.svg")
        else:
            found.append(part)
    return [*found, *([html.paragraph(f"Too large for this page: {'; '.join(rest)}.", "note")] if rest else [])]


def _overview(
    about: About,
    tasks: Sequence[Task],
    store: Store,
    groups: Sequence[Group],
    greed: Sequence[dict[str, Any]],
    as_it_was: AsItWas | None,
) -> list[str]:
    """Return what a manager reads: a few sentences and one table."""
    levels, batches = about.machine.levels, batches_of(greed)
    lived = as_it_was.sentences() if as_it_was is not None else []
    return [
        html.paragraph(f"{about.workload}, on {about.machine_name}: {_size(about.machine)}."),
        *(html.paragraph(said) for said in about.shapes),
        html.paragraph(_queues(tasks)),
        *(html.paragraph(said) for said in given_up_in_words(tasks, store)),
        *_under(
            "In short",
            [
                *overview(advices(groups, batches, levels), verdicts(groups, levels, batches)),
                *capacity(groups),
                *map(html.paragraph, lived),
            ],
        ),
    ]


def _figures(about: About, groups: Sequence[Group], greed: Sequence[dict[str, Any]]) -> list[str]:
    """Return the verdicts in words, what has to be known before the figures, and the figures."""
    levels, batches = about.machine.levels, batches_of(greed)
    return [
        *_under(
            "Verdicts",
            [
                *in_words(advices(groups, batches, levels), verdicts(groups, levels, batches)),
                *(html.paragraph(said) for said in capacity_in_words(groups)),
                *findings(groups),
                *price_in_words(greed),
            ],
        ),
        html.heading("Figures"),
        figures_table(groups, about.machine),
        html.paragraph(EXPLAINED, "note"),
        *against_first(groups, about.machine),
    ]


def _under(title: str, parts: Sequence[str]) -> list[str]:
    """Return parts below a heading; none of both where a study of one pool has nothing to compare."""
    return [html.heading(title), *parts] if parts else []


def _methods(about: About, tasks: Sequence[Task], store: Store) -> list[str]:
    done = sum(1 for task in tasks if store.has(task.key))
    return [
        html.heading("Methods"),
        html.paragraph(methods(about.machine_name, _size(about.machine), about.workload, tasks, about.versions)),
        html.heading("To do this again"),
        html.verbatim(about.command),
        html.paragraph("; ".join(f"{name} {version}" for name, version in about.versions.items()), "note"),
        html.paragraph(
            f"{done} of {len(tasks)} simulations; seeds {_seeds(tasks)}. All data are beside this page: figures, and "
            "for each simulation its jobs, decisions and series under results/.",
            "note",
        ),
    ]


def _which(groups: Sequence[Group]) -> list[str]:
    """Return of which queue and load the pictures are, where there are several."""
    if len({group.situation for group in groups}) < 2:
        return []
    first = groups[0].situation.words
    return [html.paragraph(f"Of {first}, but for those by load and the price of greed.", "note")]


def _figure_rows(tasks: Sequence[Task], store: Store) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for task in tasks:
        if store.has(task.key) and task.kind == "run":
            head = {"pool": task.pools[0], "scheduling": task.scheduling, "load": task.load, "machine": task.machine}
            head["seed"] = task.seed
            rows.append({**head, "result": task.key, **store.get(task.key)["figures"]})
    return rows


def _size(machine: Machine) -> str:
    cores = sum(nodes.bit_count() * c.bit_count() for nodes, c, _ in machine.holdings)
    gpus = sum(nodes.bit_count() * g.bit_count() for nodes, _, g in machine.holdings)
    return f"{machine.size} nodes, {cores} cores, {gpus} GPUs"


def _queues(tasks: Sequence[Task]) -> str:
    """Return how jobs queue, in words."""
    orders = dict.fromkeys(task.scheduling for task in tasks)
    depths = {task.queue_depth for task in tasks}
    seen = "all jobs that wait" if depths == {0} else f"{max(depths)} jobs at a time"
    return f"The queue: {'; '.join(f'{name}: {SCHEDULING[name]}' for name in orders)}. The scheduler sees {seen}."


def _seeds(tasks: Sequence[Task]) -> str:
    from ...grammar.idset import IdSet

    return str(IdSet.of({task.seed for task in tasks}))
