"""The usual jobs of a workload, as the policy ``future=FILE`` takes them: what a site with such jobs would load."""

from __future__ import annotations

from collections import Counter

from ...solver.policy.usual import MOST_SHAPES, parse_usual
from .submissions import Workload


def usual_shapes(workload: Workload) -> str:
    """Return a shape a line, the most frequent first, each with how often it came.

    Shapes that are not of one kind of slot of cores and GPUs are left out, and the rarest where there are too many.
    """
    counts = Counter(workload.forms[job.form].text for job in workload.jobs)
    lines: list[str] = []
    others = 0
    for shape, number in counts.most_common():
        line = f"{number} => {shape}"
        try:
            parse_usual(line)
        except ValueError:
            others += number
            continue
        if len(lines) < MOST_SHAPES:
            lines.append(line)
        else:
            others += number
    head = f"# {sum(counts.values())} jobs" + (f", {others} of them of other shapes" if others else "")
    return "\n".join([head, *lines]) + "\n"
