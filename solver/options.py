"""What a site may choose without writing code."""

from __future__ import annotations

from dataclasses import dataclass, field

from .policy.terms import PACK, Policy

SLOT_EXCLUSIVE = ("shared", "rfc14")
UNKNOWN_TYPES = ("refuse", "ignore")


@dataclass(frozen=True)
class Options:
    """The choices of a site, checked when they are made.

    Parameters
    ----------
    policy
        The order of terms; ``pack`` by default.
    time_limit
        Seconds of work that one decision may take before the best placement so far is used (or none); 0.5 by default.
        Work is counted, so it ends at the same point on every machine; on an ordinary core it takes about as long.
    slot_exclusive
        ``shared`` (default): a domain inside a slot that says nothing of ``exclusive`` and has children is
        shared with other jobs. ``rfc14``: it is taken whole, as RFC 14 words it.
    unknown_types
        ``refuse`` (default): a vertex type that the machine lacks is infeasible. ``ignore``: it is logged and
        passed over, as Flux's own pools do.

    Raises
    ------
    ValueError
        For a value outside these.
    """

    policy: Policy = field(default=PACK)
    time_limit: float = 0.5
    slot_exclusive: str = "shared"
    unknown_types: str = "refuse"

    def __post_init__(self) -> None:
        if not isinstance(self.policy, Policy):
            raise ValueError(f"policy: expected a Policy, got {self.policy!r}")
        if not (isinstance(self.time_limit, (int, float)) and 0 < self.time_limit < float("inf")):
            raise ValueError(f"time-limit: expected seconds above 0, got {self.time_limit!r}")
        if self.slot_exclusive not in SLOT_EXCLUSIVE:
            raise ValueError(
                f"slot-exclusive: expected one of {', '.join(SLOT_EXCLUSIVE)}, got {self.slot_exclusive!r}"
            )
        if self.unknown_types not in UNKNOWN_TYPES:
            raise ValueError(f"unknown-types: expected one of {', '.join(UNKNOWN_TYPES)}, got {self.unknown_types!r}")
