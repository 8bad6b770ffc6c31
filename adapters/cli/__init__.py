"""The command line: place jobs on a machine, show and convert machines, judge placements.

`app` wires the commands; each has a module of its own (`place`, `topo`, `check`). What they read is in
`machine_input`, `job_input` and `state_input`, what they print in `tables`.
"""

from __future__ import annotations

from .app import app, main

__all__ = ["app", "main"]
