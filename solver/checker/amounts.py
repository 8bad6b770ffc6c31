"""Memory, storage and the like: what was asked for, what R says was taken, and whether there was enough."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from fractions import Fraction

from .above import Counts, MismatchError
from .answer import Answer, Slot
from .cover import TooLongError, Way
from .ground import Ground, Place
from .request import MEASURED, Need
from .state import Demand, State

ROUNDING = Fraction(1, 1024)
"""GiB that R may say more than was asked for, each time that it was: other units may be rounded up to MiB."""

_MAX_TRIES = 1_000

Asked = Sequence[tuple[Need, Place]]


class Amounts:
    """Compares the amounts of one answer with its request.

    Parameters
    ----------
    ground, state
        The machine and what was free before.
    usable
        The nodes that could be used, as a bitmask.
    recorded
        Whether R says what slots hold.
    """

    def __init__(self, ground: Ground, state: State, usable: int, recorded: bool) -> None:
        self.ground = ground
        self.state = state
        self.usable = usable
        self.recorded = recorded

    def fits(self, slot: Slot, way: Way) -> bool:
        """Whether there is enough for one way of seeing one slot, were it the only one."""
        demands: dict[Demand, Fraction] = {}
        try:
            self._check_slot(slot, way, {}, demands)
        except MismatchError:
            return False
        return self.state.lacks(demands) is None

    def check(
        self, slots: Sequence[tuple[Slot, Way]], job: Asked, job_wholes: Iterable[Place], answer: Answer, counts: Counts
    ) -> None:
        """Find the counts of what asks for amounts, and check that there was as much.

        Parameters
        ----------
        slots
            The slots and how the request is seen in them.
        job
            What asks for amounts outside slots.
        job_wholes
            The whole places that belong to the job and to no slot.
        answer
            The answer.
        counts
            The counts found so far, which are completed.

        Raises
        ------
        MismatchError
            R says something else than was asked for, or there was not enough.
        """
        demands: dict[Demand, Fraction] = {}
        for slot, way in slots:
            self._check_slot(slot, way, counts, demands)
        self._check_job(job, job_wholes, answer, counts, demands)
        lacking = self.state.lacks(demands)
        if lacking is not None:
            raise MismatchError(f"there is not enough {lacking} left")

    def _check_slot(self, slot: Slot, way: Way, counts: Counts, demands: dict[Demand, Fraction]) -> None:
        """Compare what one slot holds."""
        for name in dict.fromkeys([*(need.vertex.type for need, _ in way.amounts), *_amounts_of(slot)]):
            asked = [(need, place) for need, place in way.amounts if need.vertex.type == name]
            pieces = sum(name in dict(piece.amounts) for piece in slot.pieces)
            self._compare(name, asked, slot.amount(name), self._listed(name, way.wholes), pieces, counts)
            self._demand(name, asked, slot, counts, demands)

    def _check_job(
        self,
        job: Asked,
        wholes: Iterable[Place],
        answer: Answer,
        counts: Counts,
        demands: dict[Demand, Fraction],
    ) -> None:
        """Compare what belongs to the job and to no slot."""
        for name in dict.fromkeys([*(need.vertex.type for need, _ in job), *(n for _, n in answer.amounts)]):
            asked = [(need, place) for need, place in job if need.vertex.type == name]
            said = [amount for (_, other), amount in answer.amounts.items() if other == name]
            self._check_places(name, asked, [place for place, other in answer.amounts if other == name])
            self._compare(name, asked, sum(said, Fraction(0)), self._listed(name, wholes), len(said), counts)
            self._demand(name, asked, None, counts, demands)

    def _check_places(self, name: str, asked: Asked, said: Iterable[Place]) -> None:
        """Refuse what is said of a place that is neither inside nor around one where it was asked for."""
        for place in said:
            if asked and not any(self.ground.contains(at, place) or self.ground.contains(place, at) for _, at in asked):
                raise MismatchError(
                    f"R says that {name} was taken of {self.ground.say(place)}: not where it was asked for"
                )

    def _listed(self, name: str, wholes: Iterable[Place]) -> Fraction:
        """Return what whole places list of a resource: a job that has them may say that it has that, too."""
        found = Fraction(0)
        for whole in wholes:
            for place in (whole, *self.ground.below(whole, self.ground.machine.all)):
                found += self.ground.listing(place, name) or 0
        return found

    def _compare(self, name: str, asked: Asked, said: Fraction, extra: Fraction, pieces: int, counts: Counts) -> None:
        """Settle the counts of open vertices by what R says, and compare the sum."""
        slack = ROUNDING * max(1, pieces, len(asked)) if name in MEASURED else Fraction(0)
        times = Counter(need for need, _ in asked)
        open_ones = []
        total = Fraction(0)
        for need in sorted(times, key=lambda need: need.index):
            if need.vertex.count.is_fixed or not self.recorded:
                counts.setdefault(need, need.vertex.count.min)
            if need in counts:
                total += times[need] * need.amount(counts[need])
            else:
                open_ones.append((need, times[need] * need.amount(1)))
        over = said if said <= extra + slack else slack
        if open_ones:
            chosen = _settle(open_ones, said - total, over)
            if chosen is None:
                path = open_ones[0][0].vertex.path
                raise MismatchError(f"{path}: R says that {_say(said)} of {name} was taken, which no count comes to")
            for (need, one), number in zip(open_ones, chosen, strict=True):
                counts[need] = number
                total += number * one
        if self.recorded and not total <= said <= total + over:
            raise MismatchError(f"{_say(total)} of {name} was asked for, R says that {_say(said)} was taken")

    def _demand(
        self, name: str, asked: Asked, slot: Slot | None, counts: Counts, demands: dict[Demand, Fraction]
    ) -> None:
        """Add up what has to come from where."""
        for need, at in asked:
            taken: list[Place] = []
            for piece in () if slot is None else slot.pieces:
                gpus = 0 if slot is None or slot.cores else piece.gpus
                here = self.ground.innermost(piece.position, piece.cores, gpus)
                taken += [place for place in here if self.ground.contains(at, place)]
            sources = self.ground.sources(name, at, taken, self.usable)
            if not sources:
                raise MismatchError(f"{need.vertex.path}: there is no {name} where it was asked for")
            demands[name, sources] = demands.get((name, sources), Fraction(0)) + need.amount(counts[need])


def _settle(open_ones: Sequence[tuple[Need, Fraction]], left: Fraction, over: Fraction) -> list[int] | None:
    """Return the largest counts, the first before the others, that come to an amount or at most so much less."""
    if not open_ones:
        return [] if 0 <= left <= over else None
    (need, one), *others = open_ones
    least = sum((each * other.vertex.count.min for other, each in others), Fraction(0))
    for tried, number in enumerate(need.vertex.count.descending(int((left - least) / one)) if left > least else ()):
        if tried > _MAX_TRIES:
            raise TooLongError
        rest = _settle(others, left - number * one, over)
        if rest is not None:
            return [number, *rest]
        if not others:
            break
    return None


def _amounts_of(slot: Slot) -> list[str]:
    return list(dict.fromkeys(name for piece in slot.pieces for name, _ in piece.amounts))


def _say(amount: Fraction) -> str:
    return str(amount) if amount.denominator == 1 else f"{float(amount):.6g}"
