"""The checks of a free: what the job manager returns must be what the pool thinks the job holds.

They catch errors in the accounting on either side before they become a resource held twice.
"""

from __future__ import annotations

from collections.abc import Sequence

from flux.job import JobID

from ...grammar.idset import IdSet, mask_text
from .rjson import Piece, ranks_of


def check_partial(jobid: int, returned: Sequence[Piece], held: Sequence[Piece]) -> None:
    """Check that no rank is returned that the job does not hold.

    Raises
    ------
    ValueError
        With the ranks that are not the job's.
    """
    extra = ranks_of(returned) - ranks_of(held)
    if extra:
        raise ValueError(f"free: {JobID(jobid).f58}: ranks {extra} are not in the job's allocation")


def check_final(jobid: int, returned: Sequence[Piece], held: Sequence[Piece]) -> None:
    """Check that all is returned that the job still holds, core by core and GPU by GPU.

    Raises
    ------
    ValueError
        With what is returned and what is held.
    """
    if _by_ids(returned) != _by_ids(held):
        raise ValueError(
            f"free: {JobID(jobid).f58}: the final R is not what is left of the job's allocation: "
            f"got {_text(returned)}, expected {_text(held)}"
        )


def _by_ids(parts: Sequence[Piece]) -> dict[tuple[int, int], IdSet]:
    merged: dict[tuple[int, int], IdSet] = {}
    for ranks, cores, gpus in parts:
        if ranks:
            merged[cores, gpus] = merged.get((cores, gpus), IdSet()) | ranks
    return merged


def _text(parts: Sequence[Piece]) -> str:
    texts = [
        f"rank {ranks} core {mask_text(cores)}" + (f" gpu {mask_text(gpus)}" if gpus else "")
        for (cores, gpus), ranks in _by_ids(parts).items()
    ]
    return "; ".join(texts) or "nothing"
