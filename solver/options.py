"""What a site may choose without writing code."""

from __future__ import annotations

from dataclasses import dataclass, field

from .policy.terms import PACK, POLICIES, Policy

SLOT_EXCLUSIVE = ("shared", "rfc14")
UNKNOWN_TYPES = ("refuse", "ignore")
JOB_POLICY = ("named", "any", "none")


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
    job_policy
        Which policies of their own jobs may bring: ``named`` (default), any of those that ship; ``any``, orders of
        terms too; ``none``; or names of some with commas between them.

    Raises
    ------
    ValueError
        For a value outside these.
    """

    policy: Policy = field(default=PACK)
    time_limit: float = 0.5
    slot_exclusive: str = "shared"
    unknown_types: str = "refuse"
    job_policy: str = "named"

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
        names = self.job_policy.split(",") if isinstance(self.job_policy, str) else []
        if self.job_policy not in JOB_POLICY and not (names and set(names) <= POLICIES.keys()):
            known = f"{', '.join(JOB_POLICY)}, or some of {','.join(POLICIES)}"
            raise ValueError(f"job-policy: expected one of {known}, got {self.job_policy!r}")

    def refuses(self, policy: Policy) -> str:
        """Return why a job may not bring a policy; empty where it may."""
        if self.job_policy == "any":
            return ""
        allowed = {"named": list(POLICIES), "none": []}.get(self.job_policy, self.job_policy.split(","))
        if policy.name in allowed and policy == POLICIES[policy.name]:
            return ""
        which = f"of their own jobs may bring {', '.join(allowed)}" if allowed else "jobs may bring none of their own"
        return f"{policy.name} is not allowed here: {which} (option job-policy)"
