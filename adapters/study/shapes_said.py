"""What a reader must know of the shapes before any figure: whose they are, what was rounded, and whether they can tear.

Where every slot is one core or one GPU, no pool can tear one, and all rows on locality are 100 % for every pool.
"""

from __future__ import annotations

from ...topology.machine import Machine
from .locality import slot_size
from .submissions import Form, Rounding, Workload

HOW = (
    'Rules say which shapes jobs have, a line each such as "otherwise => slot=<ceil(processors / domain_cores)>'
    '/core=<domain_cores>"; --rules FILE takes them.'
)
_HOUR = 3600.0


def shapes_in_words(rules: str | None, workload: Workload) -> list[str]:
    """Return whose the shapes of a trace are, and what became of its processors, a sentence each.

    Parameters
    ----------
    rules
        The file of rules, None where there is none.
    workload
        The trace's.
    """
    own = len(workload.jobs) - workload.rounding.jobs
    if not workload.rounding.jobs:
        return ["Shapes: each job's own jobspec."]
    head = f"Shapes: {own} jobs have their own jobspec, the others " if own else "Shapes: jobs "
    if rules is not None:
        return [f"{head}have what {rules} says.", *_rounded(workload.rounding)]
    usual = (
        "have the default, as no --rules are given: slots of one core for each processor, or of one GPU with its part "
        "of the processors."
    )
    return [head + usual, *_rounded(workload.rounding)]


def _rounded(found: Rounding) -> list[str]:
    if not found.up and not found.down:
        return ["Rounding: none; each job has as many cores as the trace says processors."]
    parts = []
    for count, hours, word, most in (
        (found.up, found.more, "more", found.most_up),
        (found.down, found.less, "fewer", found.most_down),
    ):
        if count:
            share = f"{100 * count / found.jobs:.1f} %"
            work = f"{100 * hours / found.work:.1f} %" if found.work else "0 %"
            parts.append(
                f"{count} of {found.jobs} jobs ({share}) have {word} cores than processors, {hours / _HOUR:.0f} "
                f"core-hours or {work} of all work, one of {most[0]} processors {most[1]} cores"
            )
    return [f"Rounding: {'; '.join(parts)}."]


def tearing_in_words(machine: Machine, workload: Workload) -> list[str]:
    """Return that the study cannot tell pools apart in locality, and what to do, where that is so; else nothing."""
    if not machine.levels:
        return [
            "Locality: the machine lists no domains below its nodes, so no slot can be torn, and the study cannot tell "
            "pools apart in locality. An R with its sockets or NUMA domains would."
        ]
    used = {job.form for job in workload.jobs}
    if any(_may_be_torn(workload.forms[form]) for form in used):
        return []
    return [
        "Locality: every slot is one core or one GPU, so none can be torn, and the study cannot tell pools apart in "
        f"locality: these rows say nothing. {HOW}"
    ]


def _may_be_torn(form: Form) -> bool:
    size = slot_size(form.resources)
    return size is None or size.cores + size.gpus > 1
