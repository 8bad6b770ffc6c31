"""Requests that name no group, as vector bin packing: what a node gives is a vector, so many of each item.

`items` are what is asked for, `fields` packs vectors into integers, `vector_solutions` are what a node of each state
can give and at what cost, `room` finds some way to meet them, `cheapest` the best one, and `choose` is the door.
"""

from __future__ import annotations

from .choose import choose_packing, fits_packing, on_one_node
from .items import Items

__all__ = ["Items", "choose_packing", "fits_packing", "on_one_node"]
