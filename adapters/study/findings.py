"""What a reader has to know before the figures: wrong refusals, and jobs that never ran, with the reasons."""

from __future__ import annotations

from collections.abc import Sequence

from . import html
from .groups import Group


def findings(groups: Sequence[Group]) -> list[str]:
    """Return what a reader has to know before the figures: wrong refusals, and what is in no average."""
    found = []
    for pool in dict.fromkeys(group.pool for group in groups):
        mine = [group for group in groups if group.pool == pool]
        jobs, ran, refused = (sum(g.total(name) for g in mine) for name in ("jobs", "ran", "jobs refused wrongly"))
        if refused:
            text = f"{pool} refused {refused:.0f} of {jobs:.0f} jobs at least once when a placement existed."
            found.append(html.paragraph(text))
        if jobs > ran:
            found.append(html.paragraph(f"{pool} never ran {jobs - ran:.0f} of {jobs:.0f} jobs: {reasons(mine)}."))
    if any(group.left_out for group in groups):
        found.append(html.paragraph("Jobs that not every pool ran are left out of all waits and slowdowns."))
    return found


def reasons(mine: Sequence[Group]) -> str:
    """Return why a pool never ran some jobs."""
    jobs, ran, denied, wrongly = (
        sum(g.total(name) for g in mine) for name in ("jobs", "ran", "denied", "denied wrongly")
    )
    parts = [f"{denied:.0f} it called impossible"] if denied else []
    if wrongly:
        parts[0] += f", {wrongly:.0f} of them although a placement exists on the idle machine"
    if jobs - ran > denied:
        parts.append(f"{jobs - ran - denied:.0f} it never found a place for, or they waited behind such a job")
    return "; ".join(parts)
