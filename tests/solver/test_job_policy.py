"""A job's own order of terms: where the site allows it, it decides and is named in the certificate."""

from __future__ import annotations

from typing import Any

import pytest

from exactfit.grammar.jobspec import parse_jobspec
from exactfit.grammar.shape import parse_shape
from exactfit.solver.demand.request import Request
from exactfit.solver.errors import InfeasibleRequest, InsufficientResources
from exactfit.solver.explain import INFEASIBLE, earliest_start, explain
from exactfit.solver.joint import BatchJob, NotJointError, place_batch, place_mixed
from exactfit.solver.options import Options
from exactfit.solver.policy.terms import Cross, Policy, parse_policy
from exactfit.solver.pool import Pool
from exactfit.topology.presets import preset
from exactfit.topology.rset import read_R

FOUR = read_R(preset("rfc49-a:4"))


def jobspec(shape: str, **ours: Any) -> dict[str, Any]:
    system = {"duration": 60, **({"exactfit": ours} if ours else {})}
    return {"version": 9999, "resources": parse_shape(shape), "attributes": {"system": system}}


def ask(shape: str, policy: str | None = None) -> Request:
    return Request.from_jobspec(jobspec(shape, **({"policy": policy} if policy is not None else {})))


def busy(**options: Any) -> Pool:
    """Return a pool of four nodes of which the second has most in use."""
    pool = Pool(FOUR, Options(**options))
    held = {"version": 1, "execution": {"R_lite": [{"rank": "1", "children": {"core": "0-59"}}]}}
    pool.register_alloc(99, held)
    return pool


def ranks(pool: Pool, jobid: int, request: Request) -> str:
    return str(FOUR.ids_of(pool.alloc(jobid, request).nodes))


def test_it_decides_where_the_job_stands() -> None:
    pool = busy()
    # The fullest node that will do; the emptiest; the lowest.
    assert ranks(pool, 1, ask("slot/core=4")) == "1"
    assert ranks(pool, 2, ask("slot/core=4", "spread")) == "0"
    assert ranks(pool, 3, ask("slot/core=4", "spread")) == "2"
    assert ranks(pool, 4, ask("slot/core=4", "lowest")) == "0"
    assert ranks(pool, 5, ask("slot/core=4")) == "1"
    # Copies have them too, and go on from there.
    copy = pool.copy()
    assert ranks(copy, 6, ask("slot/core=4", "spread")) == "3"
    pool.free(2)
    pool.free(4)
    assert ranks(pool, 7, ask("slot/core=4", "spread")) == "0"


def test_the_answer_is_that_of_a_pool_with_that_policy() -> None:
    for policy in ("pack", "spread", "lowest"):
        own = busy().alloc(1, ask("node=2/slot=3/[core=5;gpu=1]", policy))
        theirs = busy(policy=parse_policy(policy)).alloc(1, ask("node=2/slot=3/[core=5;gpu=1]"))
        assert own.certificate == {**theirs.certificate, "policy": policy}
        assert own.to_dict()["execution"] == theirs.to_dict()["execution"]


def test_the_certificate_names_it() -> None:
    certificate = busy().alloc(1, ask("slot/core", "lowest")).to_dict()["scheduling"]["certificate"]
    assert certificate["policy"] == "lowest"
    assert list(certificate["terms"]) == ["size"]
    assert "policy" not in busy().alloc(1, ask("slot/core")).certificate


# What the site allows, what the job brings, and why not.
ALLOWED = [
    ("named", "spread", ""),
    ("named", "affinity,fit", "affinity,fit is not allowed here: of their own jobs may bring pack, future, "),
    ("any", "affinity,fit", ""),
    ("none", "spread", "spread is not allowed here: jobs may bring none of their own (option job-policy)"),
    ("none", "pack", ""),  # the site's own
    ("pack,lowest", "lowest", ""),
    ("pack,lowest", "spread", "spread is not allowed here: of their own jobs may bring pack, lowest"),
]


