"""Orders of terms that a site may write: also those in which tearing a slot is not the first thing to avoid."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exactfit.adapters.audit import strategies
from exactfit.solver.policy.terms import parse_policy

from .test_against_brute_force import check

ORDERS = (
    "fit,affinity",
    "spread,affinity,shield",
    "intact,worst-fit",
    "shield,intact,spread",
    "affinity,spread,fit",
    "share,partial,fit",
)


@pytest.mark.parametrize("policy", ORDERS)
@given(data=st.data())
@settings(max_examples=40, suppress_health_check=list(HealthCheck))
def test_any_order_of_terms_is_kept(policy: str, data: st.DataObject) -> None:
    check(data.draw(strategies.cases()), policy)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("affinity,size", "size stands first"),
        ("ids,affinity", "ids stands last"),
        ("affinity,speed", "no policy or term is called 'speed'"),
        ("fit,affinity,fit", "the term fit is given twice"),
        ("", "no policy or term is called ''"),
    ],
)
def test_what_is_no_order_of_terms_is_refused(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_policy(text)


@pytest.mark.parametrize("text", ["affinity,fit", "size,affinity,fit", "affinity,fit,ids", "size, affinity, fit, ids"])
def test_size_and_ids_may_be_left_out(text: str) -> None:
    assert parse_policy(text).terms == parse_policy("affinity,fit").terms
