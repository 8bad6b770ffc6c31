"""On small machines the pool does as well, in every term, as trying everything; and refuses just what cannot be."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agreement import AGREED, KINDS, agree, check
from exactfit.adapters.audit import strategies

__all__ = ["check"]


@pytest.mark.parametrize("policy", ["pack", "spread", "lowest"])
@given(data=st.data())
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
def test_requests_of_nodes_slots_and_whole_domains(policy: str, data: st.DataObject) -> None:
    check(data.draw(strategies.cases(simple=True)), policy)


@pytest.mark.parametrize("policy", ["pack", "spread", "lowest"])
@given(data=st.data())
@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
def test_all_of_rfc_14(policy: str, data: st.DataObject) -> None:
    check(data.draw(strategies.cases()), policy)


@given(data=st.data())
@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
def test_memory_from_elsewhere(data: st.DataObject) -> None:
    check(data.draw(strategies.memory_cases()), data.draw(strategies.policies()))


@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_slots_of_several_gpus(data: st.DataObject) -> None:
    policy = data.draw(st.one_of(st.just("links,affinity,share,spread,intact,fit"), strategies.policies()))
    check(data.draw(strategies.link_cases()), policy)


@pytest.mark.parametrize("kind", KINDS)
def test_the_long_run_goes_through_every_kind(kind: str) -> None:
    found = agree(kind, 3, 7)
    assert sum(found[what] for what in AGREED) >= 3
