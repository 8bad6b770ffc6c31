"""`exactfit top`: the machine that runs and its queue, in the terminal or as a page."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import typer

from ....grammar.duration import parse_duration
from ....grammar.errors import shown
from ...snapshot.commands import run_command
from ...snapshot.model import Snapshot
from ...snapshot.remembering import Remembering
from ...snapshot.take import take
from .. import completions, options
from ..bundles import flat
from ..console import make_console
from ..errors import InputError
from ..machine_input import read_machine
from ..output import Output
from ..pictures import NO_DRAWING
from ..source import Sources
from ..status import DONE
from ..what_if import snapshot_as_it_would_be
from .live import SECONDS, Asked, Take, print_whole, watch
from .moment import Moment

_COMMAND_SECONDS: Final = 15.0
"""How long one command of the system may take."""
_LONGEST: Final = 86400.0


@dataclass(frozen=True, slots=True)
class Shown:
    """Of what system, and in which form."""

    snapshot: options.SnapshotOption = None
    with_nodes: options.WithNodesOption = None
    amounts: options.WithOption = None
    without: options.WithoutOption = None
    system: options.SystemOption = None
    every: Annotated[
        str,
        typer.Option(
            "--every",
            metavar="TIME",
            help="Pause between two queries, 5s at the least; after one that took long it is four times as long.",
        ),
    ] = "5s"
    once: Annotated[
        bool,
        typer.Option(
            "--once",
            help="Print one frame as plain lines and end, as is done where the output is no terminal.",
        ),
    ] = False
    html: Annotated[
        Path | None,
        typer.Option(
            "--html",
            metavar="FILE",
            autocompletion=completions.files,
            show_default=False,
            help="Write the moment as one page that needs nothing else, for a ticket or a mail, and end; - for "
            "standard output.",
        ),
    ] = None

    def check(self) -> None:
        """Refuse what goes not together.

        Raises
        ------
        InputError
            For it.
        """
        options.check_system(self.system)
        if self.system is not None and self.snapshot is not None:
            raise InputError("--from goes without --snapshot: the file says of which system it is")

    @property
    def what_if(self) -> options.WhatIf:
        """What is to be different of the machine."""
        return options.WhatIf(self.with_nodes, self.amounts, self.without)

    @property
    def pause(self) -> float:
        """The pause between two queries in seconds. InputError for what is none."""
        try:
            seconds = parse_duration(self.every)
        except ValueError:
            seconds = 0.0
        if not SECONDS <= seconds <= _LONGEST:
            raise InputError(f"--every: expected a time from 5s to 1d, got {shown(self.every)}")
        return seconds


@flat
def top(form: Shown) -> int:
    """Show the machine that runs and its queue: racks, nodes and domains, who runs, and who waits for what.

    The keys 1 to 7 or Tab choose what fills the screen, arrows scroll, ? helps, q ends. Nodes of which the same is left
    are one line. The system is only read from, by commands that every user may run. When it does not answer, the screen
    says so and goes on asking; exit status 3 when it never answered. With EXACTFIT_NO_DRAWING it is one frame in words.

    For example:

      exactfit top

      exactfit top --once --snapshot now.json

      exactfit top --html now.html

      exactfit top --once --with-nodes 16
    """
    form.check()
    ask, said = _take(form.snapshot, form.system), False

    def as_it_would_be() -> Snapshot:
        nonlocal said
        silent, said = said, True
        return snapshot_as_it_would_be(ask(), form.what_if, silent=silent)

    asked = Asked(as_it_would_be, form.pause)
    if form.html is not None:
        from .page import moment_page

        Output(str(form.html)).write(1, moment_page(_asked_once(asked)))
        return DONE
    from .frame import Screen

    console = make_console()
    drawn = not os.environ.get(NO_DRAWING)
    screen = Screen(drawn=drawn)
    # Who has the screen read out is not helped by one that changes by itself.
    if form.once or not drawn or not console.is_terminal or console.is_dumb_terminal or not _has_keys():
        print_whole(console, _asked_once(asked), screen)
        return DONE
    if form.snapshot is not None:
        _asked_once(asked)
    watch(console, asked, screen, live=form.snapshot is None)
    return DONE


def _take(file: str | None, system: str | None) -> Take:
    if file is None:
        asking = Remembering(partial(run_command, seconds=_COMMAND_SECONDS))

        def ask() -> Snapshot:
            asking.forget()
            return take(system, asking)

        return ask
    return _reader(file)


def _reader(file: str) -> Callable[[], Snapshot]:
    def read() -> Snapshot:
        found = read_machine(file, Sources()).snapshot
        if found is None:
            raise InputError(f"--snapshot: {file} is a machine without a queue: exactfit snapshot takes one with it")
        return found

    return read


def _asked_once(asked: Asked) -> Moment:
    """Ask, where there is no second time.

    Raises
    ------
    SystemDownError
        The system does not answer.
    InputError
        The file is no snapshot.
    """
    asked.once()
    if asked.error is not None:
        raise asked.error
    assert asked.moment is not None
    return asked.moment


def _has_keys() -> bool:
    try:
        import termios  # noqa: F401  # where there is none, keys cannot be read one by one
    except ImportError:
        return False
    return sys.stdin is not None and sys.stdin.isatty()
