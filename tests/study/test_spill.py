"""Rows of numbers that are in files, and jobs that are made of them again: the same as if they were in memory."""

from __future__ import annotations

import random
import tracemalloc

import pytest

from exactfit.adapters.study.figures import percentile
from exactfit.adapters.study.generate import Generator, generate
from exactfit.adapters.study.outline import Outline
from exactfit.adapters.study.spill import BLOCK, Numbers, Rows
from exactfit.adapters.study.submissions import Submission, Submissions, Workload, shaken
from exactfit.adapters.study.task import Source


@pytest.mark.parametrize("count", [0, 1, 7, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 5])
def test_rows_come_back_as_they_were(count: int) -> None:
    rows = Rows(3)
    written = [[float(n), n / 3, 2.0**53 - n] for n in range(count)]
    for row in written:
        rows.add(*row)
    assert len(rows) == count
    for same in (rows, Rows.unpacked(3, rows.packed())):
        assert len(same) == count
        assert [row for block in same.blocks() for row in block.tolist()] == written
    for place in {0, count // 2, count - 1} & set(range(count)):
        assert rows.row(place) == written[place]
    with pytest.raises(IndexError):
        rows.row(count)


def test_rows_can_be_written_after_they_were_read() -> None:
    rows = Rows(1)
    for n in range(2 * BLOCK + 3):
        rows.add(float(n))
        if n % 5000 == 0:
            assert rows.row(n) == [n]
            assert sum(len(block) for block in rows.blocks()) == n + 1
    assert [block[0, 0] for block in rows.blocks()] == [0, BLOCK, 2 * BLOCK]


@pytest.mark.parametrize("kind", ["waits", "signs", "equal", "few"])
def test_percentiles_are_exact(kind: str) -> None:
    draw = random.Random(kind)
    made = {
        "waits": [draw.choice((0.0, draw.expovariate(1e-3), draw.random() * 1e-9)) for _ in range(2 * BLOCK + 77)],
        "signs": [draw.uniform(-1e9, 1e9) * draw.choice((1.0, 1e-300, 1e200)) for _ in range(BLOCK + 3)],
        "equal": [5.25] * (BLOCK + 9),
        "few": [3.0, -0.0, 0.0],
    }[kind]
    numbers = Numbers()
    for value in made:
        numbers.append(value)
    assert list(numbers) == made
    for part in (0.0, 0.25, 0.5, 0.95, 1.0):
        assert percentile(numbers, part) == percentile(made, part)
    assert percentile(Numbers(), 0.95) == 0.0


def test_jobs_are_made_again_each_time() -> None:
    rows = [(n, n * 1.5, 10.0, 60.0, 16, n % 3) for n in range(1, BLOCK + 10)]
    jobs, same = Submissions(rows), [Submission(*row) for row in rows]
    assert jobs == same
    assert Submissions.unpacked(jobs.packed()) == same
    assert Submissions.unpacked("") == ()
    assert (jobs[0], jobs[-1], jobs[5:8]) == (same[0], same[-1], tuple(same[5:8]))
    assert jobs != same[:-1]
    with pytest.raises(IndexError):
        jobs[len(rows)]


def test_generated_jobs_take_no_more_memory_where_they_are_more(outline: Outline) -> None:
    """Counted by Python itself, so that no other program matters."""
    peaks = []
    for count in (2 * BLOCK, 4 * BLOCK):
        generator = Generator(jobs=count, load=0.5, longest=1.0)
        generate(generator, outline, 1)
        tracemalloc.start()
        workload = generate(generator, outline, 1)
        assert sum(1 for _ in workload.jobs) == count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0]


def test_the_jobs_of_a_trace_take_no_more_memory_where_they_are_more(outline: Outline) -> None:
    """They come packed, are moved by the seed and by the load, and are looked at one by one."""
    peaks = []
    for count in (BLOCK + 1, 3 * BLOCK):
        jobs = Submissions((n, 40.0 * n, 60.0, 90.0, 16, 0) for n in range(1, count + 1))
        source = Source.of(Workload(jobs, (), 0.5))
        assert len(source.jobs) < 30 * count
        tracemalloc.start()
        workload = source.workload(outline, 2, 0.7)
        assert sum(1 for _ in workload.jobs) == count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0]


def test_jobs_that_are_moved_come_in_order() -> None:
    """The same as where all are sorted at once."""
    jobs = [Submission(n, float(n // 7 * 50), 10.0, 60.0, n, 0) for n in range(1, 300)]
    draw = random.Random(3)
    moved = sorted((job.submit + draw.uniform(0.0, 300.0), job.number) for job in jobs)
    found = shaken(Workload(jobs, (), 0.5), 3).jobs
    assert [(job.submit, job.priority) for job in found] == [(time - moved[0][0], number) for time, number in moved]
    assert [job.number for job in found] == list(range(1, 300))
