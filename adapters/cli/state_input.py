"""What a machine's state is before the first job: who is busy, which ranks are down."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ...grammar.errors import shown
from ...grammar.hostlist import Hostlist
from ...grammar.idset import IdSet
from ...topology.machine import Machine
from ...topology.masks import union_runs
from ...topology.named import named_nodes
from ..kinds import PLACED
from ..kinds import R as R_KIND
from .errors import InputError
from .source import Sources, decode, json_documents, kinds_told, source_name

READABLE = "what jobs hold is R (RFC 20 JSON): one, a list, or the lines of place --json"


def read_allocations(arguments: Sequence[str], sources: Sources) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the R of every job in the files, with names for messages.

    Parameters
    ----------
    arguments
        Files (or ``-``) of one R, of a list of R, or of one JSON value a line as `exactfit place --json` prints it.
        An empty one is that of no job.
    sources
        Where files are read.

    Raises
    ------
    InputError
        For what is no JSON or no R.
    """
    found: list[tuple[str, Mapping[str, Any]]] = []
    for argument in arguments:
        data = sources.read(argument, "an allocation")
        with kinds_told(data, source_name(argument), frozenset({R_KIND, PLACED}), READABLE):
            found += _from_file(data, argument)
    return found


def _from_file(data: bytes, argument: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    values: list[Any] = []
    for document in json_documents(decode(data, argument), argument):
        values += document if isinstance(document, list) else [document]
    for place, value in enumerate(values, start=1):
        name = source_name(argument) + (f" ({place})" if len(values) > 1 else "")
        R = unwrap_R(value, name)
        if R is not None:
            yield name, R


def unwrap_R(value: object, name: str) -> Mapping[str, Any] | None:
    """Return an R that stands alone or in a line of `exactfit place --json`, None for a line without one.

    Raises
    ------
    InputError
        For anything else.
    """
    if isinstance(value, Mapping) and "execution" not in value and "R" in value:
        value = value["R"]
        if value is None:
            return None
    if not isinstance(value, Mapping) or "execution" not in value:
        raise InputError(f"{name}: no R (RFC 20: a JSON object with version and execution)")
    return value


def check_hosts(name: str, R: Mapping[str, Any], machine: Machine) -> None:
    """Refuse an R in which a rank is another host than on the machine: it was made on another, or by other ranks.

    Parameters
    ----------
    name
        What messages call the R.
    R
        Of a job. One that names no hosts, or cannot be read, passes; what is wrong with it others say.
    machine
        One that names no hosts takes any.

    Raises
    ------
    InputError
        Naming the first such rank and both hosts.
    """
    ranks, hosts = _named_ranks(R)
    if not hosts or not len(machine.hosts):
        return
    for rank, host in zip(ranks, hosts, strict=True):
        try:
            there = machine.host(machine.position(rank))
        except (KeyError, ValueError):
            continue
        if there != host:
            raise InputError(
                f"{name}: rank {rank} is host {shown(host)} there, and {shown(there)} on the machine: "
                "it is of another machine, or of one with other ranks"
            )


def _named_ranks(R: Mapping[str, Any]) -> tuple[Iterable[int], Sequence[str]]:
    """Return the ranks in ascending order with their hosts; none where R does not say."""
    try:
        execution = R["execution"]
        hosts = Hostlist.parse(",".join(execution.get("nodelist") or ()))
        runs = [run for entry in execution["R_lite"] for run in IdSet.parse(str(entry["rank"])).intervals]
    except (KeyError, TypeError, AttributeError, ValueError):
        return (), ()
    ranks = IdSet(tuple(union_runs(runs)))
    return (ranks, list(hosts)) if len(ranks) == len(hosts) else ((), ())


def read_down(texts: Sequence[str], machine: Machine) -> int:
    """Return the bitmask of the positions that texts name, each an idset of ranks, a hostlist of hosts or ``all``.

    Raises
    ------
    InputError
        For text that is none of these, and for ranks and hosts that the machine lacks.
    """
    down = 0
    for text in texts:
        try:
            down |= named_nodes(machine, text)
        except ValueError as fault:
            raise InputError(f"--down: {fault}") from None
    return down
