"""The machine at one moment under each pool: who holds what, and who stood where around it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...grammar.idset import text_mask
from ...topology.machine import Machine
from ...topology.masks import runs_of_mask
from ..drawing.file import draw_file
from ..drawing.scene import Holding, Tenant, holdings, make_scene
from .charts import SPANS, Axis, Chart, Span
from .groups import Group

_HOUR = 3600.0
_MOST_NODES_DRAWN = 64
_MOST_BARS = 2000

DRAWN = (
    "A letter and a shape are a slot of the job with the number; one with a capital and a bold red line crosses a "
    "border between domains that it need not. Where a pool does not say which slot got what, slots are put together "
    "within the innermost domains first."
)
AROUND = (
    "Who stood where around that moment, which the vertical line marks: a bar is a job on neighbouring nodes. One with "
    "a red edge has a slot in several domains of a level of which one would have had room for it on an idle machine."
)


def drawings(groups: Sequence[Group], machine: Machine) -> list[tuple[str, str, str]]:
    """Return name, title and SVG of the machine under each pool; nothing of one too large to be drawn."""
    if machine.size > _MOST_NODES_DRAWN:
        return []
    found = []
    for place, group, moment in _moments(groups):
        held: list[Holding] = []
        tenants = []
        jobs = zip(moment["held"], moment["placements"], strict=True)
        for number, ((job, execution), placement) in enumerate(jobs, start=1):
            R = {"execution": execution, "scheduling": {"placement": placement}}
            held += holdings(machine, number, R)
            tenants.append(Tenant(number, f"job {job}"))
        title = _title(group, moment)
        scene = make_scene(title, machine, held, 0, tenants)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "machine.svg")
            draw_file(scene, path)
            found.append((f"machine-{place}", title, path.read_text(encoding="utf-8")))
    return found


def gantts(groups: Sequence[Group], machine: Machine) -> list[Chart]:
    """Return nodes over time around the moment, under each pool; nothing where no jobs were kept."""
    found = []
    for place, group, moment in _moments(groups):
        spans, low, high = _spans(moment)
        if spans:
            torn = len({span.job for span in spans if span.torn})
            caption = (
                f"{_title(group, moment)}, nodes over time: {len({span.job for span in spans})} jobs, "
                f"{torn} with a torn slot"
            )
            x = Axis("hours", low / _HOUR, high / _HOUR)
            y = Axis("node", 0, machine.size, falls=True)
            found.append(Chart(f"gantt-{place}", caption, SPANS, x, y, spans=spans, mark=moment["time"] / _HOUR))
    return found


def _spans(moment: Mapping[str, Any]) -> tuple[list[Span], float, float]:
    """Return the bars around a moment, from when and until when: those nearest to it, as many as can be drawn."""
    around, time = moment["around"], moment["time"]
    low, high = around["from"], around["until"]
    found: list[Span] = []
    for job, start, end, nodes, torn in sorted(around["jobs"], key=lambda one: max(one[1] - time, time - one[2])):
        bars = [
            Span(job, start / _HOUR, end / _HOUR, first, last, torn) for first, last in runs_of_mask(text_mask(nodes))
        ]
        if len(found) + len(bars) > _MOST_BARS:
            # Beyond the first that is left out there are gaps.
            away = max(start - time, time - end, 0.0)
            return found, max(low, time - away), min(high, time + away)
        found += bars
    return found, low, high


def _moments(groups: Sequence[Group]) -> Iterator[tuple[int, Group, Mapping[str, Any]]]:
    """Yield the moment of each pool under the first queue and load: all of one time of one workload."""
    for place, group in enumerate(groups):
        moment = group.results[0].get("moment")
        if moment and not group.machine and group.situation == groups[0].situation:
            yield place, group, moment


def _title(group: Group, moment: Mapping[str, Any]) -> str:
    seed = f", seed {group.seeds[0]}," if len(group.seeds) > 1 else ""
    return f"{group.pool}{seed} after {moment['time'] / _HOUR:.1f} hours"
