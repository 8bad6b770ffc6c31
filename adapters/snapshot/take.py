"""A snapshot of the system that is here: the Flux instance that one is in, else Slurm, else Flux."""

from __future__ import annotations

import os
from typing import Final

from .commands import Run, SystemDownError, is_installed, run_command
from .flux_system import take_flux
from .model import Snapshot
from .slurm_system import take_slurm

SYSTEMS: Final = ("flux", "slurm")


def take(system: str | None = None, run: Run = run_command) -> Snapshot:
    """Return a snapshot.

    Parameters
    ----------
    system
        `flux` or `slurm`; by default the one that is here.

    Raises
    ------
    SystemDownError
        There is none, it does not answer, or what it says cannot be read.
    """
    if system is None:
        system = "flux" if os.environ.get("FLUX_URI") or not is_installed("scontrol") else "slurm"
        if not is_installed("flux" if system == "flux" else "scontrol"):
            raise SystemDownError("neither flux nor scontrol is on the PATH")
    try:
        return take_flux(run) if system == "flux" else take_slurm(run)
    except ValueError as error:
        raise SystemDownError(f"{system}: what it says cannot be read: {error}") from None
