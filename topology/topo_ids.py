"""The ids that a `topo` object lists, cut to those that a job got, or numbered anew.

Flux numbers the cores of a job's R from zero for the instance that the job starts, and leaves GPUs and `scheduling` as
they are. Where `topo` lists exactly the cores that R_lite lists, the new numbers are found again by order; where it
listed more, they would be taken for other cores.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ..grammar.idset import mask_text, text_mask
from ..grammar.memory import Memory
from .masks import spread, squeeze

Topo = Mapping[str, object]

PARTIAL: Final = "exactfit.partial"
"""A count in a domain that was cut: something of it is not there. No vertex of a jobspec can have the name."""

_IDS = ("cores", "gpus")

REMEMBERED = 1000
"""Objects that are kept as they were read, before the memory is emptied."""

CUTS = 500
"""Cuts that are kept, before the memory is emptied: equal jobs come again and again."""


def cut_topo(topo: Topo, cores: int, gpus: int) -> Topo:
    """Return a `topo` object with these ids (bitmasks) alone, and without the domains that have none of theirs left.

    Those that have lost some are marked, so that whoever reads it knows a part of a domain from a whole one. Cores that
    it does not list are listed at the node, where they stand. It is the same object if all stays as it is.
    """
    key = (id(topo), cores, gpus)
    known = _cuts.get(key)
    if known is None:
        known = _cuts[key] = topo, _cut(topo, cores, gpus)
    return known[1]


def _cut(topo: Topo, cores: int, gpus: int) -> Topo:
    listed = _listed(topo)
    made, covered = listed.cut(cores, gpus), listed.is_in(cores, gpus)
    unlisted = cores & ~listed.all_cores
    if unlisted and listed.all_cores:
        own = made.get("cores", "")
        assert isinstance(own, str), "topo was read before"
        made = {**made, "cores": mask_text(text_mask(own) | unlisted)}
    return topo if covered and made == topo else made


class _Listed:
    """A domain of a `topo` object, with the ids that it lists and those listed below it: read once, and cut often."""

    __slots__ = ("_own", "_same", "all_cores", "all_gpus", "inside", "topo")

    def __init__(self, topo: Topo) -> None:
        self.topo = topo
        own = [topo.get(key, "") for key in _IDS]
        self._own = {key: text_mask(ids) for key, ids in zip(_IDS, own, strict=True) if isinstance(ids, str)}
        self.all_cores, self.all_gpus = self._own["cores"], self._own["gpus"]
        self.inside: dict[str, list[_Listed]] = {
            key: [_Listed(domain) for domain in value]
            for key, value in topo.items()
            if isinstance(value, list) and key != "storage"
        }
        for domains in self.inside.values():
            for domain in domains:
                self.all_cores |= domain.all_cores
                self.all_gpus |= domain.all_gpus
        self._same: dict[str, object] | None = None

    def is_in(self, cores: int, gpus: int) -> bool:
        """Tell whether all ids are among some."""
        return not (self.all_cores & ~cores or self.all_gpus & ~gpus)

    def cut(self, cores: int, gpus: int) -> dict[str, object]:
        """Return the object with some ids alone, marked where it lost any; one that loses none is made once."""
        if self.is_in(cores, gpus):
            if self._same is None:
                self._same = self._cut(cores, gpus)
            return self._same
        return self._cut(cores, gpus)

    def _cut(self, cores: int, gpus: int) -> dict[str, object]:
        made: dict[str, object] = {}
        lost = False
        for key, value in self.topo.items():
            if key in _IDS:
                before = self._own[key]
                after = before & (cores if key == "cores" else gpus)
                lost = lost or after != before
                if after:
                    made[key] = mask_text(after)
            elif key in self.inside:
                domains = self.inside[key]
                kept = [domain.cut(cores, gpus) for domain in domains if domain._stays(cores, gpus)]
                lost = lost or len(kept) < len(domains) or any(PARTIAL in domain for domain in kept)
                if kept or not value:
                    made[key] = kept
            else:
                made[key] = value
        if lost:
            made[PARTIAL] = 1
        return made

    def _stays(self, cores: int, gpus: int) -> bool:
        """Tell whether any of its ids are among some, or it has none."""
        return bool(self.all_cores & cores or self.all_gpus & gpus) or not (self.all_cores or self.all_gpus)


_known: Memory[int, _Listed] = Memory(REMEMBERED)
"""By the identity of the object, which is kept with it."""

_cuts: Memory[tuple[int, int, int], tuple[Topo, Topo]] = Memory(CUTS)
"""What was cut, by the identity of the object, which is kept with it, and the ids."""


def _listed(topo: Topo) -> _Listed:
    known = _known.get(id(topo))
    if known is None:
        known = _known[id(topo)] = _Listed(topo)
    return known


def renumber_topo(topo: Topo, old: int, new: int) -> Topo:
    """Return a `topo` object in which the n-th core of one bitmask has the n-th number of another of the same size."""
    made: dict[str, object] = {}
    for key, value in topo.items():
        if key == "cores":
            assert isinstance(value, str), "topo was read before"
            made[key] = mask_text(spread(squeeze(text_mask(value), old), new))
        elif isinstance(value, list) and key != "storage":
            made[key] = [renumber_topo(domain, old, new) for domain in value]
        else:
            made[key] = value
    return made
