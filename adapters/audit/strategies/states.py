"""What runs on a machine and what is down: jobs that hold any cores and GPUs, with amounts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hypothesis import strategies as st

from .listed import Json, node_stock, resources_of
from .machines import Draw, children, text


def allocated(R: Json, held: Mapping[int, tuple[set[int], set[int]]], placement: Sequence[Json] = ()) -> Json:
    """Return the R of a job that holds these cores and gpus of these ranks."""
    names = dict(zip(resources_of(R), R["execution"]["nodelist"], strict=True))
    job: Json = {
        "version": 1,
        "execution": {
            "R_lite": [{"rank": str(rank), "children": children(*held[rank])} for rank in sorted(held)],
            "nodelist": [names[rank] for rank in sorted(held)],
            "nslots": 1,
            "starttime": 0,
            "expiration": 0,
        },
    }
    if placement:
        job["scheduling"] = {"writer": "exactfit.adapters.flux", "placement": list(placement)}
    return job


def _subsets(ids: set[int]) -> st.SearchStrategy[set[int]]:
    return st.just(set[int]()) if not ids else st.sets(st.sampled_from(sorted(ids)), max_size=(len(ids) + 2) // 2)


@st.composite
def states(draw: Draw, R: Json) -> tuple[tuple[Json, ...], str]:
    """Draw the R of running jobs and the ranks that are down."""
    free = resources_of(R)
    stock = {rank: dict(node_stock(R, rank)) for rank in free}
    jobs = []
    for _ in range(draw(st.sampled_from((1, 0, 1, 0, 2, 0)))):
        held = {}
        placement: list[Json] = []
        for rank, (cores, gpus) in free.items():
            if not draw(st.booleans()):
                continue
            taken = draw(_subsets(cores)), draw(_subsets(gpus))
            if not any(taken):
                continue
            held[rank] = taken
            slot: Json = {"label": "task"}
            slot.update({key: text(ids) for key, ids in zip(("cores", "gpus"), taken, strict=True) if ids})
            for name, amount in stock[rank].items():
                if amount and draw(st.booleans()):
                    slot[name] = draw(st.integers(1, amount))
                    stock[rank][name] -= slot[name]
            placement.append({"ranks": str(rank), "slots": [slot]})
        if held:
            for rank, (cores, gpus) in held.items():
                free[rank] = free[rank][0] - cores, free[rank][1] - gpus
            jobs.append(allocated(R, held, placement))
    down = draw(st.sets(st.sampled_from(sorted(free)), max_size=1)) if draw(st.integers(0, 3)) == 0 else set()
    return tuple(jobs), text(down)
