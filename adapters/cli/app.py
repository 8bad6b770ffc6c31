"""The program: its commands, and how it ends.

The exit statuses are those of `status`. Whatever is not 0 or 1 comes with one line on standard error.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from .check import check
from .console import one_line, show_logged_warnings
from .errors import InputError
from .explain import explain
from .place import place
from .status import INTERRUPTED, OWN_FAULT, WRONG_INPUT, statuses
from .study import study
from .topo import topo

_TRACE = "EXACTFIT_TRACEBACK"


class _ReaderGoneError(Exception):
    """Whoever read our output has closed it."""


class OneLineGroup(TyperGroup):
    """A command group whose every error is one line on standard error, also when called by a test runner."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that the context names."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            # As itself, typer would take it for a failure.
            raise _ReaderGoneError from None

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run the command line, and exit with its status when `standalone_mode` (default) is on."""
        _forgive_narrow_encodings()
        show_logged_warnings()
        try:
            status = super().main(
                args, prog_name or "exactfit", complete_var, False, windows_expand_args=windows_expand_args, **extra
            )
            # What is left in the buffer must meet a closed pipe here, not in the interpreter's last breath.
            sys.stdout.flush()
            if status == INTERRUPTED:
                # The way in which newer typers tell of Ctrl-C.
                status = _fail("interrupted", INTERRUPTED)
        except (InputError, typer.TyperException) as error:
            status = _fail(_message(error), WRONG_INPUT)
        except (BrokenPipeError, _ReaderGoneError):
            # The reader has seen enough, as in `exactfit topo rfc49-b | head -1`.
            with contextlib.suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            status = 0
        except (KeyboardInterrupt, typer.Abort):
            status = _fail("interrupted", INTERRUPTED)
        except Exception as error:
            if os.environ.get(_TRACE):
                raise
            status = _fail(
                f"a fault of exactfit itself: {type(error).__name__}: {error} (set {_TRACE}=1 to see where)", OWN_FAULT
            )
        if not standalone_mode:
            return status
        sys.exit(status if isinstance(status, int) else 0)


def _message(error: InputError | typer.TyperException) -> str:
    if isinstance(error, InputError):
        return str(error)
    message = error.format_message().rstrip(".")
    context = getattr(error, "ctx", None)
    return f"{message} (see {context.command_path} --help)" if context is not None else message


def _fail(message: str, status: int) -> int:
    print(f"exactfit: {one_line(message)}", file=sys.stderr)
    return status


def _forgive_narrow_encodings() -> None:
    """Replace what a terminal cannot show, rather than die of it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


app = typer.Typer(
    cls=OneLineGroup,
    name="exactfit",
    help="Places jobs on the nodes, cores and GPUs of a machine, and proves the placement optimal.",
    epilog=statuses(),
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_COMMANDS = (
    (place, "Place jobs on a machine, with a proof."),
    (explain, "Say why a job does not fit, what would help, and when it will."),
    (topo, "Show a machine; convert hwloc XML to R."),
    (check, "Judge a placement from anywhere."),
    (study, "Compare pools on a workload, offline."),
)
for _command, _short in _COMMANDS:
    app.command(short_help=_short, epilog=statuses(_command.__name__))(_command)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"exactfit {version('exactfit')}")
        raise typer.Exit


@app.callback()
def _program(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the program on the arguments of the process."""
    app()
