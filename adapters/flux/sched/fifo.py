"""Flux's sched-fifo that answers: ``flux module load --name=sched-fifo FOLDER/fifo.py``."""

from importlib import import_module
from typing import Any


def mod_main(handle: Any, *arguments: str) -> None:
    """Run the module; Flux calls it. The file is no part of the package when it is loaded by its path."""
    import_module("exactfit.adapters.flux.sched").run("fifo", handle, *arguments)
