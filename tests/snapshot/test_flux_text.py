"""What Flux prints, read: as its owner sees it and as a guest does, and text that is none."""

from __future__ import annotations

import json
from typing import Any

import pytest

from exactfit.adapters.snapshot.commands import RefusedError, SystemDownError
from exactfit.adapters.snapshot.flux_system import take_flux
from exactfit.adapters.snapshot.model import Snapshot
from exactfit.adapters.snapshot.take import take
from exactfit.solver.pool import Pool
from exactfit.topology.presets import preset
from exactfit.topology.rset import read_R

R = preset("rfc49-b:4")
PLAIN = {key: value for key, value in R.items() if key != "scheduling"}


def held(rank: str, core: str) -> dict[str, Any]:
    lite = [{"rank": rank, "children": {"core": core}}]
    return {"version": 1, "execution": {"R_lite": lite, "starttime": 5.0, "expiration": 605.0}}


def job(ident: str, state: str, **more: Any) -> dict[str, Any]:
    return {"jobid": ident, "id": int(ident[1:]), "state": state, "username": "ada", "name": "x", "urgency": 16, **more}


def spec(count: int, *dependencies: dict[str, str]) -> dict[str, Any]:
    slot = {"type": "slot", "count": count, "label": "task", "with": [{"type": "core", "count": 1}]}
    system = {"duration": 60.0, "dependencies": list(dependencies), "environment": {"SECRET": "1"}, "cwd": "/home/ada"}
    tasks = [{"command": ["secret"], "slot": "task", "count": {"per_slot": 1}}]
    return {"version": 1, "resources": [slot], "tasks": tasks, "attributes": {"system": system}}


JOBS = [
    job("ƒ1", "RUN", expiration=605.0, t_run=5.0, priority=16),
    job("ƒ2", "RUN", expiration=0.0, priority=16, username="bob"),
    job("ƒ3", "SCHED", priority=16, t_submit=3.0, annotations={"sched": {"reason_pending": "no \x1b[31m room"}}),
    job("ƒ4", "SCHED", priority=31),
    job("ƒ5", "DEPEND", dependencies=["after-success=ƒ3"]),
    job("ƒ6", "DEPEND", dependencies=["begin@09:00:00"]),
    job("ƒ7", "PRIORITY", urgency=16),
    job("ƒ8", "INACTIVE"),
]
ANSWERS: dict[tuple[str, ...], object] = {
    ("flux", "jobs", "-A", "-c", "100000", "--json"): {"jobs": JOBS},
    ("flux", "kvs", "get", "resource.R"): R,
    ("flux", "resource", "R"): PLAIN,
    ("flux", "resource", "R", "-s", "allocated"): held("0-1", "0-3"),
    ("flux", "resource", "status", "-no", "{state}|{ranks}|{reason}"): "avail|0-2|\ndrained|3|fan | \x1b[31m\n",
    ("flux", "version"): "commands:    \t\t0.88.0\nlibflux-core:\t\t0.88.0\n",
    ("flux", "config", "get"): {"policy": {"limits": {"duration": "1d", "job-size": {"max": {"nnodes": 2}}}}},
    ("flux", "job", "info", "ƒ1", "R"): held("0", "0-3"),
    ("flux", "job", "info", "ƒ2", "R"): held("1", "0-3"),
    **{("flux", "job", "info", f"ƒ{n}", "jobspec"): spec(n) for n in (3, 4, 5, 7)},
    ("flux", "job", "info", "ƒ6", "jobspec"): spec(6, {"scheme": "begin-time", "value": "1800000000.0"}),
}


def taken(**missing: tuple[str, ...]) -> Snapshot:
    """Return a snapshot of what Flux answers, without some of it."""

    def run(*words: str) -> str:
        if words in missing.values() or words not in ANSWERS:
            raise RefusedError(f"{' '.join(words)}: Operation not permitted")
        answer = ANSWERS[words]
        return answer if isinstance(answer, str) else json.dumps(answer)

    return take_flux(run)


def test_as_its_owner_sees_it() -> None:
    found = taken()
    assert (found.version, found.unseen) == ("0.88.0", [])
    assert read_R(found.R).levels != ()
    assert [(down.ranks, down.state, down.why) for down in found.down] == [("3", "drained", r"fan | \x1b[31m")]
    (queue,) = found.queues
    assert (queue.name, queue.ranks, dict(queue.limits)) == ("", "0-3", {"seconds": 86400.0, "nodes": 2})
    assert [(job.id, job.start, job.end) for job in found.running] == [("ƒ1", 5.0, 605.0), ("ƒ2", 0.0, 0.0)]
    assert [job.id for job in found.waiting] == ["ƒ4", "ƒ3", "ƒ5", "ƒ6", "ƒ7"]
    assert [job.blocked for job in found.waiting] == [
        "", "", "depends on after-success=ƒ3", "", "has no priority yet"
    ]  # fmt: skip
    assert found.waiting[3].begin == 1.8e9
    assert found.waiting[1].reason == r"no \x1b[31m room"
    assert "secret" not in found.text().lower()
    assert "home" not in found.text()


def test_as_a_guest_sees_it() -> None:
    found = taken(
        tree=("flux", "kvs", "get", "resource.R"),
        running=("flux", "job", "info", "ƒ2", "R"),
        waiting=("flux", "job", "info", "ƒ4", "jobspec"),
        version=("flux", "version"),
        config=("flux", "config", "get"),
    )
    assert [line.partition(":")[0] for line in found.unseen] == [
        "what stands inside of nodes, and groups, only the owner of the instance may see",
        "what 1 running jobs hold only their users may see",
        "ranks 1",
        "what 1 waiting jobs ask for only their users may see",
    ]
    assert [job.id for job in found.running] == ["ƒ1", "unseen"]
    assert found.running[1].R["execution"]["R_lite"] == [{"rank": "1", "children": {"core": "0-3"}}]
    pool = Pool(read_R(found.R))
    for number, one in enumerate(found.running):
        pool.register_alloc(number, one.R)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"jobs": 7}', '{"jobs": [7]}', "[" * 100_000])
def test_what_is_no_answer_is_one_line(text: str) -> None:
    with pytest.raises(SystemDownError) as fault:
        take("flux", lambda *_: text)
    assert str(fault.value).isprintable()
    assert len(str(fault.value)) < 300
