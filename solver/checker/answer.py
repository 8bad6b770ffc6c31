"""An allocated R (RFC 20) as holdings and slots; what slots there are is in `scheduling.placement`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import islice
from typing import Any

from ...grammar.hostlist import Hostlist
from ...grammar.idset import IdSet, text_mask
from ...topology.machine import Machine
from .ground import Place, positions

_SLOT_KEYS = frozenset({"label", "slot", "cores", "gpus", "domains"})
_ENTRY_KEYS = frozenset({"ranks", "slots"})
_PLACE_KEYS = frozenset({"level", "number"})


@dataclass(frozen=True, slots=True)
class SlotPart:
    """What a slot holds of one node.

    Parameters
    ----------
    position
        Of the node.
    cores, gpus
        Bitmasks of ids.
    amounts
        Memory and storage in GiB, and other resources, by name.
    domains
        Of some of these, where R says so, which domains give how much: name, place and amount.
    """

    position: int
    cores: int
    gpus: int
    amounts: tuple[tuple[str, Fraction], ...] = ()
    domains: tuple[tuple[str, Place, Fraction], ...] = ()


@dataclass(frozen=True, slots=True)
class Slot:
    """One task slot: its label and what it holds, node by node."""

    label: str
    slot_parts: tuple[SlotPart, ...]

    @property
    def cores(self) -> int:
        """How many cores it holds."""
        return sum(slot_part.cores.bit_count() for slot_part in self.slot_parts)

    @property
    def gpus(self) -> int:
        """How many gpus it holds."""
        return sum(slot_part.gpus.bit_count() for slot_part in self.slot_parts)

    def amount(self, name: str) -> Fraction:
        """Return how much it holds of a resource."""
        return sum(
            (amount for slot_part in self.slot_parts for key, amount in slot_part.amounts if key == name), Fraction(0)
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """What an allocated R says.

    Parameters
    ----------
    held
        Bitmasks of cores and gpus by position.
    slots
        The slots; None when R does not say.
    amounts
        Memory and the like that belongs to the job and to no slot, by place and name.
    by_domain
        All of that of nodes where R says from which domains it comes, by place and name.
    nslots
        As R says; None when it does not.
    faults
        What is wrong with R whatever the request is, a sentence each.
    """

    held: Mapping[int, tuple[int, int]]
    slots: tuple[Slot, ...] | None
    amounts: Mapping[tuple[Place, str], Fraction]
    by_domain: Mapping[tuple[Place, str], Fraction]
    nslots: int | None
    faults: tuple[str, ...]


@dataclass(slots=True)
class _Reader:
    machine: Machine
    held: dict[int, tuple[int, int]] = field(default_factory=dict)
    slots: list[Slot] = field(default_factory=list)
    slot_parts: dict[tuple[str, object], list[SlotPart]] = field(default_factory=dict)
    amounts: dict[tuple[Place, str], Fraction] = field(default_factory=dict)
    by_domain: dict[tuple[Place, str], Fraction] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def positions(self, text: str) -> Iterator[int]:
        """Return the positions of ranks; those that the machine lacks are a fault."""
        ranks = IdSet.parse(text)
        unknown = self.machine.unknown(ranks)
        if unknown:
            words = f"rank {unknown} is not one" if len(unknown) == 1 else f"ranks {unknown} are none"
            self.faults.append(f"{words} of the machine's")
        return positions(self.machine.mask_of(ranks))

    def lite(self, entry: Mapping[str, Any]) -> None:
        children = entry["children"]
        cores, gpus = text_mask(children.get("core", "")), text_mask(children.get("gpu", ""))
        for position in self.positions(entry["rank"]):
            if position in self.held:
                self.faults.append(f"rank {self.machine.ranks[position]} is listed twice")
            self.held[position] = cores, gpus

    def placed(self, entry: Mapping[str, Any]) -> None:
        if "ranks" not in entry:
            self.placed_in_group(entry)
            return
        slots = [
            (
                str(slot.get("label", "")),
                slot.get("slot"),
                text_mask(slot.get("cores", "")),
                text_mask(slot.get("gpus", "")),
                tuple(sorted((name, Fraction(slot[name])) for name in slot.keys() - _SLOT_KEYS)),
                [
                    (name, domain, Fraction(n))
                    for name, of in slot.get("domains", {}).items()
                    for domain, n in of.items()
                ],
            )
            for slot in entry.get("slots", ())
        ]
        for position in self.positions(entry["ranks"]):
            for name in entry.keys() - _ENTRY_KEYS:
                self.amounts[(position, 0), name] = Fraction(entry[name])
            for label, number, cores, gpus, amounts, said in slots:
                places = self.places(position) if said else {}
                domains = tuple((name, places[domain], amount) for name, domain, amount in said)
                slot_part = SlotPart(position, cores, gpus, amounts, domains)
                self.check_sums(slot_part)
                if number is None:
                    self.slots.append(Slot(label, (slot_part,)))
                else:
                    self.slot_parts.setdefault((label, number), []).append(slot_part)

    def places(self, position: int) -> dict[str, Place]:
        """Return the domains of a node by their names in R."""
        return {f"{d.level} {d.number}": (position, d.index) for d in self.machine.type_at(position).domains}

    def check_sums(self, slot_part: SlotPart) -> None:
        """Compare what domains give with what a slot has."""
        total: dict[str, Fraction] = {}
        for name, _, amount in slot_part.domains:
            total[name] = total.get(name, Fraction(0)) + amount
        has = dict(slot_part.amounts)
        for name, amount in total.items():
            if has.get(name) != amount or any(n == name and a <= 0 for n, _, a in slot_part.domains):
                self.faults.append(f"a slot's {name} is not what R says that its domains give")

    def placed_in_group(self, entry: Mapping[str, Any]) -> None:
        wanted = entry["level"], entry["number"]
        for group in self.machine.groups:
            if (group.level, group.number) == wanted:
                for name in entry.keys() - _PLACE_KEYS:
                    self.amounts[(-1, group.index), name] = Fraction(entry[name])
                return
        self.faults.append(f"there is no {wanted[0]} {wanted[1]}")

    def listed(self, entry: Mapping[str, Any]) -> None:
        """Read an entry of `scheduling.amounts`."""
        for position in self.positions(entry["ranks"]):
            domains = self.places(position)
            for name in entry.keys() - {"ranks"}:
                for domain, amount in entry[name].items():
                    self.by_domain[domains[domain], name] = Fraction(amount)

    def hosts(self, nodelist: object) -> None:
        """Compare the host names with the machine's."""
        if not nodelist or not len(self.machine.hosts):
            return
        names = Hostlist.parse(",".join(nodelist)) if isinstance(nodelist, list | tuple) else ()
        if len(names) != len(self.held):
            self.faults.append(f"nodelist names {len(names)} hosts for {len(self.held)} ranks")
            return
        for position, name in zip(sorted(self.held), names, strict=True):
            if self.machine.host(position) != name:
                rank = self.machine.ranks[position]
                self.faults.append(f"nodelist names {name} for rank {rank}, which is {self.machine.host(position)}")


def read_answer(machine: Machine, R: Mapping[str, Any]) -> Answer:
    """Read what an allocated R holds.

    Raises
    ------
    ValueError
        It is no R, or its placement is none.
    """
    reader = _Reader(machine)
    try:
        execution = R["execution"]
        for entry in execution["R_lite"]:
            reader.lite(entry)
        reader.hosts(execution.get("nodelist"))
        nslots = execution.get("nslots")
        if nslots is not None and (not isinstance(nslots, int) or isinstance(nslots, bool) or nslots < 1):
            raise TypeError(f"nslots {nslots!r}")
        placement = (R.get("scheduling") or {}).get("placement")
        for entry in placement or ():
            reader.placed(entry)
        for entry in (R.get("scheduling") or {}).get("amounts") or ():
            reader.listed(entry)
    except (KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError(f"not an allocated R: {type(error).__name__} {error}") from None
    for (label, _), slot_parts in reader.slot_parts.items():
        reader.slots.append(Slot(label, tuple(sorted(slot_parts, key=lambda slot_part: slot_part.position))))
    slots = None if placement is None else tuple(reader.slots)
    return Answer(reader.held, slots, reader.amounts, reader.by_domain, nslots, tuple(islice(reader.faults, 20)))
