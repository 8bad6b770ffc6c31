"""The command that runs a worker group, `worker_group`."""

from __future__ import annotations

import sys
from typing import Final

from .ledger import Claim

MODULE: Final = "exactfit.adapters.gutscore"


def group_command(
    toml_file: str, wgroup_id: int, claim: Claim | None = None, python: str = sys.executable
) -> list[str]:
    """Return the words of the command.

    Parameters
    ----------
    toml_file
        gutscore's configuration.
    claim
        What the group holds already.
    python
        The interpreter.
    """
    words = [python, "-m", MODULE, "-i", toml_file, "-wg", str(wgroup_id)]
    return words if claim is None else [*words, "--claim", claim.id, "--ledger", claim.ledger]
