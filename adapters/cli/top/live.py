"""The screen while it lives: a thread asks the system, keys and answers wake the screen, and nothing else does."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Final

from rich.console import Console, Group
from rich.control import Control
from rich.screen import Screen as WholeScreen

from ...snapshot.commands import SystemDownError
from ...snapshot.model import Snapshot
from ..errors import InputError
from .frame import Look, Screen
from .keys import Terminal
from .moment import Moment, read_moment

SECONDS: Final = 5.0
"""Between the end of one query and the next, at the least."""

PART: Final = 4.0
"""The pause after a query is so many times as long as it took: a system that answers slowly is asked less often."""

Take = Callable[[], Snapshot]


class Asked:
    """What is known of a system: asked by a thread, read by whoever shows it.

    Parameters
    ----------
    take
        Takes a snapshot.
    every
        Seconds between two queries, at the least.

    Attributes
    ----------
    moment
        The last one that there was.
    error
        Why there is no newer one; None where the last query was answered.
    fault
        A fault of the program's own.
    """

    def __init__(self, take: Take, every: float) -> None:
        self.moment: Moment | None = None
        self.error: SystemDownError | InputError | None = None
        self.fault: BaseException | None = None
        self.asking = False
        self.paused = threading.Event()
        self._take = take
        self._every = every
        self._ended = threading.Event()
        self._since = 0.0

    def once(self) -> None:
        """Ask, and keep the answer."""
        try:
            moment = read_moment(self._take(), self.moment)
        except (SystemDownError, InputError) as error:
            self._since = self._since or time.time()
            self.error = error
        else:
            self.moment, self.error, self._since = moment, None, 0.0

    @property
    def trouble(self) -> str:
        """What is wrong and since when, in a line; empty where nothing is."""
        if self.error is None:
            return ""
        return f"no answer since {time.strftime('%H:%M:%S', time.localtime(self._since))}: {self.error}"

    def start(self, told: Callable[[], None]) -> None:
        """Ask again and again in a thread that ends with the program; `told` is called after each change."""
        threading.Thread(target=self._run, args=(told,), daemon=True).start()

    def end(self) -> None:
        """Ask no more."""
        self._ended.set()

    def _run(self, told: Callable[[], None]) -> None:
        while not self._ended.is_set():
            begin = time.monotonic()
            if not self.paused.is_set():
                self.asking = True
                told()
                try:
                    self.once()
                except BaseException as error:  # shown by the thread that has the terminal
                    self.fault = error
                    self._ended.set()
                self.asking = False
                told()
            self._ended.wait(self.pause(time.monotonic() - begin))

    def pause(self, took: float) -> float:
        """Return how many seconds there are until the next query after one that took so long."""
        return max(self._every, PART * took)


def watch(console: Console, asked: Asked, screen: Screen, *, live: bool) -> None:
    """Show what is known until `q` is pressed.

    Parameters
    ----------
    live
        Whether the system is asked again and again.

    Raises
    ------
    SystemDownError
        It never answered.
    """
    look = Look()
    terminal = Terminal()
    if live:
        asked.start(lambda: terminal.wake())
    try:
        while True:
            with terminal, console.screen(hide_cursor=True):
                look, ended = _watched(console, terminal, asked, screen, look)
            if ended:
                break
            os.kill(os.getpid(), signal.SIGSTOP)
    finally:
        asked.end()
    if asked.fault is not None:
        raise asked.fault
    if asked.moment is None:
        raise SystemDownError(str(asked.error or "it did not answer yet"))


def _watched(console: Console, terminal: Terminal, asked: Asked, screen: Screen, look: Look) -> tuple[Look, bool]:
    """Show frames until the end, or until the program is to be stopped; return which of these it is."""
    while asked.fault is None:
        width, height = console.size
        status = "paused" if look.paused else "asking" if asked.asking and asked.moment is None else ""
        lines, look = screen.frame(asked.moment, look, (width, height), asked.trouble, status)
        console.control(Control.home())
        console.print(WholeScreen(Group(*lines)), end="")
        for key in terminal.pressed():
            if key == "q":
                return look, True
            look = look.after(key, max(height - 8, 1))
            (asked.paused.set if look.paused else asked.paused.clear)()
        if terminal.stopped:
            return look, False
    return look, True


def print_whole(console: Console, moment: Moment, screen: Screen) -> None:
    """Print all there is, once."""
    for line in screen.whole(moment, console.width):
        console.print(line, no_wrap=True, crop=False)
