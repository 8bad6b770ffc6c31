"""The pool of canary-wm 26.3 and 26.4: one node, `resources` by type, requests that are lists of items."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any, ClassVar

from .book import Book, NodeEntry
from .layouts import KEY
from .needs import NeedError, NodeNeeds, shown


class SingleNodePool:
    """What differs from canary's own `ResourcePool`, which stands behind this in the order of classes."""

    canary: ClassVar[ModuleType]
    """The module of canary's own class."""

    resources: dict[str, list[dict[str, Any]]]
    additional_properties: dict[str, Any]

    def __init__(self, pool: dict[str, Any] | None = None) -> None:
        self._book = Book()
        super().__init__(pool)  # type: ignore[call-arg]  # canary's class stands behind

    def clear(self) -> None:
        """Forget everything."""
        self._book.forget()
        super().clear()  # type: ignore[misc]

    def accommodates(self, request: Sequence[Mapping[str, Any]]) -> Any:
        """Tell whether the pool can serve a request when nobody holds anything."""
        self._refuse_empty()
        outcome = self.canary.Outcome
        try:
            needs = self._book.needs(request)
        except NeedError as error:
            return outcome(False, reason=str(error))
        nodes = self._nodes()
        if self._book.fits((needs,), nodes, emptied=True):
            return outcome(True)
        return outcome(False, reason=self._reason(needs, nodes, emptied=True))

    def checkout(self, request: Sequence[Mapping[str, Any]], **kwds: Any) -> dict[str, list[dict[str, Any]]]:  # noqa: ARG002  # canary allows any
        """Take what a request asks for.

        Returns
        -------
        dict[str, list[dict[str, Any]]]
            ``{type: [{"id": ..., "slots": ...}, ...]}`` in the order of the request; an item that had to be torn has
            several entries.
        """
        self._refuse_empty()
        unavailable = self.canary.ResourceUnavailable
        try:
            needs = self._book.needs(request)
        except NeedError as error:
            raise unavailable(str(error)) from None
        for need in needs.items:
            if need.type not in self.resources:
                raise TypeError(f"Unknown resource requirement type {need.type!r}")
        nodes = self._nodes()
        taken = self._book.take((needs,), nodes)
        if taken is None:
            raise unavailable(_short_reason(needs))
        acquired: dict[str, list[dict[str, Any]]] = {need.type: [] for need in needs.items}
        for _, name, instance, slots in taken:
            acquired[name].append({"id": instance["id"], "slots": shown(slots)})
        return acquired

    def checkin(self, resources: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        """Take back what a request got, all of it or, when anything is wrong, nothing.

        Raises
        ------
        KeyError
            For a type that the pool does not know.
        ValueError
            For an id that it does not know, and for slots that nobody holds.
        """
        [node] = nodes = self._nodes()
        returned = [
            (node.name, self.resources[name], str(entry["id"]), entry["slots"])
            for name, entries in resources.items()
            for entry in entries
            if entry["slots"] != 0
        ]
        self._book.give_back(returned, nodes)

    def _nodes(self) -> list[NodeEntry]:
        return [NodeEntry(os.uname().nodename, self.resources, self.additional_properties.get(KEY))]

    def _refuse_empty(self) -> None:
        if not self.resources:
            raise self.canary.EmptyResourcePoolError

    def _reason(self, needs: NodeNeeds, nodes: Sequence[NodeEntry], *, emptied: bool) -> str:
        lack = self._book.lack((needs,), nodes, emptied=emptied)
        if lack.missing:
            plural = "s" if len(lack.missing) > 1 else ""
            return f"Resource{plural} unavailable: [bold]{','.join(lack.missing)}[/]"
        if lack.short:
            return "insufficient slots of " + ", ".join(
                f"[bold]{name}[/] (requested {shown(asked)}, available {shown(there)})"
                for name, asked, there in lack.short
            )
        return _short_reason(needs)


def _short_reason(needs: NodeNeeds) -> str:
    types = ", ".join(f"[bold]{name}[/]" for name in dict.fromkeys(need.type for need in needs.items))
    return f"no room for the items of {types} together"
