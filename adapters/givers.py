"""Domains that give memory and the like to slots which have no core or GPU there, as R says of a slot in `domains`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from ..grammar.idset import IdSet, text_mask
from ..topology.machine import Machine
from ..topology.tree import Domain, NodeType

Given = tuple[tuple[str, str, float], ...]
"""Resource, domain (`numa 1`) and amount."""

_LINES = 8
"""Lines that are said of a job at most."""


def given_to(slot: Mapping[str, Any]) -> Given:
    """Return what R says of the domains that give a slot amounts; nothing where it leaves that open."""
    said = slot.get("domains", {})
    return tuple((name, domain, amount) for name in sorted(said) for domain, amount in said[name].items())


@lru_cache(maxsize=4096)
def around(kind: NodeType, given: Given) -> frozenset[int]:
    """Return the domains of a node, by place, that give amounts, and all around them."""
    by_name = {_name(domain): domain.index for domain in kind.domains}
    found = set()
    for _, name, _ in given:
        index = by_name.get(name, -1)
        while index >= 0:
            found.add(index)
            index = kind.domains[index].parent
    return frozenset(found)


@lru_cache(maxsize=4096)
def least_giving(kind: NodeType, level: str, given: Given) -> int:
    """Return in how few domains of a level such a node could have as much."""
    total: defaultdict[str, float] = defaultdict(float)
    for name, _, amount in given:
        total[name] += amount
    domains = kind.by_level.get(level, ())
    need = 0
    for name, wanted in total.items():
        inside = sorted((_all_of(kind, domain, name) for domain in domains), reverse=True)
        need = max(need, fewest(inside, wanted - (_all_of(kind, kind.domains[0], name) - sum(inside))))
    return need


def fewest(sizes: Iterable[float], wanted: float) -> int:
    """Return how few of these come to so much together; all of them where they do not."""
    taken = 0
    for size in sorted(sizes, reverse=True):
        if wanted <= 0:
            break
        wanted -= size
        taken += 1
    return taken


def sentences(machine: Machine, number: int, R: Mapping[str, Any]) -> list[str]:
    """Return a line for each slot of a job that has amounts of domains where it has no core and no GPU."""
    lines = list(_sentences(machine, number, R))
    more = len(lines) - _LINES
    return [*lines[:_LINES], f"job {number}: and so have {more} more slots"] if more > 0 else lines


def _sentences(machine: Machine, number: int, R: Mapping[str, Any]) -> Iterator[str]:
    for entry in (R.get("scheduling") or {}).get("placement", ()):
        for slot in entry.get("slots", ()):
            for name, parts in slot.get("domains", {}).items():
                ranks = IdSet.parse(entry["ranks"])
                where = f"rank{'s' if len(ranks) > 1 else ''} {ranks}"
                beside = _beside(machine, ranks, slot)
                listed = ", ".join(f"{_said(name, amount)} of {domain}" for domain, amount in parts.items())
                yield f"job {number}, {where}: the slot {beside} has {listed}"


def _beside(machine: Machine, ranks: IdSet, slot: Mapping[str, Any]) -> str:
    kind = machine.type_at(machine.position(next(iter(ranks))))
    cores, gpus = text_mask(slot.get("cores", "")), text_mask(slot.get("gpus", ""))
    inner = [_name(domain) for domain in kind.domains if domain.own_cores & cores or domain.own_gpus & gpus]
    return f"in {' and '.join(inner) if len(inner) < 3 else f'{len(inner)} domains'}"


def _said(name: str, amount: float) -> str:
    return f"{amount:.6g} GiB {name}" if name in ("memory", "storage") else f"{name} {amount:g}"


def _name(domain: Domain) -> str:
    return f"{domain.level} {domain.number}"


def _all_of(kind: NodeType, domain: Domain, name: str) -> float:
    return sum(_own(below, name) for below in _inside(kind.domains, domain))


def _inside(domains: Sequence[Domain], domain: Domain) -> Iterable[Domain]:
    inside = [domain]
    for each in inside:
        inside.extend(domains[child] for child in each.children)
    return inside


def _own(domain: Domain, name: str) -> float:
    if name in ("memory", "storage"):
        return float((domain.memory if name == "memory" else domain.storage) or 0)
    return dict(domain.resources).get(name, 0)
