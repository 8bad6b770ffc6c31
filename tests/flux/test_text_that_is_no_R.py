"""R as text goes through every verb that takes one: what is no R is a ValueError, however it is nested."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from exactfit.adapters.flux import ExactPool
from exactfit.adapters.twin.workload import jobspec
from exactfit.topology.presets import preset

TEXTS = {
    "open brackets": "[" * 100_000,
    "closed brackets": "[" * 100_000 + "]" * 100_000,
    "objects": '{"a":' * 100_000 + "1" + "}" * 100_000,
    "deep attributes": '{"version":1,"attributes":' + '{"a":' * 100_000 + "1" + "}" * 100_000 + "}",
    "few brackets": "[" * 900 + "]" * 900,
    "no R": '{"version": 1}',
    "nothing": "",
    "a number": "7",
}

VERBS: dict[str, Callable[[Any, str], object]] = {
    "construct": lambda _, text: ExactPool(text),
    "register_alloc": lambda pool, text: pool.register_alloc(2, text),
    "free": lambda pool, text: pool.free(1, text),
    "final free": lambda pool, text: pool.free(1, text, final=True),
    "union": lambda pool, text: pool.union(text),
    "add": lambda pool, text: pool.add(text),
    "append": lambda pool, text: pool.append(text),
    "intersect": lambda pool, text: pool.intersect(text),
    "diff": lambda pool, text: pool.diff(text),
}


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("verb", VERBS)
def test_it_is_a_value_error_and_nothing_changes(verb: str, text: str) -> None:
    pool = ExactPool(preset("rfc49-a:1"))
    pool.alloc(1, pool.parse_resource_request(jobspec("slot=1/core=4")))
    before = pool.generation, pool.copy_allocated().dumps(), pool.to_dict()
    with pytest.raises(ValueError, match=r"R|execution"):
        VERBS[verb](pool, TEXTS[text])
    assert (pool.generation, pool.copy_allocated().dumps(), pool.to_dict()) == before
