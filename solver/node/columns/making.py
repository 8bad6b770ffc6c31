"""What each slot of a run takes: slots are dealt along its domains, each going on where the last ended.

Slots of cores alone always come out as the run counts them. Those with GPUs have to have them where they have cores, or
in what these stand in: a few orders are tried.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations

from ..construction import SlotKind
from ..shares import balanced
from .forest import Forest, Run

Piece = tuple[int, int]
"""A leaf and the number of its domain in the run; or -1 and the number of a branch."""

Made = dict[Piece, tuple[int, int]]
"""What a slot has of each: cores and GPUs."""

MOST_ORDERS = 6
"""Orders of domains that are tried."""


@dataclass(frozen=True)
class Making:
    """A run as it can be.

    Attributes
    ----------
    slots
        By kind, what each slot has.
    shares
        By level what they count for cores beyond the share of their GPUs.
    """

    slots: tuple[tuple[Made, ...], ...]
    shares: tuple[int, ...]


def made(forest: Forest, kinds: Sequence[SlotKind], run: Run) -> Making | None:
    """Return what slots take so that they cross no more than the run; None where no order does so."""
    with_gpus = any(n and kind.gpus for n, kind in zip(run.vector, kinds, strict=True))
    pieces = [(leaf, n) for leaf, some in run.leaves for n in range(some)]
    kinds_there = [kind for kind, n in enumerate(run.vector) if n]
    if not with_gpus or len(pieces) == 1:
        slots = _dealt(forest, kinds, run, pieces, kinds_there)
        if slots is None or (with_gpus and not _crosses_as(forest, run, slots)):
            return None
        shares = [_shares(forest, slots, level) if with_gpus else 0 for level in range(len(forest.levels))]
        return Making(slots, tuple(shares))
    best: Making | None = None
    for number, order in enumerate(permutations(pieces)):
        if number >= MOST_ORDERS:
            break
        for some in (kinds_there, kinds_there[::-1]):
            slots = _dealt(forest, kinds, run, order, some)
            if slots is None:
                continue
            slots = _balanced(forest, pieces, slots)
            if not _crosses_as(forest, run, slots):
                continue
            making = Making(slots, tuple(_shares(forest, slots, level) for level in range(len(forest.levels))))
            if best is None or making.shares < best.shares:
                best = making
    return best


def _dealt(
    forest: Forest, kinds: Sequence[SlotKind], run: Run, pieces: Sequence[Piece], order: Sequence[int]
) -> tuple[tuple[Made, ...], ...] | None:
    """Deal slots along pieces; None where one finds no GPUs."""
    cores = {piece: forest.leaves[piece[0]].cores for piece in pieces}
    gpus = {piece: forest.leaves[piece[0]].gpus for piece in pieces}
    gpus.update({(-1, branch): n for branch, n in run.gpus})
    slots: list[list[Made]] = [[] for _ in kinds]
    left = [piece for piece in pieces if cores[piece]]
    for kind in order:
        for _ in range(run.vector[kind]):
            slot: Made = {}
            missing = kinds[kind].cores
            while missing:
                if not left:
                    return None
                piece = left[0]
                some = min(cores[piece], missing)
                slot[piece] = some, 0
                missing -= some
                cores[piece] -= some
                if not cores[piece]:
                    left.pop(0)
            if not _take_gpus(forest, slot, kinds[kind].gpus, gpus):
                return None
            slots[kind].append(slot)
    return tuple(tuple(some) for some in slots)


def _take_gpus(forest: Forest, slot: Made, asked: int, gpus: dict[Piece, int]) -> bool:
    """Let a slot take GPUs where it has cores, or further out, or elsewhere in the run; tell whether it can."""
    for piece in [*_near(forest, slot), *gpus]:
        if not asked:
            return True
        some = min(asked, gpus.get(piece, 0))
        if some:
            cores, more = slot.get(piece, (0, 0))
            slot[piece] = cores, more + some
            gpus[piece] -= some
            asked -= some
    return not asked


def _balanced(forest: Forest, pieces: Sequence[Piece], slots: Sequence[Sequence[Made]]) -> tuple[tuple[Made, ...], ...]:
    """Return slots whose cores are moved towards their GPUs where that is free."""
    places = sorted({piece for some in slots for slot in some for piece in slot} | set(pieces))
    number = {piece: n for n, piece in enumerate(places)}
    free = {number[piece]: forest.leaves[piece[0]].cores for piece in pieces}
    for some in slots:
        for slot in some:
            for piece, (cores, _) in slot.items():
                if cores:
                    free[number[piece]] -= cores
    found = []
    for some in slots:
        held = balanced([{number[piece]: has for piece, has in slot.items()} for slot in some], free)
        found.append(tuple({places[n]: has for n, has in slot.items()} for slot in held))
    return tuple(found)


def _near(forest: Forest, slot: Made) -> Iterator[Piece]:
    yield from list(slot)
    depth = len(forest.levels)
    for further in range(1, depth + 1):
        for piece in list(slot):
            if piece[0] >= 0:
                path = forest.path(forest.leaves[piece[0]].branch)
                if further <= len(path):
                    yield -1, path[further - 1]


def _crosses_as(forest: Forest, run: Run, slots: Sequence[Sequence[Made]]) -> bool:
    """Tell whether slots cross each level no more than the run does."""
    touched = forest.touched(run)
    for level in range(len(forest.levels)):
        if level == len(forest.levels) - 1:
            most = sum(n for _, n in run.leaves) - 1
        else:
            most = sum(forest.branches[branch].depth == level + 1 for branch in touched) - 1
        crossed = 0
        for some in slots:
            for slot in some:
                crossed += max(0, len({domain_at(forest, piece, level) for piece in slot} - {None}) - 1)
        if crossed > max(0, most):
            return False
    return True


def _shares(forest: Forest, slots: Sequence[Sequence[Made]], level: int) -> int:
    total = 0
    for some in slots:
        for slot in some:
            there: dict[object, tuple[int, int]] = {}
            all_cores, all_gpus = (sum(held[i] for held in slot.values()) for i in (0, 1))
            for piece, (cores, gpus) in slot.items():
                domain = domain_at(forest, piece, level)
                before = there.get(domain, (0, 0))
                there[domain] = before[0] + cores, before[1] + gpus
            total += (
                sum(max(0, all_gpus * cores - all_cores * gpus) for cores, gpus in there.values()) if all_gpus else 0
            )
    return total


def domain_at(forest: Forest, piece: Piece, level: int) -> object:
    """Return the domain of a level that a piece stands in; None for none."""
    leaf, number = piece
    if leaf >= 0 and level == len(forest.levels) - 1:
        return piece
    branch = forest.leaves[leaf].branch if leaf >= 0 else number
    return forest.at(branch, level + 1)
