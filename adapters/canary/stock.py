"""What canary's pool has, read from canary's own lists: which slots are free, and how many there are in all.

canary's lists stay the truth: hooks and options change them at any time, in place or by new lists. So they are read
before every decision, which costs a comparison where nothing changed, and what was decided on an earlier reading holds
as long as the reading is the same object.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from .fitting import Instances
from .locality import Places
from .needs import Amount, NeedError, amount, shown

Resources: TypeAlias = "Mapping[str, list[dict[str, Any]]]"
"""The instances of each type, as canary has them: ``{"cpus": [{"id": "0", "slots": 1}, ...], ...}``."""


@dataclass(frozen=True)
class NodeState:
    """One node at one moment; nodes that are alike are equal.

    Attributes
    ----------
    types
        The instances of each type.
    places
        Where cpus and gpus stand, if that is known.
    """

    types: tuple[tuple[str, Instances], ...]
    places: Places | None = None
    _hash: int = field(init=False, repr=False, compare=False, default=0)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash((self.types, self.places)))

    def __hash__(self) -> int:
        return self._hash

    def instances(self, name: str) -> Instances | None:
        """Return the instances of a type, None when the node does not know it."""
        return next((instances for known, instances in self.types if known == name), None)

    @property
    def unused(self) -> bool:
        """Whether nobody holds anything of the node."""
        return all(instances.free == instances.full for _, instances in self.types)

    @property
    def emptied(self) -> NodeState:
        """The same node when nobody holds anything of it."""
        return NodeState(tuple((name, Instances(i.full, i.full)) for name, i in self.types), self.places)


class Shelf:
    """What is known of one node from the last reading."""

    def __init__(self) -> None:
        self._raw: list[Any] = []
        self._lists: list[tuple[str, list[dict[str, Any]]]] = []
        self._full: dict[int, tuple[dict[str, Any], Amount]] = {}
        self._places: Places | None = None
        self.state = NodeState(())

    def read(self, resources: Resources, places: Places | None, *, held: bool) -> NodeState:
        """Return the state of the node; the same object when nothing changed.

        Parameters
        ----------
        held
            Whether anything of the pool is held: what is free then can be less than what there is.
        """
        try:
            raw = [instance["slots"] for instances in resources.values() for instance in instances]
        except KeyError:
            raw = [instance.get("slots", 1) for instances in resources.values() for instance in instances]
        if raw == self._raw and places is self._places and self._same_lists(resources):
            return self.state
        full: dict[int, tuple[dict[str, Any], Amount]] = {}
        types = []
        for name, instances in resources.items():
            free = tuple(max(0, amount(instance.get("slots", 1))) for instance in instances)
            for instance, slots in zip(instances, free, strict=True):
                known = self._full.get(id(instance)) if held else None
                full[id(instance)] = (instance, slots if known is None else max(slots, known[1]))
            types.append((name, Instances(free, tuple(full[id(instance)][1] for instance in instances))))
        self._raw, self._full, self._places = raw, full, places
        self._lists = [(name, instances) for name, instances in resources.items()]
        self.state = NodeState(tuple(types), places)
        return self.state

    def _same_lists(self, resources: Resources) -> bool:
        if len(resources) != len(self._lists):
            return False
        for (name, instances), (known, listed) in zip(resources.items(), self._lists, strict=True):
            if instances is not listed or name != known:
                return False
        return True

    def full(self, instance: dict[str, Any]) -> Amount:
        """Return how many slots an instance has when nobody holds any."""
        known = self._full.get(id(instance))
        return amount(instance.get("slots", 1)) if known is None else known[1]


class Stock:
    """What is known of a pool: its nodes, and how much of them is held."""

    def __init__(self) -> None:
        self._shelves: dict[str, Shelf] = {}
        self._states: tuple[NodeState, ...] = ()
        self._held: Amount = 0

    def forget(self) -> None:
        """Start anew: the pool was filled with something else."""
        self._shelves.clear()
        self._states = ()
        self._held = 0

    def read(self, nodes: Sequence[tuple[str, Resources, Places | None]]) -> tuple[NodeState, ...]:
        """Return the state of every node; the same tuple when nothing changed."""
        if len(nodes) != len(self._shelves):
            self._shelves = {name: self._shelves.get(name) or Shelf() for name, _, _ in nodes}
        shelves, held = self._shelves, bool(self._held)
        for name, _, _ in nodes:
            if name not in shelves:
                shelves[name] = Shelf()
        states = tuple(shelves[name].read(resources, places, held=held) for name, resources, places in nodes)
        if len(states) != len(self._states) or any(a is not b for a, b in zip(states, self._states, strict=True)):
            self._states = states
        return self._states

    def take(self, instance: dict[str, Any], slots: Amount) -> None:
        """Let slots of an instance be held."""
        instance["slots"] = shown(amount(instance.get("slots", 1)) - slots)
        self._held += slots

    def give_back(self, returned: Sequence[tuple[str, list[dict[str, Any]], str, object]]) -> None:
        """Take slots back, all or, when anything is wrong with them, none.

        Parameters
        ----------
        returned
            Of each entry: the node's name, the instances of the type there, the instance's id, and the slots.

        Raises
        ------
        ValueError
            For an id that is not there, for a number of slots that is none or not above zero, and for more slots than
            anybody holds.
        """
        after: dict[int, tuple[dict[str, Any], Amount]] = {}
        total: Amount = 0
        for node, instances, name, value in returned:
            slots = amount(value)
            if slots <= 0:
                raise NeedError(f"slots must be > 0: {value!r} of {name!r} on node {node!r}")
            alike = [instance for instance in instances if str(instance["id"]) == name]
            if not alike:
                raise ValueError(f"Attempting to checkin a resource with unknown ID: {name!r} on node {node!r}")
            for instance in alike:
                free = after[id(instance)][1] if id(instance) in after else amount(instance.get("slots", 1))
                shelf = self._shelves.get(node)
                if free + slots <= (free if shelf is None else shelf.full(instance)):
                    after[id(instance)] = (instance, free + slots)
                    break
            else:
                raise ValueError(f"checkin would overfill {name!r} on node {node!r}: nobody holds {value} slots of it")
            total += slots
        for instance, slots in after.values():
            instance["slots"] = shown(slots)
        self._held -= total
