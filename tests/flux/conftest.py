"""Resource sets, jobspecs and the pool classes that the tests of the Flux side share.

Where Flux's own pools promise the same as ours, a test asks for `any_pool` and runs on all of them.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from exactfit.adapters.flux import ExactPool
from exactfit.adapters.twin.workload import jobspec as make_jobspec

from flux.resource.ResourcePool import ResourcePool
from flux.resource.TreePool import TreePool

PoolClass = Callable[..., Any]

NODES = 4
NUMA = {
    "socket": [
        {"numa": [{"cores": "0-3", "gpus": "0", "memory": 16}, {"cores": "4-7", "gpus": "1", "memory": 16}]},
        {"numa": [{"cores": "8-11", "gpus": "2", "memory": 16}, {"cores": "12-15", "gpus": "3", "memory": 16}]},
    ]
}


def _span(first: int, last: int) -> str:
    return f"{first}-{last}" if last > first else f"{first}"


def _cluster(nodes: int = NODES, *, topo: dict[str, Any] | None = None, **execution: Any) -> dict[str, Any]:
    ranks = _span(0, nodes - 1)
    properties = {"fast": _span(0, min(1, nodes - 1)), **({"slow": _span(2, nodes - 1)} if nodes > 2 else {})}
    return {
        "version": 1,
        "execution": {
            "R_lite": [{"rank": ranks, "children": {"core": "0-15", "gpu": "0-3"}}],
            "starttime": 0.0,
            "expiration": 0.0,
            "nodelist": [f"node[{ranks}]" if nodes > 1 else "node0"],
            "properties": {**properties, "+local": ranks},
            **execution,
        },
        "scheduling": {"writer": "TreePool", "children": [{"ranks": ranks, "topo": topo or NUMA}]},
    }


@pytest.fixture
def cluster() -> Callable[..., dict[str, Any]]:
    """Makes the R of a few nodes with two sockets of two numa of four cores and a GPU, and three properties."""

    def make(nodes: int = NODES, **kwargs: Any) -> dict[str, Any]:
        return copy.deepcopy(_cluster(nodes, **kwargs))

    return make


@pytest.fixture
def R() -> dict[str, Any]:
    """The R of four such nodes."""
    return copy.deepcopy(_cluster())


@pytest.fixture(params=[ResourcePool, TreePool, ExactPool], ids=["Rv1Pool", "TreePool", "exactfit"])
def any_pool(request: pytest.FixtureRequest) -> PoolClass:
    """Every pool class, Flux's own included."""
    pool_class: PoolClass = request.param
    return pool_class


@pytest.fixture(params=[TreePool, ExactPool], ids=["TreePool", "exactfit"])
def tree_pool(request: pytest.FixtureRequest) -> PoolClass:
    """The pool classes that know what stands inside a node."""
    pool_class: PoolClass = request.param
    return pool_class


@pytest.fixture
def pool(R: dict[str, Any]) -> ExactPool:
    """Our pool over four nodes."""
    return ExactPool(R)


@pytest.fixture
def jobspec() -> Callable[..., dict[str, Any]]:
    """Makes a version 1 jobspec of an RFC 46 shape, with a duration and an RFC 31 constraint."""
    return make_jobspec


class Log:
    """A logger in the place of Flux's BrokerLogger: a callable with a threshold, that remembers."""

    def __init__(self, level: int = 7) -> None:
        self.level = level
        self.lines: list[tuple[int, str]] = []

    def __call__(self, level: int, message: str) -> None:
        if level <= self.level:
            self.lines.append((level, message))

    def __contains__(self, part: str) -> bool:
        return any(part in message for _, message in self.lines)


@pytest.fixture
def log() -> Log:
    """A logger that remembers."""
    return Log()


def _alloc(pool: Any, jobid: int, shape: str, duration: float = 0.0, constraint: Any = None) -> Any:
    return pool.alloc(jobid, pool.parse_resource_request(make_jobspec(shape, duration, constraint)))


@pytest.fixture
def alloc() -> Callable[..., Any]:
    """Allocates a shape in a pool: alloc(pool, jobid, shape, duration, constraint)."""
    return _alloc
