"""The same jobs, placed greedily by Flux's Rv1Pool and by exactfit, in one picture.

    python greedy_and_exact.py greedy-and-exact.png

Needs the extras `draw` and `flux`. A torn slot, one that crosses a border between domains that it need not, has a bold
red line.
"""

from __future__ import annotations

import sys
from pathlib import Path

from exactfit.adapters.drawing.file import draw_file
from exactfit.adapters.drawing.scene import Scene, Tenant, holdings, make_scene
from exactfit.adapters.flux import bindings
from exactfit.adapters.study.locality import SlotSize
from exactfit.adapters.study.slots import placement_of
from exactfit.grammar.shape import parse_shape
from exactfit.solver import Machine, Pool

bindings.load()
from flux.resource import Rv1Pool  # noqa: E402  # importable once the bindings are loaded

MACHINE = Machine.preset("rfc49-a:1")
JOBS = {
    "slot=1/core=4": SlotSize(4, 0, 1),
    "slot=3/[core=10;gpu=1]": SlotSize(10, 1, 3),
    "slot=2/[core=14;gpu=1]": SlotSize(14, 1, 2),
    "slot=3/core=12": SlotSize(12, 0, 3),
}
"""Shapes, and their slots: cores, GPUs and how many."""


def main(path: Path) -> None:
    """Draw both into a file."""
    draw_file([greedy(), exact()], path)


def greedy() -> Scene:
    """Return what Rv1Pool does."""
    pool = Rv1Pool(_R())
    held, tenants = [], []
    for number, (shape, size) in enumerate(JOBS.items(), start=1):
        jobspec = {
            "version": 1,
            "resources": parse_shape(shape),
            "tasks": [{"command": ["true"], "slot": "task", "count": {"per_slot": 1}}],
            "attributes": {"system": {"duration": 0}},
        }
        R = pool.alloc(number, pool.parse_resource_request(jobspec)).to_dict()
        placement = placement_of(MACHINE, R, size)
        held += holdings(MACHINE, number, {**R, "scheduling": {"placement": placement}})
        tenants.append(Tenant(number, shape))
    return make_scene("Rv1Pool", MACHINE, held, 0, tenants)


def exact() -> Scene:
    """Return what exactfit does."""
    pool = Pool(MACHINE)
    held, tenants = [], []
    for number, shape in enumerate(JOBS, start=1):
        allocation = pool.alloc(number, shape)
        held += holdings(MACHINE, number, allocation.to_dict())
        tenants.append(Tenant(number, f"{shape}: {allocation.certificate['status']}"))
    return make_scene("exactfit, each placement proven", MACHINE, held, 0, tenants)


def _R() -> dict[str, object]:
    from exactfit.topology.rset import write_R

    return write_R(MACHINE, MACHINE.holdings)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
