"""The figures of a study as JSON values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from .estimate import given_up_in_words
from .groups import Estimate, Group, gather, greed_rows
from .price import batches_of
from .recommend import Advice, advices
from .store import Store
from .task import Task


def figures_fields(tasks: Sequence[Task], store: Store, levels: Sequence[str]) -> dict[str, Any]:
    """Return a group for each pool, order, load and machine, what to load, and a row for each batch.

    Parameters
    ----------
    tasks, store
        The study's.
    levels
        Below the node, the finest last.
    """
    groups, greed = gather(tasks, store), greed_rows(tasks, store)
    return {
        "simulations": len(tasks),
        "groups": [_group(group) for group in groups],
        "to_load": [_advice(one) for one in advices(groups, batches_of(greed), levels)],
        "greed": greed,
        "given_up": given_up_in_words(tasks, store),
    }


def _advice(one: Advice) -> dict[str, Any]:
    values = asdict(one)
    del values["situation"]
    return {**one.situation._asdict(), **values}


def _group(group: Group) -> dict[str, Any]:
    names = dict.fromkeys(name for result in group.results for name in result["figures"])
    found = {name: group.figure(name) for name in names}
    return {
        "pool": group.pool,
        "scheduling": group.scheduling,
        "load": group.load,
        "machine": group.machine,
        "seeds": list(group.seeds),
        "left_out": group.left_out,
        "figures": {name: _estimate(one) for name, one in found.items() if one is not None},
    }


def _estimate(one: Estimate) -> dict[str, float | None]:
    return {"mean": _finite(one.mean), "half": _finite(one.half)}


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
