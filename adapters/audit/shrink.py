"""Makes a stream smaller as long as it still shows what it showed: fewer steps, less of a machine, less asked."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

from ...grammar.idset import IdSet
from .steps import Ask, Json, Stream

TRIES = 400
"""Streams that are tried in making one smaller."""


def shrink(stream: Stream, shows: Callable[[Stream], bool], tries: int = TRIES) -> Stream:
    """Return the smallest stream that was found to show something.

    Parameters
    ----------
    stream
        One that shows it.
    shows
        Whether another one does.
    tries
        How many others are tried at most.

    Notes
    -----
    It takes the first smaller stream that shows the same and begins again with it, until none does.
    """
    while True:
        for smaller in _smaller(stream):
            if tries <= 0:
                return stream
            tries -= 1
            if shows(smaller):
                stream = smaller
                break
        else:
            return stream


def without_steps(stream: Stream, shows: Callable[[Stream], bool]) -> Stream:
    """Return a stream without the steps that it shows the same without, one or two at a time; the last one stays."""
    for number in (1, 2, 1):
        for places in combinations(reversed(range(len(stream.steps) - 1)), number):
            if max(places) < len(stream.steps) - 1:
                left = tuple(step for place, step in enumerate(stream.steps) if place not in places)
                if shows(shorter := replace(stream, steps=left)):
                    stream = shorter
    return stream


def _smaller(stream: Stream) -> Iterator[Stream]:
    """Go through streams that are a little smaller, those first that are much."""
    for place in range(len(stream.steps)):
        yield replace(stream, steps=stream.steps[:place] + stream.steps[place + 1 :])
    for R in _smaller_R(stream.R):
        yield replace(stream, R=R)
    for place, step in enumerate(stream.steps):
        if isinstance(step, Ask):
            for ask in _smaller_ask(step):
                yield replace(stream, steps=(*stream.steps[:place], ask, *stream.steps[place + 1 :]))


def _smaller_ask(ask: Ask) -> Iterator[Ask]:
    if ask.constraint is not None:
        yield replace(ask, constraint=None)
    for resources in _smaller_list(ask.resources):
        if resources:
            yield replace(ask, resources=tuple(resources))


def _smaller_list(vertices: Sequence[Json]) -> Iterator[list[Json]]:
    for place, vertex in enumerate(vertices):
        before, after = list(vertices[:place]), list(vertices[place + 1 :])
        yield [*before, *after]
        if vertex.get("with"):
            yield [*before, *vertex["with"], *after]
        for smaller in _smaller_vertex(vertex):
            yield [*before, smaller, *after]


def _smaller_vertex(vertex: Json) -> Iterator[Json]:
    for key in ("exclusive", "id", "unit"):
        if key in vertex:
            yield {name: value for name, value in vertex.items() if name != key}
    for count in _smaller_counts(vertex["count"]):
        yield {**vertex, "count": count}
    if vertex.get("with"):
        for children in _smaller_list(vertex["with"]):
            if children:
                yield {**vertex, "with": children}


def _smaller_counts(count: Any) -> Iterator[Any]:
    if isinstance(count, int):
        yield from sorted({n for n in (1, count // 2, count - 1) if 0 < n < count})
    elif isinstance(count, dict):
        yield count["min"]
        if "operator" in count:
            yield {name: count[name] for name in ("min", "max") if name in count}
    else:
        yield from (1, 2, 3)


def _smaller_R(R: Json) -> Iterator[Json]:
    """Go through machines with less in them."""
    ranks = [rank for entry in R["execution"]["R_lite"] for rank in IdSet.parse(str(entry["rank"]))]
    if len(ranks) > 1:
        for rank in reversed(ranks):
            yield _without_rank(R, rank, ranks)
    if R["execution"].get("properties"):
        yield {**R, "execution": {**R["execution"], "properties": {}}}
    if "scheduling" in R:
        yield {name: value for name, value in R.items() if name != "scheduling"}
        if "groups" in R["scheduling"]:
            yield {**R, "scheduling": {name: v for name, v in R["scheduling"].items() if name != "groups"}}
        yield from _smaller_trees(R)


def _without_rank(R: Json, rank: int, ranks: Sequence[int]) -> Json:
    """Return R without a rank; its host is the one at its place."""
    made = copy.deepcopy(R)
    execution = made["execution"]
    execution["R_lite"] = _cut(execution["R_lite"], "rank", rank)
    hosts = _hosts(execution["nodelist"])
    execution["nodelist"] = [name for name, other in zip(hosts, sorted(ranks), strict=True) if other != rank]
    for name, said in list(execution.get("properties", {}).items()):
        left = IdSet.parse(said) - IdSet.of([rank])
        execution["properties"][name] = str(left)
        if not left:
            del execution["properties"][name]
    scheduling = made.get("scheduling", {})
    if "children" in scheduling:
        scheduling["children"] = _cut(scheduling["children"], "ranks", rank)
    if "groups" in scheduling:
        scheduling["groups"] = _cut_groups(scheduling["groups"], rank)
    return made


def _hosts(nodelist: Sequence[str]) -> list[str]:
    from ...grammar.hostlist import Hostlist

    return list(Hostlist.parse(",".join(nodelist)))


def _cut(entries: Sequence[Json], key: str, rank: int) -> list[Json]:
    left = [{**entry, key: IdSet.parse(str(entry[key])) - IdSet.of([rank])} for entry in entries]
    return [{**entry, key: str(entry[key])} for entry in left if entry[key]]


def _cut_groups(groups: Json, rank: int) -> Json:
    made: Json = {}
    for name, value in groups.items():
        if isinstance(value, list) and all(isinstance(item, dict) for item in value):
            inside = [_cut_groups(item, rank) for item in value]
            made[name] = [item for item in inside if item.get("ranks") != ""]
        else:
            made[name] = str(IdSet.parse(value) - IdSet.of([rank])) if name == "ranks" else value
    return made


def _smaller_trees(R: Json) -> Iterator[Json]:
    """Go through machines whose trees list less that is neither core nor GPU."""
    names = {name for entry in R["scheduling"]["children"] for name in _amounts(entry["topo"])}
    for name in sorted(names):
        made = copy.deepcopy(R)
        for entry in made["scheduling"]["children"]:
            entry["topo"] = _without(entry["topo"], name)
        yield made


def _amounts(topo: Json) -> Iterator[str]:
    for name, value in topo.items():
        if name == "storage" or isinstance(value, int | float):
            yield name
        elif isinstance(value, list):
            for inner in value:
                yield from _amounts(inner)


def _without(topo: Json, name: str) -> Json:
    return {
        key: [_without(inner, name) for inner in value] if isinstance(value, list) and key != "storage" else value
        for key, value in topo.items()
        if key != name
    }
