"""A single slot that is torn: what is found without a search is what the node's model finds, in any order of terms."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from exactfit.solver.cpsat.budget import Budget
from exactfit.solver.cpsat.status import Status
from exactfit.solver.node import one_slot
from exactfit.solver.node.equal_slots import slots_bundle
from exactfit.solver.node.model.model import solve_bundle
from exactfit.solver.node.one_slot import best_of_one
from exactfit.solver.node.packing import SlotShape
from exactfit.solver.policy.scale import Scale
from exactfit.solver.policy.terms import parse_policy
from exactfit.solver.state.domain_state import DomainState, arrange
from exactfit.topology.machine import Machine
from exactfit.topology.rset import read_R
from node_trees import TREES, Topo

POLICIES = (
    "pack",
    "spread",
    "share,affinity",
    "intact,affinity,shield",
    "fit,share,affinity",
    "worst-fit,shield,share",
)

ODD: dict[str, Topo] = {
    "GPUs at the node": {"numa": [{"cores": "0-4"}, {"cores": "5-9"}], "gpus": "0-1"},
    "GPUs further out than cores": {
        "socket": [{"numa": [{"cores": "0-2"}, {"cores": "3-5"}], "gpus": "0-1"}, {"cores": "6-9", "gpus": "2"}]
    },
    "cores beside domains": {"numa": [{"cores": "0-3", "gpus": "0"}, {"cores": "4-6", "gpus": "1"}], "cores": "7-9"},
    "unlike numas": {
        "socket": [
            {"numa": [{"cores": "0-5", "gpus": "0-2"}, {"cores": "6", "gpus": "3"}]},
            {"numa": [{"cores": "7-9"}]},
        ]
    },
    "three levels": {
        "socket": [
            {"numa": [{"l3": [{"cores": "0-1"}, {"cores": "2-3"}], "gpus": "0"}, {"l3": [{"cores": "4-6"}]}]},
            {"numa": [{"l3": [{"cores": "7-8"}, {"cores": "9"}], "gpus": "1-3"}]},
        ]
    },
}


def machine_of(topo: Topo, cores: str = "0-9", gpus: str = "0-3") -> Machine:
    children = {"core": cores, "gpu": gpus}
    lite = [{"rank": "0", "children": children}]
    scheduling = {"children": [{"ranks": "0", "topo": topo}]}
    return read_R({"version": 1, "execution": {"R_lite": lite}, "scheduling": scheduling})


def known(policy: str, machine: Machine) -> Scale:
    return Scale(parse_policy(policy).components((), machine.levels))


def solved(scale: Scale, state: DomainState, shape: SlotShape) -> int:
    status, best = solve_bundle(state, slots_bundle(shape, 1), scale, Budget(60), shielded=shape.shielded)
    assert status is Status.OPTIMAL
    assert best is not None
    return best.cost


def fits(state: DomainState, shape: SlotShape, found: Any) -> int:
    """Return the cost of a placement that was found, after looking whether it is one."""
    cost, shares = found
    assert sum(share.cores for share in shares) == shape.cores
    assert sum(share.gpus for share in shares) == shape.gpus
    for share in shares:
        assert share.cores <= state.flat[share.place].own_free_cores
        assert share.gpus <= state.flat[share.place].own_free_gpus
    return int(cost)


@given(
    st.sampled_from(sorted(ODD)),
    st.integers(1, (1 << 10) - 1),
    st.integers(0, 15),
    st.integers(0, 10),
    st.integers(0, 4),
    st.sampled_from(POLICIES),
)
@settings(deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
def test_no_placement_is_better(name: str, cores: int, gpus: int, c: int, g: int, policy: str) -> None:
    machine = machine_of(ODD[name])
    state = arrange(machine.types[0], cores & machine.types[0].cores, gpus & machine.types[0].gpus).state
    shape = SlotShape(c, g, not g)
    assume((c or g) and shape.capacity(state))
    scale = known(policy, machine)
    found = best_of_one(scale, state, shape, Budget(1))
    if found is None:
        assert name not in ("three levels", "unlike numas")
    else:
        assert fits(state, shape, found) == solved(scale, state, shape)


@pytest.mark.parametrize("word", [1 << 60, 1 << 16, 1 << 11])
@pytest.mark.parametrize("policy", ["pack", "intact,affinity"])
@pytest.mark.parametrize(("cores", "gpus"), [(77, 2), (34, 5), (20, 0), (4, 4), (52, 1)])
def test_costs_in_one_number_or_several(
    word: int, policy: str, cores: int, gpus: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With 2**11 each component is a number of its own."""
    machine = machine_of(TREES["A-node"].topo, "0-119", "0-7")
    held = 0x3F_0000_0000_0003_FFC0
    state = arrange(machine.types[0], machine.types[0].cores & ~held, 0xEF).state
    shape, scale = SlotShape(cores, gpus, not gpus), known(policy, machine)
    monkeypatch.setattr(one_slot, "WORD", word)
    assert fits(state, shape, best_of_one(scale, state, shape, Budget(1))) == solved(scale, state, shape)


def test_a_slot_that_has_its_gpus_from_further_out() -> None:
    machine = machine_of(ODD["three levels"])
    state = arrange(machine.types[0], machine.types[0].cores, 0xF).state
    scale = known("pack", machine)
    socket = state.children[1]
    found = best_of_one(scale, socket, SlotShape(6, 0, shielded=False, apart=2), Budget(1))
    assert found is not None
    # Each core is apart from two GPUs, at each level that it is in.
    assert [scale.values(found[0])[f"share.{level}"] for level in ("socket", "numa", "l3")] == [12, 12, 12]
