"""Flux's sched-backfill that answers: ``flux module load --name=sched-backfill FOLDER/backfill.py``."""

from importlib import import_module
from typing import Any


def mod_main(handle: Any, *arguments: str) -> None:
    """Run the module; Flux calls it. The file is no part of the package when it is loaded by its path."""
    import_module("exactfit.adapters.flux.sched").run("backfill", handle, *arguments)
