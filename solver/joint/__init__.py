"""Several jobs at once, by one CP-SAT model: which of a batch fit together, and which running jobs have to move.

- `wants`: what a job asks for, in the form that these models take: equal slots of cores and gpus, on nodes.
- `room`: what is free, node by node, cut to the nodes that can matter.
- `occupancy`: where jobs stand, as counts, and what that is worth.
- `one_by_one`: the batch as the pool places it one after the other, where the search starts.
- `batch`: places a batch together; `parts` cuts a large one.
- `mixed`: places a batch of which the model does not take all jobs.
- `ids`: from counts to core and gpu ids, and to R.
- `preemption`: which running jobs end or move so that a waiting one fits, and the least is lost. `victims` chooses,
  `node_kinds` says what nodes give then, `relocation` where to what moves goes, `greedy` is what schedulers do.
- `moves`: the fewest running jobs to migrate so that a waiting job fits.
"""

from __future__ import annotations

from .batch import Batch, place_batch
from .giving_way import Candidate, GivingWay, Move
from .mixed import Placed, place_mixed
from .moves import MovePlan, plan_moves
from .parts import place_in_parts
from .preemption import plan_preemption
from .wants import BatchJob, NotJointError, Want, want_of

__all__ = [
    "Batch",
    "BatchJob",
    "Candidate",
    "GivingWay",
    "Move",
    "MovePlan",
    "NotJointError",
    "Placed",
    "Want",
    "place_batch",
    "place_in_parts",
    "place_mixed",
    "plan_moves",
    "plan_preemption",
    "want_of",
]
