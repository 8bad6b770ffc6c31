"""What an R lists: the ids of each rank, the names of its levels and of its amounts."""

from __future__ import annotations

from typing import Any

from ....grammar.idset import IdSet

Json = dict[str, Any]


def resources_of(R: Json) -> dict[int, tuple[set[int], set[int]]]:
    """Return the core and gpu ids of each rank."""
    return {
        rank: (
            set(IdSet.parse(entry["children"]["core"])),
            set(IdSet.parse(entry["children"].get("gpu", ""))),
        )
        for entry in R["execution"]["R_lite"]
        for rank in IdSet.parse(entry["rank"])
    }


def levels_of(R: Json) -> tuple[str, ...]:
    """Return the names of the levels below the node, in no order that matters."""
    found: list[str] = []

    def walk(value: Json) -> None:
        for key, items in value.items():
            if isinstance(items, list) and key != "storage":
                found.append(key)
                for item in items:
                    walk(item)

    for entry in R.get("scheduling", {}).get("children", ()):
        walk(entry["topo"])
    return tuple(dict.fromkeys(found))


def group_levels_of(R: Json) -> tuple[str, ...]:
    """Return the names of the levels above the node."""
    groups = R.get("scheduling", {}).get("groups", {})
    return ("cluster", "rack") if "cluster" in groups else tuple(groups)


def stock_of(R: Json) -> tuple[str, ...]:
    """Return the names of memory, storage and other amounts that the machine lists."""
    scheduling = R.get("scheduling", {})
    topos = [entry["topo"] for entry in scheduling.get("children", ())]
    return tuple(dict.fromkeys(name for one in (*topos, scheduling.get("groups", {})) for name in names_in(one)))


def names_in(listing: Json) -> list[str]:
    """Return the names of amounts in a domain or a group and all inside it."""
    found: list[str] = []
    for key, item in listing.items():
        if isinstance(item, int | float) or key == "storage":
            found.append(key)
        elif isinstance(item, list):
            found += [name for inner in item for name in names_in(inner)]
    return found


def group_stock_of(R: Json) -> frozenset[str]:
    """Return what groups list beside their nodes."""

    def names(listing: Json) -> set[str]:
        found: set[str] = set()
        for key, value in listing.items():
            if key == "storage" or not isinstance(value, list | str):
                found.add(key)
            elif isinstance(value, list):
                found |= {name for below in value for name in names(below)}
        return found

    return frozenset(names(R.get("scheduling", {}).get("groups", {})))


def node_stock(R: Json, rank: int) -> Json:
    """Return what the node itself lists of memory and the like: what a job took of it leaves no doubt about where."""
    for entry in R.get("scheduling", {}).get("children", ()):
        if rank in IdSet.parse(entry["ranks"]):
            topo = entry["topo"]
            inside = names_in({key: item for key, item in topo.items() if isinstance(item, list)})
            return {name: n for name, n in topo.items() if isinstance(n, int) and name not in inside}
    return {}
