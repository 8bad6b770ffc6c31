"""Tables that grow row by row: in memory as columns, or in a file, of which no more than a block is in memory."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import IO, Any

BLOCK = 8192
"""Rows that are written at a time."""

Kinds = Mapping[str, type]
"""The names of the columns, and what stands there: int, float, str or bool; or None in its place."""


class Table:
    """Rows of some columns.

    Parameters
    ----------
    kinds
        The columns.
    stem
        Of the file, without its suffix; None for a table in memory.
    parquet
        In which form the file is.
    """

    def __init__(self, kinds: Kinds, stem: Path | None = None, *, parquet: bool = False) -> None:
        self._kinds = kinds
        self._stem = stem
        self._parquet = parquet
        self._columns: list[list[Any]] = [[] for _ in kinds]
        self._file: IO[str] | None = None
        self._arrow: Any = None

    def add(self, *row: Any) -> None:
        """Add a row, its values in the order of the columns."""
        for column, value in zip(self._columns, row, strict=True):
            column.append(value)
        if self._stem is not None and len(self._columns[0]) >= BLOCK:
            self._flush(self._stem)

    def close(self) -> dict[str, list[Any]]:
        """Return the columns, where they are in memory; write the rest of the file, where there is one."""
        if self._stem is None:
            return dict(zip(self._kinds, self._columns, strict=True)) if self._columns[0] else {}
        if self._columns[0]:
            self._flush(self._stem)
        for written in (self._file, self._arrow):
            if written is not None:
                written.close()
        return {}

    def _flush(self, stem: Path) -> None:
        if self._parquet:
            pa, pq = import_module("pyarrow"), import_module("pyarrow.parquet")
            types = {int: pa.int64(), float: pa.float64(), str: pa.string(), bool: pa.bool_()}
            schema = pa.schema([(name, types[kind]) for name, kind in self._kinds.items()])
            if self._arrow is None:
                self._arrow = pq.ParquetWriter(stem.with_name(f"{stem.name}.parquet"), schema, compression="zstd")
            self._arrow.write_table(pa.table(dict(zip(self._kinds, self._columns, strict=True)), schema=schema))
        else:
            if self._file is None:
                self._file = stem.with_name(f"{stem.name}.csv").open("w", encoding="utf-8", newline="")
                csv.writer(self._file, lineterminator="\n").writerow(self._kinds)
            csv.writer(self._file, lineterminator="\n").writerows(zip(*self._columns, strict=True))
        for column in self._columns:
            column.clear()
