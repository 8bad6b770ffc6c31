"""The answer to a request: who holds what, its certificate, and its R (RFC 20, with RFC 49's tree).

Whatever R is to say of a job is written here. What was proven comes with it: each term's value, and the bound that no
placement beats. Nodes that are alike share an entry, so that writing costs what there are kinds of nodes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from ...grammar.bits import lowest_bit
from ...grammar.idset import mask_text
from ...grammar.memory import Memory
from ...topology.machine import Machine
from ...topology.rset import write_R
from ...topology.tree import NodeType
from ..state.domain_state import MEASURED, MIB_PER_GIB, Used
from ..state.holdings import NodeHolding, SlotHolding
from ..state.node_classes import bits
from .assignment import REMEMBERED
from .certificate import Certificate
from .job_R import NodeAmounts, said_domain, take_near
from .notebook import drawn, html


@dataclass(frozen=True)
class Allocation:
    """What one job holds.

    Attributes
    ----------
    machine
        Whose ranks they are.
    holdings
        By nodes, no node twice.
    nslots
        How many slots.
    proof
        What was proven.
    group_used, group_held
        Amounts of groups' own: (group index, resource, amount); all, and those that belong to no slot and no node.
    starttime, expiration
        Seconds since the epoch; 0 when unset.
    numbers
        For positions that hold a part of a slot of several nodes, the slot's number.
    """

    machine: Machine
    holdings: tuple[NodeHolding, ...]
    nslots: int
    proof: Certificate
    group_used: tuple[tuple[int, str, int], ...] = ()
    group_held: tuple[tuple[int, str, int], ...] = ()
    starttime: float = 0.0
    expiration: float = 0.0
    numbers: Mapping[int, int] = field(default_factory=dict)

    @cached_property
    def certificate(self) -> dict[str, Any]:
        """The certificate as it stands in R."""
        return self.proof.to_json()

    @property
    def nodes(self) -> int:
        """Bitmask of the positions on which the job holds anything."""
        nodes = 0
        for holding in self.holdings:
            nodes |= holding.nodes
        return nodes

    def draw(self) -> Any:
        """Return a picture of the machine with this job on it; a notebook shows it, ``save(path)`` writes it.

        Raises
        ------
        RuntimeError
            When nothing is installed that draws.
        """
        return drawn(self)

    def _repr_html_(self) -> str:
        return html(self.placement(), self.certificate)

    def with_times(self, starttime: float, expiration: float) -> Allocation:
        """Return the same with other times."""
        return replace(self, starttime=starttime, expiration=expiration)

    def to_dict(self) -> dict[str, Any]:
        """Return the R of RFC 20, with the tree, the placement and the certificate in ``scheduling``."""
        extra: dict[str, object] = {"placement": self.placement(), "certificate": self.certificate}
        amounts = self._amounts_by_domain()
        if amounts:
            extra["amounts"] = amounts
        return write_R(
            self.machine,
            [(holding.nodes, holding.cores, holding.gpus) for holding in self.holdings],
            nslots=self.nslots,
            starttime=self.starttime,
            expiration=self.expiration,
            scheduling_extra=extra,
            cut_ids=True,
        )

    def placement(self) -> list[dict[str, Any]]:
        """Return which slot got what; nodes that are equal share one entry."""
        holdings = self.holdings
        merged = [(holdings[0], 0, holdings[0].nodes)] if len(holdings) == 1 and not self.numbers else self._merged()
        entries = [
            {"ranks": self.machine.ids_text(nodes), **_node(holding, self._type_of(holding), number)}
            for holding, number, nodes in merged
            if holding.slots or holding.held or holding.outside
        ]
        return entries + self._of_groups() if self.group_held else entries

    def _merged(self) -> list[tuple[NodeHolding, int, int]]:
        """Return what nodes hold, the slot's number where they hold a part of one, and the nodes; equal ones once."""
        merged: dict[tuple[object, ...], tuple[NodeHolding, int, int]] = {}
        for holding in self.holdings:
            alike = (
                *(holding.cores, holding.gpus, holding.used, holding.slots, holding.held, holding.outside),
                self._type_of(holding) if any(slot.beyond for slot in holding.slots) else None,
            )
            if all(slot.whole for slot in holding.slots):
                parts = [(0, holding.nodes)]
            else:
                parts = [(self.numbers.get(position, 0), 1 << position) for position in bits(holding.nodes)]
            for number, nodes in parts:
                known = merged.get((*alike, number))
                merged[(*alike, number)] = (holding, number, known[2] | nodes if known else nodes)
        return sorted(merged.values(), key=_lowest_position)

    def _amounts_by_domain(self) -> list[dict[str, Any]]:
        """Return from which domains amounts are taken, on nodes where the placement alone would be read otherwise."""
        entries = []
        for holding in self.holdings:
            if holding.used:
                node_type = self._type_of(holding)
                if _read_back(holding, node_type) != holding.used:
                    entry: dict[str, Any] = {"ranks": self.machine.ids_text(holding.nodes)}
                    for index, name, amount in holding.used:
                        entry.setdefault(name, {})[said_domain(node_type.domains[index])] = _shown(name, amount)
                    entries.append(entry)
        return entries

    def _type_of(self, holding: NodeHolding) -> NodeType:
        return self.machine.type_at((holding.nodes & -holding.nodes).bit_length() - 1)

    def _of_groups(self) -> list[dict[str, Any]]:
        """Return the groups' own amounts that belong to no slot."""
        groups: dict[int, dict[str, Any]] = {}
        for index, name, amount in self.group_held:
            group = self.machine.groups[index]
            entry = groups.setdefault(index, {"level": group.level, "number": group.number})
            entry[name] = _shown(name, amount)
        return list(groups.values())


