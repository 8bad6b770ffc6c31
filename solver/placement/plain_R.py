"""The R of a job on one node, read at a glance: what a scheduler that is reloaded gets by the hundred thousand.

It is of the form that this package and Flux write for cores and GPUs of one rank. What a job holds does not depend on
the tree that its R carries, so that is not read here. All else is left to `job_R`, and so is whatever is wrong.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from ...grammar.errors import GrammarError
from ...grammar.idset import text_mask
from ...topology.machine import Machine
from ..state.holdings import NodeHolding
from ..state.node_classes import Packed
from ..state.pool_state import Job

_PROPERTY = re.compile(r"[\w+.:-]+")
_EXECUTION_KEYS = frozenset({"R_lite", "nodelist", "starttime", "expiration", "nslots", "properties"})
_CHILDREN_KEYS = frozenset({"core", "gpu"})
_SLOT_KEYS = frozenset({"label", "cores", "gpus"})
_SCHEDULING_KEYS = frozenset({"writer", "children", "placement", "certificate"})


def plain_job(machine: Machine, R: object) -> Job | None:  # the RFC's name
    """Return what a job holds; None where its R is not of the plain form, or says what is not so of this machine."""
    try:
        return _job(machine, R)
    except (KeyError, ValueError, TypeError, AttributeError, IndexError, GrammarError):
        return None


def _job(machine: Machine, R: object) -> Job | None:
    if not isinstance(R, dict) or R["version"] != 1 or isinstance(R["version"], bool):
        return None
    execution = R["execution"]
    if execution.keys() - _EXECUTION_KEYS or not _is_plain_scheduling(R.get("scheduling")):
        return None
    (entry,) = execution["R_lite"]
    rank, children = entry["rank"], entry["children"]
    if not (rank.isascii() and rank.isdigit()) or (rank[0] == "0" and rank != "0") or children.keys() - _CHILDREN_KEYS:
        return None
    position = machine.ranks.find(int(rank))
    properties = execution.get("properties")
    if any(
        text != rank or not _PROPERTY.fullmatch(name)
        for name, text in ({} if properties is None else properties).items()
    ):
        return None
    if position is None or not _is_host(machine, position, execution.get("nodelist")):
        return None
    cores, gpus = text_mask(children.get("core", "")), text_mask(children.get("gpu", ""))
    node_type = machine.type_at(position)
    if not (cores or gpus) or cores & ~node_type.cores or gpus & ~node_type.gpus:
        return None
    expiration, starttime = execution.get("expiration", 0), execution.get("starttime", 0)
    nslots = execution.get("nslots", 1)
    if not (_is_time(expiration) and _is_time(starttime) and type(nslots) is int and 0 <= nslots < 2**63):
        return None
    return Job(max(float(expiration), 0.0), (NodeHolding(Packed(position, 1), cores, gpus),))


def _is_plain_scheduling(scheduling: object) -> bool:
    """Tell whether slots take cores and GPUs alone."""
    if scheduling is None:
        return True
    if not isinstance(scheduling, dict) or scheduling.keys() - _SCHEDULING_KEYS:
        return False
    (entry,) = scheduling["placement"]
    return set(entry) == {"ranks", "slots"} and all(_is_plain_slot(slot) for slot in entry["slots"])


def _is_plain_slot(slot: Mapping[str, object]) -> bool:
    return slot.keys() <= _SLOT_KEYS and all(isinstance(value, str) for value in slot.values())


def _is_host(machine: Machine, position: int, nodelist: object) -> bool:
    if nodelist is None or nodelist == []:
        return True
    if not isinstance(nodelist, list):
        return False
    (host,) = nodelist
    return not len(machine.hosts) or bool(host == machine.host(position))


def _is_time(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(value) and abs(value) < 2**62  # type: ignore[arg-type]  # a number
