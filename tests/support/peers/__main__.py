"""Counts what Flux's pools and ours make of the same requests, and prints it with the smallest examples.

`make peers`, or `python -m peers [sequences]` with tests/support on the path.
"""

from __future__ import annotations

import json
import os
import sys
import time
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, find, given, seed, settings
from hypothesis.errors import Flaky, NoSuchExample
from rich.console import Console
from rich.table import Table

from exactfit.grammar.shape import shape_text

from .compare import PEERS, Kind, Outcome, outcomes
from .sequences import Ask, End, Sequence, Turn, sequences

SEQUENCES = 1000
SEARCHED = 400
"""Sequences that are tried to find an example of one outcome."""

SECONDS = 20.0
"""What making one example smaller may take of the processor."""

QUIET = {"deadline": None, "database": None, "suppress_health_check": list(HealthCheck)}
UNREMARKABLE = (Kind.EQUAL, Kind.SAME)


Example = tuple[Sequence, Outcome]


def count(examples: int) -> tuple[Counter[tuple[str, Kind]], dict[tuple[str, Kind], Example], int]:
    """Run sequences; return how often each peer did what, the shortest of each, and how many requests there were."""
    found: Counter[tuple[str, Kind]] = Counter()
    shortest: dict[tuple[str, Kind], Example] = {}
    asked = 0

    @seed(49)
    @given(sequences())
    @settings(max_examples=examples, phases=[Phase.generate], **QUIET)  # type: ignore[arg-type]
    def run(sequence: Sequence) -> None:
        nonlocal asked
        asked += sum(isinstance(step, Ask) for step in sequence.steps)
        for outcome in outcomes(sequence):
            key = outcome.peer, outcome.kind
            found[key] += 1
            if key not in shortest or len(story(sequence)) < len(story(shortest[key][0])):
                shortest[key] = sequence, outcome

    run()
    return found, shortest, asked


def smallest(peer: str, kind: Kind, known: Example) -> Example:
    """Return the smallest sequence that hypothesis finds at whose end a peer does something, and what it does.

    It is no longer than the one that is known.
    """
    until = time.process_time() + SECONDS
    best = [known]

    def first(sequence: Sequence) -> Outcome | None:
        every = outcomes(sequence)
        return next((outcome for outcome in every if (outcome.peer, outcome.kind) == (peer, kind)), None)

    def shows(sequence: Sequence) -> bool:
        outcome = None if time.process_time() > until else first(sequence)
        if outcome is not None:
            best.append((sequence, outcome))
        return outcome is not None

    # Once the time is up no sequence shows anything any more, which hypothesis calls flaky: what it had stands.
    with suppress(NoSuchExample, Flaky):
        find(sequences(), shows, settings=settings(max_examples=SEARCHED, **QUIET))  # type: ignore[arg-type]
    sequence, outcome = min(best, key=lambda found: len(story(found[0])))
    # What comes after, and what came before and does not matter, is left out.
    last = next((place for place, step in enumerate(sequence.steps) if step is outcome.ask), 0)
    sequence = replace(sequence, steps=sequence.steps[: last + 1])
    for place in range(last - 1, -1, -1):
        found = first(shorter := replace(sequence, steps=sequence.steps[:place] + sequence.steps[place + 1 :]))
        if found is not None:
            sequence, outcome = shorter, found
    return sequence, outcome


def text(ask: Ask) -> str:
    """Return a request as RFC 46 text, with its constraint."""
    shape = shape_text(list(ask.resources))
    counts = [count for count in _counts(ask.resources) if not isinstance(count, int)]
    if counts:
        shape += f" with count: {', '.join(map(json.dumps, counts))}"
    return shape if ask.constraint is None else f"{shape} where {json.dumps(ask.constraint)}"


def _counts(resources: Iterable[dict[str, Any]]) -> Iterator[Any]:
    for vertex in resources:
        yield vertex["count"]
        yield from _counts(vertex.get("with", ()))


def story(sequence: Sequence) -> str:
    """Return a sequence as one line: the machine, and what happens on it."""
    entries = sequence.R["execution"]["R_lite"]
    lite = ", ".join(
        f"rank {e['rank']} " + " ".join(f"{k}[{v}]" for k, v in e["children"].items() if v) for e in entries
    )
    scheduling = sequence.R.get("scheduling", {})
    tree = ", ".join(f"{e['ranks']}: {json.dumps(e['topo'])}" for e in scheduling.get("children", ()))
    parts = [lite]
    if len(tree) < 400:
        parts.append(f"tree {tree}" if tree else "no tree")
    if "groups" in scheduling:
        parts.append(f"groups {json.dumps(scheduling['groups'])}")
    parts += [_words(step) for step in sequence.steps]
    return "; ".join(parts)


def _words(step: Ask | End | Turn) -> str:
    if isinstance(step, Ask):
        return f"ask {text(step)}"
    return f"end the job {step.back} before the last" if isinstance(step, End) else f"turn rank {step.rank}"


def main(examples: int = SEQUENCES) -> int:
    """Run, print, and return 1 when an outcome must not be."""
    warnings.simplefilter("ignore")
    # Without a terminal the width is eighty columns, which breaks every line of the examples.
    console = Console(width=None if sys.stdout.isatty() else 140)
    found, shortest, asked = count(examples)
    table = Table(title=f"{examples} sequences, {asked} requests, our pool's policy: pack")
    table.add_column("beside ours")
    for peer in PEERS:
        table.add_column(peer, justify="right")
    for kind in Kind:
        if any(found[peer, kind] for peer in PEERS):
            table.add_row(kind.value, *(str(found[peer, kind]) for peer in PEERS))
    console.print(table)
    shown: defaultdict[str, list[Any]] = defaultdict(list)
    for peer, kind in sorted(found, key=lambda key: (list(Kind).index(key[1]), key[0])):
        if kind not in UNREMARKABLE:
            sequence, outcome = smallest(peer, kind, shortest[peer, kind])
            lines = f"{peer}: {kind.value}", f"    {story(sequence)}", f"    {outcome.detail}"
            console.print(*lines, sep="\n", highlight=False, markup=False)
            shown[peer].append({"kind": kind.name, "R": sequence.R, "steps": [_words(s) for s in sequence.steps]})
    target = Path(os.environ.get("PEERS_JSON", "build/peers.json"))
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(shown, indent=1), encoding="utf-8")
    return int(any(kind.is_fault_of_ours for _, kind in found))


if __name__ == "__main__":
    sys.exit(main(*(int(argument) for argument in sys.argv[1:2])))
