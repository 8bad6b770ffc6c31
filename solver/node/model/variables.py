"""What is taken of a node, as CP-SAT variables behind the verbs of the domain.

A *holder* is a slot, or the job itself for what it holds outside of its slots. A holder takes counts of what
domains list, or takes domains whole.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...cpsat.lexicographic import Expression
from ...cpsat.loading import new_model
from ...demand.demand import Want
from ...state.domain_state import DomainState
from ...state.joined import pairs_of

if TYPE_CHECKING:
    from ortools.sat.python import cp_model

CORES = "core"
GPUS = "gpu"


@dataclass
class Holder:
    """A slot, some equal slots, or the job.

    Attributes
    ----------
    label
        The slot's; empty for the job.
    gpuless
        Whether it asks for no GPU.
    home
        For equal slots that are counted: the domains that each takes from; None for a single slot.
    times, most
        How many equal slots it stands for: 1, or a variable of the model; and the most that can be.
    asked
        For a slot of which it is known: how many cores and GPUs it takes in all.
    slot_part
        Whether it is a part of a slot that has other nodes too.
    needs
        What a single slot that may be torn takes in all, where that is known.
    """

    label: str
    gpuless: bool
    home: tuple[int, ...] | None = None
    times: Expression = 1
    most: int = 1
    slot_part: bool = False
    asked: tuple[int, int] | None = None
    needs: dict[str, int] = field(default_factory=dict)
    takes: dict[tuple[str, int], list[Expression]] = field(default_factory=lambda: defaultdict(list))
    wholes: list[tuple[int, Expression]] = field(default_factory=list)


@dataclass(frozen=True)
class Context:
    """Where a vertex's children must stand.

    Attributes
    ----------
    place
        The domain.
    chosen
        1, or the literal that says that the domain is the vertex'.
    scope
        The whole domains that contain it, by number.
    """

    place: int
    chosen: Expression
    scope: tuple[int, ...] = ()


@dataclass
class Whole:
    """A domain taken whole by a holder, if chosen."""

    holder: Holder
    number: int
    place: int
    chosen: Expression
    scope: tuple[int, ...]


@dataclass(frozen=True)
class Amount:
    """An amount that is asked for.

    Attributes
    ----------
    want, context, holder
        The vertex, the domain below which it stands, and who is to have it.
    """

    want: Want
    context: Context
    holder: Holder


@dataclass(frozen=True)
class Flow:
    """What a holder takes of a resource that a domain lists, and the whole domains around it, by number."""

    part: Expression
    scope: tuple[int, ...]
    holder: Holder


class Taken:
    """All that the bundle takes of one node.

    Parameters
    ----------
    state
        The node, or the part of one that is modelled.
    most_crossed
        How often slots cross a level at the most in all, for the levels of which that is known.

    Attributes
    ----------
    pooled
        Whether slots take amounts together, whose sums linear relaxations see through.
    shares
        Whether it matters how cores of slots stand to their GPUs.
    pairs
        The places of GPUs that are joined by less than the best, and by how much.
    """

    def __init__(
        self, state: DomainState, most_crossed: Mapping[str, int] | None = None, *, shares: bool = False
    ) -> None:
        self.shares = shares
        self.model = new_model()
        self.domains = state.flat
        self.pairs = pairs_of(state)
        self.ends, self.parents = _shape(state)
        self._most_crossed = most_crossed or {}
        self.levels = {domain.level for domain in state.flat[1:]}
        self.holders: list[Holder] = []
        self.wholes: list[Whole] = []
        self.hosted: dict[int, list[Expression]] = defaultdict(list)
        self.amounts: list[Amount] = []
        self.pooled = False
        self.sourced: list[tuple[Amount, dict[int, cp_model.IntVar]]] = []
        self.flows: dict[tuple[str, int], list[Flow]] = defaultdict(list)

    def below(self, place: int) -> range:
        """Return the places of a domain and all below it."""
        return range(place, self.ends[place])

    def above(self, place: int) -> list[int]:
        """Return the places of a domain and all above it, innermost first."""
        chain = []
        while place >= 0:
            chain.append(place)
            place = self.parents[place]
        return chain

    def free(self, resource: str, place: int) -> int:
        """Return how much of a resource the domain lists itself and has free."""
        return self.domains[place].own_free(resource)

    def lists(self, resource: str, place: int) -> bool:
        """Tell whether the domain lists an amount itself, free or not."""
        return self.domains[place].lists(resource)

    def lister(self, resource: str, place: int) -> int | None:
        """Return the nearest domain, from this one upwards, that lists an amount."""
        return next((above for above in self.above(place) if self.lists(resource, above)), None)

    def may_cross(self, places: Iterable[int]) -> bool:
        """Tell whether a slot may take from all these places: whether it crosses no level more often than all may."""
        touched = {above for place in places for above in self.above(place)}
        number = Counter(self.domains[place].level for place in touched)
        return all(number[level] - 1 <= most for level, most in self._most_crossed.items())

    @property
    def most_torn(self) -> int | None:
        """How many slots may cross any level; None where that is not known."""
        if not self.levels <= self._most_crossed.keys():
            return None
        return sum(self._most_crossed.values())

    def add_holder(self, holder: Holder) -> Holder:
        """Add a slot, some equal ones, or the job."""
        self.holders.append(holder)
        return holder

    def take(
        self, holder: Holder, resource: str, amount: int, context: Context, places: list[int] | None = None
    ) -> dict[int, cp_model.IntVar]:
        """Let a holder take an amount of a resource in a context, from any of the places; return what of each."""
        parts: dict[int, cp_model.IntVar] = {}
        for place in self.below(context.place) if places is None else places:
            most = min(amount, self.free(resource, place))
            if most > 0:
                part = self.model.new_int_var(0, most, "")
                parts[place] = part
                if self._has_whole(holder, place, context.scope):
                    self.flows[resource, place].append(Flow(part, context.scope, holder))
                else:
                    self.record(holder, resource, place, part, context.scope)
        self.model.add(sum(parts.values()) == amount * context.chosen)
        return parts

    def record(self, holder: Holder, resource: str, place: int, part: Expression, scope: tuple[int, ...]) -> None:
        """Note that a holder takes a part of what a domain lists."""
        holder.takes[resource, place].append(part)
        self.flows[resource, place].append(Flow(part, scope, holder))

    def _has_whole(self, holder: Holder, place: int, scope: tuple[int, ...]) -> bool:
        """Tell whether a place is the holder's already, in a domain that it takes whole."""
        wholes = (self.wholes[number] for number in scope)
        return any(whole.holder is holder and place in self.below(whole.place) for whole in wholes)

    def take_whole(self, holder: Holder, context: Context) -> tuple[int, ...]:
        """Let a holder take a context's domain whole; return the scope of what stands inside."""
        whole = Whole(holder, len(self.wholes), context.place, context.chosen, context.scope)
        self.wholes.append(whole)
        holder.wholes.append((context.place, context.chosen))
        return (*context.scope, whole.number)

    def host(self, place: int, chosen: Expression) -> None:
        """Note that a vertex stands for a domain; no other vertex may."""
        self.hosted[place].append(chosen)

    def finish(self) -> None:
        """Add what holds for all holders together: nothing twice, and nothing of a whole domain for others."""
        for chosen in self.hosted.values():
            if len(chosen) > 1:
                self.model.add(sum(chosen) <= 1)
        for (resource, place), flows in self.flows.items():
            free = self.free(resource, place)
            if len(flows) > 1:
                self.model.add(sum(flow.part for flow in flows) <= free)
            for whole in self.wholes:
                if place in self.below(whole.place):
                    others = [flow.part for flow in flows if _is_of_others(resource, flow, whole)]
                    if others:
                        self.model.add(sum(others) <= free * (1 - whole.chosen))
        self._keep_wholes_apart()

    def _keep_wholes_apart(self) -> None:
        for one in self.wholes:
            for other in self.wholes[: one.number]:
                nested = other.number in one.scope or one.number in other.scope
                if not nested and (one.place in self.below(other.place) or other.place in self.below(one.place)):
                    self.model.add(one.chosen + other.chosen <= 1)


def _is_of_others(resource: str, flow: Flow, whole: Whole) -> bool:
    """Tell whether a part is not for those who have a whole domain; the job's own amounts are all of its slots'."""
    if whole.number in flow.scope:
        return False
    return resource in (CORES, GPUS) or (bool(flow.holder.label) and flow.holder is not whole.holder)


def _shape(state: DomainState) -> tuple[list[int], list[int]]:
    """Return where each domain's part of the pre-order ends, and each domain's parent."""
    ends: list[int] = []
    parents: list[int] = []

    def walk(domain: DomainState, parent: int) -> None:
        place = len(ends)
        ends.append(0)
        parents.append(parent)
        for child in domain.children:
            walk(child, place)
        ends[place] = len(ends)

    walk(state, -1)
    return ends, parents
