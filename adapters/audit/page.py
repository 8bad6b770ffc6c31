"""The page of an audit: one HTML file with everything in it."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from pathlib import Path

from ..study.html import heading, page, paragraph, table, verbatim
from .audit import Report
from .findings import Finding
from .steps import in_words, machine_in_words


def page_of(report: Report, files: list[Path], versions: str) -> str:
    """Return the page of a report.

    Parameters
    ----------
    report
        The report.
    files
        The counterexample of each finding.
    versions
        Of what took part, in words.
    """
    return page(f"Audit of {report.pool}", _parts(report, files, versions))


def summary(report: Report) -> str:
    """Return what an audit came to, in a sentence."""
    number = len(report.findings)
    found = "no fault" if not number else "1 fault" if number == 1 else f"{number} faults"
    return f"{found} in {report.streams} streams with {report.requests} requests (seed {report.seed})"


def _parts(report: Report, files: list[Path], versions: str) -> Iterator[str]:
    yield paragraph(f"{summary(report)}. {versions}.", "note")
    if report.findings:
        yield heading("What it does that it must not")
        rows = [(escape(finding.title), str(finding.count)) for finding in report.findings]
        yield table(("fault", "times"), rows)
    yield heading("What came of requests")
    yield table(("", "times"), [(escape(what), str(number)) for what, number in report.seen.most_common()])
    distances = list(_distances(report))
    if distances:
        yield heading("How far from the best")
        yield paragraph(
            "Of all placements that are legal: the mean of each term, lower being better, beside that of the best "
            "placement in the same state. The first term that differs decides; those after it may be lower for that.",
            "note",
        )
        yield table(("term", "mean", "at best", "placements"), distances)
    for place, finding in enumerate(report.findings):
        yield from _example(finding, files[place] if place < len(files) else None)
    for fault, said, stream in report.faults[:5]:
        yield heading(f"A fault of exactfit: {fault.value}")
        yield verbatim(f"{said}\n{stream.to_json()}")


def _distances(report: Report) -> Iterator[tuple[str, str, str, str]]:
    for name, (mine, best, number) in sorted(report.terms.items()):
        yield escape(name), f"{mine / number:.3f}", f"{best / number:.3f}", str(number)


def _example(finding: Finding, file: Path | None) -> Iterator[str]:
    yield heading(finding.title)
    steps = "\n".join(f"{place}. {in_words(step)}" for place, step in enumerate(finding.stream.steps, 1))
    steps = f"{machine_in_words(finding.stream.R)}\n{steps}"
    yield verbatim(f"{steps}\n\n{finding.said}")
    yield paragraph(f"{finding.count} times. {f'Runs as {file.name}.' if file else ''}", "note")
    yield verbatim(str(finding.stream.R))
