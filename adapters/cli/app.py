"""The program: its commands, and how it ends.

The exit statuses are those of `status`. Whatever is not 0 or 1 comes with one line on standard error.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from .audit import audit
from .check import check
from .completions import words
from .console import show_logged_warnings
from .ending import ReaderGoneError, ended, open_streams
from .errors import InputError
from .explain import explain
from .place import place
from .plan import plan
from .proofs import verify
from .quiet import with_quiet
from .snapshot import snapshot
from .status import INTERRUPTED, statuses
from .study import study
from .top import top
from .topo import topo

_SHOWING = ("", "top", "topo")
"""Commands that only show something; "" is the program itself, with --help or --version."""


class NamedCommand(TyperCommand):
    """A command that tells its group when it runs, which it does not when it only shows its help."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        ctx.find_root().command.running = self.name
        return super().invoke(ctx)


class OneLineGroup(TyperGroup):
    """A command group whose every error is one line on standard error, also when called by a test runner."""

    running = ""
    """The command that runs, "" where none does, as with --help."""

    def make_context(self, *args: Any, **more: Any) -> Any:
        """Read the arguments; some options print and end the program here."""
        with _broken_pipes():
            return super().make_context(*args, **more)

    def invoke(self, ctx: Any) -> Any:
        """Run the command that the context names."""
        with _broken_pipes():
            return super().invoke(ctx)

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
        self.running = ""
        try:
            open_streams()
            show_logged_warnings()
            status = super().main(
                list(sys.argv[1:] if args is None else args) or ["--help"],
                prog_name or "exactfit",
                complete_var,
                False,
                windows_expand_args=windows_expand_args,
                **extra,
            )
            # What is left in the buffer must meet a closed pipe or a full disk here, not in the interpreter's last
            # breath.
            sys.stdout.flush()
            if status == INTERRUPTED:
                # The way in which newer typers tell of Ctrl-C.
                raise KeyboardInterrupt
        except BaseException as error:
            status = ended(error, only_shows=self.running in _SHOWING)
        if not standalone_mode:
            return status
        sys.exit(status if isinstance(status, int) else 0)


@contextmanager
def _broken_pipes() -> Iterator[None]:
    """Raise a broken pipe as something else: as itself, typer would take it for a failure."""
    try:
        yield
    except BrokenPipeError:
        raise ReaderGoneError from None


app = typer.Typer(
    cls=OneLineGroup,
    name="exactfit",
    help="Places jobs on the nodes, cores and GPUs of a machine, and proves the placement optimal.",
    epilog=statuses(),
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_COMMANDS = (
    (place, "Place jobs on a machine, with a proof."),
    (explain, "Say why a job does not fit, what would help, and when it will."),
    (plan, "Say when the jobs of a queue start, and how early they could."),
    (topo, "Show a machine; make R of hwloc XML or of a line."),
    (check, "Judge a placement from anywhere."),
    (study, "Compare pools on a workload, offline."),
    (snapshot, "Take the running system into a file."),
    (top, "Show the running system and its queue."),
    (verify, "Check the certificates that place --proof writes, without a solver."),
    (audit, "Look for what an allocator does that it must not."),
)
for _command, _short in _COMMANDS:
    app.command(cls=NamedCommand, short_help=_short, epilog=statuses(_command.__name__))(with_quiet(_command))


def _version() -> str:
    from importlib.metadata import version

    return version("exactfit")


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"exactfit {_version()}")
        raise typer.Exit


def _print_manual(context: typer.Context, wanted: bool) -> None:
    if wanted:
        from .manual import manual

        print(manual(context.command, _version()), end="")
        raise typer.Exit


def _print_schema(command: str | None) -> None:
    if command is not None:
        from .json_output import VERSIONS, schema_text

        if command not in VERSIONS:
            raise InputError(f"--schema: expected one of {', '.join(VERSIONS)}, got {command!r}")
        print(schema_text(command), end="")
        raise typer.Exit


@app.callback()
def _program(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
    manual: Annotated[
        bool,
        typer.Option(
            "--man",
            callback=_print_manual,
            is_eager=True,
            help="Print the manual page and exit: exactfit --man > exactfit.1, or | man -l - to read it.",
        ),
    ] = False,
    schema: Annotated[
        str | None,
        typer.Option(
            "--schema",
            metavar="COMMAND",
            callback=_print_schema,
            is_eager=True,
            show_default=False,
            autocompletion=words("place", "explain", "plan", "check", "topo", "study", "snapshot", "audit", "verify"),
            help="Print the JSON Schema of what --json of a command prints, and exit.",
        ),
    ] = None,
) -> None:
    pass


def main() -> None:
    """Run the program on the arguments of the process."""
    app()
