"""Tables on disk: Parquet where pyarrow is there, CSV where it is not. A table is its columns by name."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

_PARQUET, _CSV = ".parquet", ".csv"


def has_parquet() -> bool:
    """Tell whether Parquet can be written and read."""
    try:
        import_module("pyarrow.parquet")
    except ImportError:
        return False
    return True


def write_columns(stem: Path, columns: Mapping[str, Sequence[Any]], *, parquet: bool) -> Path:
    """Write a table.

    Parameters
    ----------
    stem
        The path without its suffix.
    columns
        All of one length.
    parquet
        In which of the two forms.

    Returns
    -------
    Path
        What was written.
    """
    if parquet:
        pa, pq = _arrow()
        path = stem.with_name(stem.name + _PARQUET)
        pq.write_table(pa.table({name: list(values) for name, values in columns.items()}), path, compression="zstd")
        return path
    path = stem.with_name(stem.name + _CSV)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return path


def read_columns(stem: Path, wanted: Sequence[str] | None = None) -> dict[str, list[Any]]:
    """Return a table in either form, or some of its columns; empty when there is none."""
    path = stem.with_name(stem.name + _PARQUET)
    if path.exists():
        columns: dict[str, list[Any]] = _arrow()[1].read_table(path, columns=wanted).to_pydict()
        return columns
    path = stem.with_name(stem.name + _CSV)
    if not path.exists():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        names = next(reader, [])
        kept = [place for place, name in enumerate(names) if wanted is None or name in wanted]
        rows = [[row[place] for place in kept] for row in reader]
    return {names[place]: [_value(row[i]) for row in rows] for i, place in enumerate(kept)}


class Columns(Mapping[str, list[Any]]):
    """A table on disk, whose columns are read one by one when they are asked for.

    Parameters
    ----------
    stem
        The path without its suffix; without a file it has no columns.
    """

    def __init__(self, stem: Path) -> None:
        self._stem = stem
        self._names = tuple(_names_of(stem))

    def __getitem__(self, name: str) -> list[Any]:
        if name not in self._names:
            raise KeyError(name)
        return read_columns(self._stem, [name])[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def _names_of(stem: Path) -> Sequence[str]:
    path = stem.with_name(stem.name + _PARQUET)
    if path.exists():
        names: list[str] = _arrow()[1].read_schema(path).names
        return names
    path = stem.with_name(stem.name + _CSV)
    if not path.exists():
        return ()
    with path.open(encoding="utf-8", newline="") as file:
        return next(csv.reader(file), [])


def _arrow() -> tuple[Any, Any]:
    return import_module("pyarrow"), import_module("pyarrow.parquet")


def _value(text: str) -> Any:
    """Return what a field of CSV was before it was written."""
    known = {"": None, "True": True, "False": False}
    if text in known:
        return known[text]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
