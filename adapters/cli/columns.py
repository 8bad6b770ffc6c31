"""The option --columns: which columns a table has, by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..fitted_table import Column, FittedTable
from .errors import InputError


def read_columns(text: str | None, columns: Sequence[Column], *, as_json: bool = False) -> tuple[str, ...]:
    """Return the names of the columns that are wanted, in the order in which they are named; all by default.

    Parameters
    ----------
    text
        Names with commas between.
    columns
        Those that there are.
    as_json
        Whether there is no table.

    Raises
    ------
    InputError
        For a name that is none or given twice, and where there is no table.
    """
    known = tuple(column.name for column in columns)
    if text is None:
        return known
    if as_json:
        raise InputError("--columns and --json exclude each other: JSON has all of it")
    names = tuple(name.strip() for name in text.split(","))
    for name in names:
        if name not in known:
            raise InputError(f"--columns: no column is called {name!r}; there are {', '.join(known)}")
        if names.count(name) > 1:
            raise InputError(f"--columns: {name} is given twice")
    return names


def only(table: FittedTable, names: Sequence[str]) -> FittedTable:
    """Return a table with the columns of these names alone, in this order."""
    places = {column.name: place for place, column in enumerate(table.columns)}
    chosen = [places[name] for name in names]
    rows = [[row[place] for place in chosen] for row in table.rows]
    columns = [table.columns[place] for place in chosen]
    if not any(column.lead for column in columns):
        # A row that is stacked begins with something.
        columns[0] = replace(columns[0], lead=True)
    return FittedTable(columns, rows, table.title, table.ruled)