def _lowest_position(alike: tuple[NodeHolding, int, int]) -> int:
    return lowest_bit(alike[2]).bit_length()


def _read_back(holding: NodeHolding, node_type: NodeType) -> Used:
    """Return what a node's entry in the placement would be read as."""
    here: NodeAmounts = {}
    said = [(slot, _said(slot)) for slot in holding.slots]
    for slot, names in said:
        for index, name, amount in slot.used:
            if name in names:
                here[index, name] = here.get((index, name), 0) + amount
    for slot, names in said:
        used = ((name, amount) for _, name, amount in slot.used if name not in names)
        for name, amount in _sums((*used, *slot.outside)):
            take_near(node_type, here, slot.cores, slot.gpus, name, amount)
    for name, amount in _sums((*((name, amount) for _, name, amount in holding.held), *holding.outside)):
        take_near(node_type, here, 0, 0, name, amount)
    return tuple((index, name, amount) for (index, name), amount in sorted(here.items()))


def _said(slot: SlotHolding) -> set[str]:
    """Return the amounts of which R says which domains give them: some would not be looked for where they are."""
    return {name for index, name, _ in slot.used if index in slot.beyond}


def _node(holding: NodeHolding, node_type: NodeType, number: int) -> dict[str, Any]:
    """Return what nodes hold as it stands in R: their slots, and amounts that belong to none."""
    entry: dict[str, Any] = {}
    if holding.held or holding.outside:
        entry = _amounts((*((name, amount) for _, name, amount in holding.held), *holding.outside))
    if holding.slots:
        entry["slots"] = _slots(holding.slots, node_type, number)
    return entry


_known: Memory[int, tuple[Sequence[SlotHolding], list[dict[str, Any]]]] = Memory(REMEMBERED)
"""Slots as they stand in R, by the identity of what they hold, which is kept with them."""


def _slots(slots: Sequence[SlotHolding], node_type: NodeType, number: int) -> list[dict[str, Any]]:
    """Return slots as they stand in R; for slots that come again those of the last time are copied."""
    if not number and not any(slot.beyond for slot in slots):
        known = _known.get(id(slots))
        if known is None:
            known = _known[id(slots)] = (slots, [_slot(slot, node_type, 0) for slot in slots])
        return [slot.copy() for slot in known[1]]
    return [_slot(slot, node_type, number) for slot in slots]


def _slot(slot: SlotHolding, node_type: NodeType, number: int) -> dict[str, Any]:
    """Return one slot as it stands in R."""
    entry: dict[str, Any] = {"label": slot.label}
    if not slot.whole:
        entry["slot"] = number
    if slot.cores:
        entry["cores"] = mask_text(slot.cores)
    if slot.gpus:
        entry["gpus"] = mask_text(slot.gpus)
    if slot.used or slot.outside:
        entry |= _amounts((*((name, amount) for _, name, amount in slot.used), *slot.outside))
    if slot.beyond:
        domains: dict[str, dict[str, int | float]] = {name: {} for name in sorted(_said(slot))}
        for index, name, amount in slot.used:
            if name in domains:
                domains[name][said_domain(node_type.domains[index])] = _shown(name, amount)
        entry["domains"] = domains
    return entry


def _amounts(parts: Iterable[tuple[str, int]]) -> dict[str, Any]:
    return {name: _shown(name, amount) for name, amount in _sums(parts)}


def _sums(parts: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    total: Counter[str] = Counter()
    for name, amount in parts:
        total[name] += amount
    return sorted(total.items())


def _shown(name: str, amount: int) -> int | float:
    """Return an amount as R says it: memory and storage in GiB, an integer where it is one."""
    if name not in MEASURED:
        return amount
    return amount // MIB_PER_GIB if amount % MIB_PER_GIB == 0 else amount / MIB_PER_GIB
