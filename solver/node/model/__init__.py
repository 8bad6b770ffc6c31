"""The exact model of one node: any bundle on any state, by CP-SAT.

`variables` holds what is taken, behind verbs; `wants` turns a request's vertices into constraints, one function a
kind; `flat` does so for equal slots, by counts; `terms` makes the policy's components; `model` wires them, solves
and reads the plan.
"""

from __future__ import annotations
