"""The smallest changes; `explained` applies every one of them."""

from __future__ import annotations

from asking import ask, explained
from clusters import SLIM, WIDE, site
from exactfit.solver.explain import Explanation
from exactfit.solver.pool import Pool
from exactfit.topology.rset import read_R


def slim(nodes: int, **more: dict[str, str]) -> Pool:
    return Pool(read_R(site([(nodes, SLIM)], **more)))


def advice(pool: Pool, shape: str, query: str = "") -> list[str]:
    return list(explained(pool, ask(shape, query)).advice)


def jobs_of(explanation: Explanation) -> list[tuple[int, ...]]:
    return [change.jobs for change in explanation.changes if change.jobs]


def test_a_count_is_lowered_to_the_largest_that_fits() -> None:
    assert advice(slim(5), "slot=9/node") == ["ask for slot=5 instead of 9"]
    assert advice(slim(5), "node=2/slot=3/core=7") == [
        "ask for core=5 instead of 7 (node/slot/core)",
        "ask for slot=2 instead of 3 (node/slot)",
        "leave out node: what it holds may then stand anywhere in what is around it",
    ]


def test_what_helps_only_on_the_idle_machine_says_so() -> None:
    pool = slim(3)
    pool.alloc(1, ask("slot/node"))
    (change,) = explained(pool, ask("slot=4/node")).changes
    assert (change.left, change.now) == (3, False)


def test_the_job_that_ends_first_is_named_and_no_more_of_them_than_needed() -> None:
    pool = slim(6)
    ends = {1: 4000.0, 2: 1000.0, 3: 2000.0, 4: 3000.0, 5: 500.0}
    for jobid, end in ends.items():
        pool.alloc(jobid, ask("slot/node" if jobid < 5 else "slot/core"))
        pool.update_expiration(jobid, end)
    # Job 5 holds one core of a node, the first end of all.
    explanation = explained(pool, ask("slot=2/node"))
    assert jobs_of(explanation)[0] == (5,)
    assert explanation.changes[0].time == 500.0
    explanation = explained(pool, ask("slot=3/node"))
    assert jobs_of(explanation) == [(2, 5)]
    assert next(change.time for change in explanation.changes if change.jobs) == 1000.0


def test_jobs_without_an_end_are_the_last_to_be_named() -> None:
    pool = slim(2)
    pool.alloc(1, ask("slot/node"))
    pool.alloc(2, ask("slot/node"))
    pool.update_expiration(2, 1000.0)
    explanation = explained(pool, ask("slot/node"))
    assert jobs_of(explanation) == [(2,)]
    pool.update_expiration(2, 0.0)
    explanation = explained(pool, ask("slot=2/node"))
    assert jobs_of(explanation) == [(1, 2)]
    assert explanation.changes[0].time == 0.0


def test_as_few_ranks_come_up_as_suffice() -> None:
    pool = slim(10)
    pool.mark_down(0b1111100000)
    changes = explained(pool, ask("slot=7/node")).changes
    assert [change.up.bit_count() for change in changes if change.up] == [2]


def test_a_term_is_dropped_where_that_is_what_helps() -> None:
    pool = slim(4, properties={"big": "0-1"})
    assert advice(pool, "slot=3/node", "big and not rank:9") == [
        "ask for slot=2 instead of 3",
        "drop big from the constraint",
    ]


def test_where_one_change_does_not_suffice_two_are_proposed() -> None:
    pool = slim(1)
    pool.alloc(1, ask("slot/node"))
    pool.update_expiration(1, 1000.0)
    pool.mark_down(0b1)
    (change,) = explained(pool, ask("slot/node")).changes
    assert (change.up, change.jobs, change.time) == (0b1, (1,), 1000.0)
    pool = slim(3, properties={"big": "0"})
    (change,) = explained(pool, ask("slot=4/node", "big and small")).changes
    assert (change.left, len(change.terms)) == (3, 2)


def test_of_two_changes_neither_is_more_than_needed() -> None:
    pool = slim(8, properties={"big": "0-3"})
    pool.mark_down(0b00001100)
    pool.alloc(1, ask("slot=2/node", "big"))
    # Four nodes that are up without big are enough for four; with big two are down and two held.
    changes = explained(pool, ask("slot=4/node", "big")).changes
    assert [(change.terms != (), change.up) for change in changes][:1] == [(True, 0)]
    changes = explained(pool, ask("slot=6/node", "-host:n99")).changes
    assert (0b1100, ()) in [(change.up, change.jobs) for change in changes]


def test_a_domain_need_not_be_whole() -> None:
    pool = Pool(read_R(site([(1, WIDE)])))
    pool.alloc(1, ask("slot/core"))
    assert "let slot/socket be shared" in advice(pool, "slot=2/socket{x}/core=10")


def test_there_are_no_more_than_five() -> None:
    pool = slim(4)
    pool.alloc(1, ask("slot/core=9"))
    pool.mark_down(0b1000)
    # Fewer nodes, slots or cores, no node, rank 3 up, job 1 ended: any of these six.
    explanation = explained(pool, ask("node=3/slot=2/core=4"))
    assert len(explanation.changes) == 5


def test_where_no_count_alone_suffices_two_are_lowered() -> None:
    pool = slim(4)
    explanation = explained(pool, ask("slot=6/node/core=17"))
    assert explanation.sentences == (
        "6 slots of node/core=17 need 6 nodes with 17 cores: no node has more than 16 cores",
    )
    assert explanation.advice == ("ask for slot=4 instead of 6 and core=16 instead of 17 (slot/node/core)",)
    change = explanation.to_json()["changes"][0]
    assert (change["vertex"], change["asked"], change["left"]) == ("slot", 6, 4)
    assert change["also"] == [{"vertex": "slot/node/core", "asked": 17, "left": 16}]
