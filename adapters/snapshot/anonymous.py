"""A snapshot without names: users, hosts, jobs and reservations are numbers, and free text is left out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ...grammar.hostlist import Hostlist
from ...topology.expect import array_of, mapping
from ...topology.rset import read_R
from .model import Snapshot

_WORD = re.compile(r"[A-Za-z]+")
_TOKEN = re.compile(r"[A-Za-z0-9_.-]+")
_HOSTS = "node"


class _Numbers:
    """Names by numbers, in the order in which they are first met."""

    def __init__(self, word: str) -> None:
        self.word = word
        self.known: dict[str, str] = {}

    def __call__(self, name: str) -> str:
        return self.known.setdefault(name, f"{self.word}{len(self.known)}") if name else ""


def anonymized(snapshot: Snapshot) -> Snapshot:
    """Return the snapshot with users, hosts, job names and reservations replaced by numbers.

    What admins and users wrote (reasons of nodes, what a request named) is left out; queues, features and the system's
    own words stay.

    Raises
    ------
    ValueError
        An R is none.
    """
    machine = read_R(snapshot.R)
    hosts = dict(zip(machine.hosts, (f"{_HOSTS}{n}" for n in range(machine.size)), strict=False))
    users, jobs, kept = _Numbers("user"), _Numbers("job"), _Numbers("reservation")
    return replace(
        snapshot,
        cluster="",
        R=_without_hosts(snapshot.R, hosts),
        down=[replace(down, why="") for down in snapshot.down],
        running=[
            replace(job, name=jobs(job.name), user=users(job.user), R=_without_hosts(job.R, hosts))
            for job in snapshot.running
        ],
        waiting=[
            replace(
                job,
                name=jobs(job.name),
                user=users(job.user),
                reservation=kept(job.reservation),
                jobspec=_renamed(job.jobspec, hosts),
                reason=job.reason if _WORD.fullmatch(job.reason) else "",
                left_out=[re.split(r"[=:]", text, maxsplit=1)[0] for text in job.left_out],
            )
            for job in snapshot.waiting
        ],
        reservations=[replace(one, name=kept(one.name), why="") for one in snapshot.reservations],
        unseen=[_TOKEN.sub(lambda word: hosts.get(word[0], word[0]), line) for line in snapshot.unseen],
    )


def _without_hosts(R: Mapping[str, Any], hosts: Mapping[str, str]) -> dict[str, Any]:
    execution = dict(mapping(R.get("execution"), "execution"))
    if execution.get("nodelist"):
        execution["nodelist"] = [_hosts(array_of(execution["nodelist"], "execution.nodelist"), hosts)]
    return {**R, "execution": execution}


def _hosts(texts: Iterable[object], hosts: Mapping[str, str]) -> str:
    names = Hostlist.parse(",".join(map(str, texts)))
    # One that the machine does not have is not to be found again by its name.
    return str(Hostlist.of(hosts.get(name, "elsewhere") for name in names))


def _renamed(value: Any, hosts: Mapping[str, str]) -> Any:
    """Return JSON with the hosts of each RFC 31 hostlist in it renamed."""
    if isinstance(value, Mapping):
        return {
            key: [_hosts(item, hosts)]
            if key == "hostlist" and isinstance(item, list | tuple)
            else _renamed(item, hosts)
            for key, item in value.items()
        }
    return [_renamed(item, hosts) for item in value] if isinstance(value, list | tuple) else value
