"""What `exactfit study` makes of its WORKLOAD: where jobs come from, and what must be known of them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ...grammar.errors import printable
from .errors import InputError
from .machine_input import NamedMachine
from .source import Sources, decode
from .study_options import WorkloadOptions

if TYPE_CHECKING:
    from ..study.lived import History
    from ..study.task import Source


@dataclass(frozen=True, slots=True)
class Given:
    """A workload.

    Attributes
    ----------
    source
        Where jobs come from.
    words
        What it is called.
    shapes
        What must be known of the shapes, a sentence each.
    history
        Where the jobs ran, if that was asked for.
    """

    source: Source
    words: str
    shapes: list[str]
    history: History | None = None

    def on(self, named: NamedMachine, other: NamedMachine) -> Source:
        """Return the same jobs on another machine than the one that they are made for, in the state that it is in."""
        from ..study.onset import onset_of
        from ..study.outline import outline_of

        onset = None if other.snapshot is None else onset_of(other.snapshot, outline_of(other.machine))[0]
        return replace(self.source, onset=onset, outline=asdict(outline_of(named.machine)))


def read_given(given: WorkloadOptions, named: NamedMachine) -> Given:
    """Return what a workload is on a machine; of a snapshot with the state in which it begins.

    Raises
    ------
    InputError
        For options that do not go with it.
    ValueError
        For a workload, rules, a mix or a state that cannot be used.
    """
    found = _read_coming(given, named)
    if named.snapshot is None:
        return found
    from ..study.onset import onset_of
    from ..study.outline import outline_of

    onset, words = onset_of(named.snapshot, outline_of(named.machine))
    return replace(found, source=replace(found.source, onset=onset), shapes=[*words, *found.shapes])


def _read_coming(given: WorkloadOptions, named: NamedMachine) -> Given:
    """Return what is submitted.

    Raises
    ------
    InputError
        For options that do not go with it.
    ValueError
        For a workload, rules or a mix that cannot be used.
    """
    from ..study.generate import NAME, Generator, read_mix
    from ..study.lived import history_of
    from ..study.outline import outline_of
    from ..study.rules import DEFAULT, read_rules
    from ..study.shapes_said import shapes_in_words, tearing_in_words
    from ..study.submissions import from_trace
    from ..study.task import Source
    from ..study.workloads.source import read_trace

    sources = Sources()
    name, rules, mix = given.workload, given.rules, given.mix
    if name.partition(":")[0] == NAME and not Path(name).exists():
        of_trace = {"--rules": rules, "--jobs": given.jobs, "--columns": given.columns}
        of_trace["--as-it-was"] = given.as_it_was or None
        for option, value in of_trace.items():
            if value is not None:
                raise InputError(f"{option} goes with a trace; the generator takes --mix and jobs=N")
        generator = Generator.read(name)
        text = decode(sources.read(str(mix), "a mix"), str(mix)) if mix else ""
        if mix:
            read_mix(text, str(mix))
        made = Source(generator=str(generator), mix=text)
        whose = f"Shapes: by the weights in {printable(str(mix))}." if mix else "Shapes: the generator's own mix."
        # The usual mix has slots of several cores on any machine whose domains have some.
        torn = tearing_in_words(named.machine, made.workload(outline_of(named.machine), 1, None))
        return Given(made, f"Generated workload {generator}", [whose, *torn])
    if mix is not None:
        raise InputError("--mix goes with the generator; a trace takes --rules")
    outline = outline_of(named.machine)
    text = decode(sources.read(str(rules), "rules"), str(rules)) if rules else DEFAULT
    columns = decode(sources.read(str(given.columns), "columns"), str(given.columns)) if given.columns else None
    trace = read_trace(name, columns, str(given.columns))
    found = from_trace(trace, read_rules(text, str(rules or "the usual rules"), outline), given.jobs)
    parts = (
        f"{len(found.jobs)} jobs of {printable(Path(name).name) if name != '-' else 'standard input'}",
        *(f"in the whole trace {said}" if len(found.jobs) < len(trace.jobs) else said for said in trace.remarks),
        f"offered load {found.load:.2f}",
    )
    shapes = shapes_in_words(printable(str(rules)) if rules else None, found)
    history = history_of(named.machine, trace.jobs, found) if given.as_it_was else None
    if history is not None and not history.jobs:
        raise InputError(
            f"--as-it-was: {printable(name)} does not say of any job on which nodes of this machine it ran"
        )
    return Given(Source.of(found), ", ".join(parts), [*shapes, *tearing_in_words(named.machine, found)], history)