@pytest.mark.parametrize(("option", "policy", "why_not"), ALLOWED)
def test_what_the_site_does_not_allow_is_refused_at_submission(option: str, policy: str, why_not: str) -> None:
    pool, request = busy(job_policy=option), ask("slot/core", policy)
    doors: list[Any] = [
        lambda: pool.check_feasibility(request),
        lambda: pool.alloc(1, request),
        lambda: earliest_start(pool, request, 0.0),
    ]
    if not why_not:
        for door in doors:
            door()
        return
    for door in doors:
        with pytest.raises(InfeasibleRequest) as refused:
            door()
        assert str(refused.value).startswith(f"attributes.system.exactfit.policy: {why_not}")
    explanation = explain(pool, request)
    assert explanation.status == INFEASIBLE
    assert why_not in explanation.reason


@pytest.mark.parametrize("option", ["", "some", "pack,", "pack,best", 3, None])
def test_another_option_is_refused(option: Any) -> None:
    with pytest.raises(ValueError, match="job-policy: expected one of named, any, none, or some of pack,future,"):
        Options(job_policy=option)


def test_a_policy_that_the_machine_has_no_level_for_is_refused() -> None:
    policy = Policy("mine", (lambda *_: [Cross("cross", "nuba")],))
    request = Request.of(ask("slot/core").shape.vertices, policy=policy)
    with pytest.raises(InfeasibleRequest, match=r"exactfit\.policy: policy mine: .* no level nuba \(is numa meant\?\)"):
        busy(job_policy="any").check_feasibility(request)


@pytest.mark.parametrize(
    ("ours", "says"),
    [
        ({"policy": "best"}, r"attributes\.system\.exactfit\.policy 'best': no policy or term is called 'best'"),
        ({"policy": "afinity"}, r"is affinity meant\?"),
        ({"policy": 3}, r"attributes\.system\.exactfit\.policy: .* expected the name of a policy"),
        ({"policy": ""}, "expected the name of a policy"),
        ({"policy": []}, "expected the name of a policy"),
        ({"polcy": "pack"}, r"attributes\.system\.exactfit: .* unknown key \"polcy\" \(is policy meant\?\)"),
    ],
)
def test_what_is_no_policy_is_refused_when_the_jobspec_is_read(ours: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Request.from_jobspec(jobspec("slot/core", **ours))


def test_a_list_of_terms_is_an_order() -> None:
    assert parse_jobspec(jobspec("slot/core", policy=["affinity", "fit"])).policy == "affinity,fit"
    request = Request.from_jobspec(jobspec("slot/core", policy=["affinity", "fit"]))
    assert request.policy == parse_policy("affinity,fit")
    with pytest.raises(TypeError, match="parse_policy"):
        Request.of(request.shape.vertices, policy="pack")  # type: ignore[arg-type]  # the mistake that is tried


def test_batches_place_such_a_job_by_itself_under_its_policy() -> None:
    pool = busy()
    jobs = [BatchJob(1, ask("slot/core=4", "spread")), BatchJob(2, ask("slot/core=4"))]
    with pytest.raises(NotJointError, match="policy of a job's own"):
        place_batch(pool, jobs, 1.0)
    placed = place_mixed(pool, jobs, 1.0)
    assert sorted(placed.R) == [1, 2]
    assert list(placed.alone) == [1]
    assert placed.R[1]["scheduling"]["certificate"]["policy"] == "spread"


def test_a_change_that_helps_keeps_it() -> None:
    pool = busy()
    request = ask("slot=5/node", "spread")
    with pytest.raises((InfeasibleRequest, InsufficientResources)):
        pool.alloc(1, request)
    change = explain(pool, request).changes[0]
    assert change.apply(pool, request)[1].policy == parse_policy("spread")


def test_another_end_of_the_machine_is_theirs_too() -> None:
    pool = busy()
    pool.alloc(1, ask("slot/core", "spread"))
    pool.set_expiration(5000.0)
    request = Request.of(ask("slot/core").shape.vertices, policy=parse_policy("spread"))
    assert pool.alloc(2, request).to_dict()["execution"]["expiration"] == 5000.0
