"""`--with-nodes`, `--with` and `--without`: a machine as it would be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ...grammar.errors import shown
from ...grammar.idset import IdSet
from ...topology.machine import Machine
from ...topology.what_if import machine_R, with_amount, with_nodes, without_nodes
from ..snapshot.model import Snapshot
from ..study.altered import lacking
from .console import counted, note
from .errors import InputError
from .machine_input import NamedMachine, of_snapshot
from .options import WhatIf


def words_of(asked: WhatIf) -> str:
    """Return what is to be different of a machine, in words; nothing where nothing is."""
    more = [counted(asked.with_nodes, "node") + " more"] if asked.with_nodes is not None else []
    return ", ".join([*map(lacking, asked.without or ()), *(asked.amounts or ()), *more])


def snapshot_as_it_would_be(taken: Snapshot, asked: WhatIf, *, silent: bool = False) -> Snapshot:
    """Return a snapshot of a machine as it would be, which says so where its cluster is named.

    Parameters
    ----------
    silent
        Whether it is not said what has ended with nodes that are taken away.

    Raises
    ------
    InputError
        As `as_it_would_be`.
    """
    words = words_of(asked)
    if not words:
        return taken
    named = as_it_would_be(of_snapshot(taken.system, taken), asked, silent=silent)
    assert named.snapshot is not None
    cluster = f"{taken.cluster or taken.system}, what if: {words}"
    return replace(named.snapshot, R=machine_R(named.machine, named.machine.all), cluster=cluster)


def as_it_would_be(named: NamedMachine, asked: WhatIf, *, silent: bool = False) -> NamedMachine:
    """Return a machine, and the state that a snapshot says it is in, as it would be.

    Jobs that hold anything of nodes that are taken away are taken to have ended. Nodes that are added are in the queues
    of the one that they are like.

    Raises
    ------
    InputError
        For what the machine does not have, by the option.
    """
    machine = named.machine
    option = "--without"
    try:
        for text in asked.without or ():
            machine = without_nodes(machine, text)
        option = "--with"
        for text in asked.amounts or ():
            machine = with_amount(machine, *_amount(text))
        option = "--with-nodes"
        before = machine
        if asked.with_nodes is not None:
            machine = with_nodes(machine, asked.with_nodes)
    except ValueError as error:
        raise InputError(f"{option}: {error}") from None
    if machine is named.machine:
        return named
    snapshot = named.snapshot
    if snapshot is not None:
        snapshot = _added(_cut(snapshot, before, silent=silent), before, machine)
    return replace(named, machine=machine, snapshot=snapshot)


def _amount(text: str) -> tuple[str, str, float]:
    level, _, rest = text.strip().partition(" ")
    name, equals, number = rest.strip().partition("=")
    try:
        amount = float(number)
    except ValueError:
        amount = -1.0
    if not (level and name and equals) or not 0 <= amount < 2.0**40:
        raise ValueError(f"expected such as 'numa memory=256', not {shown(text)}")
    return level, name.strip(), amount


def _cut(snapshot: Snapshot, machine: Machine, *, silent: bool) -> Snapshot:
    """Return a snapshot with the nodes of a machine alone."""
    there = set(machine.ranks)

    def kept(ranks: str) -> str:
        return str(IdSet.of(rank for rank in IdSet.parse(ranks) if rank in there))

    def ranks_of(R: Mapping[str, Any]) -> set[int]:
        return {rank for entry in R["execution"]["R_lite"] for rank in IdSet.parse(str(entry["rank"]))}

    running = [job for job in snapshot.running if ranks_of(job.R) <= there]
    gone = len(snapshot.running) - len(running)
    if gone and not silent:
        jobs = counted(gone, "running job holds", "running jobs hold")
        note(f"{jobs} something of nodes that are taken away: taken to have ended")
    return replace(
        snapshot,
        running=running,
        down=[replace(one, ranks=kept(one.ranks)) for one in snapshot.down if kept(one.ranks)],
        queues=[replace(one, ranks=kept(one.ranks)) for one in snapshot.queues],
        reservations=[replace(one, ranks=kept(one.ranks)) for one in snapshot.reservations if kept(one.ranks)],
    )


def _added(snapshot: Snapshot, before: Machine, machine: Machine) -> Snapshot:
    """Return a snapshot in whose queues the nodes are that are added, where the one is that they are like."""
    new = IdSet.of(set(machine.ranks) - set(before.ranks))
    if not new:
        return snapshot
    kind = machine.type_of[machine.size - 1]
    like = next(rank for at, rank in enumerate(machine.ranks) if machine.type_of[at] == kind)

    def more(ranks: str) -> str:
        return f"{ranks},{new}" if ranks and like in IdSet.parse(ranks) else ranks

    def widened(value: Any) -> Any:
        if isinstance(value, Mapping):
            inside = {key: widened(item) for key, item in value.items()}
            ranks = inside.get("ranks")
            return {**inside, "ranks": [more(str(one)) for one in ranks]} if isinstance(ranks, list) else inside
        return [widened(item) for item in value] if isinstance(value, list | tuple) else value

    return replace(
        snapshot,
        queues=[replace(one, ranks=more(one.ranks)) for one in snapshot.queues],
        waiting=[replace(job, jobspec=widened(job.jobspec)) for job in snapshot.waiting],
    )
