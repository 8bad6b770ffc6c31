"""A plugin of pytest: ``--pool`` names an allocator, and the tests of `suite` are run with what else there is."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("exactfit")
    group.addoption("--pool", metavar="MODULE:CLASS", help="test this allocator by exactfit.adapters.audit.suite")
    group.addoption("--pool-seed", type=int, default=0, help="from which what it is asked is drawn")
    group.addoption("--pool-streams", type=int, default=200, help="how much it is asked")


class _Suite(pytest.Module):
    """The module of the suite, imported by its name: it is in a package, of which pytest would know a part alone."""

    def _getobj(self) -> ModuleType:
        from . import suite

        return suite


def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Add the tests of the allocator."""
    pool = config.getoption("--pool")
    if not pool:
        return
    from . import suite

    suite.TestPool.__test__ = True
    suite.TestPool.pool = pool
    suite.TestPool.seed = config.getoption("--pool-seed")
    suite.TestPool.streams = config.getoption("--pool-streams")
    items.extend(session.genitems(_Suite.from_parent(session, path=Path(suite.__file__))))
