"""The ids that a `topo` object lists, cut to those that a job got, or numbered anew.

Flux numbers the cores of a job's R from zero for the instance that the job starts, and leaves GPUs and `scheduling` as
they are. Where `topo` lists exactly the cores that R_lite lists, the new numbers are found again by order; where it
listed more, they would be taken for other cores.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from ..grammar.idset import mask_text, text_mask
from .masks import spread, squeeze

Topo = Mapping[str, object]

PARTIAL: Final = "exactfit.partial"
"""A count in a domain that was cut: something of it is not there. No vertex of a jobspec can have the name."""

_IDS = ("cores", "gpus")


def cut_topo(topo: Topo, cores: int, gpus: int) -> Topo:
    """Return a `topo` object with these ids (bitmasks) alone, and without the domains that have none of theirs left.

    Those that have lost some are marked, so that whoever reads it knows a part of a domain from a whole one. Cores that
    it does not list are listed at the node, where they stand. It is the same object if all stays as it is.
    """
    cut = _Rewriting(lambda mask: mask & cores, lambda mask: mask & gpus)
    made = cut.domain(topo)[0]
    unlisted = cores & ~cut.seen_cores
    if unlisted and cut.seen_cores:
        own = made.get("cores", "")
        assert isinstance(own, str), "topo was read before"
        made = {**made, "cores": mask_text(text_mask(own) | unlisted)}
    return topo if made == topo else made


def renumber_topo(topo: Topo, old: int, new: int) -> Topo:
    """Return a `topo` object in which the n-th core of one bitmask has the n-th number of another of the same size."""
    rewriting = _Rewriting(lambda mask: spread(squeeze(mask, old), new), lambda mask: mask)
    return rewriting.domain(topo)[0]


class _Rewriting:
    """A `topo` object with other ids."""

    def __init__(self, cores: Callable[[int], int], gpus: Callable[[int], int]) -> None:
        self.change = dict(zip(_IDS, (cores, gpus), strict=True))
        self.seen_cores = 0

    def domain(self, listed: Topo) -> tuple[dict[str, object], bool, bool]:
        """Return a domain with other ids, whether it listed any, itself or below, and whether it still does."""
        made: dict[str, object] = {}
        had = has = lost = False
        for key, value in listed.items():
            if key in _IDS:
                assert isinstance(value, str), "topo was read before"
                before = text_mask(value)
                if key == "cores":
                    self.seen_cores |= before
                after = self.change[key](before)
                had, has = had or before != 0, has or after != 0
                lost = lost or before.bit_count() != after.bit_count()
                if after:
                    made[key] = mask_text(after)
            elif isinstance(value, list) and key != "storage":
                inside = [self.domain(domain) for domain in value]
                kept = [domain for domain, had_any, has_any in inside if has_any or not had_any]
                had, has = had or any(h for _, h, _ in inside), has or any(h for _, _, h in inside)
                lost = lost or len(kept) < len(inside) or any(PARTIAL in domain for domain in kept)
                if kept or not value:
                    made[key] = kept
            else:
                made[key] = value
        if lost:
            made[PARTIAL] = 1
        return made, had, has
