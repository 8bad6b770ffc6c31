"""Jobs of the model of Lublin and Feitelson, with shapes drawn from a mix of GPU and other slots.

The model's processors are domains of the machine's finest level, so that its largest job fills the machine. A mix is
lines of a weight and a shape, ``0.3 => slot=<n>/[core=<domain_cores>;gpu=1]``, in which ``n`` is the job's size on that
scale and the other names are the machine's, as in `rules`.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields

from .expression import Value
from .outline import Outline
from .rules import MIX_NAMES, Template, lines_of
from .spill import Rows
from .submissions import LEAST_LOAD, MOST_LOAD, Forms, Submissions, Workload, measured
from .workloads.lublin import BATCH, DAY, INTERACTIVE, Cycle, Stream, gap, run_time, size
from .workloads.trace import WorkloadError, number

NAME = "lublin"
_MODEL_SIZE = 128
_STREAMS = (BATCH, INTERACTIVE)
_MOST_JOBS = 2_000_000
_HOUR, _MINUTE = 3600.0, 60.0
_MOST_HOURS = 1000
_USED, _LEAST_USED = 0.2, 0.01

WITH_GPUS = """\
3 => node=<ceil(n / node_gpus)>/slot=<min(n, node_gpus)>/[core=<domain_cores>;gpu=1]
2 => node=<ceil(n / node_gpus)>/slot=<min(n, node_gpus)>/[core=<max(1, domain_cores // 2)>;gpu=1]
1 => slot=<min(n, node_gpus)>/[core=<max(1, domain_cores * 2 // 3)>;gpu=1]
"""
WITHOUT = """\
2 => node=<ceil(n / domains)>/slot=<min(n, domains)>/core=<max(1, domain_cores // 2)>
2 => node=<ceil(n / domains)>/slot=<min(n, domains)>/core=<domain_cores>
1 => node=<ceil(n / domains)>/slot=<2 * min(n, domains)>/core=<max(1, domain_cores // 3)>
1 => slot=<min(n, domains)>/core=<max(1, domain_cores // 4)>
"""
"""Jobs larger than a node name their nodes, as batch scripts do; the last line of each leaves them open."""


@dataclass(frozen=True, slots=True)
class Generator:
    """What is to be generated.

    Attributes
    ----------
    days
        In which the jobs come; not used where ``jobs`` is given.
    jobs
        How many; 0: as many as make the load in these days.
    load
        What is offered, 1 for all the machine can do.
    gpu
        The part of the jobs that use GPUs, where the machine has any.
    longest
        Hours that no job runs longer.
    used
        The part of its time limit that each job runs for at the least; 1: limits are run times, to the next minute.
    """

    days: float = 1.0
    jobs: int = 0
    load: float = 0.85
    gpu: float = 0.5
    longest: float = 24.0
    used: float = _USED

    @classmethod
    def read(cls, text: str) -> Generator:
        """Return the generator of ``lublin`` or ``lublin:days=2,load=0.9,gpu=0.3,longest=12,jobs=1000``.

        Raises
        ------
        WorkloadError
            For what is none, or out of bounds.
        """
        name, _, rest = text.partition(":")
        known = {field.name for field in fields(cls)}
        values: dict[str, float] = {}
        for part in rest.split(",") if rest else ():
            key, equals, value = part.partition("=")
            if not equals or key not in known:
                raise WorkloadError(name, None, f"{part[:40]!r}: expected {', '.join(sorted(known))} = a number")
            if key in values:
                raise WorkloadError(name, None, f"{key} is given twice")
            try:
                values[key] = number(value)
            except ValueError as fault:
                raise WorkloadError(name, None, f"{key}: {fault}") from None
        jobs = values.get("jobs", 1.0)
        if jobs < 1 or jobs != int(jobs):
            raise WorkloadError(name, None, f"jobs: {jobs:g} is no whole number from 1 to {_MOST_JOBS}")
        if "jobs" in values and "days" in values:
            raise WorkloadError(name, None, "days and jobs exclude each other: one of them says how long it goes on")
        return cls(**{**values, "jobs": int(values.get("jobs", 0))}).checked()  # type: ignore[arg-type]

    def checked(self) -> Generator:
        """Return this. WorkloadError when it is out of bounds."""
        inside = 0 < self.days <= 3660 and LEAST_LOAD <= self.load <= MOST_LOAD
        if not (inside and 0 <= self.gpu <= 1 and _LEAST_USED <= self.used <= 1):
            parts = f"gpu from 0 to 1, used from {_LEAST_USED} to 1"
            bounds = f"days from 0 to 3660, load from {LEAST_LOAD} to {MOST_LOAD:g}, {parts}"
            raise WorkloadError(NAME, None, bounds)
        # Run times are drawn until one is short enough; a minute is not so rare that it takes for ever.
        if not _MINUTE / _HOUR <= self.longest <= _MOST_HOURS:
            raise WorkloadError(NAME, None, f"longest: from a minute to {_MOST_HOURS} hours (0.02 to {_MOST_HOURS})")
        if not 0 <= self.jobs <= _MOST_JOBS:
            raise WorkloadError(NAME, None, f"jobs: from 1 to {_MOST_JOBS}")
        return self

    def __str__(self) -> str:
        span = f"jobs={self.jobs}" if self.jobs else f"days={self.days:g}"
        used = "" if self.used == _USED else f",used={self.used:g}"
        return f"{NAME}:{span},load={self.load:g},gpu={self.gpu:g},longest={self.longest:g}{used}"


@dataclass(frozen=True, slots=True)
class Mix:
    """Shapes with holes, and how often each is drawn."""

    weights: tuple[float, ...]
    templates: tuple[Template, ...]

    def draw(self, values: Mapping[str, Value], random_: random.Random) -> str:
        """Return a shape."""
        return random_.choices(self.templates, self.weights)[0].fill(values)


def read_mix(text: str, name: str) -> Mix:
    """Return the mix of a text.

    Raises
    ------
    WorkloadError
        For a line that is no weight and shape, with its number.
    """
    weights, templates = [], []
    for line, left, right in lines_of(text, name):
        try:
            weights.append(number(left))
            templates.append(Template.read(right, MIX_NAMES))
        except ValueError as fault:
            raise WorkloadError(name, line, str(fault)) from None
    if not weights or min(weights) < 0 or not sum(weights):
        raise WorkloadError(name, None, "a mix needs a weight above 0, and none below")
    return Mix(tuple(weights), tuple(templates))


def generate(generator: Generator, outline: Outline, seed: int, mix: Mix | None = None) -> Workload:
    """Return a workload.

    Parameters
    ----------
    generator
        What is wanted.
    outline
        Of the machine.
    seed
        The same seed gives the same jobs.
    mix
        Of shapes, in the place of the usual ones for jobs with and without GPUs.

    Raises
    ------
    WorkloadError
        When the mix makes no shape.
    """
    draw = random.Random(seed)
    forms = Forms(outline)
    mixes = mix or read_mix(WITH_GPUS, "the mix"), mix or read_mix(WITHOUT, "the mix")
    drawn = Rows(5)
    work, target = 0.0, generator.load * generator.days * DAY
    arriving = _arrivals(draw)
    while len(drawn) < (generator.jobs or _MOST_JOBS) and (generator.jobs or work < target):
        arrival = next(arriving)
        n = size(arrival[1], outline.units, draw)
        runtime = _bounded_time(arrival[1], n * _MODEL_SIZE / outline.units, generator, draw)
        wants_gpu = bool(outline.gpus) and draw.random() < generator.gpu
        shape = mixes[0 if wants_gpu else 1].draw({**outline.values(), "n": n}, draw)
        try:
            form = forms.of_shape(shape)
        except ValueError as fault:
            raise WorkloadError("the mix", None, f"a job of size {n} becomes {shape[:80]!r}: {fault}") from None
        limit = _MINUTE * -(-runtime / draw.uniform(generator.used, 1.0) // _MINUTE)
        drawn.add(arrival[0], _STREAMS.index(arrival[1]), runtime, limit, form)
        work += outline.share(forms.found[form].cores, forms.found[form].gpus) * runtime
    span = work / generator.load if generator.jobs else generator.days * DAY
    return measured(Submissions(_dated(drawn, span)), forms.found, outline)


def _dated(drawn: Rows, span: float) -> Iterator[tuple[int, float, float, float, int, int]]:
    """Let the jobs come in this time, as the cycle of the day has it; what an even stream has in order is in order."""
    scale = span / drawn.row(len(drawn) - 1)[0]
    coming = heapq.merge(*(_of_stream(drawn, which, scale) for which in range(len(_STREAMS))))
    first = None
    for place, (moment, _, runtime, limit, form) in enumerate(coming, start=1):
        first = moment if first is None else first
        yield place, round(moment - first, 3), runtime, limit, 16, int(form)


def _of_stream(drawn: Rows, stream: int, scale: float) -> Iterator[tuple[float, int, float, float, float]]:
    """Yield moment, place, run time, limit and form of the jobs of one stream."""
    cycle, place = Cycle(_STREAMS[stream]), 0
    for block in drawn.blocks():
        for even, of, runtime, limit, form in block.tolist():
            if of == stream:
                yield cycle.moment(even * scale), place, runtime, limit, form
            place += 1


def _bounded_time(stream: Stream, processors: float, generator: Generator, draw: random.Random) -> float:
    while True:
        runtime = run_time(stream, processors, draw)
        if runtime <= generator.longest * _HOUR:
            return runtime


def _arrivals(draw: random.Random) -> Iterator[tuple[float, Stream]]:
    """Yield moments and streams as if the day had no cycle, the two streams merged."""
    coming = [(gap(stream, draw), place) for place, stream in enumerate(_STREAMS)]
    heapq.heapify(coming)
    while True:
        moment, place = coming[0]
        stream = _STREAMS[place]
        yield moment, stream
        heapq.heapreplace(coming, (moment + gap(stream, draw), place))
