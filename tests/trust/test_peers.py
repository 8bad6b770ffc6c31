"""What Flux's own pools place we place, with no term worse for the same state. `make peers` is the long version."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from peers import Sequence, outcomes, sequences
from peers.compare import Kind
from peers.sequences import Ask

from .conftest import EXPLORES


@given(sequences())
@settings(max_examples=1000 if EXPLORES else 200, deadline=None, suppress_health_check=list(HealthCheck))
def test_we_place_what_they_place_with_no_term_worse(sequence: Sequence) -> None:
    faults = [outcome for outcome in outcomes(sequence) if outcome.kind.is_fault_of_ours]
    assert faults == []


def core(count: int = 1) -> dict[str, object]:
    return {"type": "core", "count": count}


@pytest.mark.parametrize(
    ("resources", "kind"),
    [
        ({"type": "node", "count": 1, "with": [{"type": "slot", "count": 1, "label": "t", "with": [core()]}]}, "EQUAL"),
        ({"type": "slot", "count": 4, "label": "t", "with": [{"type": "node", "count": 1, "with": [core()]}]}, "WRONG"),
        ({"type": "slot", "count": 1, "label": "t", "with": [{"type": "gpu", "count": 1}]}, "UNPARSED"),
        ({"type": "slot", "count": "1,3", "label": "t", "with": [core()]}, "DENIED"),
        ({"type": "slot", "count": 1, "label": "t", "with": [core(99)]}, "SAME"),
    ],
    ids=["equal", "wrong", "unparsed", "denied", "same"],
)
def test_the_comparison_sees_what_there_is_to_see(resources: dict[str, object], kind: str) -> None:
    lite = [{"rank": "0-3", "children": {"core": "0-3", "gpu": "0"}}]
    R = {
        "version": 1,
        "execution": {"R_lite": lite, "nodelist": ["n[0-3]"], "properties": {}, "starttime": 0, "expiration": 0},
    }
    found = {outcome.peer: outcome.kind for outcome in outcomes(Sequence(R, (Ask((resources,)),)))}
    assert found == {"TreePool": Kind.UNLOADED, "Rv1Pool": Kind[kind]}
