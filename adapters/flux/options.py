"""What a site chooses without writing code, gathered from the three places where it may be written.

In rising precedence:

1. R: ``{"scheduling": {"exactfit": {"policy": "spread", "time-limit": 2}}}``. It travels with R into sub-instances.
2. The environment of the process that loads the pool: ``EXACTFIT_POLICY``, ``EXACTFIT_TIME_LIMIT``,
   ``EXACTFIT_SLOT_EXCLUSIVE``, ``EXACTFIT_UNKNOWN_TYPES``.
3. Keywords of the constructor (`pool_kwargs` of a Flux scheduler): ``policy``, ``time_limit``, ``slot_exclusive``,
   ``unknown_types``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ...solver.options import Options
from ...solver.policy.terms import Policy, parse_policy
from ...topology.expect import short

KEYWORDS = frozenset({"policy", "time_limit", "slot_exclusive", "unknown_types"})
"""The constructor's keywords; in R they are written with hyphens, in the environment in capitals."""

PREFIX = "EXACTFIT_"


class OptionError(OSError, ValueError):
    """A value that an option does not take, with the place where it was written.

    It is an OSError too, as that is what `flux.scheduler` logs when it cannot start.
    """


def gather(R: Mapping[str, Any] | None, keywords: Mapping[str, object]) -> Options:
    """Return the options that apply to a pool of this R, made with these keywords.

    Raises
    ------
    OptionError
        For a value that the option does not take, and for a name in R that is no option.
    """
    options = {**_from_R(R), **_from_environment(), **_from_keywords(keywords)}
    chosen: dict[str, Any] = {name: _value(name, value, place) for name, (place, value) in options.items()}
    try:
        return Options(**chosen)
    except ValueError as fault:
        # The options say themselves which one is wrong; the place is that of the one they name.
        name = str(fault).partition(":")[0].replace("-", "_")
        place = options[name][0] if name in options else "exactfit"
        raise OptionError(f"{place}: {str(fault).partition(': ')[2] or fault}") from None


def check_environment() -> None:
    """Check the options of the environment alone, so that a mistake shows when the module is loaded."""
    gather(None, {})


def _from_R(R: Mapping[str, Any] | None) -> dict[str, tuple[str, object]]:
    scheduling = (R or {}).get("scheduling")
    written = scheduling.get("exactfit") if isinstance(scheduling, Mapping) else None
    if written is None:
        return {}
    if not isinstance(written, Mapping):
        raise OptionError(f"scheduling.exactfit: expected an object, got {short(written)}")
    options = {}
    for key, value in written.items():
        name = str(key).replace("-", "_")
        if name not in KEYWORDS:
            known = ", ".join(sorted(known.replace("_", "-") for known in KEYWORDS))
            raise OptionError(f"scheduling.exactfit: no option is called {short(key)}; there are {known}")
        options[name] = (f"scheduling.exactfit.{key}", value)
    return options


def _from_environment() -> dict[str, tuple[str, object]]:
    names = {name: PREFIX + name.upper() for name in KEYWORDS}
    return {name: (key, os.environ[key]) for name, key in names.items() if os.environ.get(key)}


def _from_keywords(keywords: Mapping[str, object]) -> dict[str, tuple[str, object]]:
    return {name: (name, value) for name, value in keywords.items() if name in KEYWORDS and value is not None}


def _value(name: str, value: object, place: str) -> object:
    if name == "policy" and not isinstance(value, Policy):
        return _policy(value, place)
    if name == "time_limit" and isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            raise OptionError(f"{place}: expected seconds, got {short(value)}") from None
    return value


def _policy(value: object, place: str) -> Policy:
    if isinstance(value, (list, tuple)) and all(isinstance(term, str) for term in value):
        value = ",".join(value)
    if not isinstance(value, str):
        raise OptionError(f"{place}: expected the name of a policy or an order of terms, got {short(value)}")
    try:
        return parse_policy(value)
    except ValueError as fault:
        raise OptionError(f"{place}: {fault}") from None
