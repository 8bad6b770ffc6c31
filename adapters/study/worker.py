"""Runs one task of a file into a study's folder: ``python -m exactfit.adapters.study.worker TASK FOLDER``."""

from __future__ import annotations

import sys
from pathlib import Path

from .engines import read_task
from .run import run_task
from .store import Store


def main(arguments: list[str]) -> int:
    """Run a task, unless it is done."""
    path, folder = (Path(argument) for argument in arguments)
    task, store = read_task(path), Store(folder)
    if not store.has(task.key):
        store.put(task.key, task.label, run_task(task.to_json(), str(store.scratch(task.key))))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
