"""Whether a pool of ours is worth loading on this machine: what is shown to be better, what worse, and what is not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .criteria import Batches, Criterion, criteria, no_batches
from .groups import Estimate, Group, Situation
from .pools import PoolName

ONE_SEED = "One seed"
"""The answer where nothing can be shown."""
LUCK = "One seed shows no difference that may not be luck: --sweep seeds=N does."


@dataclass(frozen=True, slots=True)
class Difference:
    """How our pool differs from another in one criterion.

    Attributes
    ----------
    criterion
        Which.
    less
        How much more ours has, over the seeds.
    """

    criterion: Criterion
    less: Estimate

    @property
    def side(self) -> int:
        """1 where ours is shown to be better, -1 where it is shown to be worse, 0 where neither is shown."""
        if self.less.half is None or abs(self.less.mean) <= self.less.half:
            return 0
        return 1 if self.criterion.way * self.less.mean > 0 else -1

    def text(self, *, unit: bool = True) -> str:
        """Return the difference and its interval."""
        of, mean = self.criterion, self.less.mean * self.criterion.factor
        end = of.unit if unit else ""
        if self.less.half is None:
            return f"{signed(mean, of.form)}{end}"
        half = self.less.half * of.factor
        return f"{signed(mean, of.form)}{end} ({signed(mean - half, of.form)} to {signed(mean + half, of.form)})"


def signed(value: float, form: str) -> str:
    """Return a number with its sign; what is shown as zero has none."""
    text = f"{value:+{form}}"
    return text if float(text) else text[1:]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Our pool in the place of another, under one queue and load, on one machine.

    Attributes
    ----------
    ours, other
        Names of the pools.
    situation
        The queue, what is offered, and what is different of the machine.
    differences
        In each criterion; those of one seed have no interval.
    """

    ours: str
    other: str
    situation: Situation
    differences: Sequence[Difference]

    @property
    def answer(self) -> str:
        """Whether it is worth loading, in a word or three."""
        if all(one.less.half is None for one in self.differences):
            return ONE_SEED
        sides = {one.side for one in self.differences}
        if 1 in sides:
            return "It depends" if -1 in sides else "Yes"
        return "No" if -1 in sides else "Not shown"

    def sentence(self) -> str:
        """Return it in words, with all intervals."""
        head = f"Is {self.ours} worth loading here in the place of {self.other} ({self.situation.words})? "
        if self.answer == ONE_SEED:
            return f"{head}{LUCK}"
        better, worse = (
            [f"{one.criterion.name} {one.text()}" for one in self.differences if one.side == side] for side in (1, -1)
        )
        unknown = [one.criterion.name for one in self.differences if not one.side]
        parts = [
            *((f"better: {', '.join(better)}",) if better else ()),
            *((f"worse: {', '.join(worse)}",) if worse else ()),
            *((f"no difference shown: {', '.join(unknown)}",) if unknown else ()),
        ]
        text = "; ".join(parts)
        return f"{head}{self.answer}. {text[:1].upper()}{text[1:]}. In brackets: 95 % intervals."


def verdicts(groups: Sequence[Group], levels: Sequence[str], batches: Batches = no_batches) -> list[Verdict]:
    """Return for each other pool, queue and load what loading the first pool of ours would change.

    Parameters
    ----------
    groups
        Of a study.
    levels
        Below the node, the finest last.
    batches
        What was placed of batches.
    """
    found = []
    for situation in dict.fromkeys(group.situation for group in groups):
        alike = [group for group in groups if group.situation == situation]
        ours = next((group for group in alike if PoolName.read(group.pool).ours), None)
        for other in alike:
            if ours is not None and other is not ours:
                differences = [
                    Difference(one, less)
                    for one in criteria(levels, batches(situation))
                    if (less := one.less(ours, other)) is not None
                ]
                found.append(Verdict(ours.pool, other.pool, situation, differences))
    return found
