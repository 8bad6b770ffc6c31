"""Which pool to load: a rule that weighs jobs run, waiting, work, locality and wrong refusals, and is written down."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .criteria import LESS, Batches, Criterion, criteria
from .groups import Group, Situation

RULE = (
    "What to load: a job that never runs waits for ever and is in no average, so first a pool drops out if another is "
    "shown to run more jobs. Then each pool loses a point for each of these in which another pool is shown to be "
    "better by what matters: mean wait (5 %), work placed of the batches, or cores in use while jobs come where no "
    "batches were placed (1 % of all), slots in one domain of the finest level (1 % of all), and jobs refused wrongly "
    "at least once (one in a thousand jobs). The pool that loses least is named. Where several lose equally, nothing "
    "shown tells them apart, and the one with the fewest jobs refused wrongly is named, then the one with the most "
    "slots whole, the most work placed and the shortest wait, as the means are. Shown: the 95 % interval of the "
    "difference, seed by seed, leaves out zero. Times of decisions do not count: they are in the table."
)


@dataclass(frozen=True, slots=True)
class Advice:
    """What to load under one queue and load, on one machine.

    Attributes
    ----------
    situation
        The queue, what is offered, and what is different of the machine.
    pool
        To be loaded.
    equal
        All that lose as little, the named one among them.
    lost
        Of each pool that runs as many jobs as any: what it loses points for.
    fewer
        Pools that are shown to run fewer jobs than another.
    """

    situation: Situation
    pool: str
    equal: Sequence[str]
    lost: dict[str, list[str]]
    fewer: Sequence[str]

    def sentence(self) -> str:
        """Return it in words."""
        scheduling, load, machine = self.situation
        where = f" under {scheduling}{f' at load {load:g}' if load is not None else ''}"
        where += f", {machine}" if machine else ""
        parts = []
        if len(self.equal) > 1:
            parts.append(f"Nothing shown tells {_and(self.equal)} apart.")
        own = self.lost[self.pool]
        if own:
            parts.append(f"Another is better in {_and(own)}.")
        others = [f"{pool} is worse in {_and(lost)}" for pool, lost in self.lost.items() if pool not in self.equal]
        others += [f"{pool} runs fewer jobs" for pool in self.fewer]
        if others:
            parts.append(f"{'; '.join(others)}.")
        return " ".join([f"What to load{where}: {self.pool}.", *parts])


def advices(groups: Sequence[Group], batches: Batches, levels: Sequence[str]) -> list[Advice]:
    """Return what to load for each queue and load that several pools and seeds were tried under.

    Parameters
    ----------
    groups
        Of a study.
    batches
        What was placed of batches.
    levels
        Below the node, the finest last.
    """
    return list(_advices(groups, batches, levels))


def _advices(groups: Sequence[Group], batches: Batches, levels: Sequence[str]) -> Iterator[Advice]:
    for situation in dict.fromkeys(group.situation for group in groups):
        alike = [group for group in groups if group.situation == situation]
        if len(alike) < 2 or len(set.intersection(*(set(group.seeds) for group in alike))) < 2:
            continue
        ran, *others = (one for one in criteria(levels, batches(situation)) if one.matters is not None)
        fewer = [group for group in alike if any(ran.better(other, group) for other in alike)]
        # They run different jobs where each is shown to run more than another in turn.
        kept = [group for group in alike if group not in fewer] or alike
        lost = {
            group.pool: [one.name for one in others if any(one.better(other, group) for other in kept)]
            for group in kept
        }
        least = min(map(len, lost.values()))
        equal = [group for group in kept if len(lost[group.pool]) == least]
        named = min(equal, key=lambda group: _by_means(group, others))
        gone = [group.pool for group in fewer if group not in kept]
        yield Advice(situation, named.pool, [group.pool for group in equal], lost, gone)


def _by_means(group: Group, others: Sequence[Criterion]) -> tuple[float, ...]:
    """Return what decides between pools that nothing shown tells apart, the smallest first."""
    means = []
    # Wrong refusals first: they stand last among the criteria, and waiting first.
    for one in reversed(others):
        mean = one.mean(group) or 0.0
        means.append(round(mean if one.way == LESS else -mean, 6))
    return tuple(means)


def _and(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
