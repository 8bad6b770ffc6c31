"""A Flux instance without a broker, in virtual time: job manager, scheduler module and policies around a real pool.

It makes the same calls on a pool class, in the same order, as `flux.scheduler.Scheduler` and the modules sched-fifo and
sched-backfill do, so a pool that serves the twin serves Flux; and it is quick, so it also runs studies of many jobs.

- `jobs`: what is submitted and what becomes of it.
- `events`: what happens from outside, and when.
- `scheduler`: the scheduler module's side of RFC 27 around one pool.
- `policies`: FIFO, EASY as published, and backfill as Flux does it; `conservative`: conservative backfill.
- `batches`: parts of an R, as the job manager returns them.
- `simulation`: the job manager, the resource module and the clock.
- `observers`: what to watch in a run: the ledger that no resource is held twice, locality, figures.
- `workload`: streams of jobs of mixed shapes.
"""
