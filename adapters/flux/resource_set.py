"""A resource set in Flux's protocol: a part of a machine, kept as bitmasks of positions, cores and GPUs.

The names are those of `flux.resource.ResourceSetImplementation` and of `Rv1Set`, and mean what is documented there.
Other sets come in through their R JSON, whatever their class.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from flux.hostlist import Hostlist
from flux.idset import IDset
from flux.resource.ResourceSetImplementation import ResourceSetImplementation

from ...grammar.constraint import evaluate, parse_constraint
from ...grammar.hostlist import encode_hosts
from ...grammar.idset import IdSet, mask_text
from ...topology.machine import Machine
from .rjson import as_json, machine_of, merge, pieces, write_set

if TYPE_CHECKING:
    from typing_extensions import Self

Part = tuple[int, int, int]
"""Nodes that hold the same: bitmasks of (positions, core ids, GPU ids)."""


class ExactSet(ResourceSetImplementation):
    """A resource set.

    Parameters
    ----------
    R
        RFC 20 R as JSON text or as a mapping; None for the empty set.

    Raises
    ------
    ValueError
        For a malformed R.
    TypeError
        For an argument of another type.
    """

    version = 1

    _machine: Machine
    _held: Sequence[Part] | None
    _starttime: float
    _expiration: float
    _nslots: int | None
    _with_scheduling = True

    def __init__(self, R: str | Mapping[str, Any] | None = None) -> None:
        self._become(machine_of(None if R is None else as_json(R))[0])

    @classmethod
    def part_of(cls, other: ExactSet, parts: Sequence[Part], *, scheduling: bool = False) -> ExactSet:
        """Return the set of some parts of another set's machine, with that set's times."""
        made = ExactSet.__new__(ExactSet)
        made._become(other._machine, parts)
        made._starttime, made._expiration, made._nslots = other._starttime, other._expiration, None
        made._with_scheduling = scheduling
        return made

    def _become(self, machine: Machine, held: Sequence[Part] | None = None) -> None:
        self._machine = machine
        self._held = held
        self._starttime, self._expiration, self._nslots = machine.starttime, machine.expiration, machine.nslots

    def _replace(self, machine: Machine) -> None:
        """Take another machine in place, with times as they are: all that changes a set ends here."""
        times = self._starttime, self._expiration
        self._become(machine)
        self._starttime, self._expiration = times

    @property
    def _parts(self) -> Sequence[Part]:
        return self._machine.holdings if self._held is None else self._held

    @property
    def parts(self) -> Sequence[Part]:
        """What is held, as (positions, cores, gpus) in bitmasks, no node twice."""
        return self._parts

    @property
    def _everyone(self) -> int:
        everyone = 0
        for mask, _, _ in self._parts:
            everyone |= mask
        return everyone

    def own_machine(self) -> Machine:
        """Return a machine of nothing but this set."""
        return self._machine if self._held is None else machine_of(self.to_dict())[0]

    # What it holds.

    def dumps(self) -> str:
        """Return a short text: ``rank[0-1]/core[0-3],gpu0 rank2/core0``."""
        merged: dict[tuple[int, int], int] = {}
        for mask, cores, gpus in self._parts:
            merged[cores, gpus] = merged.get((cores, gpus), 0) | mask
        texts = []
        for (cores, gpus), mask in sorted(merged.items(), key=lambda item: item[1] & -item[1]):
            text = f"rank{_bracketed(str(self._machine.ids_of(mask)))}/core{_bracketed(mask_text(cores))}"
            texts.append(f"{text},gpu{_bracketed(mask_text(gpus))}" if gpus else text)
        return " ".join(texts)

    def to_dict(self) -> dict[str, Any]:
        """Return the set as parsed R JSON."""
        return write_set(
            self._machine,
            self._parts,
            starttime=self._starttime,
            expiration=self._expiration,
            nslots=self._nslots,
            scheduling=self._with_scheduling,
        )

    def encode(self) -> str:
        """Return the set as R JSON text."""
        return json.dumps(self.to_dict())

    def nodelist(self) -> Hostlist:
        """Return the host names, in the order of ranks."""
        machine, everyone = self._machine, self._everyone
        if len(machine.hosts):
            return Hostlist(encode_hosts(machine.hosts_at(everyone)))
        return Hostlist(encode_hosts(f"rank{rank}" for rank in machine.ids_of(everyone)))

    def ranks(self) -> IDset:
        """Return the ranks."""
        return IDset(str(self._machine.ids_of(self._everyone)))

    def nnodes(self) -> int:
        """Return the number of nodes."""
        return self._everyone.bit_count()

    def count(self, name: str) -> int:
        """Return how many resources of a type there are: core, gpu, node, or a level below the node; else 0."""
        if name == "core":
            return sum(mask.bit_count() * cores.bit_count() for mask, cores, _ in self._parts)
        if name == "gpu":
            return sum(mask.bit_count() * gpus.bit_count() for mask, _, gpus in self._parts)
        if name == "node":
            return self.nnodes()
        total = 0
        for kind, members in zip(self._machine.types, self._machine.type_masks, strict=True):
            for mask, cores, gpus in self._parts:
                touched = sum(1 for d in kind.by_level.get(name, ()) if d.cores & cores or d.gpus & gpus)
                total += (mask & members).bit_count() * touched
        return total

    def get_properties(self) -> str:
        """Return the RFC 20 properties object as JSON text."""
        held = {name: mask & self._everyone for name, mask in self._machine.properties.items()}
        return json.dumps({name: str(self._machine.ids_of(mask)) for name, mask in held.items() if mask})

    @property
    def scheduling(self) -> Any:
        """R's ``scheduling`` key, None where there is none."""
        return self.to_dict().get("scheduling")

    @scheduling.setter
    def scheduling(self, value: Mapping[str, Any] | None) -> None:
        resources = {key: held for key, held in self.to_dict().items() if key != "scheduling"}
        self._replace(machine_of(resources if value is None else {**resources, "scheduling": value})[0])

    # Times.

    def get_starttime(self) -> float:
        """Return the start time in seconds since the epoch, 0 for none."""
        return self._starttime

    def set_starttime(self, starttime: float) -> None:
        """Set the start time in seconds since the epoch, 0 for none."""
        self._starttime = float(starttime)

    def get_expiration(self) -> float:
        """Return the expiration in seconds since the epoch, 0 for none."""
        return self._expiration

    def set_expiration(self, expiration: float) -> None:
        """Set the expiration in seconds since the epoch, 0 for none."""
        self._expiration = float(expiration)

    @property
    def starttime(self) -> float:
        """The start time in seconds since the epoch, 0 for none."""
        return self.get_starttime()

    @starttime.setter
    def starttime(self, value: float) -> None:
        self.set_starttime(value)

    # Sets made of it.

    def _only(self, parts: Iterable[Part]) -> Self:
        """Return a set of some parts of this one, all in its machine."""
        kept = [(mask, cores, gpus) for mask, cores, gpus in parts if mask and (cores or gpus)]
        return self._similar(machine_of(self.part_of(self, kept, scheduling=self._with_scheduling).to_dict())[0])

    def _similar(self, machine: Machine) -> Self:
        """Return a set of this class and with these times, of another machine."""
        made = type(self).__new__(type(self))
        made._become(machine)
        made._starttime, made._expiration = self._starttime, self._expiration
        made._with_scheduling = self._with_scheduling
        return made

    def copy(self) -> Self:
        """Return an independent copy."""
        return self._similar(self.own_machine())

    def copy_ranks(self, ranks: object) -> Self:
        """Return a copy of the part on these ranks."""
        wanted = self._machine.mask_of(ids_of(ranks))
        return self._only((mask & wanted, cores, gpus) for mask, cores, gpus in self._parts)

    def copy_constraint(self, constraint: str | Mapping[str, Any]) -> Self:
        """Return a copy of the part on the ranks that an RFC 31 constraint matches."""
        wanted = evaluate(parse_constraint(constraint), self._machine.facts)
        return self._only((mask & wanted, cores, gpus) for mask, cores, gpus in self._parts)

    def union(self, rset: object) -> Self:
        """Return what this set or another holds."""
        return self._similar(machine_of(merge(self.to_dict(), as_json(rset)))[0])

    def intersect(self, rset: object) -> Self:
        """Return what this set and another both hold, core by core and GPU by GPU."""
        return self._only(
            (mask & there, cores & their_cores, gpus & their_gpus)
            for mask, cores, gpus in self._parts
            for there, their_cores, their_gpus in self._parts_of(rset)
        )

    def diff(self, rset: object) -> Self:
        """Return what this set holds and another does not, core by core and GPU by GPU."""
        theirs = self._parts_of(rset)
        kept = []
        for mask, cores, gpus in self._parts:
            rest = mask
            for there, their_cores, their_gpus in theirs:
                kept.append((mask & there, cores & ~their_cores, gpus & ~their_gpus))
                rest &= ~there
            kept.append((rest, cores, gpus))
        return self._only(kept)

    def _parts_of(self, rset: object) -> list[Part]:
        """Return what another set holds on ranks of this one's machine."""
        return [(self._machine.mask_of(ids), cores, gpus) for ids, cores, gpus in pieces(as_json(rset))]

    # Changes in place.

    def append(self, rset: object) -> None:
        """Put all that another set holds into this one."""
        self._replace(machine_of(merge(self.to_dict(), as_json(rset)))[0])

    def add(self, rset: object) -> None:
        """Put what another set holds, and this one does not, into this one; properties come with new ranks only."""
        self._replace(machine_of(merge(self.to_dict(), as_json(rset), properties_of_new_ranks=True))[0])

    def remove_ranks(self, ranks: object) -> Any:
        """Take ranks out of this set; those that it has not are passed over. Return the set itself."""
        machine = self.own_machine()
        self._replace(machine.cut(machine.all & ~machine.mask_of(ids_of(ranks))))
        return self

    def set_property(self, name: str, ranks: object = None) -> Any:
        """Give ranks, all by default, a property. Return the set itself.

        Raises
        ------
        ValueError
            For a name that no property can have, and for ranks that the set lacks.
        """
        if not name or "^" in name:
            raise ValueError(f"{name!r}: not a name for a property")
        machine = self.own_machine()
        wanted = machine.ranks.ids if ranks is None else ids_of(ranks)
        if unknown := machine.unknown(wanted):
            raise ValueError(f"ranks {unknown} are not in the set")
        mask = machine.properties.get(name, 0) | machine.mask_of(wanted)
        self._replace(replace(machine, properties={**machine.properties, name: mask}))
        return self


def ids_of(ranks: object) -> IdSet:
    """Return the ranks that an idset of any kind names: RFC 22 text, an IDset, a rank, or an iterable of ranks."""
    if isinstance(ranks, int):
        return IdSet.of([ranks])
    if isinstance(ranks, (str, IDset)):
        return IdSet.parse(str(ranks))
    if isinstance(ranks, Iterable):
        return IdSet.of(ranks)
    raise TypeError(f"expected ranks, got {type(ranks).__name__}")


def _bracketed(text: str) -> str:
    return f"[{text}]" if "," in text or "-" in text else text
