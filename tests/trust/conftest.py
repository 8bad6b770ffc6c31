"""How long the tests of this folder look for what breaks: seconds, or with HYPOTHESIS_PROFILE=explore much longer."""

from __future__ import annotations

import os

EXPLORES = os.environ.get("HYPOTHESIS_PROFILE") == "explore"
