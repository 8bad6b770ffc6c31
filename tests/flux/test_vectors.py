"""The test vectors of RFC 49, through the pool class."""

from __future__ import annotations

from typing import Any

import pytest

from exactfit.adapters.flux import ExactPool
from exactfit.topology.presets import preset

CLUSTER_A = [
    ("slot=1/node=1/[core=8;gpu=1]", "rank0/core[0-7],gpu0"),
    ("slot=1/node=1/[core=8;gpu=1]", "rank0/core[15-22],gpu1"),
    ("node/slot=8/[core=15;gpu=1]", "rank1/core[0-119],gpu[0-7]"),
    ("slot=4/node/core=120", "rank[2-5]/core[0-119]"),
    ("slot=1/node=1/core=4", "rank0/core[8-11]"),
    ("slot=1/node=1/[core=15;gpu=1]", "rank0/core[30-44],gpu2"),
    ("node/slot=6/[core=15;gpu=1]", "rank6/core[0-89],gpu[0-5]"),
    ("slot=1/node=1/[core=60;gpu=4]", "rank0/core[60-119],gpu[4-7]"),
    ("slot=1/numa{x}", "rank0/core[45-59],gpu3"),
    ("slot=1/socket{x}", "rank7/core[0-59],gpu[0-3]"),
    ("slot=1/node{x}", "rank8/core[0-119],gpu[0-7]"),
]
CLUSTER_B = [
    ("slot=1/node=1/[core=24;gpu=1]", "rank0/core[0-23],gpu0"),
    ("slot=1/node=1/[core=24;gpu=1]", "rank0/core[24-47],gpu1"),
    ("node/slot=4/[core=24;gpu=1]", "rank1/core[0-95],gpu[0-3]"),
    ("slot=4/node/[core=96;gpu=4]", "rank[2-5]/core[0-95],gpu[0-3]"),
    ("slot=1/node=1/core=8", "rank0/core[48-55]"),
    ("slot=1/node=1/[core=24;gpu=1]", "rank0/core[72-95],gpu3"),
    ("node/slot=3/[core=24;gpu=1]", "rank6/core[0-71],gpu[0-2]"),
    ("slot=1/socket{x}", "rank6/core[72-95],gpu3"),
    ("slot=1/node{x}", "rank7/core[0-95],gpu[0-3]"),
]


@pytest.mark.parametrize(("machine", "vectors"), [("rfc49-a", CLUSTER_A), ("rfc49-b", CLUSTER_B)], ids=["TVA", "TVB"])
def test_the_vectors_come_out_one_after_the_other(machine: str, vectors: list[tuple[str, str]], alloc: Any) -> None:
    pool = ExactPool(preset(machine))
    placed = [alloc(pool, number, shape).dumps() for number, (shape, _) in enumerate(vectors, start=1)]
    assert placed == [expected for _, expected in vectors]
