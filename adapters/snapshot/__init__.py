"""The running system in one file: machine, what is down and why, who runs, and the queue, from Flux or Slurm.

`model` is what a snapshot holds and its form in JSON; `flux_system` and `slurm_system` take one by commands that every
user may run and that change nothing; `anonymous` replaces names by numbers.
"""
