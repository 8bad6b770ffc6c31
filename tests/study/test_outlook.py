"""When there can be room: the quick count agrees with jobs that end one by one; what pools say without R is in R."""

from __future__ import annotations

import random

from exactfit.adapters.flux import ExactPool
from exactfit.adapters.study.measures import parts_of
from exactfit.adapters.twin.jobs import LateR, Part
from exactfit.adapters.twin.outlook import Need, Outlook
from exactfit.adapters.twin.workload import jobspec
from exactfit.topology.presets import preset
from exactfit.topology.rset import read_R

NODES, CORES, GPUS = 9, 4, 2
WHOLE = (2**NODES - 1, 2**CORES - 1, 2**GPUS - 1)


def room(need: Need, free: list[list[int]]) -> bool:
    """Return the same answer by the definition."""
    if need.nodes:
        enough = [c >= need.cores and g >= need.gpus for c, g in free]
        if need.whole:
            enough = [[c, g] == [CORES, GPUS] for c, g in free]
        return sum(enough) >= need.nodes
    each = [min(have // want for have, want in zip(one, (need.cores, need.gpus), strict=True) if want) for one in free]
    return sum(each) >= need.slots


def drawn_need(draw: random.Random) -> Need:
    nodes = draw.choice((0, 0, draw.randint(1, NODES + 1)))
    cores, gpus = draw.randint(0, CORES), draw.randint(0, GPUS)
    return Need(nodes, draw.randint(1, 14), cores or not gpus, gpus, whole=bool(nodes) and draw.random() < 0.3)


def test_the_earliest_room_is_that_of_jobs_ending_one_by_one() -> None:
    draw = random.Random(5)
    for _ in range(150):
        outlook = Outlook([WHOLE])
        free = [[CORES, GPUS] for _ in range(NODES)]
        running: dict[int, tuple[list[Part], float]] = {}
        for job in range(draw.randint(0, 12)):
            node, cores = draw.randrange(NODES), draw.randint(0, CORES)
            mask = 2**node | (2 ** draw.randrange(NODES) if draw.random() < 0.5 else 0)
            parts = [(mask, 2**cores - 1, draw.choice((0, 1)))]
            rows = [row for row in range(NODES) if mask >> row & 1]
            if any(free[row][0] < cores or free[row][1] < parts[0][2] for row in rows):
                continue
            end = draw.choice((0.0, float(draw.randint(1, 5))))
            outlook.started(job, parts, end)
            running[job] = parts, end
            for row in rows:
                free[row][0] -= cores
                free[row][1] -= parts[0][2]
        for _ in range(4):
            need = drawn_need(draw)
            later = [list(one) for one in free]
            expected = 0.0 if room(need, later) else None
            for end in sorted({end for _, end in running.values() if end}):
                for parts, _ in (one for one in running.values() if one[1] == end):
                    for row in (row for row in range(NODES) if parts[0][0] >> row & 1):
                        later[row][0] += parts[0][1].bit_count()
                        later[row][1] += parts[0][2].bit_count()
                if expected is None and room(need, later):
                    expected = end
            assert outlook.earliest(need) == expected, need
            sets = [[job for job, (_, e) in running.items() if e == end] for end in (1.0, 2.0, 3.0, 4.0, 5.0)]
            after = outlook.after(need, sets)
            assert (None if after is None else float(after)) == (expected if expected is not None else None)
        for job in running:
            outlook.freed(job)
        assert outlook.now(Need(NODES, 0, CORES, GPUS, whole=True))


def test_what_a_job_holds_is_the_same_with_and_without_R() -> None:
    resources = preset("rfc49-a:4")
    machine = read_R(resources)
    pool = ExactPool(resources)
    shapes = ("slot=3/core=7", "node=2/slot=2/[core=8;gpu=1]", "node=1{x}/slot=1/core=1")
    for job, shape in enumerate(shapes, start=1):
        late = LateR(pool.alloc(job, pool.parse_resource_request(jobspec(shape, 60.0))))
        assert late.parts is not None
        read = parts_of(machine, {"execution": late["execution"]})
        held = [
            sum((nodes >> node & 1) * (cores | gpus << 200) for nodes, cores, gpus in late.parts) for node in range(4)
        ]
        assert held == [sum((n >> node & 1) * (c | g << 200) for n, c, g in read) for node in range(4)]
        assert set(late) == {"version", "execution", "scheduling"}
        pool.free(job)


def test_a_request_with_another_limit_is_the_one_that_its_jobspec_makes() -> None:
    pool = ExactPool(preset("rfc49-a:1"))
    longer = jobspec("slot=2/core=3", 90.0)
    first = pool.parse_resource_request(jobspec("slot=2/core=3", 60.0))
    again, parsed = first.lasting(longer, 90.0), pool.parse_resource_request(longer)
    assert (again.request, again.duration, again.jobspec) == (parsed.request, parsed.duration, parsed.jobspec)
    assert again.request.shape is first.request.shape
