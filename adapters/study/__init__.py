"""Offline studies: what would a machine have done with its jobs under another pool, another policy, more load?

- `workloads`: jobs from Standard Workload Format traces, Flux, Slurm and a generator.
- `rules`: which shape a trace's processors, GPUs and memory become.
- `task`: one simulation to be run, as plain values that travel to a worker.
- `pools`, `probe`: pool classes by name, and what is noted of each of their decisions.
- `run`: one simulation through the offline twin; `measures`, `locality`, `intact`, `figures`: what is read off it.
- `greed`: what a pool places of a batch against the optimum of the whole batch.
- `axes`, `plan`, `engines`, `store`: sweeps, over which engine they run, and what keeps what is done.
- `plots`, `report`, `html`: the pictures and the page.
"""
