"""The page of a moment: one HTML file that needs nothing else, for a ticket or a mail."""

from __future__ import annotations

import time
from collections.abc import Iterator
from html import escape
from typing import Final

from ....grammar.errors import printable
from ...drawing.groups import GroupLook
from ...study.html import heading, page, paragraph, table
from ..console import clip
from . import sections
from .folds import DOWN, Fold, left, numbers
from .moment import Moment

_MOST_ROWS: Final = 200
_MOST_SQUARES: Final = 4096
_LONGEST: Final = 160
_STYLE: Final = """
:root{--held:#5b6b7f;--free:#d9e6d4;--gone:#e7c9c4;--ink:#1d2430}
p,h1,.long{overflow-wrap:anywhere}td,th{text-align:left}
span.long{display:block;white-space:normal;min-width:13rem;max-width:30rem}
.bar{display:grid;grid-template-columns:3.4rem minmax(8rem,24rem) 1fr;align-items:center;gap:.1rem .8rem;margin:.4rem 0}
.bar b{font-weight:600}.bar span{font-size:.9rem;font-variant-numeric:tabular-nums}
.fill{height:1rem;border:1px solid #8a94a3;border-radius:2px}
.fill,.map i,.dom i{--from:calc(var(--h)*1%);--to:calc(100% - var(--d,0)*1%);print-color-adjust:exact;
-webkit-print-color-adjust:exact}
.fill{background:linear-gradient(to right,var(--held) var(--from),var(--free) var(--from) var(--to),var(--gone) 0)}
.map i,.dom i{display:inline-block;border:1px solid #8a94a3;border-radius:2px;
background:linear-gradient(to top,var(--held) var(--from),var(--free) var(--from) var(--to),var(--gone) 0)}
.map{display:flex;flex-wrap:wrap;gap:2px;max-width:62rem}.map i{width:.95rem;height:.95rem}
.dom{white-space:nowrap}.dom span{display:inline-flex;gap:1px;margin-right:5px}.dom i{width:.5rem;height:1rem}
.key{font-size:.9rem;color:#566070}.key i{margin:0 .25rem 0 .8rem;vertical-align:-2px}
@media (prefers-color-scheme:dark){:root{--held:#8fa3bd;--free:#26382a;--gone:#5a2f2b}.key{color:#aab3bf}}
@media (max-width:640px){body{padding:.8rem}.bar{grid-template-columns:3.4rem 1fr}.bar span:last-child{grid-column:2}
th,td{padding:.22rem .45rem}}
@media print{.map i{width:.7rem;height:.7rem}.scroll{overflow:visible}td,th{white-space:normal}
th:first-child,td:first-child{position:static}table{font-size:.75rem}tr{break-inside:avoid}}
"""


def moment_page(moment: Moment) -> str:
    """Return the page of a moment."""
    snapshot = moment.snapshot
    where = f" on {printable(snapshot.cluster)}" if snapshot.cluster else ""
    taken = time.strftime("%Y-%m-%d %H:%M:%S %Z", time.localtime(min(max(snapshot.taken, 0.0), 2.0**33)))
    title = f"{printable(snapshot.system)} {printable(snapshot.version)}{where}"
    parts = [paragraph(taken), *_summary(moment), *_racks(moment), *_nodes(moment)]
    for name in ("down", "jobs", "queue"):
        parts += _section(moment, name)
    if snapshot.unseen:
        parts += [heading("Not seen"), *(paragraph(printable(line)) for line in snapshot.unseen)]
    return page(title, parts, _STYLE)


def _summary(moment: Moment) -> Iterator[str]:
    counts = ", ".join(f"{number:,} {word}" for word, number in numbers(moment.folds).items() if number)
    yield paragraph(f"{moment.machine.size:,} nodes: {counts}.")
    yield paragraph(f"{sections.jobs_line(moment)}.")
    for what, name in (("core", "cores"), ("gpu", "gpus")):
        held, free, gone = left(moment.folds, what)
        there = held + free + gone
        if there:
            said = f"{held:,} of {there:,} held, {free:,} free{sections.away_words(moment, gone)}"
            yield (
                f'<div class="bar"><b>{name}</b>{_box("span", held / there, gone / there, "fill", said)}'
                f"<span>{said}</span></div>"
            )
    yield (
        f'<p class="key map" style="display:block">{_box("i", 1, 0)}held{_box("i", 0, 0)}free{_box("i", 0, 1)}down</p>'
    )


