"""Whatever goes wrong at any line of any verb: the state is as it was, and the same verb works the next time."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest

from exactfit.adapters.audit.allocator import Allocator
from exactfit.adapters.audit.model import Json
from exactfit.grammar.shape import parse_shape

from .conftest import EXPLORES
from .faults import at_line
from .inputs import NAMED, machine
from .subjects import ThroughFlux, ThroughSolver, state_of

LINES = 300 if EXPLORES else 12
"""At how many lines of each verb, the last ones in any case."""

Verb = Callable[[Allocator, Json, Json], None]

WIDE = parse_shape("slot=2/[node/core=2]")
HUNGRY = {
    "racks with storage": parse_shape("slot=1/[core=1;storage=2]"),
    "GPUs at the socket": parse_shape("slot=1/[core=1;memory=3]"),
}
SMALL = parse_shape("slot=1/core=1")
NEW = machine("50", "0-3", "0", {"socket": [{"cores": "0-1", "gpus": "0"}, {"cores": "2-3"}]})
MACHINES = ("racks with storage", "GPUs at the socket", "no topology")

VERBS: dict[str, Verb] = {
    "register": lambda pool, _, other: pool.register(3, other),
    "free": lambda pool, *_: pool.free(1),
    "free a part": lambda pool, wide, _: pool.free_part(1, part_of(wide)),
    "free the last": lambda pool, wide, _: pool.free_last(1, wide),
    "mark down": lambda pool, *_: pool.mark([0, 1], up=False),
    "mark up": lambda pool, *_: pool.mark([1], up=True),
    "remove": lambda pool, *_: pool.remove([1]),
    "grow": lambda pool, *_: pool.grow(NEW),
    "expire": lambda pool, *_: pool.expire(1, 77.0),
    "end of the machine": lambda pool, *_: pool.end(99.0),
}
# The solver's pool has no verb of its own for it: two calls do it.
ALL = [(subject, verb) for subject in (ThroughFlux, ThroughSolver) for verb in VERBS]
ALL.remove((ThroughSolver, "free the last"))


def part_of(R: Json) -> Json:
    """Return what an R holds on its first rank."""
    first = R["execution"]["R_lite"][0]
    rank = first["rank"].partition(",")[0].partition("-")[0]
    lite = [{"rank": rank, "children": first["children"]}]
    execution = {**R["execution"], "R_lite": lite, "nodelist": [f"n{rank}"]}
    return {"version": 1, "execution": execution}


def started(subject: type[Allocator], name: str) -> tuple[Allocator, Json, Json]:
    """Return a pool in which a wide job runs and a rank is down, the R of the job, and that of one that has ended."""
    pool = subject(NAMED[name])
    if name in HUNGRY:
        pool.alloc(2, HUNGRY[name], None)
    wide = pool.alloc(1, WIDE, None)
    other = pool.alloc(3, SMALL, None)
    pool.free(3)
    pool.mark([1], up=False)
    return pool, wide, other


@pytest.mark.parametrize(("subject", "verb"), ALL)
@pytest.mark.parametrize("name", MACHINES)
@pytest.mark.parametrize("error", [MemoryError, KeyboardInterrupt])
def test_a_verb_may_fail_at_every_line(
    subject: type[Allocator], name: str, error: type[BaseException], verb: str
) -> None:
    act = VERBS[verb]
    # What is remembered the first time takes fewer lines the next.
    act(*started(subject, name))
    done, wide, other = started(subject, name)
    with at_line(None, error) as lines:
        act(done, wide, other)
    after = state_of(done)
    assert lines.number
    last = range(max(0, lines.number - LINES), lines.number)
    for at in sorted({*range(0, lines.number, max(1, lines.number // LINES)), *last}):
        pool, wide, other = started(subject, name)
        before = state_of(pool)
        # What comes of writing to the log goes no further.
        with at_line(at, error) as lines, suppress(error):
            act(pool, wide, other)
        assert lines.number > at
        if state_of(pool) != after:
            # After the line by which it is done a fault comes too late to undo it.
            assert state_of(pool) == before
            act(pool, wide, other)
        assert state_of(pool) == after
