"""Traces of three kinds and the generator: what is read, and what is said of what cannot be."""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from exactfit.adapters.study.generate import Generator, generate, read_mix
from exactfit.adapters.study.outline import Outline
from exactfit.adapters.study.rules import DEFAULT, read_rules
from exactfit.adapters.study.submissions import Workload, from_trace, shaken, under_load
from exactfit.adapters.study.workloads.lublin import gamma_below
from exactfit.adapters.study.workloads.source import read_trace
from exactfit.adapters.study.workloads.trace import WorkloadError

Written = Callable[..., str]

SWF = """\
; Version: 2.2
1 100 5 60 4 -1 -1 8 120 2097152 1 7 -1 -1 3 -1 -1 -1
2  50 0 30 1 -1 1048576 -1 -1 -1 1 7 -1 -1 3 -1 -1 -1
3 200 -1 -1 4 -1 -1 4 120 -1 5 7 -1 -1 3 -1 -1 -1
"""
OTHER_SIZE = "1 as large as what was allocated to them, which is not what they asked for"
SACCT = """\
JobID|User|Submit|Elapsed|Timelimit|NNodes|NCPUS|ReqTRES|ReqMem|Partition|Priority
10|a|2026-03-01T10:00:00|00:10:00|1-00:00:00|2|16|cpu=16,gres/gpu=4,mem=8G|4Gn|gpu|100
10.batch||2026-03-01T10:00:00|00:10:00||2|16||||
11|a|2026-03-01T10:01:00|01:00|UNLIMITED|1|4|cpu=4|512Mc|cpu|
12|a|2026-03-01T10:02:00|00:00:00|01:00:00|0|0|cpu=4||cpu|
"""

CORE: dict[str, Any] = {"type": "slot", "count": 1, "label": "task", "with": [{"type": "core", "count": 1}]}


def flux_line(**changed: Any) -> str:
    job = {"id": "f1", "t_submit": 10.0, "t_run": 12.0, "t_cleanup": 72.0, "duration": 300, "ncores": 8, "nnodes": 1}
    return json.dumps({**job, **changed})


class TestSwf:
    def test_jobs_have_the_size_of_what_they_had_and_the_time_that_they_asked_for(self, written: Written) -> None:
        trace = read_trace(written(SWF))
        first, second = trace.jobs
        assert (first.name, first.processors, first.limit, first.memory) == ("2", 1, 0.0, 1.0)
        assert (second.name, second.processors, second.limit, second.memory) == ("1", 4, 120.0, 8.0)
        assert trace.left_out == 1
        assert trace.remarks[1:] == (OTHER_SIZE,)

    def test_what_is_asked_for_counts_where_nothing_says_what_was_had(self, written: Written) -> None:
        trace = read_trace(written(SWF.replace("1 100 5 60 4 ", "1 100 5 60 -1 ")))
        assert (trace.jobs[1].processors, trace.remarks[1:]) == (8, ())

    def test_lines_on_parts_of_a_job_are_no_jobs(self, written: Written) -> None:
        parts = [f"1 100 5 30 4 -1 -1 8 120 -1 {status} 7 -1 -1 3 -1 -1 -1\n" for status in (2, 3, 4)]
        trace = read_trace(written(SWF + "".join(parts)))
        assert [job.name for job in trace.jobs] == ["2", "1"]
        assert trace.remarks == ("1 that never ran left out", "3 lines on parts of jobs passed over", OTHER_SIZE)

    def test_packed_it_is_the_same(self, written: Written) -> None:
        assert read_trace(written(gzip.compress(SWF.encode()), "t.gz")) == read_trace(written(SWF))

    @pytest.mark.parametrize(
        ("text", "fault"),
        [
            ("1 2 3\n", ":1: a job has 18 fields, this line has 3: -1 stands for what is not known"),
            (SWF + "1 " * 19 + "\n", ":5: a job has 18 fields, this line has 19"),
            (SWF.replace("60", "1e400"), ":2: no usable number: 1e400"),
            (SWF.replace("60", "x"), ":2: expected a number, got 'x'"),
            (SWF.replace("60", "9" * 300), ":2: expected a number"),
            ("; nothing\n", ": holds no job"),
            ("", ": holds no job"),
            (b"\x1f\x8bnonsense", ": cannot read the workload"),
            (gzip.compress(SWF.encode(), mtime=0)[:60], ": cannot read the workload"),
            (b"\xff\xfe\x00", ": not UTF-8 text"),
        ],
    )
    def test_a_fault_names_file_and_line(self, written: Written, text: str | bytes, fault: str) -> None:
        path = written(text)
        with pytest.raises(WorkloadError) as caught:
            read_trace(path)
        assert str(caught.value).startswith(path + fault)
        assert "\n" not in str(caught.value)

    def test_a_file_that_is_not_there_is_said_so(self) -> None:
        with pytest.raises(WorkloadError, match="No such file"):
            read_trace("/nowhere/at/all")


