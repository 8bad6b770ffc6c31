"""Jobs as the command line takes them: jobspec files and RFC 46 shapes, narrowed by RFC 35 queries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...grammar.constraint import And, Constraint
from ...grammar.jobspec import RFC_14, Jobspec, check_version, parse_jobspec, parse_resources
from ...grammar.query import parse_query
from ...grammar.shape import parse_shape
from ...solver.demand.request import Request
from ..guarded_yaml import yaml_documents
from ..kinds import JOBSPEC
from .errors import InputError
from .source import STDIN, Sources, decode, is_there, json_documents, kinds_told, source_name

_SUFFIXES = (".yaml", ".yml", ".json", ".jsonl")
READABLE = "a job is an RFC 46 shape, or a jobspec (RFC 14) in YAML or JSON"


@dataclass(frozen=True, slots=True)
class Job:
    """A job to place.

    Attributes
    ----------
    number
        From 1, in the order of the command line; also its id in the pool.
    name
        What tables call it: the shape, or the file without its folder (with the place of the document in it).
    jobspec
        What it asks for.
    """

    number: int
    name: str
    jobspec: Jobspec


def read_jobs(arguments: Sequence[str], queries: Sequence[str], sources: Sources) -> list[Job]:
    """Return the jobs that the arguments name, in their order.

    Parameters
    ----------
    arguments
        Each a shape, a jobspec file (YAML or JSON, one or more documents) or ``-``.
    queries
        RFC 35; every job is held to all of them, beside its own constraint.
    sources
        Where files are read.

    Raises
    ------
    InputError
        For anything that cannot be read as a job, naming the argument and the place in it.
    """
    constraints = [_constraint(query) for query in queries]
    jobs: list[Job] = []
    for argument in arguments:
        for name, jobspec in _jobspecs(argument, sources):
            narrowed = replace(jobspec, constraint=And((jobspec.constraint, *constraints))) if constraints else jobspec
            jobs.append(Job(len(jobs) + 1, name, narrowed))
    return jobs


def _constraint(query: str) -> Constraint:
    try:
        return parse_query(query)
    except ValueError as error:
        raise InputError(f"--requires: {error}") from None


def _jobspecs(argument: str, sources: Sources) -> Iterator[tuple[str, Jobspec]]:
    if not _is_file(argument):
        yield argument, _from_shape(argument)
        return
    source = source_name(argument)
    data = sources.read(argument, "a job")
    with kinds_told(data, source, frozenset({JOBSPEC}), READABLE):
        found = list(_from_file(data, argument))
    yield from found


def _from_file(data: bytes, argument: str) -> Iterator[tuple[str, Jobspec]]:
    source = source_name(argument)
    documents = list(_documents(decode(data, argument), argument))
    if not documents:
        raise InputError(f"{source}: holds no jobspec")
    for number, document in enumerate(documents, start=1):
        place = f" ({number})" if len(documents) > 1 else ""
        if not isinstance(document, Mapping):
            hint = " (a shape is written on the command line, not into a file)" if isinstance(document, str) else ""
            raise InputError(f"{source}{place}: a jobspec is a mapping, not {_kind(document)}{hint}")
        try:
            jobspec = parse_jobspec(document)
            check_version(jobspec)
            Request.from_jobspec(jobspec)
        except ValueError as error:
            raise InputError(f"{source}{place}: {error}") from None
        yield f"{Path(source).name}{place}", jobspec


def _is_file(argument: str) -> bool:
    return argument == STDIN or argument.lower().endswith(_SUFFIXES) or is_there(argument)


def _from_shape(text: str) -> Jobspec:
    try:
        resources = parse_shape(text)
        vertices = parse_resources(resources)
    except ValueError as error:
        hint = f" (and no file is called {text})" if "/" in text and "=" not in text else ""
        raise InputError(f"job {text!r}: {error}{hint}") from None
    return Jobspec(vertices, version=RFC_14, name=text, raw={"version": RFC_14, "resources": resources})


def _documents(text: str, name: str) -> Iterator[Any]:
    """Yield the jobspecs of a text; those of JSON that is a list, one by one."""
    if text.lstrip()[:1] in ("{", "["):
        try:
            values = list(json_documents(text, name, unique_keys=True))
        except InputError:
            if name.lower().endswith((".json", ".jsonl")):
                raise
            # YAML has braces and brackets too.
            values = _yaml(text, name)
    else:
        values = _yaml(text, name)
    for value in values:
        if isinstance(value, list):
            yield from value
        else:
            yield value


def _yaml(text: str, name: str) -> list[Any]:
    try:
        return [document for document in yaml_documents(text) if document is not None]
    except ValueError as error:
        raise InputError(f"{source_name(name)}: not usable YAML: {error}") from None


def _kind(value: object) -> str:
    names = {list: "a list", str: "text", bool: "a boolean", int: "a number", float: "a number", type(None): "nothing"}
    return names.get(type(value), f"a {type(value).__name__}")
