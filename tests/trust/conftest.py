"""How long the tests of this folder look for what breaks: EXACTFIT_TRUST=long for hours instead of seconds."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings

LONG = os.environ.get("EXACTFIT_TRUST") == "long"

SETTINGS = settings(
    max_examples=2_000 if LONG else 25,
    stateful_step_count=60 if LONG else 12,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
    phases=[p for p in Phase if p is not Phase.shrink] if os.environ.get("EXACTFIT_TRUST") == "quick" else tuple(Phase),
)
"""Of the tests whose length hypothesis decides."""
