"""Pictures for programs and notebooks: of an allocation, or of a pool with all that its jobs hold."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from ...topology.masks import runs_of_mask
from .groups import amounts_taken, taken
from .scene import Holding, Scene, Tenant, holdings, make_scene
from .states import Content

if TYPE_CHECKING:
    from ...solver.allocator import Allocator
    from ...solver.placement.allocation import Allocation


@dataclass(frozen=True)
class Drawing:
    """A picture, which a notebook shows by itself.

    Attributes
    ----------
    scene
        What is to be seen.
    """

    scene: Scene

    def save(self, path: str | PathLike[str]) -> None:
        """Write the picture to a file: `.svg`, `.png` or `.pdf`.

        Raises
        ------
        ValueError
            For another suffix, or when matplotlib is missing.
        OSError
            When the file cannot be written.
        """
        from .file import check_target, draw_file

        check_target(Path(path))
        draw_file(self.scene, Path(path))

    def svg(self) -> str:
        """Return the picture as SVG."""
        from .file import draw_to

        text = BytesIO()
        draw_to(self.scene, text, ".svg")
        return text.getvalue().decode("utf-8")

    def _repr_svg_(self) -> str:
        return self.svg()


def draw(what: Allocation | Allocator) -> Drawing:
    """Return the picture of an allocation on its machine, or of a pool: its jobs, and what is down."""
    from ...solver.allocator import Allocator

    machine = what.machine
    title = f"{machine.size} nodes" if machine.size > 1 else machine.host(0)
    if not isinstance(what, Allocator):
        held = holdings(machine, 1, what.to_dict())
        used = amounts_taken(machine, [what.to_dict()])
        return Drawing(make_scene(title, machine, held, 0, [Tenant(1, f"{what.nslots} slots")], used=used))
    jobs = list(enumerate(sorted(what.jobs.items()), start=1))
    held = [
        Holding(number, runs_of_mask(holding.nodes), Content(holding.cores, holding.gpus))
        for number, (_, job) in jobs
        for holding in job.holdings
    ]
    tenants = [Tenant(number, f"job {jobid}") for number, (jobid, _) in jobs]
    used = taken((group, name, amount) for job in what.jobs.values() for group, name, amount in job.group_used)
    return Drawing(make_scene(title, machine, held, what.down_mask, tenants, used=used))
