"""What a notebook shows of an allocation: who holds what, and the certificate; and the door to pictures.

Pictures are made by the adapters, which the solver does not know. Whoever draws is registered as an entry point of the
group `DRAWING`, and is loaded when a picture is first asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from importlib.metadata import entry_points
from typing import Any, Final

DRAWING: Final = "exactfit.drawing"
"""The group of entry points: functions of an allocation that return something with ``_repr_svg_`` and ``save``."""


def drawn(allocation: object) -> Any:
    """Return the picture of an allocation, by whoever is registered to draw.

    Raises
    ------
    RuntimeError
        When nobody is.
    """
    for entry in entry_points(group=DRAWING):
        return entry.load()(allocation)
    raise RuntimeError(f"nothing is installed that draws: no entry point of the group {DRAWING}")


def html(placement: list[dict[str, Any]], certificate: Mapping[str, Any]) -> str:
    """Return a placement and its certificate as two tables."""
    slots = [
        (entry["ranks"], slot["label"], slot.get("cores", ""), slot.get("gpus", ""))
        for entry in placement
        if "ranks" in entry
        for slot in entry.get("slots", [])
    ]
    bounds = certificate["bound"]
    terms = [(name, value, bounds.get(name, "-")) for name, value in certificate["terms"].items()]
    status = f"<p>{escape(str(certificate['status']))}</p>"
    return _table(("ranks", "slot", "cores", "gpus"), slots) + status + _table(("term", "value", "bound"), terms)


def _table(head: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    lines = [f"<tr>{''.join(f'<th>{escape(name)}</th>' for name in head)}</tr>"]
    lines += [f"<tr>{''.join(f'<td>{escape(str(cell))}</td>' for cell in row)}</tr>" for row in rows]
    return f"<table>{''.join(lines)}</table>"
