"""Where the jobs of a trace really ran, on machines small enough to see what would have been better."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from exactfit.adapters.study.as_it_was import ILLEGAL, LEGAL, OVERLAP, UNSAID, Judged, judge_all
from exactfit.adapters.study.lived import history_of
from exactfit.adapters.study.lived_said import AsItWas, Torn
from exactfit.adapters.study.outline import outline_of
from exactfit.adapters.study.patience import Patience
from exactfit.adapters.study.rules import DEFAULT, read_rules
from exactfit.adapters.study.submissions import from_trace
from exactfit.adapters.study.task import Task
from exactfit.adapters.study.task_simulation import Twin
from exactfit.adapters.study.workloads.flux_jobs import read_flux
from exactfit.adapters.study.workloads.source import read_trace
from exactfit.adapters.study.workloads.trace import TraceJob
from exactfit.adapters.twin.jobs import Outcome
from exactfit.adapters.twin.observers import Observer
from exactfit.adapters.worth import as_cost, value_of
from exactfit.grammar.shape import parse_shape
from exactfit.solver.options import Options
from exactfit.topology.machine import Machine

Row = tuple[str, float, float, str, str]
"""Shape, start, end, rank and cores."""


@pytest.fixture
def racks() -> Machine:
    """Two racks of two nodes, each with two sockets of four cores."""
    return Machine.build(("socket:2 core:4", 4), hosts="n[0-3]", groups={"rack": ["0-1", "2-3"]})


def record(number: int, row: Row) -> dict[str, Any]:
    """Return a job as Flux tells it, with its R as the text that Flux keeps."""
    shape, start, end, rank, cores = row
    R = {"version": 1, "execution": {"R_lite": [{"rank": rank, "children": {"core": cores}}]}}
    jobspec = {
        "version": 1,
        "resources": parse_shape(shape),
        "tasks": [{"command": ["job"], "slot": "task", "count": {"per_slot": 1}}],
        "attributes": {"system": {"duration": 3600}},
    }
    times = {"t_submit": 0.0, "t_run": start, "t_cleanup": end}
    return {"id": number, **times, "jobspec": jobspec, "R": json.dumps(R)}


def judged(machine: Machine, text: str, rules: str = DEFAULT) -> AsItWas:
    trace = read_flux(text.splitlines(), "a trace")
    workload = from_trace(trace, read_rules(rules, "rules", outline_of(machine)))
    history = history_of(machine, trace.jobs, workload)
    return AsItWas(machine, history, judge_all(machine, history, Options(time_limit=5.0)))


def of_rows(machine: Machine, *rows: Row) -> AsItWas:
    return judged(machine, "\n".join(json.dumps(record(number, row)) for number, row in enumerate(rows, 1)))


def one(found: AsItWas, number: int) -> Judged:
    return next(judged for judged in found.judged if judged.job.number == number)


def test_a_slot_is_torn_needlessly_where_a_socket_was_free(racks: Machine) -> None:
    found = of_rows(racks, ("slot=1/core=4", 1.0, 9.0, "0", "2-5"))
    assert one(found, 1).what == LEGAL
    assert one(found, 1).better == "affinity.socket"
    assert one(found, 1).status == "OPTIMAL"
    assert found.torn() == [Torn("rack", 0, 0, 0), Torn("socket", 1, 1, 1, {"no change": 1})]


def test_a_slot_that_had_to_be_torn_is_not_held_against_the_site(racks: Machine) -> None:
    """The machine is full but for two cores of each socket of the last node."""
    full = ("node=3/slot=1/core=8", 1.0, 9.0, "0-2", "0-7")
    rest = ("slot=2/core=2", 2.0, 9.0, "3", "0-1,4-5")
    found = of_rows(racks, full, rest, ("slot=1/core=4", 3.0, 9.0, "3", "2-3,6-7"))
    assert [j.what for j in found.judged] == [LEGAL] * 3
    assert one(found, 3).better is None
    # A slot of eight cores is torn on any node of this machine; one of those of two has to stand elsewhere.
    assert found.torn()[1] == Torn("socket", 2, 0, 0, {"other order": 1, "too large": 1})


def test_the_state_is_that_of_the_moment(racks: Machine) -> None:
    """The same job a second after the full machine has emptied has room; what ends and starts at once has left."""
    full = ("node=3/slot=1/core=8", 1.0, 3.0, "0-2", "0-7")
    found = of_rows(racks, full, ("slot=1/core=4", 3.0, 9.0, "3", "2-3,6-7"), ("slot=1/core=8", 3.0, 9.0, "0", "0-7"))
    assert one(found, 2).better == "affinity.socket"
    assert one(found, 3).what == LEGAL


def test_a_job_over_two_racks_where_one_was_free(racks: Machine) -> None:
    needless = of_rows(racks, ("node=2/slot=1/core=8", 1.0, 9.0, "1-2", "0-7"))
    assert needless.torn()[0] == Torn("rack", 1, 1, 1, {"no change": 1})
    busy = [(f"slot=1/core={cores}", 1.0, 9.0, rank, "0-7") for cores, rank in ((8, "0"), (8, "3"))]
    needed = of_rows(racks, *busy, ("node=2/slot=1/core=8", 2.0, 9.0, "1-2", "0-7"))
    assert needed.torn()[0] == Torn("rack", 1, 0, 0, {"other order": 1})
    busy = [(shape, start - 100.0, end, rank, cores) for shape, start, end, rank, cores in busy]
    moved = of_rows(racks, *busy, ("node=2/slot=1/core=8", 2.0, 9.0, "1-2", "0-7"))
    assert moved.torn()[0] == Torn("rack", 1, 0, 0, {"one move": 1})


def pairs(start: float) -> list[Row]:
    """Jobs of two cores, one on each socket of every node."""
    return [("slot=1/core=2", start, 9.0, str(rank), cores) for rank in range(4) for cores in ("0-1", "4-5")]


@pytest.mark.parametrize(
    ("running", "start", "taken"),
    [
        # Each of them could as well stand beside another.
        (pairs(1.0), 2.0, "other order"),
        # They ran already: one of them moves beside another one.
        (pairs(1.0), 100.0, "one move"),
        # Of three on a socket two have to go.
        (
            [("slot=1/core=1", 1.0, 900.0, str(r), str(4 * s + c)) for r in range(4) for s in (0, 1) for c in (0, 1)],
            100.0,
            "two moves",
        ),
        # Nobody may move who is large and has nowhere to go.
        ([("slot=1/core=3", 1.0, 900.0, str(r), c) for r in range(4) for c in ("0-2", "4-6")], 100.0, None),
        # There is a whole socket free.
        (pairs(1.0)[:-1], 100.0, "no change"),
    ],
)
def test_what_it_would_have_taken_that_a_job_was_not_torn(
    racks: Machine, running: list[Row], start: float, taken: str | None
) -> None:
    running = [(shape, begun, 900.0, rank, cores) for shape, begun, _, rank, cores in running]
    cores = "3,7" if taken is None else "2-3,6-7"
    shape = f"slot=1/core={2 if taken is None else 4}"
    found = of_rows(racks, *running, (shape, start, 900.0, "0", cores))
    (torn,) = [one for one in found.torn() if one.level == "socket"]
    assert torn.takes == {taken or "nothing found": 1}
    row = next(row for row in found.rows() if row["job"] == len(running) + 1)
    assert row["whole with"] == f"socket: {taken or 'nothing found'}"
    assert f"What it would have taken that each stood in one socket: {taken or 'nothing found'}: 1." in " ".join(
        found.sentences()
    )


def test_a_move_tears_nobody_who_was_whole(racks: Machine) -> None:
    """A core of each socket is free on the other nodes: who leaves the first socket of node 0 can only be torn."""
    full = [("slot=1/core=3", 1.0, 900.0, str(rank), cores) for rank in (1, 2, 3) for cores in ("0-2", "4-6")]
    both = [("slot=1/core=2", 1.0, 900.0, "0", "0-1"), ("slot=1/core=3", 1.0, 900.0, "0", "4-6")]
    found = of_rows(racks, *full, *both, ("slot=1/core=3", 100.0, 900.0, "0", "2-3,7"))
    assert found.torn()[1].takes == {"nothing found": 1}


def test_slots_that_one_socket_holds_together_are_whole_there(racks: Machine) -> None:
    """Two slots of two cores, of which the second is torn, where one socket was free for both."""
    found = of_rows(racks, ("slot=1/core=1", 1.0, 9.0, "0", "7"), ("slot=2/core=2", 100.0, 900.0, "0", "0-2,6"))
    assert found.torn()[1].takes == {"no change": 1}


def test_what_is_not_what_was_asked_for_or_held_already(racks: Machine) -> None:
    found = of_rows(
        racks,
        ("slot=1/core=4", 1.0, 9.0, "0", "0-2"),
        ("slot=1/core=4", 2.0, 9.0, "0", "2-5"),
        ("slot=1/core=2", 3.0, 9.0, "0", "6-7"),
        ("slot=1/core=2", 9.0, 10.0, "0", "6-7"),
        ("slot=1/core=1", 3.0, 9.0, "77", "0"),
        ("slot=1/core=1", 3.0, 9.0, "3", "99"),
        ("slot=1/core=1", 3.0, 9.0, "nonsense", "0"),
    )
    assert [one(found, n).what for n in (1, 2, 3, 4)] == [ILLEGAL, OVERLAP, UNSAID, LEGAL]
    assert found.history.elsewhere == 3
    assert found.fields()["not_judged"] == 4


def test_an_R_of_hosts_and_of_ranks_that_do_not_ascend(racks: Machine) -> None:
    """Rank 0 of another instance is n1 here, and its ranks 1 and 2 are n2 and n3."""
    entries = [{"rank": "0,2", "children": {"core": "0-3"}}, {"rank": "1", "children": {"core": "4-7"}}]
    R = {"version": 1, "execution": {"R_lite": entries, "nodelist": ["n[1-3]"]}}
    told = {**record(1, ("node=3/slot=1/core=4", 1.0, 9.0, "0", "0")), "R": R}
    found = judged(racks, json.dumps(told))
    assert [j.what for j in found.judged] == [LEGAL]
    assert found.judged[0].job.nodes == 0b1110
    held = found.judged[0].job.held
    assert held is not None
    assert held["execution"]["R_lite"] == [
        {"rank": "1,3", "children": {"core": "0-3"}},
        {"rank": "2", "children": {"core": "4-7"}},
    ]


def hosts(number: int, nodelist: str, cores: int, start: float, end: float, nodes: int = 1) -> str:
    times = {"t_submit": 0.0, "t_run": start, "t_cleanup": end}
    return json.dumps({"id": number, **times, "ncores": cores, "nnodes": nodes, "nodelist": nodelist})


def test_nodes_by_name_are_whole_where_a_job_takes_all_their_cores(racks: Machine) -> None:
    rules = "otherwise => node=<nodes>/slot=1/core=<processors // nodes>"
    lines = [hosts(1, "n[1-2]", 16, 1.0, 9.0, 2), hosts(2, "n0", 3, 2.0, 9.0), hosts(3, "n0", 3, 3.0, 9.0)]
    lines += [hosts(4, "n3", 8, 4.0, 9.0), hosts(5, "elsewhere7", 8, 4.0, 9.0), hosts(6, "n0", 8, 9.0, 10.0)]
    found = judged(racks, "\n".join(lines), rules)
    assert [j.what for j in found.judged] == [LEGAL, UNSAID, UNSAID, LEGAL, LEGAL]
    assert one(found, 1).better == "spread.rack"
    # Every other node is held, or shared by jobs of which it is not known what they have.
    assert one(found, 4).better is None
    assert found.history.elsewhere == 1


def test_it_is_said_in_words_and_figures(racks: Machine) -> None:
    found = of_rows(racks, ("slot=1/core=4", 1.0, 9.0, "0", "2-5"), ("slot=1/core=9", 2.0, 9.0, "1", "0-7"))
    said = " ".join(found.sentences())
    assert "1 legal, 1 not what was asked for, 0 on what another job held." in said
    assert "which would have taken no change of what ran: 1 of 1 (the best is proven for 1)." in said
    assert "Torn over several socket domains: 1. Needlessly: 1, of which 1 need not have been torn at all." in said
    (row,) = [values for values in found.by_term() if values[0] == "affinity.socket"]
    assert row == ("affinity.socket", 1.0, 0.0, 1, 1)
    assert [(row["what"], row["better"]) for row in found.rows()] == [(LEGAL, "affinity.socket"), (ILLEGAL, "")]
    assert any("affinity.socket" in part for part in found.section())


@pytest.mark.parametrize("pool", ["exactfit", "TreePool"])
def test_our_own_placements_are_the_best_of_their_moments(
    task: Callable[..., Task], machine: Machine, pool: str
) -> None:
    """What the twin's pool gave is judged as a site's: never illegal, and never better than the best."""
    one = task(pool, prove=False, scheduling="fifo")
    workload = one.source.workload(outline_of(machine), 1, None)
    given = Given()
    Twin(one, machine, workload, Patience(0.0), observers=[given]).simulation.run()
    trace = [
        TraceJob(
            str(job.number), job.submit, job.runtime, 0.0, 1, start=given.starts[job.number], held=given.R[job.number]
        )
        for job in workload.jobs
    ]
    history = history_of(machine, trace, workload)
    found = AsItWas(machine, history, judge_all(machine, history, Options(time_limit=5.0)))
    assert {judged.what for judged in found.judged} == {LEGAL}
    assert len(found.compared) == 40
    assert all(judged.status == "OPTIMAL" for judged in found.compared)
    if pool == "exactfit":
        assert [judged.better for judged in found.judged] == [None] * 40
    for judged in found.judged:
        was, best = (
            [as_cost(name, value_of(terms, name)) for name in judged.best] for terms in (judged.terms, judged.best)
        )
        assert best <= was


class Given(Observer):
    """Keeps what each job got, and when."""

    def __init__(self) -> None:
        self.R: dict[int, Any] = {}
        self.starts: dict[int, float] = {}

    def started(self, outcome: Outcome) -> None:
        assert outcome.started is not None
        self.R[outcome.job.id] = json.loads(json.dumps(dict(outcome.resources)))
        self.starts[outcome.job.id] = outcome.started


SACCT = """\
JobID|Submit|Start|Elapsed|NCPUS|NNodes|NodeList
1|2024-05-01T10:00:00|2024-05-01T10:01:00|00:10:00|16|2|n[1-2]
2|2024-05-01T10:00:00|Unknown|00:10:00|8|1|None assigned
"""
_ENDS = ("cpu=16,node=2", "cpu=16,mem=48000M,node=2", "5-00:00:00", "n1-[01-02],n2-01", "a | b")
XDMOD = "|".join(
    [
        *("163", "163", "big", "general", "normal", "account", "group", "45", "user", "38"),
        *("2024-05-01T10:00:00", "2024-05-01T10:00:00", "2024-05-01T10:01:00", "2024-05-01T10:11:00", "00:10:00"),
        *("0:0", "CANCELLED by 38", "3", "24", "24", "8000Mn", *_ENDS),
    ]
)
"""A job as Open XDMoD takes it, by its documentation: without a head line, and with any name at the end."""
TABLE = 'id,sub,go,secs,cpus,where\n1,100,160,600,16,"n[1-2]"\n'
COLUMNS = "submit = sub\nruntime = secs\nprocessors = cpus\nstart = go\nhosts = where"


@pytest.mark.parametrize(
    ("text", "columns", "places"),
    [
        (SACCT, None, ["n[1-2]", ""]),
        (XDMOD + "\n", None, ["n1-[01-02],n2-01"]),
        (TABLE, COLUMNS, ["n[1-2]"]),
    ],
    ids=["sacct", "xdmod", "table"],
)
def test_traces_say_where_and_when(
    written: Callable[..., str], text: str, columns: str | None, places: list[str]
) -> None:
    jobs = read_trace(written(text), columns).jobs
    assert [job.hosts for job in jobs] == places
    assert [job.start is None for job in jobs] == [not place for place in places]
    assert jobs[0].start is not None
    assert jobs[0].start - jobs[0].submit == 60.0
