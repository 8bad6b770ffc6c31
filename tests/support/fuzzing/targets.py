"""Everything that reads text from outside, each with samples that it accepts and with the errors that it documents."""

from __future__ import annotations

from importlib import import_module
from pkgutil import walk_packages

from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver.demand.request import Request
from exactfit.solver.pool import Pool
from exactfit.topology.presets import preset
from exactfit.topology.rset import read_R

from . import adapters, grammars, machines, workloads
from .target import Target

TARGETS: dict[str, Target] = {**machines.TARGETS, **grammars.TARGETS, **workloads.TARGETS, **adapters.TARGETS}
"""By name."""


def warm() -> None:
    """Let all readers load what they load on first use, which for grammars is when they first refuse something."""
    for name in ("grammar", "topology", "solver"):
        layer = import_module(f"exactfit.{name}")
        for found in walk_packages(layer.__path__, f"{layer.__name__}."):
            import_module(found.name)
    # CP-SAT's own modules come with the first search.
    crossing = Request.of(parse_resources(parse_shape("node/slot=3/[core=30;gpu=1]")))
    Pool(read_R(preset("rfc49-a:1"))).alloc(1, crossing)
    for target in TARGETS.values():
        for sample in target.samples():
            for text in (sample, *(sample[:-cut] + "?\x00,[" for cut in range(1, 4))):
                try:
                    target.read(text)
                except target.refuses:
                    continue
