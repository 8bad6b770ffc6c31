"""How a study was done, in a paragraph that a paper can have as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .task import RUN, SCHEDULING, Task


def methods(machine: str, size: str, workload: str, tasks: Sequence[Task], versions: Mapping[str, str]) -> str:
    """Return the paragraph.

    Parameters
    ----------
    machine, size, workload
        In words.
    tasks
        Of the study.
    versions
        Of the programs that matter.
    """
    runs = [task for task in tasks if task.kind == RUN]
    pools = ", ".join(dict.fromkeys(pool for task in runs for pool in task.pools))
    queues = "; ".join(dict.fromkeys(SCHEDULING[task.scheduling] for task in runs))
    depths = {task.queue_depth for task in runs}
    seen = "all waiting jobs" if depths == {0} else f"the first {max(depths, default=0)} waiting jobs"
    seeds = len({task.seed for task in runs})
    limit = max((task.time_limit for task in runs), default=0.0)
    own = versions.get("exactfit", "")
    others = ", ".join(f"{name} {version}" for name, version in versions.items() if name != "exactfit")
    machines = dict.fromkeys(task.machine for task in runs if task.machine)
    altered = f" The same jobs ran on the machine as it would be: {'; '.join(machines)}." if machines else ""
    days = "one sample of the workload" if seeds == 1 else f"{seeds} samples of the workload"
    intervals = (
        ""
        if seeds == 1
        else (" Differences are paired by sample; intervals are 95 % confidence intervals by Student's t.")
    )
    return (
        f"The machine ({machine}; {size}) was simulated event by event with exactfit {own} ({others}). {workload}. "
        f"Each allocator ({pools}) ran {days} through the same queue ({queues}), which sees {seen} at a time, with the "
        f"calls that Flux's scheduler makes on an allocator. A decision of exactfit may take work of {limit:g} s. "
        f"Locality is measured alike for all allocators, on the best split of what each job holds into its slots."
        f"{altered}{intervals}"
    )
