"""One pool's decisions: what fits, what is taken, what comes back. Knows canary's data, and no canary."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...grammar.memory import Memory
from .chooser import Chooser, Placement
from .layouts import layout
from .locality import NEAR, Layout, Places
from .needs import Amount, NodeNeeds, parse_items
from .stock import NodeState, Resources, Stock


@dataclass(frozen=True, slots=True)
class NodeEntry:
    """A node of canary's pool.

    Attributes
    ----------
    name
        Its id.
    resources
        canary's own lists.
    topology
        What the pool names for it, see `layouts.layout`.
    """

    name: str
    resources: Resources
    topology: object = None


@dataclass(frozen=True, slots=True)
class Lack:
    """Why a request does not fit.

    Attributes
    ----------
    missing
        Types that no node has.
    short
        Of types of which there is too little in every node: how much is asked, and the most that a node has.
    """

    missing: tuple[str, ...] = ()
    short: tuple[tuple[str, Amount, Amount], ...] = ()


Taken = tuple[NodeEntry, str, dict[str, Any], Amount]
"""A node, a type, canary's own instance, and slots."""


class Book:
    """Decides for one pool, whose lists are given with every question."""

    def __init__(self) -> None:
        self._stock = Stock()
        self._chooser = Chooser()
        self._places: dict[str, tuple[tuple[object, ...], Places | None]] = {}
        self._parsed: Memory[object, NodeNeeds] = Memory(10_000)
        self._emptied: tuple[tuple[NodeState, ...], tuple[NodeState, ...]] = ((), ())

    def forget(self) -> None:
        """Start anew: the pool was filled with something else."""
        self._stock.forget()
        self._places.clear()

    def needs(self, items: Sequence[Mapping[str, Any]], *, exclusive: bool = False) -> NodeNeeds:
        """Return what is asked of one node.

        Raises
        ------
        NeedError
            For what cannot be asked.
        """
        try:
            key = (
                exclusive,
                *((item["type"], type(item["slots"]), item["slots"], item.get("whole")) for item in items),
            )
            known = self._parsed.get(key)
        except (KeyError, TypeError, AttributeError):
            return NodeNeeds(parse_items(items), exclusive)
        if known is None:
            known = self._parsed[key] = NodeNeeds(parse_items(items), exclusive)
        return known

    def fits(self, requests: Iterable[NodeNeeds], nodes: Sequence[NodeEntry], *, emptied: bool = False) -> bool:
        """Tell whether a request can be placed now, or, if asked, when nobody holds anything."""
        return self._choose(tuple(requests), nodes, emptied=emptied) is not None

    def take(self, requests: Iterable[NodeNeeds], nodes: Sequence[NodeEntry]) -> list[Taken] | None:
        """Place a request and take what it gets; None, and nothing taken, when it does not fit."""
        placement = self._choose(tuple(requests), nodes)
        if placement is None:
            return None
        taken = [
            (nodes[node], name, nodes[node].resources[name][index], slots)
            for node, offer in placement
            for name, index, slots in offer.taken
        ]
        for _, _, instance, slots in taken:
            self._stock.take(instance, slots)
        return taken

    def give_back(
        self, returned: Sequence[tuple[str, list[dict[str, Any]], str, object]], nodes: Sequence[NodeEntry]
    ) -> None:
        """Take back what a request got; parameters and errors are those of `Stock.give_back`."""
        self._states(nodes)
        self._stock.give_back(returned)

    def lack(self, requests: Iterable[NodeNeeds], nodes: Sequence[NodeEntry], *, emptied: bool = False) -> Lack:
        """Return what is most plainly missing for a request."""
        states = self._states(nodes, emptied=emptied)
        asked: dict[str, Amount] = {}
        for needs in requests:
            totals: dict[str, Amount] = {}
            for need in needs.items:
                totals[need.type] = totals.get(need.type, 0) + need.slots
            for name, slots in totals.items():
                asked[name] = max(slots, asked.get(name, 0))
        room: dict[str, Amount] = {}
        for state in states:
            for name, instances in state.types:
                room[name] = max(room.get(name, 0), sum(instances.free))
        missing = tuple(sorted(name for name in asked if name not in room))
        short = tuple(
            (name, slots, room[name]) for name, slots in sorted(asked.items()) if slots > room.get(name, slots)
        )
        return Lack(missing, short)

    def capacity(self, name: str, nodes: Sequence[NodeEntry]) -> dict[str, Amount]:
        """Return how many slots of a type each node has when nobody holds any."""
        found = {}
        for node, state in zip(nodes, self._states(nodes), strict=True):
            instances = state.instances(name)
            found[node.name] = 0 if instances is None else sum(instances.full)
        return found

    def _choose(
        self, requests: tuple[NodeNeeds, ...], nodes: Sequence[NodeEntry], *, emptied: bool = False
    ) -> Placement | None:
        return self._chooser.choose(requests, self._states(nodes, emptied=emptied))

    def _states(self, nodes: Sequence[NodeEntry], *, emptied: bool = False) -> tuple[NodeState, ...]:
        states = self._stock.read([(node.name, node.resources, self._place(node)) for node in nodes])
        if not emptied:
            return states
        if self._emptied[0] is not states:
            self._emptied = (states, tuple(state.emptied for state in states))
        return self._emptied[1]

    def _place(self, node: NodeEntry) -> Places | None:
        """Return where the instances of a node stand; the same object as long as they have the same ids."""
        if node.topology is None:
            return None
        lists = [node.resources.get(name, ()) for name in NEAR]
        key = (node.topology, *(tuple(instance["id"] for instance in instances) for instances in lists))
        known = self._places.get(node.name)
        if known is None or known[0] != key:
            tree: Layout | None = layout(node.topology, node.name)
            places = None if tree is None else Places.of(tree, [[i["id"] for i in instances] for instances in lists])
            known = self._places[node.name] = (key, places)
        return known[1]
