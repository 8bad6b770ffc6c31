"""The first screen of a report: what to load, whether it is worth it, and one table with the intervals."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from . import html
from .recommend import RULE, Advice
from .verdict import LUCK, ONE_SEED, Difference, Verdict

_MOST_ROWS = 8
_MOST_SENTENCES = 3


def overview(advices: Sequence[Advice], verdicts: Sequence[Verdict]) -> list[str]:
    """Return the sentences and the table.

    Parameters
    ----------
    advices
        What to load under each queue and load.
    verdicts
        Our pool in the place of each other one.
    """
    parts = [html.paragraph(said, "lead") for said in _sentences(advices)]
    if verdicts:
        parts.append(_table(verdicts))
    if verdicts and all(one.answer == ONE_SEED for one in verdicts):
        parts.append(html.paragraph(LUCK, "note"))
    return parts


def in_words(advices: Sequence[Advice], verdicts: Sequence[Verdict]) -> list[str]:
    """Return the same as paragraphs, each queue and load, all intervals, and the rule by which a pool is named."""
    found = [html.paragraph(one.sentence()) for one in advices] if len(advices) > _MOST_SENTENCES else []
    found += [html.paragraph(one.sentence()) for one in verdicts]
    return [*found, *([html.paragraph(RULE, "note")] if advices else [])]


def _sentences(advices: Sequence[Advice]) -> list[str]:
    found = [one.sentence() for one in advices[:_MOST_SENTENCES]]
    if len(advices) > _MOST_SENTENCES:
        counts = dict.fromkeys(one.pool for one in advices)
        of = ", ".join(f"{pool} in {sum(one.pool == pool for one in advices)}" for pool in counts)
        found = [f"What to load, of {len(advices)} queues, loads and machines: {of}. Each is below, with the verdicts."]
    return found


def _table(verdicts: Sequence[Verdict]) -> str:
    """Return a line a verdict and a column a criterion: the difference with its interval, the shown ones bold."""
    shown = verdicts[:_MOST_ROWS]
    ours = " or ".join(dict.fromkeys(one.ours for one in shown))
    names = list(dict.fromkeys(d.criterion.name for one in shown for d in one.differences if d.criterion.first))
    units = {d.criterion.name: d.criterion.unit.strip() for one in shown for d in one.differences}
    heads = ["in the place of", "worth loading?", *(f"{name}, {units[name]}".rstrip(", ") for name in names)]
    rows = []
    for one in shown:
        by = {d.criterion.name: d for d in one.differences}
        cells = [_cell(by[name]) if name in by else "" for name in names]
        rows.append([escape(", ".join([one.other, *_where(one, verdicts)])), f"*{one.answer}", *cells])
    more = f" The other {len(verdicts) - len(shown)} are below." if len(verdicts) > len(shown) else ""
    caption = (
        f"{ours} less the pool in whose place it would be: the mean, and its 95 % interval over seeds. Bold where the "
        f"interval leaves out zero: ▲ better, ▼ worse.{more}"
    )
    return html.table(heads, rows, caption, "brief")


def _where(one: Verdict, among: Sequence[Verdict]) -> list[str]:
    """Return the queue, the load and the machine, each where there are several."""
    return one.situation.parts([other.situation for other in among])


def _cell(one: Difference) -> str:
    mean, _, interval = one.text(unit=False).partition(" (")
    mark = {1: " ▲", -1: " ▼", 0: ""}[one.side]
    text = f'{mean}{mark} <span class="pm">{interval.rstrip(")")}</span>' if interval else mean
    return f"*{text}" if one.side else text
