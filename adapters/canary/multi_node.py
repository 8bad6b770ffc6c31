"""The pool of canary-wm 26.9 and later: `nodes`, and a `NodeRequest` for each node that a test wants."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any, ClassVar

from ...topology.expect import short
from .book import Book, NodeEntry
from .layouts import KEY
from .needs import NODE_TYPES, NeedError, NodeNeeds, amount, shown


class MultiNodePool:
    """What differs from canary's own `ResourcePool`, which stands behind this in the order of classes."""

    canary: ClassVar[ModuleType]
    """The module of canary's own class."""

    nodes: list[Any]
    additional_properties: dict[str, Any]
    allow_multinode: bool

    def __init__(self, pool: dict[str, Any] | None = None, allow_multinode: bool = True) -> None:
        self._book = Book()
        super().__init__(pool, allow_multinode=allow_multinode)  # type: ignore[call-arg]  # canary's class

    def clear(self) -> None:
        """Forget everything."""
        self._book.forget()
        super().clear()  # type: ignore[misc]

    def fill(self, pool: dict[str, Any]) -> None:
        """Start anew with what a specification lists."""
        super().fill(pool)  # type: ignore[misc]
        if "allow_multinode" in pool:
            self.allow_multinode = pool["allow_multinode"]

    def getstate(self) -> dict[str, Any]:
        """Return what `fill` takes. That nodes may be several is the default, and is not said."""
        state: dict[str, Any] = super().getstate()  # type: ignore[misc]
        return state if self.allow_multinode else {"allow_multinode": False, **state}

    def slots_by_node(self, rtype: str) -> dict[str, int]:
        """Return the slots that each node has when nobody holds any, whatever the options changed since it was made."""
        name = self._resolve_type(rtype)  # type: ignore[attr-defined]
        if name == "nodes":
            return {node.id: 1 for node in self.nodes}
        return {node: int(slots) for node, slots in self._book.capacity(name, self._entries()).items()}

    def accommodates(self, request: Sequence[Any]) -> Any:
        """Tell whether a request can be served now: whether `checkout` would succeed."""
        reason = self._refusal(request)
        return self.canary.Outcome(True) if reason is None else self.canary.Outcome(False, reason=reason)

    def checkout(self, request: Sequence[Any], **kwds: Any) -> dict[str, dict[str, Any]]:  # noqa: ARG002  # canary allows any
        """Take what a request asks for, each of its nodes a different one.

        Returns
        -------
        dict[str, dict[str, Any]]
            ``{"metadata": {}, "resources": {type: [{"node": ..., "id": ..., "slots": ...}, ...]}}`` in the order of the
            request; an item that had to be torn has several entries.
        """
        self._refuse_empty()
        unavailable = self.canary.ResourceUnavailable
        try:
            needs = self._needs(request)
        except NeedError as error:
            raise unavailable(str(error)) from None
        taken = self._book.take(needs, self._entries())
        if taken is None:
            raise unavailable(
                f"Cannot checkout a request requiring {len(needs)} node(s) from the {len(self.nodes)} there are"
            )
        acquired: dict[str, list[dict[str, Any]]] = {}
        for node, name, instance, slots in taken:
            entry = {**copy.deepcopy(instance), "slots": shown(slots), "node": node.name}
            acquired.setdefault(name, []).append(entry)
        self._recount()
        return {"metadata": {}, "resources": acquired}

    def checkin(self, allocation: Mapping[str, Any]) -> None:
        """Take back what a request got, all of it or, when anything is wrong, nothing.

        Raises
        ------
        ValueError
            For an allocation of another form, for an id or type that the node does not know, and for slots that nobody
            holds.
        ResourceUnavailable
            For a node that the pool does not know.
        """
        resources = allocation.get("resources")
        if not isinstance(resources, Mapping):
            raise ValueError("allocation missing resources mapping")
        returned = []
        for name, entries in resources.items():
            if not isinstance(entries, list):
                raise ValueError(f"allocation resources for {name!r} must be a list")
            for entry in entries:
                node = self.get_node(_part(entry, "node"))  # type: ignore[attr-defined]
                if name not in node.resources:
                    raise ValueError(f"unknown resource type {name!r} on node {node.id!r}")
                returned.append((node.id, node.resources[name], str(_part(entry, "id")), _part(entry, "slots")))
        self._book.give_back(returned, self._entries())
        self._recount()

    def set_slots_per_resource(self, rtype: str, slots: int, *, node_id: str | None = None) -> None:
        """Give every instance of a type so many slots."""
        super().set_slots_per_resource(rtype, slots, node_id=node_id)  # type: ignore[misc]
        self._book.forget()

    def _refusal(self, request: Sequence[Any]) -> str | None:
        self._refuse_empty()
        try:
            needs = self._needs(request)
        except NeedError as error:
            return str(error)
        entries = self._entries()
        if self._book.fits(needs, entries):
            return None
        return self._reason(needs, entries)

    def _reason(self, needs: Sequence[NodeNeeds], entries: Sequence[NodeEntry]) -> str:
        where = f"node {entries[0].name}" if len(entries) == 1 else f"any of {len(entries)} nodes"
        lack = self._book.lack(needs, entries)
        if lack.missing:
            plural = "s" if len(lack.missing) > 1 else ""
            return f"Resource{plural} unavailable on {where}: [bold]{','.join(lack.missing)}[/]"
        if lack.short:
            return f"insufficient slots on {where} of " + ", ".join(
                f"[bold]{name}[/] (requested {shown(asked)}, available {shown(there)})"
                for name, asked, there in lack.short
            )
        whole = " that are free as a whole" if any(part.exclusive for part in needs) else ""
        return f"no {len(needs)} of {len(entries)} node(s){whole} have room for the request"

    def _needs(self, request: Sequence[Any]) -> tuple[NodeNeeds, ...]:
        """Return what is asked of each node.

        Notes
        -----
        canary's documentation also has requests that are lists of items, one of which may say how many nodes.
        """
        if any(isinstance(part, Mapping) for part in request):
            nodes, items = 1, []
            for item in request:
                if item.get("type") in NODE_TYPES:
                    nodes = max(1, int(amount(item.get("slots", 1))))
                else:
                    items.append(item)
            parts = (self._book.needs(self._resolved(items)),) * nodes
        else:
            parts = tuple(
                self._book.needs(self._resolved(part.resources), exclusive=bool(part.exclusive)) for part in request
            )
        if len(parts) > 1 and not self.allow_multinode:
            raise NeedError("Multi-node allocation requested but this resource pool does not allow it")
        return parts

    def _resolved(self, items: Sequence[Any]) -> list[Any]:
        """Return items with the names of types that the pool has: `cpu` means `cpus`."""
        plain = {name for node in self.nodes for name in node.resources}
        resolved = []
        for item in items:
            name = item.get("type") if isinstance(item, Mapping) else None
            if name in NODE_TYPES:
                continue
            resolved.append(item if name in plain or f"{name}s" not in plain else {**item, "type": f"{name}s"})
        return resolved

    def _entries(self) -> list[NodeEntry]:
        topology = self.additional_properties.get(KEY)
        return [
            NodeEntry(node.id, node.resources, node.additional_properties.get(KEY, topology)) for node in self.nodes
        ]

    def _recount(self) -> None:
        for node in self.nodes:
            node._recompute_slots()

    def _refuse_empty(self) -> None:
        if not self.nodes:
            raise self.canary.EmptyResourcePoolError


def _part(entry: object, name: str) -> Any:
    if not isinstance(entry, Mapping):
        raise ValueError(f"malformed allocation resource entry: {short(entry)}")
    if name not in entry:
        raise ValueError(f"allocation resource entry missing {name}: {short(entry)}")
    return entry[name]
