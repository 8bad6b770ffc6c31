"""A placement of a bundle that names domains: these are chosen one after the other, and counting says what will do.

Once it is said which domains a request's vertices stand for, cores and GPUs may come from anywhere in them. Domains are
nested, so there is a placement if and only if no domain has to give more than it has, and it is found by serving the
innermost vertices first. What is tried are the domains, those near the slot's last one first, then the fullest. That
takes few steps where there is room; it is complete as long as it does not take more than `MOST_STEPS`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from ..demand.demand import Bundle, Kind, Want
from ..state.domain_state import DomainState
from .construction import ORDERS, Room, SlotKind
from .plan import NodePlan, Share, SlotPlan
from .pricing import lineage

MOST_STEPS = 3_000
"""Choices of a domain that are tried."""


@dataclass
class Holder:
    """A slot, or the job for what it holds outside of its slots.

    Attributes
    ----------
    label
        The slot's; empty for the job.
    gpuless
        Whether it asks for no GPU.
    """

    label: str
    gpuless: bool


@dataclass(frozen=True)
class _Task:
    """A vertex that is to stand inside a domain, for a holder; of several alike, only after the place of the last."""

    want: Want
    place: int
    holder: Holder
    after: int = -1


@dataclass(frozen=True)
class _Taken:
    """So many cores and GPUs from anywhere in a domain, for a holder."""

    place: int
    holder: Holder
    cores: int
    gpus: int


@dataclass
class _Choice:
    """What has been chosen so far.

    Attributes
    ----------
    used
        Cores and GPUs that are taken from anywhere in each domain.
    hosts
        The places that vertices stand for.
    wholes
        Those of them that are taken whole, with their holders.
    taken
        What holders take in them.
    """

    used: list[list[int]]
    hosts: dict[int, Holder] = field(default_factory=dict)
    wholes: dict[int, Holder] = field(default_factory=dict)
    taken: list[_Taken] = field(default_factory=list)

    def copy(self) -> _Choice:
        return _Choice([list(some) for some in self.used], dict(self.hosts), dict(self.wholes), list(self.taken))


class _TooLong(Exception):  # noqa: N818  # it is an outcome, no error
    """More choices than are tried."""


def construct_nested(state: DomainState, bundle: Bundle) -> tuple[NodePlan, dict[str, bool]] | None:
    """Return a placement, and of each label whether its slots have no GPU; None where none is found.

    It is meant for bundles of cores, GPUs, domains and slots, without ids or amounts, of a node that is not whole.
    """
    search = _Search(state)
    slot = Holder(bundle.slot, not any(_asks_for_gpus(want) for want in bundle.wants))
    tasks = [_Task(want, 0, slot) for want in bundle.wants]
    tasks += [_Task(want, 0, Holder("", gpuless=False)) for want in bundle.beside]
    tasks.sort(key=lambda task: _names_domains(task.want))
    try:
        choice = search.choose(tasks, _Choice([[0, 0] for _ in state.flat]))
    except _TooLong:
        return None
    return None if choice is None else search.plan(choice)


def can_construct(bundle: Bundle) -> bool:
    """Tell whether a bundle is one that `construct_nested` is meant for."""
    plain = not (bundle.whole or bundle.slot_part or bundle.touching or bundle.ids is not None)
    return plain and all(_is_plain(want) for want in (*bundle.wants, *bundle.beside))


def _is_plain(want: Want) -> bool:
    return want.ids is None and want.kind is not Kind.AMOUNT and all(_is_plain(below) for below in want.wants)


def _asks_for_gpus(want: Want) -> bool:
    return want.kind is Kind.GPU or want.total(Kind.GPU) > 0


class _Search:
    """Chooses domains in one node."""

    def __init__(self, state: DomainState) -> None:
        self._state = state
        self._flat = state.flat
        self._above = lineage(state)
        self._steps = 0

    def choose(self, tasks: Sequence[_Task], choice: _Choice) -> _Choice | None:
        """Return a choice for all tasks, or None where there is none; the choice given is used up."""
        tasks = list(tasks)
        while tasks:
            task = tasks.pop(0)
            want, place, holder = task.want, task.place, task.holder
            if want.kind in (Kind.CORE, Kind.GPU):
                cores, gpus = (want.count, 0) if want.kind is Kind.CORE else (0, want.count)
                if not self._take(choice, _Taken(place, holder, cores, gpus), 1):
                    return None
            elif want.kind is Kind.SLOT:
                if not self._slots(choice, want, place, tasks):
                    return None
            else:
                return self._domain(choice, task, tasks)
        return choice

    def _slots(self, choice: _Choice, want: Want, place: int, tasks: list[_Task]) -> bool:
        """Take what slots take of a domain, or add what is to be done for each; tell whether there is room."""
        gpuless = not _asks_for_gpus(want)
        if all(below.kind in (Kind.CORE, Kind.GPU) for below in want.wants):
            cores, gpus = want.total(Kind.CORE), want.total(Kind.GPU)
            return self._take(choice, _Taken(place, Holder(want.label, gpuless), cores, gpus), want.count)
        if want.count > self._flat[place].room:
            return False
        for _ in range(want.count):
            holder = Holder(want.label, gpuless)
            tasks[:0] = [_Task(below, place, holder) for below in sorted(want.wants, key=_names_domains)]
        return True

    def _take(self, choice: _Choice, taken: _Taken, times: int) -> bool:
        choice.taken.append(taken)
        for _ in range(times - 1):
            another = Holder(taken.holder.label, taken.holder.gpuless)
            choice.taken.append(_Taken(taken.place, another, taken.cores, taken.gpus))
        return self._use(choice, taken.place, taken.cores * times, taken.gpus * times)

    def _use(self, choice: _Choice, place: int, cores: int, gpus: int) -> bool:
        """Count what is taken in a domain in all around it, up to one that is taken whole; tell whether it is there."""
        for above in reversed(self._above[place]):
            used, domain = choice.used[above], self._flat[above]
            used[0] += cores
            used[1] += gpus
            if used[0] > domain.free_cores or used[1] > domain.free_gpus:
                return False
            if above in choice.wholes:
                break
        return True

    def _domain(self, choice: _Choice, task: _Task, tasks: Sequence[_Task]) -> _Choice | None:
        """Choose one of the domains that a vertex stands for, then all that follows."""
        want, holder = task.want, task.holder
        for place in self._candidates(choice, task):
            self._steps += 1
            if self._steps > MOST_STEPS:
                raise _TooLong
            tried = choice.copy()
            tried.hosts[place] = holder
            if want.whole:
                domain = self._flat[place]
                parent = self._above[place][-2]
                if not self._use(tried, parent, domain.free_cores, domain.free_gpus):
                    continue
                tried.wholes[place] = holder
            below = [_Task(inner, place, holder) for inner in sorted(want.wants, key=_names_domains)]
            others = [_Task(_one_less(want), task.place, holder, place)] if want.count > 1 else []
            found = self.choose([*below, *others, *tasks], tried)
            if found is not None:
                return found
        return None

    def _candidates(self, choice: _Choice, task: _Task) -> list[int]:
        """Return the places that a vertex may stand for; for all but the last of several in their order."""
        want, above = task.want, self._above
        around = set(above[task.place])
        found: list[int] = []
        last = len(self._flat[task.place].flat) + task.place
        for place in range(max(task.place, task.after) + 1, last):
            domain = self._flat[place]
            if domain.level != want.type or place in choice.hosts:
                continue
            if any(whole in choice.wholes and whole not in around for whole in above[place]):
                continue
            if want.whole:
                busy = choice.used[place] != [0, 0] or any(place in above[host] for host in choice.hosts)
                if busy or not domain.can_be_whole:
                    continue
            found.append(place)
        near = [set(above[host]) for host, holder in choice.hosts.items() if holder is task.holder][-1:]
        if task.want.count == 1:
            found.sort(key=lambda at: (-len(near[0] & set(above[at])) if near else 0, self._left(choice, at)))
        return found

    def _left(self, choice: _Choice, place: int) -> tuple[int, int]:
        domain, used = self._flat[place], choice.used[place]
        return domain.free_cores - used[0], domain.free_gpus - used[1]

    def plan(self, choice: _Choice) -> tuple[NodePlan, dict[str, bool]]:
        """Return what each holder gets, the innermost domains served first."""
        room = Room(self._state, ORDERS[0])
        shares: dict[int, dict[int, tuple[int, int]]] = {}
        holders: dict[int, Holder] = {}
        for taken in sorted(choice.taken, key=lambda taken: -len(self._above[taken.place])):
            holders[id(taken.holder)] = taken.holder
            if any(choice.wholes.get(above) is taken.holder for above in self._above[taken.place]):
                continue
            mine = shares.setdefault(id(taken.holder), {})
            for whole in self._inner_wholes(choice, taken.place):
                room.drain(whole)
            for share in room.take(taken.place, SlotKind(1, taken.cores, taken.gpus, shielded=False)):
                before = mine.get(share.place, (0, 0))
                mine[share.place] = before[0] + share.cores, before[1] + share.gpus
        for holder in choice.wholes.values():
            holders[id(holder)] = holder
        plans = [
            SlotPlan(
                holder.label,
                tuple(Share(place, *counts) for place, counts in sorted(shares.get(key, {}).items())),
                tuple(sorted(place for place, other in choice.wholes.items() if other is holder)),
            )
            for key, holder in holders.items()
        ]
        held = [plan for plan in plans if not plan.label]
        slots = sorted((plan for plan in plans if plan.label), key=_in_order)
        outside = SlotPlan("", tuple(s for h in held for s in h.shares), tuple(w for h in held for w in h.wholes))
        return NodePlan(tuple(slots), outside), {holder.label: holder.gpuless for holder in holders.values()}

    def _inner_wholes(self, choice: _Choice, place: int) -> Iterator[int]:
        """Yield the domains inside one that are taken whole: all that is to be taken in them has been."""
        for whole in choice.wholes:
            if whole != place and place in self._above[whole]:
                yield whole


def _one_less(want: Want) -> Want:
    return replace(want, count=want.count - 1)


def _names_domains(want: Want) -> bool:
    """Tell whether a vertex needs a choice: the others are counted before any is made."""
    return want.kind is Kind.DOMAIN or any(_names_domains(below) for below in want.wants)


def _in_order(plan: SlotPlan) -> tuple[tuple[int, ...], str]:
    return tuple(sorted([*(share.place for share in plan.shares), *plan.wholes])), plan.label
