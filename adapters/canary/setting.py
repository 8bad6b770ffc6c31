"""What canary's configuration says of this plugin: one switch, in a section of its own.

``exactfit: {pool: off}`` in any of canary's configuration files, or ``canary -c exactfit:pool:off``, leaves canary its
own pool. The setting is a part of what canary hands to its child processes, so that all of a run obey it.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

SECTION, SWITCH = "exactfit", "pool"

_OFF = frozenset({"off", "no", "false", "0"})
_ON = frozenset({"on", "yes", "true", "1"})


def declare() -> bool:
    """Let canary keep our section, of which it would know nothing, when it reads its configuration files.

    Returns
    -------
    bool
        Whether that is possible with this canary.
    """
    try:
        optional = importlib.import_module("schema").Optional
        importlib.import_module("_canary.config.schemas").config_schema._schema[optional(SECTION)] = object
    except (ImportError, AttributeError, TypeError):
        return False
    return True


def is_on(config: Any = None) -> bool:
    """Tell whether tests are to get their resources from our pool, which they do unless it is said otherwise.

    Parameters
    ----------
    config
        canary's configuration; that of the process by default.

    Raises
    ------
    ValueError
        The section is not as it should be; a switch that is misspelt must not go unseen.
    """
    if config is None:
        config = importlib.import_module("_canary.config")
    section = config.get(SECTION)
    if section is None:
        return True
    place = "canary's configuration"
    if not isinstance(section, Mapping):
        raise ValueError(f"{place}: {SECTION}: {section!r}, where {SWITCH}: on or {SWITCH}: off is expected")
    for key in section:
        if key != SWITCH:
            raise ValueError(f"{place}: {SECTION}:{key}: not known; {SECTION} has {SWITCH}, and no more")
    value = section.get(SWITCH, True)
    text = str(value).lower()
    if not isinstance(value, (bool, int, str)) or text not in _OFF | _ON:
        raise ValueError(f"{place}: {SECTION}:{SWITCH}: {value!r}, not on or off")
    return text in _ON
