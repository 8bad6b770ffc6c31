"""A placement that is legal and worth what its certificate says, by the checker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from exactfit.solver.checker import Verdict


def assert_as_certified(certificate: Mapping[str, Any], verdict: Verdict) -> None:
    """See that the checker calls a placement legal, and gives each term that its certificate names the same value.

    The checker has no word for the reverse of a fit, and says nothing of sizes that R leaves open.
    """
    assert verdict.legal, verdict.violations
    assert certificate["terms"] == {name: _value(verdict, name, own) for name, own in certificate["terms"].items()}


def _value(verdict: Verdict, name: str, own: Any) -> Any:
    if name.startswith("worst-"):
        fit = verdict.terms[name.removeprefix("worst-")]
        assert isinstance(fit, int)
        return -fit
    if name == "size":
        return list(verdict.terms.get(name, own))
    return verdict.terms[name]
