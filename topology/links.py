"""How the GPUs of nodes are joined: `scheduling.exactfit.links`, for which RFC 49 has no place.

Each entry says of some ranks which GPUs there are and how well each pair of them is joined, the more the better, in
units of the writer's: `{"ranks": "0-3", "gpus": "0-3", "bandwidth": [[0, 50, 25, 0], ...]}`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import gcd
from typing import Any

from ..grammar.idset import IdSet, text_mask
from .expect import array_of, malformed

Bandwidths = tuple[tuple[int, ...], ...]
"""How well each pair of some GPUs is joined."""

Links = tuple[tuple[int, int, int], ...]
"""Pairs of GPU ids, the lower first, that are joined by less than the best pair of the node, and by how much."""

MAX_GPUS = 64
MOST = 2**31


def lacks_of(bandwidths: Bandwidths, ids: Sequence[int] | None = None) -> Links:
    """Return which pairs are joined by less than the best, and how much less in the largest whole steps.

    Parameters
    ----------
    ids
        Of the GPUs, ascending; 0, 1, 2, ... by default.
    """
    numbers = range(len(bandwidths)) if ids is None else ids
    joined = {
        (numbers[i], numbers[j]): min(bandwidths[i][j], bandwidths[j][i])
        for i in range(len(bandwidths))
        for j in range(i + 1, len(bandwidths))
    }
    best = max(joined.values(), default=0)
    step = gcd(*(best - value for value in joined.values())) or 1
    return tuple((one, other, (best - value) // step) for (one, other), value in joined.items() if value < best)


def lack_of(links: Links, gpus: int) -> int:
    """Return by how much less the pairs among some GPUs, a bitmask of ids, are joined than by the best links."""
    return sum(less for one, other, less in links if gpus >> one & 1 and gpus >> other & 1)


def read_links(written: object, mask_of: Callable[[IdSet], int]) -> list[tuple[int, Links]]:
    """Return which positions (bitmasks) have which links; what all are joined alike by is none.

    Parameters
    ----------
    written
        `scheduling.exactfit`.
    mask_of
        Returns the positions of ranks, of those that there are.

    Raises
    ------
    ValueError
        It is not as the module says; the message names the place.
    """
    if not isinstance(written, Mapping) or written.get("links") is None:
        return []
    found: list[tuple[int, Links]] = []
    seen = 0
    for n, entry in enumerate(array_of(written["links"], "scheduling.exactfit.links")):
        place = f"scheduling.exactfit.links[{n}]"
        try:
            ranks, gpus, rows = IdSet.parse(entry["ranks"]), text_mask(entry["gpus"]), entry["bandwidth"]
        except (KeyError, TypeError, IndexError, AttributeError):
            raise malformed(entry, place, "ranks", "gpus", "bandwidth") from None
        except ValueError as error:
            raise ValueError(f"{place}: {error}") from None
        ids = [number for number in range(gpus.bit_length()) if gpus >> number & 1]
        nodes = mask_of(ranks)
        if nodes & seen:
            raise ValueError(f"{place}.ranks: a rank has links twice")
        seen |= nodes
        links = lacks_of(_matrix(rows, len(ids), f"{place}.bandwidth"), ids)
        if nodes and links:
            found.append((nodes, links))
    return found


def _matrix(rows: object, size: int, place: str) -> Bandwidths:
    if size > MAX_GPUS:
        raise ValueError(f"{place}: of more than {MAX_GPUS} GPUs")
    if not isinstance(rows, list | tuple) or len(rows) != size:
        raise ValueError(f"{place}: expected {size} rows, one for each GPU")
    for row in rows:
        if not isinstance(row, list | tuple) or len(row) != size:
            raise ValueError(f"{place}: expected {size} numbers in each row")
        if not all(isinstance(value, int) and not isinstance(value, bool) and 0 <= value < MOST for value in row):
            raise ValueError(f"{place}: expected whole numbers from 0 to {MOST - 1}")
    return tuple(map(tuple, rows))


def links_entry(ranks: str, gpus: str, bandwidths: Bandwidths) -> dict[str, Any]:
    """Return an entry of `scheduling.exactfit.links`."""
    return {"ranks": ranks, "gpus": gpus, "bandwidth": [list(row) for row in bandwidths]}
