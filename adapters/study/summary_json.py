"""The figures of a study as JSON values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from .estimate import given_up_in_words
from .groups import Estimate, Group, gather, greed_rows
from .store import Store
from .task import Task


def figures_fields(tasks: Sequence[Task], store: Store) -> dict[str, Any]:
    """Return a group for each pool, order of the queue and load, and a row for each batch that was compared."""
    return {
        "simulations": len(tasks),
        "groups": [_group(group) for group in gather(tasks, store)],
        "greed": greed_rows(tasks, store),
        "given_up": given_up_in_words(tasks, store),
    }


def _group(group: Group) -> dict[str, Any]:
    names = dict.fromkeys(name for result in group.results for name in result["figures"])
    found = {name: group.figure(name) for name in names}
    return {
        "pool": group.pool,
        "scheduling": group.scheduling,
        "load": group.load,
        "seeds": list(group.seeds),
        "left_out": group.left_out,
        "figures": {name: _estimate(one) for name, one in found.items() if one is not None},
    }


def _estimate(one: Estimate) -> dict[str, float | None]:
    return {"mean": _finite(one.mean), "half": _finite(one.half)}


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
