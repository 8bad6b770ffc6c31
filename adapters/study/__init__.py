"""Offline studies: what a machine would have done with its jobs under another pool, another policy, more load.

- `workloads`: jobs from Standard Workload Format traces, Flux, Slurm and a generator.
- `rules`, `expression`, `submissions`, `generate`: which shape jobs have; `outline`: the machine in few numbers.
- `shapes_said`: whose shapes they are, what was rounded, and whether slots can be torn, in words.
- `task`: one simulation to be run, as plain values that travel to a worker.
- `pools`, `probe`: pool classes by name, and what is noted of each of their decisions.
- `run`: one simulation through the offline twin; `measures`, `locality`, `intact`, `figures`: what is read off it.
- `greed`: what a pool places of a batch against the optimum of the whole batch.
- `plan`, `engines`, `worker`, `store`, `columns`: sweeps, on which engine they run, and what keeps what is done.
- `findings`: what is in no average; `verdict`: whether it is worth loading a pool here, in words.
- `groups`, `plots`, `report`, `html`, `summary`: results over seeds, the pictures and the page.
"""
