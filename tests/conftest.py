"""What all tests share: property tests draw the same examples every time, unless one asks for new ones.

``HYPOTHESIS_PROFILE=explore`` draws new examples on each run and many more of them; ``once`` makes what breaks no
smaller, for those who only want to know whether anything does.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings

settings.register_profile("same", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("once", settings.get_profile("same"), phases=[Phase.explicit, Phase.generate])
settings.register_profile("explore", deadline=None, max_examples=1000, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

# The width of what is printed is the test's to say, not that of the terminal that tests are started from.
os.environ.pop("COLUMNS", None)
