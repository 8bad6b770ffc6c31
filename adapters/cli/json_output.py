"""What commands print as JSON, marked by its schema; `exactfit --schema COMMAND` prints that.

The number behind the slash goes up when a key changes its meaning or goes away. Keys may be added without.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Final

_COMMANDS: Final = ("place", "explain", "plan", "check", "topo", "study", "snapshot", "audit", "verify")

VERSIONS: Final = dict.fromkeys(_COMMANDS, 1)
"""The schema that each command prints by now."""


def json_line(command: str, fields: Mapping[str, Any]) -> str:
    """Return an object as one line of JSON that names its schema.

    Raises
    ------
    ValueError
        For NaN and infinities, which JSON does not have.
    """
    return json.dumps({"schema": f"exactfit.{command}/{VERSIONS[command]}", **fields}, allow_nan=False)


def schema_text(command: str) -> str:
    """Return the JSON Schema (2020-12) of what a command prints."""
    name = f"{command}-{VERSIONS[command]}.json"
    return files(__package__).joinpath("schemas").joinpath(name).read_text(encoding="utf-8")
