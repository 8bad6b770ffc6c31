"""What a job holds, read back from its R, as a scheduler that is reloaded gets it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from ...grammar.errors import printable, shown
from ...grammar.hostlist import Hostlist
from ...grammar.idset import IdSet, text_mask
from ...topology.machine import Machine
from ...topology.rset import read_R
from ...topology.tree import Domain, NodeType
from ..state.domain_state import MEASURED, MIB_PER_GIB, Used, amounts_of
from ..state.holdings import NodeHolding
from ..state.node_classes import Packed, bits
from ..state.pool_state import Job
from .plain_R import plain_job

_SLOT_KEYS = frozenset({"label", "slot", "cores", "gpus", "domains"})
_ENTRY_KEYS = frozenset({"ranks", "slots"})
_GROUP_KEYS = frozenset({"level", "number"})

NodeAmounts = dict[tuple[int, str], int]


def read_job(machine: Machine, R: Mapping[str, Any] | str | Machine) -> Job:  # the RFC's name
    """Return what a job holds of a machine, from its R.

    Raises
    ------
    ValueError
        For ranks, cores or GPUs that the machine lacks, for hosts that have other ranks here, or an R that is none.
    """
    plain = plain_job(machine, R)
    if plain is not None:
        return plain
    part = R if isinstance(R, Machine) else read_R(R)
    lacking = machine.unknown(part.ids_of(part.all))
    if lacking:
        raise ValueError(f"allocation contains ranks not in resource pool: {lacking}")
    check_hosts(machine, part)
    _check_there(machine, part)
    amounts = _Amounts(machine, machine.mask_of(part.ids_of(part.all)))
    amounts.read((part.scheduling or {}).get("placement"))
    amounts.read_domains((part.scheduling or {}).get("amounts"))
    holdings: list[NodeHolding] = []
    for positions, cores, gpus in part.holdings:
        nodes = machine.mask_of(part.ids_of(positions))
        for used, outside, alike in amounts.split(nodes):
            holdings.append(NodeHolding(Packed.of(alike), cores, gpus, used, outside=outside))
    of_groups = tuple((group, name, amount) for (group, name), amount in sorted(amounts.of_groups.items()))
    return Job(part.expiration, tuple(holdings), of_groups)


def check_hosts(machine: Machine, part: Machine) -> None:
    """Refuse a part of a machine that puts a host under another rank than the machine does.

    Taken by rank, it would be held on another node than the one that it is on. A part, or a machine, that names no
    hosts is taken by rank.

    Raises
    ------
    ValueError
        Then, with the first such rank.
    """
    if not len(part.hosts) or not len(machine.hosts):
        return
    here = machine.hosts_at(machine.mask_of(part.ids_of(part.all)))
    if here == part.hosts or len(here) != len(part.hosts):
        return
    for rank, said, own in zip(part.ranks, part.hosts, here, strict=True):
        if said != own:
            places = machine.facts.hosts(Hostlist.parse(said))
            where = f", and {said} is rank {machine.ids_of(places)}" if places else f", and there is no host {said}"
            raise ValueError(f"R says that rank {rank} is {said}: here it is {own}{where}")


def _check_there(machine: Machine, part: Machine) -> None:
    """Refuse cores and GPUs that nodes do not have: no job holds them, and none can."""
    for positions, cores, gpus in part.holdings:
        nodes = machine.mask_of(part.ids_of(positions))
        # A job has few nodes where there may be as many types as nodes.
        few = nodes.bit_count() < len(machine.types)
        numbers = sorted({machine.type_of[p] for p in bits(nodes)}) if few else range(len(machine.types))
        for number in numbers:
            kind, mask = machine.types[number], machine.type_masks[number]
            lacking = [(name, ids) for name, ids in (("core", cores & ~kind.cores), ("gpu", gpus & ~kind.gpus)) if ids]
            if lacking and mask & nodes:
                (name, ids), ranks = lacking[0], machine.ids_of(mask & nodes)
                raise ValueError(f"R holds {name} {IdSet.from_mask(ids)} of rank {ranks}, which has no such {name}")


class _Amounts:
    """The amounts that a placement says of some nodes (a bitmask), on the domains and groups that they come from."""

    def __init__(self, machine: Machine, nodes: int) -> None:
        self.machine = machine
        self.nodes = nodes
        self.of_nodes: dict[int, NodeAmounts] = {}
        self.outside: dict[int, Counter[str]] = {}
        self.of_groups: Counter[tuple[int, str]] = Counter()

    def read(self, placement: object) -> None:
        """Read `scheduling.placement`; of one that is none, nothing."""
        if not isinstance(placement, list | tuple):
            return
        try:
            for entry in placement:
                if "ranks" in entry:
                    self._read_nodes(entry)
                else:
                    self._read_group(entry)
        except (TypeError, AttributeError, KeyError, OverflowError) as error:
            raise ValueError(f"scheduling.placement: {type(error).__name__} {error}") from None

    def _read_nodes(self, entry: Mapping[str, Any]) -> None:
        slots = [
            (text_mask(slot.get("cores", "")), text_mask(slot.get("gpus", "")), name, _units(name, slot[name]))
            for slot in entry.get("slots", ())
            for name in sorted(slot.keys() - _SLOT_KEYS - slot.get("domains", {}).keys())
        ]
        said = [
            (domain, name, _units(name, amount))
            for slot in entry.get("slots", ())
            for name, parts in slot.get("domains", {}).items()
            for domain, amount in parts.items()
        ]
        rest = [(0, 0, name, _units(name, entry[name])) for name in sorted(entry.keys() - _ENTRY_KEYS)]
        if slots or said or rest:
            for position in bits(self.machine.mask_of(IdSet.parse(entry["ranks"])) & self.nodes):
                self._take_said(position, said)
                for cores, gpus, name, amount in (*slots, *rest):
                    self._take(position, cores, gpus, name, amount)

    def _read_group(self, entry: Mapping[str, Any]) -> None:
        for group in self.machine.groups:
            if (group.level, group.number) == (entry["level"], entry["number"]):
                for name in entry.keys() - _GROUP_KEYS:
                    self._take_of_groups(group.index, name, _units(name, entry[name]))

    def _take(self, position: int, cores: int, gpus: int, name: str, amount: int) -> None:
        """Take an amount from where the cores are, the rest from others of the node, or from the groups above."""
        here = self.of_nodes.setdefault(position, {})
        amount = take_near(self.machine.type_at(position), here, cores, gpus, name, amount)
        if amount:
            amount = take_near(self.machine.type_at(position), here, 0, 0, name, amount)
        group = self.machine.group_of[position] if amount and self.machine.groups else -1
        if self._take_of_groups(group, name, amount):
            self.outside.setdefault(position, Counter())[name] += amount

    def _take_of_groups(self, group: int, name: str, amount: int) -> bool:
        """Take an amount from a group and all above it that list the name; tell whether any does."""
        found = False
        while group >= 0:
            if any(resource == name for resource, _ in self.machine.groups[group].resources):
                self.of_groups[group, name] += amount
                found = True
            group = self.machine.groups[group].parent
        return found

    def _take_said(self, position: int, said: Sequence[tuple[str, str, int]]) -> None:
        """Take amounts of domains that are named."""
        if not said:
            return
        places = _by_name(self.machine.type_at(position))
        here = self.of_nodes.setdefault(position, {})
        for domain, name, amount in said:
            key = places[domain], name
            here[key] = here.get(key, 0) + amount

    def read_domains(self, amounts: object) -> None:
        """Read `scheduling.amounts`, which says of some nodes what the placement leaves open."""
        if not isinstance(amounts, list | tuple):
            return
        try:
            for entry in amounts:
                for position in bits(self.machine.mask_of(IdSet.parse(entry["ranks"])) & self.nodes):
                    places = _by_name(self.machine.type_at(position))
                    self.of_nodes[position] = {
                        (places[domain], name): _units(name, amount)
                        for name in entry.keys() - _ENTRY_KEYS
                        for domain, amount in entry[name].items()
                    }
        except (TypeError, AttributeError, KeyError, OverflowError, ValueError) as error:
            raise ValueError(f"scheduling.amounts: {type(error).__name__} {error}") from None

    def split(self, nodes: int) -> Iterator[tuple[Used, tuple[tuple[str, int], ...], int]]:
        """Yield the nodes (a bitmask) by what is taken of their amounts, and of those of groups above them."""
        found: dict[tuple[Used, tuple[tuple[str, int], ...]], int] = {}
        for position in sorted(self.of_nodes.keys() | self.outside.keys()):
            if nodes >> position & 1:
                taken = self.of_nodes.get(position, {})
                used = tuple((index, name, amount) for (index, name), amount in sorted(taken.items()))
                key = used, tuple(sorted(self.outside.get(position, {}).items()))
                found[key] = found.get(key, 0) | 1 << position
                nodes &= ~(1 << position)
        if nodes:
            found[(), ()] = found.get(((), ()), 0) | nodes
        for (used, outside), alike in found.items():
            yield used, outside, alike


def take_near(node_type: NodeType, here: NodeAmounts, cores: int, gpus: int, name: str, amount: int) -> int:
    """Add an amount to those taken of a node, where the cores are, one domain after the other; return what is left."""
    for index, total in _sources(node_type, cores, gpus, name):
        part = min(amount, total - here.get((index, name), 0))
        if part > 0:
            here[index, name] = here.get((index, name), 0) + part
            amount -= part
    return amount


def said_domain(domain: Domain) -> str:
    """Return a domain's name in R."""
    return f"{domain.level} {domain.number}"


