"""A policy with a term of one's own, beside the one that ships.

    python policy.py

The term keeps sockets whose GPUs are all free for those who need them. It stands before affinity here: better a slot
that is torn between two domains than a socket touched whose GPUs are idle.
"""

from __future__ import annotations

from collections.abc import Sequence

from exactfit.solver import Machine, Options, Policy, Pool
from exactfit.solver.policy.terms import Component, Touch, affinity, fit
from exactfit.solver.state.domain_state import DomainState


def all_gpus_free(domain: DomainState) -> int:
    """Weigh a domain with GPUs of which none is in use."""
    return 1 if domain.gpus and domain.free_gpus == domain.gpus else 0


def keep_gpus(_groups: Sequence[str], levels: Sequence[str]) -> list[Component]:
    """Count the sockets that the job touches although all their GPUs are free."""
    return [Touch("keep-gpus", "socket", all_gpus_free)] if "socket" in levels else []


def main() -> None:
    """Place the same jobs under both."""
    machine = Machine.build("socket:2 numa:2 core:8 gpu:1")
    for options in (Options(), Options(policy=Policy("keep", (keep_gpus, affinity, fit)))):
        pool = Pool(machine, options)
        pool.alloc(1, "slot=1/[core=2;gpu=1]")
        allocation = pool.alloc(2, "slot=2/core=7")
        print(options.policy.name, allocation.placement(), allocation.certificate["status"])


if __name__ == "__main__":
    main()
