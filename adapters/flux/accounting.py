"""The checks of a free: what the job manager returns must be what the pool thinks the job holds.

They catch errors in the accounting on either side before they become a resource held twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

from flux.job import JobID
from flux.resource.Rv1Set import Rv1Set

from ...grammar.idset import IdSet, mask_text
from ...solver.state.holdings import NodeHolding
from ...solver.state.node_classes import bits
from ...topology.machine import Machine
from .rjson import Piece, ranks_of


def is_all(returned: Rv1Set, held: Sequence[NodeHolding], machine: Machine) -> bool:
    """Tell whether a set is just what a job holds, rank by rank; False where that is not known.

    Flux hands over a set of its own class when a job ends, which is compared as it is: to write it as R and to read
    that takes longer than all else.
    """
    ranks: Mapping[int, Mapping[str, AbstractSet[int]]] | None = vars(returned).get("_ranks")
    if ranks is None or len(ranks) != sum(part.packed.bits.bit_count() for part in held):
        return False
    for part in held:
        known: list[Mapping[str, AbstractSet[int]]] = []
        for position in bits(part.nodes):
            ids = ranks.get(machine.ranks[position])
            if ids is None:
                return False
            if not any(ids["cores"] is same["cores"] and ids["gpus"] is same["gpus"] for same in known):
                if (_mask(ids["cores"]), _mask(ids["gpus"])) != (part.cores, part.gpus):
                    return False
                known = [ids]
    return True


def _mask(ids: AbstractSet[int]) -> int:
    return sum(map((1).__lshift__, ids))


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