def _box(tag: str, held: float, gone: float, kind: str = "", said: str = "") -> str:
    """Return a box that is filled as far as something is held, and marked as far as it is down."""
    named = f' class="{kind}"' if kind else ""
    label = f' title="{escape(said, quote=True)}"' if said else ""
    return f'<{tag}{named} style="--h:{100 * held:.0f};--d:{100 * gone:.0f}"{label}></{tag}>'


# -- racks and nodes --


def _racks(moment: Moment) -> Iterator[str]:
    looks = [look for look in moment.scene.groups if look.own]
    if not looks:
        return
    levels = "/".join(dict.fromkeys(printable(look.group.level) for look in looks))
    yield heading(f"Groups: {levels} ({len(looks):,})")
    if len(moment.scene.groups) <= sections.MOST_LINES:
        head = ("group", "nodes", "idle", "down", "cores free", "gpus free", "each node")
        yield table(head, [[_plain(cell) for cell in sections.group_row(look)] for look in moment.scene.groups])
        return
    squares = "".join(_square(look) for look in looks[:_MOST_SQUARES])
    yield f'<div class="map" role="img" aria-label="How much of each {escape(levels)} is held">{squares}</div>'
    if len(looks) > _MOST_SQUARES:
        yield paragraph(f"and {len(looks) - _MOST_SQUARES:,} more", "note")


def _square(look: GroupLook) -> str:
    free, there = look.cores if look.cores[1] else look.gpus
    gone = look.down / max(look.nodes, 1)
    held = max(0.0, 1 - free / there - gone) if there else 0.0
    return _box("i", held, gone, said=f"{printable(look.name)}: {'; '.join(look.remarks())}")


def _nodes(moment: Moment) -> Iterator[str]:
    yield heading("Nodes by what is left of them")
    rows = [_fold_row(fold) for fold in moment.folds[:_MOST_ROWS]]
    yield table(("nodes", "are", "cores free", "gpus free", "domains", "torn", "where"), rows)
    yield from _more(len(moment.folds))


def _fold_row(fold: Fold) -> list[str]:
    gone = fold.word == DOWN
    boxes = "".join(
        f"<span>{''.join(_box('i', 0 if gone else 1 - free / there, float(gone)) for free, there in some)}</span>"
        for some in fold.domains
    )
    return [
        f"{fold.count:,}",
        fold.word,
        "-" if gone else f"{fold.cores[0]} of {fold.cores[1]}",
        "-" if gone or not fold.gpus[1] else f"{fold.gpus[0]} of {fold.gpus[1]}",
        f'<span class="dom" role="img" aria-label="{escape(fold.marks, quote=True)}">{boxes}</span>',
        f"*{fold.torn:,}" if fold.torn else "",
        _plain(clip(fold.where, _LONGEST)),
    ]


# -- jobs --

_HEADS: Final = {
    "jobs": ("Jobs that run", ("job", "user", "name", "queue", "nodes", "cores", "gpus", "ends in", "slots", "torn")),
    "queue": ("Queue", ("job", "user", "queue", "asks for", "since", "waits for")),
    "down": ("Down and kept", ("nodes", "state", "why")),
}


def _section(moment: Moment, name: str) -> Iterator[str]:
    title, head = _HEADS[name]
    rows = sections.ROWS[name](moment)
    if rows:
        yield heading(title)
        yield table(head, [_row(head, row) for row in rows[:_MOST_ROWS]])
        yield from _more(len(rows))


def _row(head: tuple[str, ...], row: list[str]) -> list[str]:
    """Return cells as HTML; what is torn stands out."""
    return [f"*{cell}" if name == "torn" and cell else _plain(cell) for name, cell in zip(head, row, strict=True)]


def _plain(cell: str) -> str:
    """Return text as HTML; a cell that begins with a star would be taken for one that stands out."""
    shown = escape(printable(cell))
    shown = f"&#42;{shown[1:]}" if shown.startswith("*") else shown
    return f'<span class="long">{shown}</span>' if len(cell) > 40 else shown


def _more(count: int) -> Iterator[str]:
    if count > _MOST_ROWS:
        yield paragraph(f"and {count - _MOST_ROWS:,} more", "note")
