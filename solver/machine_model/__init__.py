"""The exact model of the machine: which groups, and how many nodes of which state give which bundle.

Needed where a choice on one node bears on another: groups that are asked for or compared, amounts that nodes share,
several demands at once, many loose units. `cells` cuts the machine into nodes that are equal in all that matters,
`patterns` lists what a node of each state can do, `model` wires counts of both, solves and reads the picks.
"""

from __future__ import annotations