class TestFlux:
    def test_a_line_a_job(self, written: Written) -> None:
        (job,) = read_trace(written(flux_line() + "\n\n")).jobs
        assert (job.submit, job.runtime, job.limit, job.processors, job.nodes) == (10.0, 60.0, 300.0, 8, 1)

    def test_flux_jobs_prints_them_in_one_object(self, written: Written) -> None:
        text = f'{{"jobs": [{flux_line()}, {flux_line(t_submit=3.0)}]}}'
        for form in (text, json.dumps(json.loads(text), indent=2)):
            assert [job.submit for job in read_trace(written(form)).jobs] == [3.0, 10.0]

    def test_a_jobspec_is_taken_as_it_is(self, written: Written, outline: Outline) -> None:
        resources = [{"type": "slot", "count": 2, "label": "task", "with": [{"type": "core", "count": 3}]}]
        spec = {"version": 1, "resources": resources, "attributes": {"system": {"duration": 90}}, "tasks": []}
        workload = _workload(read_trace(written(flux_line(jobspec=spec))), outline)
        assert workload.jobs[0].limit == 90.0
        assert (workload.forms[0].text, workload.forms[0].cores) == ("slot=2/core=3", 6)

    def test_jobs_that_never_ran_are_left_out(self, written: Written) -> None:
        trace = read_trace(written(f"{flux_line()}\n{flux_line(t_run=None)}\n"))
        assert (len(trace.jobs), trace.left_out) == (1, 1)

    @pytest.mark.parametrize(
        ("line", "fault"),
        [
            ('{"t_submit": 1', ":2: not JSON: "),
            ("[" * 100_000, ":2: not usable JSON: nested too deeply"),
            ("7", ":2: a job is a JSON object"),
            ("{}", ":2: a job needs t_submit"),
            ('{"t_submit": "soon"}', ":2: t_submit: expected a number"),
            ('{"t_submit": NaN}', ":2: not usable JSON: NaN is no JSON number"),
            (flux_line(jobspec={"version": 1, "resources": []}), ":2: "),
            (flux_line(jobspec=[]), ":2: jobspec: expected an object"),
            (
                flux_line(jobspec={"version": 9, "resources": [CORE]}),
                ":2: version: RFC 14 jobspec: 9 is not known; 1 is RFC 25",
            ),
        ],
    )
    def test_a_fault_names_file_and_line(self, written: Written, line: str, fault: str) -> None:
        path = written(f"{flux_line()}\n{line}\n")
        with pytest.raises(WorkloadError) as caught:
            read_trace(path)
        assert str(caught.value).startswith(path + fault)


