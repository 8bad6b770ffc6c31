"""How jobs are decided: what the command line says, else what the site chose, else the defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .console import note
from .errors import InputError
from .machine_input import NamedMachine

if TYPE_CHECKING:
    from ...solver.options import Options


@dataclass(frozen=True, slots=True)
class Choice:
    """What applies, and what of it the site chose.

    Attributes
    ----------
    options
        For the solver.
    departures
        What the site wrote that is not the default, each with its place, in a few words.
    """

    options: Options
    departures: tuple[str, ...]

    def announce(self) -> None:
        """Say in one line what is not the default though the command line does not say so."""
        if self.departures:
            note(f"the site chose {', '.join(self.departures)}")


def read_choice(named: NamedMachine, given: Mapping[str, str | None], *, time_limit: float | None = None) -> Choice:
    """Return how jobs are decided on a machine.

    Parameters
    ----------
    named
        The machine. Its R may say what the site chose, and the environment, which wins over it.
    given
        What the command line says, by the name of the setting; it wins over both. None where it says nothing.
    time_limit
        In seconds, where nobody says any; the solver's own default when None.

    Raises
    ------
    InputError
        For a value that cannot be, by the place where it is written.
    """
    # What terms there are is the solver's to say, which `--help` and wrong input need not wait for.
    from ..site_choice import OptionError, Written, departures, options_of, written_by_site

    said = {name: Written(f"--{name.replace('_', '-')}", value) for name, value in given.items() if value is not None}
    try:
        site = written_by_site(named.machine.scheduling, named.name)
        usual = options_of({} if time_limit is None else {"time_limit": Written("--time-limit", time_limit)})
        options = options_of({"time_limit": Written("--time-limit", usual.time_limit), **site, **said})
    except OptionError as fault:
        raise InputError(str(fault)) from None
    return Choice(options, tuple(departures({n: one for n, one in site.items() if n not in said}, options, usual)))
