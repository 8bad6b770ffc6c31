"""The class that ``pool-class=exactfit.adapters.flux`` names: Flux's public wrapper around the pool of R's version.

Flux's `ResourcePool` offers the scheduler's half of the protocol; the set protocol of the implementation is offered
here by the same names, so that it matters to nobody which of the two they hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from flux.hostlist import Hostlist
from flux.idset import IDset
from flux.resource.ResourcePool import ResourcePool
from flux.resource.ResourcePoolImplementation import ResourcePoolImplementation

from ...topology.rset import parse_R
from ..site_choice import KEYWORDS
from .implementation import ExactPoolV1, LowestPoolV1, PackPoolV1, SpreadPoolV1
from .pool_set import Log
from .resource_set import ExactSet

if TYPE_CHECKING:
    from typing_extensions import Self


class ExactPool(ResourcePool):
    """A pool that gives every job the best placement there is, and proves it.

    Parameters
    ----------
    R
        RFC 20 R, of an instance or of a job, as JSON text or as a mapping; None for a pool of nothing; or an
        implementation, which is wrapped.
    log
        Called with a syslog priority and a message.
    options
        ``policy``, ``time_limit``, ``slot_exclusive``, ``unknown_types``, ``job_policy``: see
        `exactfit.adapters.site_choice`.

    Raises
    ------
    ValueError
        For a malformed R, a version other than 1, and a value that an option does not take.
    TypeError
        For an R of another type.
    """

    _impl_map: ClassVar[Mapping[int, type[ExactPoolV1]]] = {1: ExactPoolV1}

    known_options = KEYWORDS
    impl: ExactPoolV1

    def __init__(
        self,
        R: str | Mapping[str, Any] | ResourcePoolImplementation | None,
        log: Log | None = None,
        **options: object,
    ) -> None:
        if isinstance(R, str):
            R = parse_R(R)
        if not isinstance(R, ResourcePoolImplementation):
            version = R.get("version", 1) if isinstance(R, Mapping) else 1
            implementation = self._impl_map.get(version) if isinstance(version, int) else None
            if implementation is None:
                raise ValueError(f"R version {version!r} is not supported")
            R = implementation(R, log=log, **options)
        super().__init__(R)

    @property
    def name(self) -> str:
        """What the pool is called in Flux's log."""
        return self.impl.name

    def log(self, level: int, msg: str) -> None:
        """Log with the callable that the pool was given; without one, nothing happens."""
        self.impl.log(level, msg)

    def explain(self, request: object) -> dict[str, Any]:
        """Say why a request does not fit now, or never, and what would make it fit, as JSON values."""
        return self.impl.explain(request)

    def encode(self) -> str:
        """Return the pool as R JSON text."""
        return self.impl.encode()

    def nodelist(self) -> Hostlist:
        """Return the host names, in the order of ranks."""
        return self.impl.nodelist()

    def ranks(self) -> IDset:
        """Return the ranks."""
        return self.impl.ranks()

    def nnodes(self) -> int:
        """Return the number of nodes."""
        return self.impl.nnodes()

    def count(self, name: str) -> int:
        """Return how many resources of a type there are."""
        return self.impl.count(name)

    def get_properties(self) -> str:
        """Return the RFC 20 properties object as JSON text."""
        return self.impl.get_properties()

    @property
    def scheduling(self) -> Any:
        """R's ``scheduling`` key, None where there is none."""
        return self.impl.scheduling

    def get_expiration(self) -> float:
        """Return the expiration in seconds since the epoch, 0 for none."""
        return self.impl.get_expiration()

    def get_starttime(self) -> float:
        """Return the start time in seconds since the epoch, 0 for none."""
        return self.impl.get_starttime()

    @property
    def starttime(self) -> float:
        """The start time in seconds since the epoch, 0 for none."""
        return self.impl.get_starttime()

    @starttime.setter
    def starttime(self, value: float) -> None:
        self.impl.set_starttime(value)

    def to_set(self) -> ExactSet:
        """Return the set of all there is, up or down, allocated or not."""
        return self.impl.to_set()

    def copy_ranks(self, ranks: object) -> Self:
        """Return a pool of these ranks alone, up or down as they are, with nothing allocated."""
        return self._from_impl(self.impl.copy_ranks(ranks))

    def copy_constraint(self, constraint: str | Mapping[str, Any]) -> Self:
        """Return a pool of the ranks that an RFC 31 constraint matches, with nothing allocated."""
        return self._from_impl(self.impl.copy_constraint(constraint))

    def union(self, rset: object) -> Self:
        """Return a pool of what this one or another set holds, with nothing allocated."""
        return self._from_impl(self.impl.union(rset))

    def intersect(self, rset: object) -> Self:
        """Return a pool of what this one and another set both hold, with nothing allocated."""
        return self._from_impl(self.impl.intersect(rset))

    def diff(self, rset: object) -> Self:
        """Return a pool of what this one holds and another set does not, with nothing allocated."""
        return self._from_impl(self.impl.diff(rset))

    def append(self, rset: object) -> None:
        """Put all that another set holds into the pool; what is new is up and free."""
        self.impl.append(rset)

    def add(self, rset: object) -> None:
        """Put what another set holds, and the pool does not, into the pool; what is new is up and free."""
        self.impl.add(rset)

    def set_property(self, name: str, ranks: object = None) -> Self:
        """Give ranks, all by default, a property."""
        self.impl.set_property(name, ranks)
        return self


class PackPool(ExactPool):
    """An `ExactPool` under the policy ``pack``, whatever R and the environment say; a keyword wins over it."""

    _impl_map: ClassVar[Mapping[int, type[ExactPoolV1]]] = {1: PackPoolV1}


class SpreadPool(ExactPool):
    """An `ExactPool` under the policy ``spread``."""

    _impl_map: ClassVar[Mapping[int, type[ExactPoolV1]]] = {1: SpreadPoolV1}


class LowestPool(ExactPool):
    """An `ExactPool` under the policy ``lowest``."""

    _impl_map: ClassVar[Mapping[int, type[ExactPoolV1]]] = {1: LowestPoolV1}