class TestSacct:
    def test_jobs_without_their_steps(self, written: Written) -> None:
        trace = read_trace(written(SACCT))
        first, second = trace.jobs
        assert (first.processors, first.nodes, first.gpus, first.memory, first.limit) == (16, 2, 4, 8.0, 86400.0)
        assert (second.runtime, second.limit, second.memory, second.queue) == (60.0, 0.0, 2.0, "cpu")
        assert second.submit - first.submit == 60.0
        assert trace.left_out == 1

    def test_jobs_without_a_priority_get_the_middle_one(self, written: Written) -> None:
        more = "".join(f"{n}|a|2026-03-01T10:0{n}:00|01:00||1|4||||{n}000\n" for n in (3, 4))
        trace = read_trace(written(SACCT + more))
        assert {job.name: job.priority for job in trace.jobs} == {"10": 100, "11": 3000, "3": 3000, "4": 4000}
        assert trace.remarks == ("1 that never ran left out", "1 without a Priority given the middle one")

    def test_where_no_job_has_a_priority_all_are_alike(self, written: Written) -> None:
        trace = read_trace(written("\n".join(line.rpartition("|")[0] for line in SACCT.splitlines())))
        assert ({job.priority for job in trace.jobs}, trace.notes) == ({16}, ())

    @pytest.mark.parametrize("place", [0, 4, 11])
    def test_a_name_may_hold_the_separator(self, written: Written, place: int) -> None:
        lines = [line.split("|") for line in SACCT.splitlines()]
        names = ("JobName", "a|b||c", "batch", "|", "plain")
        text = "\n".join("|".join([*f[:place], name, *f[place:]]) for f, name in zip(lines, names, strict=True))
        assert read_trace(written(text)) == read_trace(written(SACCT, "plain"))

    def test_what_was_allocated_is_the_size(self, written: Written) -> None:
        head = "JobID|User|Submit|Elapsed|Timelimit|NNodes|ReqCPUS|AllocCPUS|Partition"
        trace = read_trace(written(f"{head}\n10|a|2026-03-01T10:00:00|00:10:00|01:00:00|1|5|8|cpu\n"))
        assert trace.jobs[0].processors == 8

    def test_1024_nodes_are_1k(self, written: Written) -> None:
        (job, _) = read_trace(written(SACCT.replace("|2|16|cpu=16,", "|1K|1.50K|cpu=16,"))).jobs
        assert (job.nodes, job.processors) == (1024, 1536)

    @pytest.mark.parametrize(
        ("text", "fault"),
        [
            ("JobID|User\n1|a\n", ":1: the head line of sacct --parsable2 lacks Submit, Elapsed"),
            (SACCT + "13|a\n", ":6: the head line has 11 fields, this line has 2"),
            (SACCT.replace("00:10:00", "ten"), ":2: Elapsed: no duration: 'ten'"),
            (SACCT.replace("512Mc", "lots"), ":4: ReqMem: no amount of memory: 'lots'"),
            (SACCT.replace("512Mc", "5X"), ":4: ReqMem: no amount of memory: '5X'"),
            (SACCT.replace("|4|cpu=4|", "|some|cpu=4|"), ":4: NCPUS: expected a number, got 'some'"),
            (SACCT.replace("|100\n", "|high\n"), ":2: Priority: expected a number, got 'high'"),
            (
                SACCT.replace("JobID|User", "JobID|JobName|Comment").replace("10|a", "10|a|b|c", 1),
                ":2: the head line has 12 fields, this line has 13; JobName and Comment may hold a |: print one",
            ),
            (
                SACCT.replace("JobID|User", "JobID|JobName").replace("10|a|", "10|a\n|", 1),
                ":2: the head line has 11 fields, this line has 2; JobName may hold a line break: leave it out",
            ),
            (SACCT.replace("2026-03-01T10:01", "yesterday"), ":4: Submit: no time"),
        ],
    )
    def test_a_fault_names_file_and_line(self, written: Written, text: str, fault: str) -> None:
        path = written(text)
        with pytest.raises(WorkloadError) as caught:
            read_trace(path)
        assert str(caught.value).startswith(path + fault)


