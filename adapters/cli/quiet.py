"""The option -q of every command."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from .console import hushed

QuietOption = Annotated[
    bool,
    typer.Option(
        "--quiet",
        "-q",
        help="Print no tables, drawings, notes or warnings. What --json and -o - print stays, and so do errors.",
    ),
]


def with_quiet(command: Callable[..., int]) -> Callable[..., int]:
    """Return a command with an option that keeps it quiet."""
    option = inspect.Parameter("quiet", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=QuietOption)
    signature = inspect.signature(command)

    def call(*, quiet: bool, **values: Any) -> int:
        with hushed(quiet):
            return command(**values)

    call.__name__, call.__doc__ = command.__name__, command.__doc__
    call.__annotations__ = {**command.__annotations__, "quiet": QuietOption}
    call.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[*signature.parameters.values(), option]
    )
    return call