def _by_name(node_type: NodeType) -> dict[str, int]:
    return {said_domain(domain): domain.index for domain in node_type.domains}


def _sources(node_type: NodeType, cores: int, gpus: int, name: str) -> list[tuple[int, int]]:
    """Return the domains that list an amount, with their totals: those that the ids are in or nearest below first."""
    listing = {domain.index: total for domain in node_type.domains for own, total in amounts_of(domain) if own == name}
    near: list[int] = []
    for domain in node_type.domains:
        if domain.own_cores & cores or (not cores and domain.own_gpus & gpus):
            index = domain.index
            while index >= 0 and index not in listing:
                index = node_type.domains[index].parent
            if index >= 0 and index not in near:
                near.append(index)
    chosen = near if near or cores or gpus else list(listing)
    return [(index, listing[index]) for index in chosen]


def _units(name: str, amount: object) -> int:
    """Return an amount of R in whole units: MiB for memory and storage."""
    # Compared so that what is no number at all (NaN) is refused as well; less than nothing would be room for others.
    if isinstance(amount, bool) or not isinstance(amount, int | float) or not 0 <= amount < math.inf:
        raise ValueError(f"scheduling.placement: {printable(name)}: {shown(amount)} is no amount")
    return round(Fraction(amount) * MIB_PER_GIB) if name in MEASURED else int(amount)
