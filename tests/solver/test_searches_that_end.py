"""A search that ends in the middle takes nothing away from the decisions after it."""

from __future__ import annotations

import pytest

from asking import ask
from exactfit.solver.errors import InsufficientResources
from exactfit.solver.node.solver import NodeSolver
from exactfit.solver.pool import Pool
from exactfit.topology.presets import preset
from exactfit.topology.rset import read_R


def test_a_state_whose_search_failed_is_still_there_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object) -> None:
        raise MemoryError

    pool = Pool(read_R(preset("rfc49-a:1")))
    with monkeypatch.context() as patched:
        patched.setattr(NodeSolver, "best", fail)
        with pytest.raises(InsufficientResources, match="the search failed"):
            pool.alloc(1, ask("node/slot=12/core=10"))
    allocation = pool.alloc(1, ask("node/slot=12/core=10"))
    assert allocation.certificate["status"] == "OPTIMAL"
    assert allocation.certificate["terms"]["affinity.numa"] == 4
