"""Pages for reports: one HTML file with everything in it, that asks no network for anything."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape

from .slim import slimmed

_STYLE = """
:root{color-scheme:light dark}
body{font:15px/1.5 system-ui,"DejaVu Sans",sans-serif;color:#1d2430;margin:0 auto;max-width:1240px;padding:1.5rem}
h1{font-size:1.7rem;margin:0 0 .3rem}h2{font-size:1.2rem;margin:2.2rem 0 .6rem;border-bottom:1px solid #d7dce2}
p{max-width:75ch}.note{color:#566070;font-size:.9rem}
.scroll{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.9rem}
th,td{padding:.28rem .7rem;text-align:right;border-bottom:1px solid #e6e9ed;white-space:nowrap}
tbody th{font-weight:400;white-space:normal;max-width:14rem}caption{text-align:left;padding-bottom:.3rem;color:#3c4654}
th:first-child{text-align:left;position:sticky;left:0;background:#fff}
thead th{border-bottom:2px solid #b9c1cb;vertical-align:bottom;white-space:normal}
thead th{max-width:8rem;min-width:4rem;overflow-wrap:anywhere}
@media (max-width:900px){body{padding:.8rem}th,td{padding:.28rem .4rem}.pm{display:block}
.brief{font-size:.8rem}.brief th{min-width:0;overflow-wrap:normal}.brief th,.brief td{padding:.28rem .25rem}}
td.best{font-weight:700}.pm{color:#7a8594;font-weight:400;font-size:.85em}
.brief .pm{display:block}.brief tbody th{font-weight:600}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(440px,100%),1fr));gap:1.2rem}
figure{margin:0 0 1.2rem;min-width:0}figure svg{width:100%;height:auto}
figcaption{font-size:.9rem;color:#3c4654;margin-bottom:.3rem}
.lead{font-size:1.05rem;font-weight:600;margin:.4rem 0}.chart{background:#fff;border-radius:4px}
@media screen{figure.live>svg{display:none}}
@media print{figure>.chart{display:none}}
pre{background:#f3f5f8;padding:.7rem;overflow-x:auto;font-size:.85rem;white-space:pre-wrap;overflow-wrap:anywhere}
nav ul{display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;list-style:none;padding:0;margin:.6rem 0 1rem}
@media (prefers-color-scheme:dark){body{background:#14181e;color:#e3e7ec}a{color:#8ab8ff}
h2{border-color:#39424d}.note,figcaption{color:#aab3bf}.pm{color:#98a3b0}
th,td{border-color:#2b323b}thead th{border-color:#56616e}
caption{color:#aab3bf}th:first-child{background:#14181e}pre{background:#1f252d}
figure svg{background:#fff;border-radius:4px}}
@media print{:root{font-size:12px}body{max-width:none;padding:0;font-size:12px}
nav{display:none}h2,figcaption{break-after:avoid}
figure,tr{break-inside:avoid}figure svg{max-height:23cm}.plots{grid-template-columns:1fr 1fr}
.scroll{overflow:visible}th,td{padding:.15rem .3rem}th:first-child{position:static}.pm{display:block}}
"""


def page(title: str, parts: Iterable[str], style: str = "") -> str:
    """Return the page of some parts of HTML, with links to their headings, and more CSS where it is given."""
    kept = list(parts)
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        # No icon is asked for, so that the page is one file also for a browser that looks for one.
        '<link rel="icon" href="data:,">'
        f"<title>{escape(title)}</title><style>{_STYLE}{style}</style></head><body>\n"
        f"<h1>{escape(title)}</h1>\n{_contents(kept)}" + "\n".join(kept) + "\n</body></html>\n"
    )


def _contents(parts: Sequence[str]) -> str:
    """Return links to the headings, where there are several."""
    found = [match for part in parts if (match := _HEADING.fullmatch(part))]
    links = "".join(f'<li><a href="#{match[1]}">{match[2]}</a></li>' for match in found)
    return f'<nav aria-label="Contents"><ul>{links}</ul></nav>\n' if len(found) > 1 else ""


_HEADING = re.compile('<h2 id="([^"]+)">(.*)</h2>')


def heading(text: str) -> str:
    """Return a heading."""
    return f'<h2 id="{re.sub("[^a-z0-9]+", "-", text.lower())}">{escape(text)}</h2>'


def paragraph(text: str, kind: str = "") -> str:
    """Return a paragraph of plain text."""
    return f"<p class={kind}>{escape(text)}</p>" if kind else f"<p>{escape(text)}</p>"


def verbatim(text: str) -> str:
    """Return text as it is, such as a command."""
    return f"<pre>{escape(text)}</pre>"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], caption: str = "", kind: str = "") -> str:
    """Return a table, of a class where it is given; cells are HTML, the first of a row its head."""
    of = f" class={kind}" if kind else ""
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    top = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    lines = (f'<th scope="row">{row[0]}</th>' + "".join(_cell(cell) for cell in row[1:]) for row in rows)
    body = "".join(f"<tr>{line}</tr>\n" for line in lines)
    return f'<div class="scroll"><table{of}>{title}<thead><tr>{top}</tr></thead><tbody>\n{body}</tbody></table></div>'


def _cell(cell: str) -> str:
    return f'<td class="best">{cell[1:]}</td>' if cell.startswith("*") else f"<td>{cell}</td>"


def plot(name: str, caption: str, svg: str) -> str:
    """Return a picture with its caption; ids in it are made its own, as one page holds many."""
    return chart(name, caption, svg, "")


def chart(name: str, caption: str, svg: str, place: str) -> str:
    """Return a picture with its caption above it, and the element of a chart that takes its place once it is there."""
    inner = slimmed(name, svg)
    inner = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', inner)
    inner = re.sub(r'(xlink:href|href)="#([^"]+)"', rf'\1="#{name}-\2"', inner)
    inner = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", inner)
    label = f'<svg role="img" aria-label="{escape(caption, quote=True)}"'
    inner = inner.replace("<svg", label, 1)
    return f'<figure id="{name}"><figcaption>{escape(caption)}</figcaption>{place}{inner}</figure>'


def plots(figures: Iterable[str]) -> str:
    """Return some pictures beside each other."""
    return '<div class="plots">' + "\n".join(figures) + "</div>"
