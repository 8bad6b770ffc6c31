"""What a site chooses without writing code, gathered from the three places where it may be written.

In rising precedence:

1. R: ``{"scheduling": {"exactfit": {"policy": "spread", "time-limit": 2}}}``. It travels with R into sub-instances.
2. The environment of the process that loads the pool: ``EXACTFIT_POLICY``, ``EXACTFIT_TIME_LIMIT``,
   ``EXACTFIT_SLOT_EXCLUSIVE``, ``EXACTFIT_UNKNOWN_TYPES``, ``EXACTFIT_JOB_POLICY``.
3. What the program gives: keywords of the pool's constructor (`pool_kwargs` of a Flux scheduler), ``policy``,
   ``time_limit``, ``slot_exclusive``, ``unknown_types``, ``job_policy``; or the options of the command line.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..grammar.duration import parse_duration
from ..solver.options import Options
from ..solver.policy.terms import Policy, parse_policy
from ..topology.expect import short
from .usual_jobs import read_usual

KEYWORDS = frozenset({"policy", "time_limit", "slot_exclusive", "unknown_types", "job_policy"})
"""The constructor's keywords; in R they are written with hyphens, in the environment in capitals."""

PREFIX = "EXACTFIT_"


class OptionError(OSError, ValueError):
    """A value that an option does not take, with the place where it was written.

    It is an OSError too, as that is what `flux.scheduler` logs when it cannot start.
    """


@dataclass(frozen=True, slots=True)
class Written:
    """The value of an option as it is written.

    Attributes
    ----------
    place
        Where it stands, for messages.
    value
        What stands there.
    """

    place: str
    value: object


def gather(R: Mapping[str, Any] | None, keywords: Mapping[str, object]) -> Options:
    """Return the options that apply to a pool of this R, made with these keywords.

    Raises
    ------
    OptionError
        For a value that the option does not take, and for a name in R that is no option.
    """
    scheduling = (R or {}).get("scheduling")
    given = {n: Written(n, value) for n, value in keywords.items() if n in KEYWORDS and value is not None}
    return options_of({**written_by_site(scheduling if isinstance(scheduling, Mapping) else None), **given})


def check_environment() -> None:
    """Check the options of the environment alone, so that a mistake shows when the module is loaded."""
    gather(None, {})


def written_by_site(scheduling: Mapping[str, Any] | None, R: str = "") -> dict[str, Written]:
    """Return what R and the environment say, by keyword; the environment wins.

    Parameters
    ----------
    scheduling
        The key of that name in R.
    R
        What messages call R; "" when there is but one that can be meant.

    Raises
    ------
    OptionError
        For a name in R that is no option.
    """
    return {**_from_R(scheduling, f"{R}: " if R else ""), **_from_environment()}


def options_of(written: Mapping[str, Written]) -> Options:
    """Return the options that are written, the defaults for others.

    Raises
    ------
    OptionError
        For a value that the option does not take.
    """
    chosen: dict[str, Any] = {name: _value(name, one.value, one.place) for name, one in written.items()}
    try:
        return Options(**chosen)
    except ValueError as fault:
        # The options say themselves which one is wrong; the place is that of the one they name.
        name = str(fault).partition(":")[0].replace("-", "_")
        place = written[name].place if name in written else "exactfit"
        raise OptionError(f"{place}: {str(fault).partition(': ')[2] or fault}") from None


def departures(written: Mapping[str, Written], options: Options, usual: Options) -> list[str]:
    """Return what is not the default, each in a few words with the place where it is written.

    Parameters
    ----------
    written
        What the site wrote.
    options
        What came of it.
    usual
        The defaults.
    """
    found = []
    for name, one in sorted(written.items()):
        value = getattr(options, name)
        if value != getattr(usual, name):
            shown = value.name if isinstance(value, Policy) else f"{value:g} s" if name == "time_limit" else value
            found.append(f"{name.replace('_', '-')} {shown} ({one.place})")
    return found


def _from_R(scheduling: Mapping[str, Any] | None, prefix: str) -> dict[str, Written]:
    written = scheduling.get("exactfit") if scheduling is not None else None
    if written is None:
        return {}
    place = f"{prefix}scheduling.exactfit"
    if not isinstance(written, Mapping):
        raise OptionError(f"{place}: expected an object, got {short(written)}")
    options = {}
    for key, value in written.items():
        if key == "links":
            continue  # what the machine has, no choice
        name = str(key).replace("-", "_")
        if name not in KEYWORDS:
            known = ", ".join(sorted(known.replace("_", "-") for known in KEYWORDS))
            raise OptionError(f"{place}: no option is called {short(key)}; there are {known}")
        options[name] = Written(f"{place}.{key}", value)
    return options


def _from_environment() -> dict[str, Written]:
    names = {name: PREFIX + name.upper() for name in KEYWORDS}
    return {name: Written(key, os.environ[key]) for name, key in names.items() if os.environ.get(key)}


def _value(name: str, value: object, place: str) -> object:
    if name == "policy" and not isinstance(value, Policy):
        return _policy(value, place)
    if name == "time_limit" and isinstance(value, str):
        return _seconds(value, place)
    return value


def _seconds(text: str, place: str) -> float:
    for read in (parse_duration, float):
        try:
            # A number that is none above 0 is left for the options to refuse.
            return read(text)
        except ValueError:
            continue
    raise OptionError(f"{place}: expected seconds, got {short(text)} (a number, or a time such as 500ms or 2m)")


def _policy(value: object, place: str) -> Policy:
    if isinstance(value, (list, tuple)) and all(isinstance(term, str) for term in value):
        value = ",".join(value)
    if not isinstance(value, str):
        raise OptionError(f"{place}: expected the name of a policy or an order of terms, got {short(value)}")
    try:
        return parse_policy(value, read_usual)
    except ValueError as fault:
        raise OptionError(f"{place}: {fault}") from None
