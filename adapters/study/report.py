"""Writes what a study found: the page, the pictures as files, the figures and all else as tables."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from ...topology.machine import Machine
from ..drawing.file import draw_file
from ..drawing.scene import Holding, Tenant, holdings, make_scene
from . import html
from .estimate import given_up_in_words
from .findings import findings
from .groups import Estimate, Group, gather, greed_rows
from .lived_said import AsItWas
from .methods import methods
from .plots import Pictures
from .price import batches_of, price_in_words, price_table
from .store import Store
from .task import SCHEDULING, Task
from .verdict import recommended, verdicts

_MINUTE, _HOUR = 60.0, 3600.0
_MOST_NODES_DRAWN = 64

_LESS, _MORE = -1, 1


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
    """Write the report of what is done of a study, and return where its page is."""
    groups = gather(tasks, store)
    greed = greed_rows(tasks, store)
    pictures = list(Pictures(groups, about.machine.levels, greed).all()) if groups else []
    drawings = _drawings(about, groups)
    for name, _, svg in (*pictures, *drawings):
        store.write_text(f"plots/{name}.svg", svg)
    store.write_table("figures", _figure_rows(tasks, store))
    store.write_table("greed", greed)
    parts = [
        html.paragraph(f"{about.workload}, on {about.machine_name}: {_size(about.machine)}."),
        *(html.paragraph(said) for said in about.shapes),
        html.paragraph(_queues(tasks)),
        *(html.paragraph(said) for said in given_up_in_words(tasks, store)),
        *(html.paragraph(said) for said in recommended(groups, batches_of(greed), about.machine.levels)),
        *(html.paragraph(said) for said in verdicts(groups, about.machine.levels)),
        *findings(groups),
        *price_in_words(greed),
        html.heading("Figures"),
        _table(groups, about.machine),
        html.paragraph(_EXPLAINED, "note"),
        *_against_first(groups, about.machine),
        html.heading("Pictures"),
        *_which(groups),
        html.plots(html.plot(*picture) for picture in pictures),
    ]
    if greed:
        parts += [html.heading("The price of greed"), *price_table(greed)]
    if as_it_was is not None:
        store.write_table("as-it-was", as_it_was.rows())
        parts += as_it_was.section()
    if drawings:
        parts += [
            html.heading("The machine at one moment"),
            html.paragraph(_DRAWN, "note"),
            *(html.plot(*drawing) for drawing in drawings),
        ]
    done = sum(1 for task in tasks if store.has(task.key))
    parts += [
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
    return store.write_text("report.html", html.page(f"Study: {about.machine_name}", parts))


_DRAWN = (
    "A letter and a shape are a slot of the job with the number; one with a capital and a bold red line crosses a "
    "border between domains that it need not. Where a pool does not say which slot got what, slots are put together "
    "within the innermost domains first."
)

_EXPLAINED = (
    "Slots in one domain: what each job holds is split into its slots in the best way, level by level, whichever pool "
    "gave it. Wrong refusals: the pool said no although exactfit found a placement in the same state; not "
    "proven: its search was cut off by the time limit, so that nobody knows. Bounded slowdown: "
    "waiting and running over running, no job shorter than 10 s. Intact: mean part of the domains that were wholly "
    "free while jobs came. ± is the 95 % confidence interval over seeds. The best of a line is bold, load by load, "
    "where the interval of its difference to each other, seed by seed, leaves out zero: with one seed nothing is."
)


def _columns(machine: Machine) -> list[tuple[str, str, float, str, int]]:
    """Return the table's columns: figure, head, factor, format, which way is better."""
    found: list[tuple[str, str, float, str, int]] = [("ran", "jobs run", 1.0, ".0f", _MORE)]
    levels = machine.levels[::-1]
    found += [(f"local.{level}", f"slots in one {level}, %", 100.0, ".1f", _MORE) for level in levels]
    found += [(f"touched.{level}", f"{level} domains a slot", 1.0, ".2f", _LESS) for level in levels]
    found += [
        ("jobs refused wrongly", "jobs refused wrongly", 1.0, ".0f", _LESS),
        ("denied wrongly", "denied wrongly", 1.0, ".0f", _LESS),
        ("not proven", "refusals not proven", 1.0, ".0f", _LESS),
        ("wait", "mean wait, min", 1 / _MINUTE, ".1f", _LESS),
        ("wait p95", "wait p95, min", 1 / _MINUTE, ".0f", _LESS),
        ("slowdown", "bounded slowdown", 1.0, ".2f", _LESS),
        ("utilisation", "core use, %", 100.0, ".1f", _MORE),
        ("loaded utilisation", "core use while jobs come, %", 100.0, ".1f", _MORE),
        ("makespan", "makespan, h", 1 / _HOUR, ".2f", _LESS),
        ("nodes a job", "nodes a job", 1.0, ".2f", _LESS),
    ]
    found += [(f"{level}s a job", f"{level}s a job", 1.0, ".2f", _LESS) for level in machine.group_levels]
    found += [(f"intact.{level}", f"intact {level}, %", 100.0, ".1f", _MORE) for level in ("node", *machine.levels)]
    found += [
        ("decision", "mean decision, ms", 1000.0, ".2f", _LESS),
        ("decision p95", "decision p95, ms", 1000.0, ".2f", _LESS),
        ("decision longest", "longest decision, ms", 1000.0, ".0f", _LESS),
    ]
    return found


