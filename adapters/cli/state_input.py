"""What a machine's state is before the first job: who is busy, which ranks are down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...grammar.errors import shown
from ...grammar.hostlist import Hostlist
from ...grammar.idset import IdSet
from ...topology.machine import Machine
from .errors import InputError
from .source import Sources, decode, json_documents, source_name


def read_allocations(arguments: Sequence[str], sources: Sources) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the R of every job in the files, with names for messages.

    Parameters
    ----------
    arguments
        Files (or ``-``) of one R, of a list of R, or of one JSON value a line as `exactfit place --json` prints it.
    sources
        Where files are read.

    Raises
    ------
    InputError
        For what is no JSON or no R.
    """
    found: list[tuple[str, Mapping[str, Any]]] = []
    for argument in arguments:
        values: list[Any] = []
        for document in json_documents(decode(sources.read(argument, "an allocation"), argument), argument):
            values += document if isinstance(document, list) else [document]
        if not values:
            raise InputError(f"{source_name(argument)}: is empty")
        for place, value in enumerate(values, start=1):
            name = source_name(argument) + (f" ({place})" if len(values) > 1 else "")
            R = unwrap_R(value, name)
            if R is not None:
                found.append((name, R))
    return found


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


def read_down(texts: Sequence[str], machine: Machine) -> int:
    """Return the bitmask of the positions that texts name, each an idset of ranks, a hostlist of hosts or ``all``.

    Raises
    ------
    InputError
        For text that is none of these, and for ranks and hosts that the machine lacks.
    """
    down = 0
    for text in texts:
        down |= _down(text, machine)
    return down


def _down(text: str, machine: Machine) -> int:
    if text.strip() == "all":
        return machine.all
    try:
        ids = IdSet.parse(text)
    except ValueError as fault:
        if text[:1].isdigit() or text[:1] == "[":
            raise InputError(f"--down: {fault}") from None
        return _down_hosts(text, machine)
    missing = machine.unknown(ids)
    if missing:
        raise InputError(f"--down: the machine has no rank {missing}")
    return machine.mask_of(ids)


def _down_hosts(text: str, machine: Machine) -> int:
    try:
        hosts = Hostlist.parse(text)
    except ValueError as error:
        raise InputError(f"--down: neither an idset of ranks nor a hostlist: {error}") from None
    known = {machine.host(position) for position in range(machine.size)}
    missing = next((host for host in hosts if host not in known), None)
    if missing is not None:
        raise InputError(f"--down: the machine has no host {shown(missing)}")
    return machine.facts.hosts(hosts)
