"""The second opinion and the brute force share no line with what they judge: nothing of the solver is imported."""

from __future__ import annotations

import pytest

from rooms import imports

JUDGED_BY_THE_CHECKER = "adapters.proof.certificate"
"""It says what a term needs an argument for; whether a placement is legal it asks the checker."""


@pytest.mark.parametrize("package", ["adapters.proof", "adapters.audit.brute"])
def test_only_grammar_and_topology_are_imported(package: str) -> None:
    found = {name: below for name, below in imports().items() if name.startswith(f"{package}.")}
    assert len(found) > 5
    for name, below in found.items():
        others = {other for other in below if not other.startswith((package, "grammar", "topology"))}
        allowed = {"solver.checker"} if name == JUDGED_BY_THE_CHECKER else set()
        assert others <= allowed, f"{name} imports {others}"
