"""The exact model of one node: any bundle on any state, by CP-SAT.

`variables` holds what is taken, behind verbs; `wants` turns a request's vertices into constraints, one function a
kind; `flat` does so for equal slots, by counts; `terms` makes the policy's components; `model` wires them, solves
and reads the plan. `hints` says where a search begins.

Slots of cores alone, or of GPUs alone, need no such model: `one_resource` deals them along domains, by `level_bounds`
and `runs`, the flow of which is made in `run_flow` and read in `run_slots`.
"""

from __future__ import annotations
