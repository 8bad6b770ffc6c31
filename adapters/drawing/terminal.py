"""A scene as lines of text, one character for a core or a GPU, with colour where the terminal has it.

A row holds the innermost domains of one socket (or of one node, where there are no levels between), each in
brackets, cores first and GPUs after a bar: ``[111111·········|1]``. Where a job has several slots on a node, each cell
has below it the letter of its slot, a capital where the slot is torn. Groups of nodes stand before the nodes. Every
mark is legible without colour.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from rich.style import Style
from rich.text import Text

from ...grammar.idset import IdSet
from ...topology.tree import Domain, NodeType
from .group_lines import group_lines
from .marks import DIM, DOWN_MARK, FREE_MARK, HELD_MARK, HELD_STYLE, job_style
from .node_state import NodeState
from .palette import LATER_MARK, MOST_JOBS, job_mark
from .scene import HELD_BEFORE, Scene

_MOST_STATES = 40
"""States whose cells are drawn."""
_LEAST_LEGEND = 12
"""Lines that a legend may have, however short the drawing is."""
_MOST_NAMED = 200
"""States that have a line."""


def draw_terminal(scene: Scene, width: int, *, idle_trees: bool = False, legend: bool = False) -> list[Text]:
    """Return the scene as lines.

    Parameters
    ----------
    scene
        What to draw.
    width
        Columns that the terminal has. Rows of cells are no wider; a line of words may be, and is wrapped by who
        prints it.
    idle_trees
        Draw the cores of nodes without jobs too, rather than one line that says they are idle.
    legend
        Say which job is which, a line each, no more lines than the drawing has.
    """
    lines = group_lines(scene, max(width, 24))
    wanted = [state for state in scene.states if not state.idle or (idle_trees and not state.down)]
    drawn = scene.foremost(wanted, _MOST_STATES)
    cells = {id(state) for state in drawn}
    named = {id(state) for state in scene.foremost(scene.states, _MOST_NAMED)} | cells
    for state in scene.states:
        if id(state) in named:
            lines.append(_headline(state))
        if id(state) in cells:
            lines += _domain_lines(state, state.type.domains[0], 1, max(width, 24))
    if len(named) < len(scene.states):
        lines.append(Text(f"(and {len(scene.states) - len(named)} more node states)", style=DIM))
    if len(drawn) < len(wanted):
        lines.append(Text(f"(the cores of {len(drawn)} node states are drawn, of {len(wanted)})", style=DIM))
    if drawn:
        lines.append(_key(scene, drawn))
    if legend:
        lines += _legend(scene, max(_LEAST_LEGEND, len(lines)))
    return lines


def _legend(scene: Scene, most: int) -> Iterator[Text]:
    left = len(scene.tenants) - most
    for tenant in scene.tenants[: most - 1] if left > 0 else scene.tenants:
        yield Text.assemble((f" {job_mark(tenant.number)} ", job_style(tenant.number)), f" {tenant.text}")
    if left > 0:
        yield Text(f"(and {left + 1} more jobs)", style=DIM)


def _headline(state: NodeState) -> Text:
    line = Text(no_wrap=True)
    line.append(state.caption, style=Style(bold=True, strike=state.down))
    line.append(f"  {state.summary}", style=DIM)
    return line


def _key(scene: Scene, drawn: Sequence[NodeState]) -> Text:
    """Return the line that explains the marks that are used."""
    levels = dict.fromkeys(level for state in drawn for level in _bracketed(state.type))
    parts = [f"[cores|gpus] of one {' or '.join(levels)}", f"{FREE_MARK} free"]
    if scene.held_before:
        parts.append(f"{HELD_MARK} busy before")
    if any(state.down for state in drawn):
        parts.append(f"{DOWN_MARK} down")
    if scene.tenants:
        parts.append("number or letter: the job")
    if any(tenant.number > MOST_JOBS for tenant in scene.tenants):
        parts.append(f"{LATER_MARK} any job after {MOST_JOBS}")
    marks = {mark for state in drawn for ids in state.slot_marks for mark in ids.values()}
    if marks:
        parts.append("below: its slots")
    if any(mark.isupper() for mark in marks):
        parts.append("capital: a torn slot")
    return Text("   ".join(parts), style=DIM)


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
    boxes = [(_box(state, thing), _slot_box(state, thing)) for thing in (*own, *leaves)]
    if boxes or label:
        yield from _rows("  " * depth + label, boxes, width)
    for child in children:
        if child.children:
            yield from _domain_lines(state, child, depth + bool(label), width)


_Boxes = tuple[Text, Text]
"""What stands in brackets, and below it, as long, the letters of slots."""


def _rows(label: str, boxes: Sequence[_Boxes], width: int) -> Iterator[Text]:
    """Yield the boxes after the label, in as few rows as the width asks for, each with its slots below it."""
    indent = len(label) + 1 if label.strip() else len(label)
    pieces = [piece for whole in boxes for piece in _folded(whole, max(width - indent, 8))]
    most = _columns([len(box) for box, _ in pieces], width - indent)
    row, slots = _row(f"{label} " if label.strip() else label, indent)
    held = 0
    for box, below in pieces:
        if held and (held == most or len(row) + len(box) > width):
            yield from _ended(row, slots)
            row, slots = _row(" " * indent, indent)
            held = 0
        row.append_text(box).append(" ")
        slots.append_text(below).append(" ")
        held += 1
    yield from _ended(row, slots)


def _columns(lengths: Sequence[int], width: int) -> int:
    """Return how many boxes stand in a row at most: those of one length are shared out evenly, so that columns meet."""
    if len(set(lengths)) != 1:
        return max(1, len(lengths))
    fit = max(1, (width + 1) // (lengths[0] + 1))
    rows = -(-len(lengths) // fit)
    return -(-len(lengths) // rows)


def _row(label: str, indent: int) -> _Boxes:
    return Text(label, no_wrap=True), Text(" " * indent, no_wrap=True)


def _ended(*lines: Text) -> Iterator[Text]:
    for line in lines:
        line.rstrip()
        if line:
            yield line


def _folded(boxes: _Boxes, width: int) -> Sequence[_Boxes]:
    box, below = boxes
    if len(box) <= width:
        return [boxes]
    cuts = range(width, len(box), width)
    return list(zip(box.divide(cuts), below.divide(cuts), strict=True))


def _box(state: NodeState, domain: Domain) -> Text:
    box = Text("[")
    _cells(box, state, domain.own_cores, state.cores)
    if domain.own_gpus:
        box.append("|", style=DIM)
        _cells(box, state, domain.own_gpus, state.gpus)
    box.append("]")
    return box


def _slot_box(state: NodeState, domain: Domain) -> Text:
    """Return the letters of the slots in a domain, under their cells."""
    cores, gpus = state.slot_marks
    letters = "".join(cores.get(core, " ") for core in IdSet.from_mask(domain.own_cores))
    if domain.own_gpus:
        letters += " " + "".join(gpus.get(gpu, " ") for gpu in IdSet.from_mask(domain.own_gpus))
    return Text(f" {letters} ")


def _cells(box: Text, state: NodeState, ids: int, owners: Mapping[int, int]) -> None:
    for tenant, run in groupby(map(owners.get, IdSet.from_mask(ids))):
        length = sum(1 for _ in run)
        if tenant is None:
            box.append((DOWN_MARK if state.down else FREE_MARK) * length, style=DIM)
        elif tenant == HELD_BEFORE:
            box.append(HELD_MARK * length, style=HELD_STYLE)
        else:
            box.append(job_mark(tenant) * length, style=job_style(tenant))