def _table(groups: Sequence[Group], machine: Machine) -> str:
    """Return the figures, a line a figure and a column a group."""
    names = [_name(group, groups) for group in groups]
    rows = []
    for figure, head, factor, form, better in _columns(machine):
        found = [group.figure(figure) for group in groups]
        shown = [format(one.mean * factor, form) if one else "" for one in found]
        best = _best(groups, figure, shown, better)
        cells = []
        for one, text, marked in zip(found, shown, best, strict=True):
            half = (
                f' <span class="pm">± {format(one.half * factor, form)}</span>'
                if one and one.half is not None and figure != "ran"
                else ""
            )
            star = "*" if marked else ""
            cells.append(f"{star}{text}{half}")
        rows.append([escape(head), *cells])
    return html.table(["", *names], rows, "Figures of each pool, by order of the queue and load")


def _best(groups: Sequence[Group], figure: str, shown: Sequence[str], better: int) -> list[bool]:
    """Tell which groups are shown to be best of those of the same jobs: apart from each that shows another figure."""
    found = []
    for group, text in zip(groups, shown, strict=True):
        others = [
            (other, theirs)
            for other, theirs in zip(groups, shown, strict=True)
            if theirs and theirs != text and (other.scheduling, other.load) == (group.scheduling, group.load)
        ]
        apart = (group.less(other, figure) for other, _ in others)
        found.append(
            bool(text and others)
            and all(one is not None and one.half is not None and better * one.mean > one.half for one in apart)
        )
    return found


def _name(group: Group, groups: Sequence[Group]) -> str:
    parts = [group.pool]
    if len({other.scheduling for other in groups}) > 1:
        parts.append(group.scheduling)
    if len({other.load for other in groups}) > 1:
        parts.append(f"load {group.load:g}")
    return ", ".join(parts)


def _which(groups: Sequence[Group]) -> list[str]:
    """Return of which queue and load the pictures are, where there are several."""
    if len({(group.scheduling, group.load) for group in groups}) < 2:
        return []
    load = f", load {groups[0].load:g}" if groups[0].load is not None else ""
    return [html.paragraph(f"Of {groups[0].scheduling}{load}, but for those by load and the price of greed.", "note")]


_AGAINST = ("wait", "slowdown", "utilisation", "nodes a job", "intact.node", "jobs refused wrongly", "decision")


def _against_first(groups: Sequence[Group], machine: Machine) -> list[str]:
    """Return the differences to the first pool, seed by seed, where there are several seeds."""
    pairs = []
    for group in groups:
        first = next(g for g in groups if (g.scheduling, g.load) == (group.scheduling, group.load))
        if group is not first and len(group.seeds) > 1:
            pairs.append((group, first))
    if not pairs:
        text = "One seed: a difference in waiting may be the luck of one day. --sweep seeds=N tells more."
        return [html.paragraph(text, "note")]
    rows = []
    for figure, head, factor, form, _ in _columns(machine):
        if figure in _AGAINST or figure.startswith("local."):
            rows.append(
                [escape(head), *(_difference(group.less(first, figure), factor, form) for group, first in pairs)]
            )
    text = "Each pool against the first, seed by seed: bold where the 95 % interval of the difference leaves out zero."
    heads = [f"{_name(group, groups)} less {first.pool}" for group, first in pairs]
    return [html.paragraph(text), html.table(["", *heads], rows, "Differences to the first pool, seed by seed")]


def _difference(one: Estimate | None, factor: float, form: str) -> str:
    if one is None or one.half is None:
        return ""
    mean = f"{one.mean * factor:+{form}}"
    mean = mean if float(mean) else mean[1:]
    text = f'{mean} <span class="pm">± {one.half * factor:{form}}</span>'
    return f"*{text}" if abs(one.mean) > one.half else text


def _drawings(about: About, groups: Sequence[Group]) -> list[tuple[str, str, str]]:
    """Return the machine under each pool, all at one moment of one workload."""
    if not groups or about.machine.size > _MOST_NODES_DRAWN:
        return []
    first = groups[0]
    found = []
    for place, group in enumerate(groups):
        moment = group.results[0].get("moment")
        if not moment or (group.load, group.scheduling) != (first.load, first.scheduling):
            continue
        held: list[Holding] = []
        tenants = []
        jobs = zip(moment["held"], moment["placements"], strict=True)
        for number, ((job, execution), placement) in enumerate(jobs, start=1):
            R = {"execution": execution, "scheduling": {"placement": placement}}
            held += holdings(about.machine, number, R)
            tenants.append(Tenant(number, f"job {job}"))
        seed = f", seed {group.seeds[0]}," if len(group.seeds) > 1 else ""
        title = f"{group.pool}{seed} after {moment['time'] / _HOUR:.1f} hours"
        scene = make_scene(title, about.machine, held, 0, tenants)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "machine.svg")
            draw_file(scene, path)
            found.append((f"machine-{place}", title, path.read_text(encoding="utf-8")))
    return found


def _figure_rows(tasks: Sequence[Task], store: Store) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for task in tasks:
        if store.has(task.key) and task.kind == "run":
            head = {"pool": task.pools[0], "scheduling": task.scheduling, "load": task.load, "seed": task.seed}
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
