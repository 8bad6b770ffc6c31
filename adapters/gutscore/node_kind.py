"""Nodes of a Slurm cluster that are alike: what sinfo says of them, and the tree that stands for one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...grammar.idset import mask_text
from ...grammar.slurm_gres import Gres
from .members import GPU


@dataclass(frozen=True, slots=True)
class NodeKind:
    """Nodes that are alike.

    Parameters
    ----------
    sockets, cores
        How many sockets, and cores in each.
    gres
        Their generic resources.
    """

    sockets: int
    cores: int
    gres: tuple[Gres, ...]

    def gpus_of(self, kind: str | None) -> list[int | None]:
        """Return the sockets of the GPUs of a type, or of all; None for a GPU that is near several, or no one knows."""
        found: list[int | None] = []
        for gres in self.gres:
            if gres.name == GPU and kind in (None, gres.type):
                one = gres.sockets is not None and len(gres.sockets) == 1 and gres.sockets.last < self.sockets
                found += [gres.sockets.first if one and gres.sockets else None] * gres.count
        return found

    def topo(self, kind: str | None) -> dict[str, Any]:
        """Return the RFC 49 object of such a node, with the GPUs of a type only, if one is given."""
        sockets: list[dict[str, Any]] = []
        gpus = self.gpus_of(kind)
        for number in range(self.sockets):
            cores = ((1 << self.cores) - 1) << number * self.cores
            near = sum(1 << gpu for gpu, socket in enumerate(gpus) if socket == number)
            sockets.append({"cores": mask_text(cores), **({"gpus": mask_text(near)} if near else {})})
        rest = sum(1 << gpu for gpu, socket in enumerate(gpus) if socket is None)
        return {"socket": sockets, **({"gpus": mask_text(rest)} if rest else {})}
