"""A test class to inherit from: one audit of an allocator, and a test for each kind of fault.

::

    class TestSitePool(PoolTests):
        pool = "site.pool:Pool"

Or without a line of code, with the plugin of this package::

    pytest -p exactfit.adapters.audit.plugin --pool=site.pool:Pool
"""

from __future__ import annotations

from functools import lru_cache

from .audit import Report, audit
from .counterexample import text_of
from .findings import Kind
from .pools import load_allocator


@lru_cache(maxsize=8)
def audited(pool: str, seed: int, streams: int) -> Report:
    """Return the report of an audit, made once."""
    return audit(load_allocator(pool), pool=pool, seed=seed, at_most=streams)


class PoolTests:
    """What an allocator must not do, a test each.

    Attributes
    ----------
    pool
        Which one, as `load_allocator` takes it.
    seed, streams
        What is asked, and how much.
    """

    pool: str = ""
    seed: int = 0
    streams: int = 200

    def _none_of(self, *kinds: Kind) -> None:
        report = audited(self.pool, self.seed, self.streams)
        found = [finding for finding in report.findings if finding.kind in kinds]
        assert not found, "\n\n".join(text_of(finding, self.pool) for finding in found)

    def test_it_gives_nothing_twice_and_nothing_that_is_not_there(self) -> None:
        """No core or GPU that another job has, that is down, that the constraint excludes, or that does not exist."""
        self._none_of(Kind.TAKEN, Kind.DOWN, Kind.EXCLUDED, Kind.ABSENT)

    def test_it_gives_what_was_asked_for(self) -> None:
        """Every placement is legal."""
        self._none_of(Kind.WRONG)

    def test_it_refuses_nothing_that_fits(self) -> None:
        """Neither for now nor for ever."""
        self._none_of(Kind.NOT_NOW, Kind.NEVER, Kind.NEVER_IDLE)

    def test_it_reads_every_request(self) -> None:
        """Every request of RFC 14 that fits."""
        self._none_of(Kind.UNREAD)

    def test_it_accepts_nothing_that_it_never_places(self) -> None:
        """A request without any placement is refused for ever, so that nothing waits behind it."""
        self._none_of(Kind.PENDS)

    def test_it_counts_right(self) -> None:
        """What it says of itself is what its jobs have."""
        self._none_of(Kind.ACCOUNTS)

    def test_it_raises_what_is_documented_and_comes_back(self) -> None:
        """No crash, no hang, on any machine."""
        self._none_of(Kind.CRASHES, Kind.HANGS, Kind.UNLOADED, Kind.DIES)


class TestPool(PoolTests):
    """The allocator that ``--pool`` names, where the plugin is loaded."""

    __test__ = False
