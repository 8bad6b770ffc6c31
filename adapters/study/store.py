"""Keeps results on disk, so that what is done stays done: a folder a task, there as a whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .columns import Columns, has_parquet, write_columns
from .patience import GAVE_UP, GaveUp
from .task import WRITTEN, Result

_FIGURES = "figures.json"
_GIVEN_UP = "given-up"
_TABLES = ("jobs", "decisions", "series", "greed")


class Store:
    """A study's folder.

    Parameters
    ----------
    folder
        Made where it is missing.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._results = folder / "results"
        self._results.mkdir(parents=True, exist_ok=True)
        self._parquet = has_parquet()

    def has(self, key: str) -> bool:
        """Tell whether a task is done."""
        return (self._results / key / _FIGURES).exists()

    def put(self, key: str, label: str, result: Result) -> None:
        """Keep a result, or that a task was given up; a second result of the same task changes nothing."""
        if self.has(key):
            return
        if GAVE_UP in result:
            self.give_up(key, label, GaveUp.from_json(result[GAVE_UP]))
            return
        place = self.scratch(key)
        if result.get(WRITTEN) != str(place):
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir()
        for table in _TABLES:
            if result.get(table):
                write_columns(place / table, result[table], parquet=self._parquet)
        head = {"label": label, "figures": result["figures"], "moment": result.get("moment")}
        (place / _FIGURES).write_text(json.dumps(head, indent=1) + "\n", encoding="utf-8")
        try:
            place.rename(self._results / key)
        except OSError:
            # Another process was quicker with the same task.
            shutil.rmtree(place, ignore_errors=True)
            if not self.has(key):
                raise

    def scratch(self, key: str) -> Path:
        """Return where a worker writes tables that `put` then takes over."""
        return self._results / f".{key}.{os.getpid()}"

    def get(self, key: str) -> Result:
        """Return a result that is there; columns of its tables are read when they are asked for."""
        head = json.loads((self._results / key / _FIGURES).read_text(encoding="utf-8"))
        tables = {table: Columns(self._results / key / table) for table in _TABLES}
        return {"figures": head["figures"], "moment": head["moment"], **tables}

    def give_up(self, key: str, label: str, known: GaveUp) -> None:
        """Keep what is known of a task that was given up."""
        self.write_text(f"{_GIVEN_UP}/{key}.json", json.dumps({"label": label, **known.to_json()}) + "\n")

    def gave_up(self, key: str) -> GaveUp | None:
        """Return what is known of a task that was given up; None for one that is done, or was not."""
        path = self.folder / _GIVEN_UP / f"{key}.json"
        if self.has(key) or not path.exists():
            return None
        return GaveUp.from_json(json.loads(path.read_text(encoding="utf-8")))

    def write_text(self, name: str, text: str) -> Path:
        """Write a file of the study, all of it or nothing, and return where."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        whole = path.with_name(f".{path.name}.{os.getpid()}")
        whole.write_text(text, encoding="utf-8")
        whole.replace(path)
        return path

    def write_table(self, name: str, rows: Iterable[dict[str, Any]]) -> Path | None:
        """Write rows of equal keys as a table; None where there is no row."""
        kept = list(rows)
        if not kept:
            return None
        columns = {key: [row.get(key) for row in kept] for key in kept[0]}
        return write_columns(self.folder / name, columns, parquet=self._parquet)
