"""A scene as lines of text, one character for a core or a GPU, with colour where the terminal has it.

A row holds the innermost domains of one socket (or of one node, where there are no levels between), each in
brackets, cores first and GPUs after a bar: ``[111111·········|1]``. Every mark is legible without colour.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from rich.style import Style
from rich.text import Text

from ...grammar.idset import IdSet
from ...topology.tree import Domain, NodeType
from .palette import HELD, ink_on, job_colour, job_mark
from .scene import HELD_BEFORE, NodeState, Scene

FREE_MARK, HELD_MARK, DOWN_MARK = "·", "#", "/"
_HELD_STYLE = Style(color=ink_on(HELD), bgcolor=HELD)
_DIM = Style(dim=True)
_MOST_STATES = 40


def draw_terminal(scene: Scene, width: int, *, idle_trees: bool = False) -> list[Text]:
    """Return the scene as lines.

    Parameters
    ----------
    scene
        What to draw.
    width
        Columns that the terminal has.
    idle_trees
        Draw the cores of nodes without jobs too, rather than one line that says they are idle.
    """
    lines: list[Text] = []
    drawn = 0
    levels: dict[str, None] = {}
    for state in scene.states:
        lines.append(_headline(state))
        if state.idle and (state.down or not idle_trees):
            continue
        drawn += 1
        if drawn > _MOST_STATES:
            continue
        levels |= dict.fromkeys(_bracketed(state.type))
        lines += _domain_lines(state, state.type.domains[0], 1, max(width, 24))
    if drawn > _MOST_STATES:
        lines.append(Text(f"(the cores of {_MOST_STATES} node states are drawn, of {drawn})", style=_DIM))
    if drawn:
        lines.append(_key(scene, list(levels)))
    return lines


def _headline(state: NodeState) -> Text:
    line = Text(no_wrap=True)
    line.append(state.caption, style=Style(bold=True, strike=state.down))
    line.append(f"  {state.summary}", style=_DIM)
    return line


def _key(scene: Scene, levels: Sequence[str]) -> Text:
    """Return the line that explains the marks."""
    key = Text(style=_DIM)
    key.append(f"[cores|gpus] of one {' or '.join(levels)}   {FREE_MARK} free")
    if scene.held_before:
        key.append(f"   {HELD_MARK} busy before")
    if any(state.down and not state.idle for state in scene.states):
        key.append(f"   {DOWN_MARK} down")
    if scene.tenants:
        key.append("   number or letter: the job")
    return key


def _bracketed(node_type: NodeType) -> Iterator[str]:
    """Yield the levels whose domains have cells of their own."""
    for domain in node_type.domains:
        if domain.own_cores or domain.own_gpus:
            yield domain.level


def _domain_lines(state: NodeState, domain: Domain, depth: int, width: int) -> Iterator[Text]:
    """Yield the rows of a domain: its own cells and those of childless children in one, other children below."""
    children = [state.type.domains[index] for index in domain.children]
    leaves = [child for child in children if not child.children]
    label = "" if domain.parent < 0 else f"{domain.level} {domain.number}"
    own = [domain] if domain.own_cores or domain.own_gpus or not children else []
    boxes = [_box(state, thing) for thing in (*own, *leaves)]
    if boxes or label:
        yield from _rows("  " * depth + label, boxes, width)
    for child in children:
        if child.children:
            yield from _domain_lines(state, child, depth + bool(label), width)


def _rows(label: str, boxes: Sequence[Text], width: int) -> Iterator[Text]:
    """Yield the boxes after the label, in as many rows as the width asks for."""
    indent = len(label) + 1 if label.strip() else len(label)
    row = Text(f"{label} " if label.strip() else label, no_wrap=True)
    for whole in boxes:
        for box in _folded(whole, max(width - indent, 8)):
            if len(row) > indent and len(row) + len(box) > width:
                row.rstrip()
                yield row
                row = Text(" " * indent, no_wrap=True)
            row.append_text(box)
            row.append(" ")
    row.rstrip()
    yield row


def _folded(box: Text, width: int) -> Sequence[Text]:
    return [box] if len(box) <= width else list(box.divide(range(width, len(box), width)))


def _box(state: NodeState, domain: Domain) -> Text:
    box = Text("[")
    _cells(box, state, domain.own_cores, state.cores)
    if domain.own_gpus:
        box.append("|", style=_DIM)
        _cells(box, state, domain.own_gpus, state.gpus)
    box.append("]")
    return box


def _cells(box: Text, state: NodeState, ids: int, owners: Mapping[int, int]) -> None:
    for tenant, run in groupby(map(owners.get, IdSet.from_mask(ids))):
        length = sum(1 for _ in run)
        if tenant is None:
            box.append((DOWN_MARK if state.down else FREE_MARK) * length, style=_DIM)
        elif tenant == HELD_BEFORE:
            box.append(HELD_MARK * length, style=_HELD_STYLE)
        else:
            box.append(job_mark(tenant) * length, style=job_style(tenant))


def job_style(job: int) -> Style:
    """Return the style of a job's cells: its colour, with an ink that reads on it."""
    colour = job_colour(job)
    return Style(color=ink_on(colour), bgcolor=colour, bold=True)
