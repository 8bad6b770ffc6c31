"""What a study reads: traces, rules and mixes, the generator's parameters, and what varies."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

from exactfit.adapters.study.generate import WITH_GPUS, WITHOUT, Generator, generate, read_mix
from exactfit.adapters.study.outline import Outline, outline_of
from exactfit.adapters.study.plan import Axes
from exactfit.adapters.study.rules import DEFAULT, Rules, read_rules
from exactfit.adapters.study.submissions import Workload, from_trace, under_load
from exactfit.adapters.study.workloads.flux_jobs import read_flux
from exactfit.adapters.study.workloads.sacct import read_sacct
from exactfit.adapters.study.workloads.swf import read_swf
from exactfit.adapters.study.workloads.trace import Trace, TraceJob

from .machines import jobspecs, small
from .target import Target, words


@lru_cache(maxsize=1)
def _outline() -> Outline:
    return outline_of(small())


@lru_cache(maxsize=1)
def _usual() -> Rules:
    return read_rules(DEFAULT, "the usual rules", _outline())


def _submitted(workload: Workload) -> None:
    """Assert what a simulation relies on."""
    moments = [job.submit for job in workload.jobs]
    assert moments
    assert moments[0] == 0
    assert moments == sorted(moments)
    assert math.isfinite(workload.load)
    assert all(job.runtime > 0 and math.isfinite(job.submit + job.runtime + job.limit) for job in workload.jobs)
    assert all(0 <= job.form < len(workload.forms) for job in workload.jobs)


def _trace(read: Callable[[list[str], str], Trace]) -> Callable[[str], None]:
    def run(text: str) -> None:
        """Read a trace, and give its jobs their shapes by the usual rules."""
        trace = read(text.splitlines(keepends=True), "trace")
        assert trace.jobs
        _submitted(from_trace(trace, _usual()))

    return run


JOBS = (
    TraceJob("1", 0.0, 60.0, 90.0, 4),
    TraceJob("2", 3.0, 60.0, 0.0, 300, nodes=3, gpus=6, memory=64.0, queue="debug", user="ada"),
)


def _rules(text: str) -> None:
    _submitted(from_trace(Trace(JOBS), read_rules(text, "rules", _outline())))


def _mix(text: str) -> None:
    _submitted(generate(Generator(jobs=3), _outline(), 1, read_mix(text, "mix")))


def _generator(text: str) -> None:
    """Read a generator, and let it make a few jobs."""
    generator = Generator.read(text)
    assert Generator.read(str(generator)).jobs == generator.jobs
    _submitted(generate(replace(generator, jobs=min(generator.jobs or 3, 3)), _outline(), 1))


def _axes(text: str) -> None:
    axes = Axes(("exactfit",)).swept(text)
    assert axes.checked() == axes
    workload = from_trace(Trace(JOBS), _usual())
    for load in axes.loads:
        _submitted(workload if load is None else under_load(workload, load))


SWF = ("; Version: 2.2\n1 0 3 100 4 -1 -1 4 200 1024 1 7 -1 -1 1 -1 -1 -1\n2 9 -1 50 8 " + "-1 " * 13,)
SACCT = (
    "JobID|Submit|Elapsed|NCPUS|Timelimit|NNodes|ReqTRES|AllocTRES|ReqMem|Partition|User|Priority|JobName\n"
    "1|2024-01-01T00:00:00|01:00:00|8|2-00:00:00|1|cpu=8,gres/gpu=2|cpu=8|4Gn|debug|ada|4294901760|a|b\n"
    "1.batch|2024-01-01T00:00:00|01:00:00|8||1||cpu=8||||||\n"
    "2|2024-01-01T00:01:00+01:00|00:10.5|1K|UNLIMITED|32||gres/gpu:a100=4|512Mc|batch|bob||x\n".replace(
        "||||||", "|||||"
    )
)
_JOB = {"id": "f1", "t_submit": 5.5, "t_run": 6.0, "t_cleanup": 60.0, "duration": 100.0, "ncores": 4, "nnodes": 1}


def _flux() -> tuple[str, ...]:
    by_jobspec = {"id": 2, "t_submit": 1, "runtime": 10, "priority": 31, "userid": 7, "jobspec": {}}
    filled = [{**by_jobspec, "jobspec": json.loads(text)} for text in jobspecs()]
    return (
        json.dumps({"jobs": [_JOB, *filled]}),
        "\n".join(json.dumps(job) for job in (*filled, _JOB)),
        json.dumps(_JOB),
    )


_ARITHMETIC = '<>=()/*+-%,. 0123456789abcdegimnoprsuxl_"#\n'
_COMPILES = ("compile",)
"""Expressions are parsed by Python's own parser; running what it made would be another event."""

TARGETS: dict[str, Target] = {
    "SWF": Target(_trace(read_swf), lambda: SWF, "0123456789 .-;e\nnaif"),
    "sacct": Target(_trace(read_sacct), words(SACCT), "|0123456789:-TKMGnc=,/.gpures\n"),
    "Flux's jobs": Target(_trace(read_flux), _flux, '{}[]":,-0123456789.etsubmirnco\n'),
    "rules": Target(
        _rules,
        words(DEFAULT, 'queue == "debug" => slot=1/core=<min(2, processors)>\n' + DEFAULT),
        _ARITHMETIC,
        may=_COMPILES,
    ),
    "mix": Target(_mix, words(WITH_GPUS, WITHOUT), _ARITHMETIC, may=_COMPILES),
    "generator": Target(
        _generator,
        words("lublin", "lublin:days=2,load=0.9,gpu=0.3,longest=12", "lublin:jobs=9"),
        "lubin:=,.0123456789e-daysobgptr",
        may=_COMPILES,
    ),
    "axes": Target(
        _axes,
        words("load=0.7:1.1:0.1,seeds=20", "pools=exactfit:fit/affinity+TreePool,scheduling=easy+fifo,seeds=5:8"),
        "polsadecuing=+:,./0123456789e-",
        may=_COMPILES,
    ),
}
"""By name."""
