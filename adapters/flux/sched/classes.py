"""The modules' classes: Flux's own, made attentive.

Flux's classes stand in the files of its modules, which no import can name: they are found when asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from .attentive import Attentive
from .ordered import Backfill, Fifo


def _flux_class(module: str, name: str) -> Any:
    """Return a class of one of Flux's modules."""
    builtin: Any = import_module("flux.conf_builtin")
    importer: Any = import_module("flux.importer")
    for folder in builtin.conf_builtin_get("module_path").split(":"):
        path = Path(folder, f"{module}.py")
        if path.exists():
            return getattr(importer.import_path(str(path)), name)
    raise OSError(f"Flux has no module {module}.py")


def _made(order: type[Attentive], module: str, name: str) -> Any:
    # Flux refuses arguments that are left when the constructor of the class itself ends, so it must have one.
    def start(self: Any, handle: Any, *arguments: str) -> None:
        super(made, self).__init__(handle, *arguments)

    made: Any = type(name, (order, _flux_class(module, name)), {"__init__": start})
    return made


CLASSES: dict[str, Callable[[], Any]] = {
    "simple": partial(_made, Fifo, "sched-simple", "SimpleScheduler"),
    "fifo": partial(_made, Fifo, "sched-fifo", "FIFOScheduler"),
    "backfill": partial(_made, Backfill, "sched-backfill", "BackfillScheduler"),
}
"""What makes the class of a module, by its name."""
