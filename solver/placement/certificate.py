"""The certificate: what each term is worth, and what is proven of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..cpsat.status import Status
from ..policy.scale import Scale

Value = int | list[int]
"""Of a term; of ``size``, the counts chosen."""

CLOCK = "clock"
"""What ended a search whose count of work has gone astray."""


class Certificate(NamedTuple):
    """What was proven of a placement.

    Attributes
    ----------
    status
        OPTIMAL, or FEASIBLE when the search was cut off.
    terms
        The value of each of the policy's components, ``size`` first: the counts chosen, in pre-order. It is that of the
        placement.
    bound
        What no placement beats that ties with this one in all components before; none for a component of which nothing
        is proven.
    ended
        `CLOCK` where that ended the search, so that it may end otherwise elsewhere; else empty.
    policy
        The name of the policy that the job brought; empty where it was placed under the site's.
    """

    status: Status
    terms: Mapping[str, Value]
    bound: Mapping[str, Value]
    ended: str = ""
    policy: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the certificate as it stands in R."""
        told = {"status": self.status.value, "terms": dict(self.terms), "bound": dict(self.bound)}
        more = {"policy": self.policy, "ended": self.ended}
        return told | {name: text for name, text in more.items() if text}


def proven(scale: Scale, sizes: Sequence[int], cost: int, groups: Mapping[str, int]) -> Certificate:
    """Return the certificate of a placement that is proven to be the best.

    Parameters
    ----------
    cost
        Of it, as a joint integer.
    groups
        Components of groups that the cost does not count, with their values.
    """
    terms: dict[str, Value] = {"size": list(sizes), **scale.values(cost), **groups}
    return Certificate(Status.OPTIMAL, terms, terms)


def bounded(
    sizes: Sequence[int], most_sizes: Sequence[int], values: Mapping[str, int], bounds: Mapping[str, int]
) -> Certificate:
    """Return the certificate of a placement of which not all is proven.

    Parameters
    ----------
    most_sizes
        What no placement exceeds, compared in order; empty where the sizes are proven.
    values
        Of the placement.
    bounds
        Of each component in order: no placement of these sizes goes below all of them, compared in order.

    Notes
    -----
    Bounds that are compared in order say something of each component up to the first that is not reached, and nothing
    of those after it: a placement that ties with this one there is past the bound, whatever comes then.
    """
    terms: dict[str, Value] = {"size": list(sizes), **values}
    bound: dict[str, Value] = {"size": list(most_sizes or sizes)}
    reached = True
    for name, value in values.items():
        if reached and bounds[name] <= value:
            bound[name] = bounds[name]
        reached = reached and bounds[name] == value
    status = Status.OPTIMAL if reached and not most_sizes else Status.FEASIBLE
    return Certificate(status, terms, bound)