class TestGenerator:
    def test_a_seed_gives_the_same_jobs(self, outline: Outline) -> None:
        generator = Generator.read("lublin:jobs=50")
        assert generate(generator, outline, 3) == generate(generator, outline, 3)
        assert generate(generator, outline, 3) != generate(generator, outline, 4)

    @pytest.mark.parametrize("load", [0.3, 0.9])
    def test_a_day_offers_about_the_load(self, outline: Outline, load: float) -> None:
        workload = generate(Generator(load=load, longest=4), outline, 1)
        assert workload.span <= 86400.0
        # The last job drawn takes it above, and the day is what jobs come in.
        assert workload.load == pytest.approx(load, rel=0.25)
        assert [job.submit for job in workload.jobs] == sorted(job.submit for job in workload.jobs)
        assert [job.number for job in workload.jobs] == list(range(1, len(workload.jobs) + 1))

    def test_no_job_is_longer_than_said_or_has_a_limit_below_its_run_time(self, outline: Outline) -> None:
        jobs = generate(Generator.read("lublin:jobs=300,longest=2"), outline, 1).jobs
        assert max(job.runtime for job in jobs) <= 7200
        assert all(job.limit >= job.runtime for job in jobs)

    def test_limits_are_as_near_to_run_times_as_is_said_and_nothing_else_changes(self, outline: Outline) -> None:
        usual, near = (generate(Generator.read(f"lublin:jobs=100{used}"), outline, 1).jobs for used in ("", ",used=1"))
        assert all(0 <= job.limit - job.runtime < 60 for job in near)
        assert [replace(job, limit=0.0) for job in usual] == [replace(job, limit=0.0) for job in near]

    def test_gpu_jobs_are_the_part_that_is_said(self, outline: Outline) -> None:
        for share in (0.0, 1.0):
            workload = generate(Generator(jobs=60, gpu=share), outline, 1)
            assert all(bool(workload.forms[job.form].gpus) == bool(share) for job in workload.jobs)

    def test_jobs_have_the_sizes_of_the_model(self, outline: Outline) -> None:
        workload = generate(Generator(jobs=3000, longest=48), outline, 1, read_mix("1 => slot=<n>/core=1", "mix"))
        sizes = [workload.forms[job.form].cores for job in workload.jobs]
        # Interactive jobs are the greater part; 15 to 29 % of either are serial, and most others powers of two.
        assert 0.12 < sizes.count(1) / len(sizes) < 0.32
        assert max(sizes) <= outline.units

    @pytest.mark.parametrize(("shape", "x"), [(1.0, 0.5), (6.1, 4.0), (8.9, 16.0)])
    def test_the_gamma_distribution_is_right(self, shape: float, x: float) -> None:
        steps = 20_000
        density = [t ** (shape - 1) * math.exp(-t) for t in (x * (i + 0.5) / steps for i in range(steps))]
        assert gamma_below(shape, x) == pytest.approx(sum(density) * x / steps / math.gamma(shape), rel=1e-3)

    @pytest.mark.parametrize("text", ["lublin:", "lublin:load", "lublin:load=0", "lublin:day=1", "lublin:jobs=1e12"])
    def test_what_is_out_of_bounds_is_said_so(self, text: str) -> None:
        if text == "lublin:":
            assert Generator.read(text) == Generator()
            return
        with pytest.raises(WorkloadError):
            Generator.read(text)


def test_load_brings_submissions_closer(outline: Outline, written: Written) -> None:
    workload = _workload(read_trace(written(SWF)), outline)
    half = under_load(workload, workload.load / 2)
    assert half.span == pytest.approx(2 * workload.span)


def test_another_seed_shakes_a_trace(outline: Outline, written: Written) -> None:
    workload = _workload(read_trace(written(SWF)), outline)
    moved = shaken(workload, 2)
    assert moved == shaken(workload, 2)
    assert {job.runtime for job in moved.jobs} == {job.runtime for job in workload.jobs}
    assert moved.jobs[0].submit == 0.0


def _workload(trace: Any, outline: Outline) -> Workload:
    return from_trace(trace, read_rules(DEFAULT, "rules", outline))
