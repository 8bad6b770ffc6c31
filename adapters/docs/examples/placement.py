"""Place jobs, read what was proven, ask why one does not fit, draw the machine.

    python placement.py

Needs the extra `draw` for the picture, which goes to machine.svg.
"""

from __future__ import annotations

from exactfit.solver import InsufficientResources, Machine, Pool


def main() -> None:
    """Fill a small cluster."""
    machine = Machine.build(
        ("socket:2 numa:2(memory=128) core:8 gpu:1", 4), hosts="n[0-3]", groups={"rack": ["0-1", "2-3"]}
    )
    pool = Pool(machine)
    for jobid, shape in enumerate(["slot=4/[core=8;gpu=1]", "slot=2/[core=4;memory=64]", "slot=3/node"], start=1):
        try:
            allocation = pool.alloc(jobid, shape)
        except InsufficientResources as reason:
            print(f"{shape} waits: {reason}")
            print(pool.explain(shape))
            continue
        certificate = allocation.certificate
        print(f"{shape} on {machine.ids_of(allocation.nodes)}: {certificate['status']}, {certificate['terms']}")
    pool.draw().save("machine.svg")


if __name__ == "__main__":
    main()
