"""An audit in the continuous integration of a pool: faults that are known are counted, a new one fails the run.

    python audit.py

Needs the extras `audit` and `flux`: the pool here is Rv1Pool. Write your own as `module:Class`. Where a report is
wanted, use `exactfit audit`; in a test suite, `exactfit.adapters.audit.suite.PoolTests`.
"""

from __future__ import annotations

import sys

from exactfit.adapters.audit.audit import audit
from exactfit.adapters.audit.findings import Kind
from exactfit.adapters.audit.pools import load_allocator
from exactfit.adapters.audit.steps import in_words, machine_in_words

POOL = "Rv1Pool"
STREAMS = 30
KNOWN = {Kind.UNREAD, Kind.NEVER, Kind.NEVER_IDLE, Kind.WRONG, Kind.PENDS}
"""What it is known to do: it reads a part of RFC 14."""


def main() -> int:
    """Print faults that are new, each by its smallest example, and how good the placements are; 1 where any is new."""
    report = audit(load_allocator(POOL), pool=POOL, seed=0, at_most=STREAMS)
    new = [finding for finding in report.findings if finding.kind not in KNOWN]
    for finding in new:
        print(f"{finding.title}: {finding.said}")
        print(f"  {machine_in_words(finding.stream.R)}")
        for number, step in enumerate(finding.stream.steps, start=1):
            print(f"  {number}. {in_words(step)}")
    print(f"{report.requests} requests, {len(report.findings) - len(new)} kinds of known faults, {len(new)} new ones")
    for name, (its, best, placements) in report.terms.items():
        if its > best:
            print(f"{name}: {its} in {placements} placements, {best} at best")
    return 1 if new else 0


if __name__ == "__main__":
    sys.exit(main())
