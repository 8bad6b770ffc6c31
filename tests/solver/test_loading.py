"""CP-SAT is loaded by the first decision that searches, by none before it, and at no decision's expense."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import pytest

from exactfit.solver.cpsat import loading

DECIDE = """\
import sys
from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver.demand.request import Request
from exactfit.solver.errors import InsufficientResources
from exactfit.solver.pool import Pool
from exactfit.topology.presets import preset
from exactfit.topology.rset import read_R

pool = Pool(read_R(preset("rfc49-a:4")))
for number, shape in enumerate(sys.argv[1:]):
    try:
        pool.alloc(number, Request.of(parse_resources(parse_shape(shape))))
    except InsufficientResources:
        pass  # its message is not asked for: the reasons are found by a search
print(*sorted({name.partition(".")[0] for name in sys.modules} & {"ortools", "pandas", "numpy"}))
"""


def loaded_by(*shapes: str) -> str:
    run = subprocess.run(
        [sys.executable, "-c", DECIDE, *shapes], capture_output=True, text=True, check=True, timeout=60
    )
    return run.stdout.strip()


def test_decisions_that_do_not_search_do_without_it() -> None:
    plain = ["slot=1/core=4", "slot=2/[core=8;gpu=1]", "node=2/slot=4/[core=15;gpu=1]", "slot=1/node", "slot=4/node"]
    assert loaded_by(*plain) == ""


def test_a_decision_that_searches_loads_it() -> None:
    assert "ortools" in loaded_by("slot=1/core=4", "slot=2/socket/core=40")


def test_no_clock_counts_the_loading(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    imported = []

    def load(name: str) -> None:
        imported.append(name)
        now[0] += 100

    monkeypatch.setattr(loading, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(loading, "importlib", SimpleNamespace(import_module=load))
    monkeypatch.setattr(loading, "_took", [0.0])
    monkeypatch.delitem(sys.modules, "ortools.sat.python.cp_model", raising=False)
    before = loading.clock()
    now[0] += 1
    loading.load_solver()
    assert imported == ["ortools.sat.python.cp_model"]
    assert loading.clock() - before == 1
    now[0] += 4
    assert loading.clock() - before == 5
