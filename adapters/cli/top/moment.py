"""A system at a moment, made ready to be shown: nodes folded, jobs with what they hold, the queue with why it waits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ....grammar.errors import printable
from ....grammar.idset import IdSet, text_mask
from ....grammar.shape import shape_text
from ....topology.machine import Machine
from ...drawing.groups import amounts_taken
from ...drawing.palette import MOST_JOBS
from ...drawing.scene import Holding, Scene, Tenant, holdings, make_scene
from ...slots import Borders
from ...snapshot.model import Running, Snapshot, Waiting
from ..console import clip
from ..errors import InputError
from ..machine_input import of_snapshot
from ..snapshot_state import reserved_of, running_of
from .folds import SEVERAL_TASKS, Fold, Torn, folds_of, torn_of
from .words import Words

MOST_SPOKEN: Final = 200
"""Jobs of the queue of which it is said what they wait for, the first ones."""
_NAME: Final = 40


@dataclass(frozen=True, slots=True)
class Runs:
    """A job that runs, as it is shown.

    Attributes
    ----------
    job
        As the snapshot has it.
    number
        Its number in drawings.
    nodes, cores, gpus
        That it holds.
    torn
        Its slots, as far as its R says what they are.
    """

    job: Running
    number: int
    nodes: int
    cores: int
    gpus: int
    torn: Torn


@dataclass(frozen=True, slots=True)
class Waits:
    """A job of the queue, as it is shown: what it asks for (RFC 46), and what it waits for."""

    job: Waiting
    asks: str
    why: str


@dataclass(frozen=True)
class Moment:
    """All that is shown.

    Attributes
    ----------
    snapshot, machine
        What it is of.
    scene
        The machine as drawings have it.
    folds
        Its nodes by what is left of them.
    running
        The largest first.
    waiting
        In the order of the queue.
    """

    snapshot: Snapshot
    machine: Machine
    scene: Scene
    folds: tuple[Fold, ...]
    running: tuple[Runs, ...]
    waiting: tuple[Waits, ...]

    @property
    def torn(self) -> Torn:
        """The slots of all jobs."""
        return Torn(sum(one.torn.slots for one in self.running), sum(one.torn.torn for one in self.running))


def read_moment(snapshot: Snapshot, before: Moment | None = None) -> Moment:
    """Return a snapshot as it is shown.

    Parameters
    ----------
    before
        An earlier one, whose machine need not be read again where it is the same.

    Raises
    ------
    InputError
        For a snapshot that contradicts itself.
    """
    try:
        if before is not None and before.snapshot.R == snapshot.R:
            machine = before.machine
        else:
            machine = of_snapshot(snapshot.system, snapshot).machine
        words = Words(snapshot, machine)
        said = words.of(snapshot.waiting[:MOST_SPOKEN])
        running = sorted(_running(snapshot, machine), key=lambda one: (-one.cores, -one.gpus, one.number))
        running = [_numbered(one, number) for number, one in enumerate(running, start=1)]
        kept = reserved_of(snapshot, machine, snapshot.taken)
        scene = _scene(snapshot, machine, running)
    except InputError:
        raise
    except ValueError as error:
        raise InputError(f"snapshot: {error}") from None
    waiting = [
        Waits(job, _asks(job), said[place] if place < len(said) else "") for place, job in enumerate(snapshot.waiting)
    ]
    return Moment(
        snapshot, machine, scene, tuple(folds_of(machine, scene.states, kept)), tuple(running), tuple(waiting)
    )


def _running(snapshot: Snapshot, machine: Machine) -> Iterator[Runs]:
    borders = Borders(machine)
    for place, (job, (_, R)) in enumerate(zip(snapshot.running, running_of(snapshot), strict=True)):
        nodes = cores = gpus = 0
        for entry in R["execution"]["R_lite"]:
            ranks = len(IdSet.parse(str(entry["rank"])))
            nodes += ranks
            cores += ranks * text_mask(entry["children"].get("core", "")).bit_count()
            gpus += ranks * text_mask(entry["children"].get("gpu", "")).bit_count()
        yield Runs(job, place, nodes, cores, gpus, torn_of(machine, borders, R))


def _numbered(one: Runs, number: int) -> Runs:
    return Runs(one.job, number, one.nodes, one.cores, one.gpus, one.torn)


def _scene(snapshot: Snapshot, machine: Machine, running: list[Runs]) -> Scene:
    # Jobs for which no mark is left are drawn as one, so that they make no more states than they differ in.
    held: list[Holding] = []
    for one in running:
        held += holdings(machine, min(one.number, MOST_JOBS + 1), _known(one.job.R))
    tenants = [
        Tenant(one.number, f"{one.job.id} {clip(printable(one.job.name), _NAME)} {printable(one.job.user)}".strip())
        for one in running[:MOST_JOBS]
    ]
    if len(running) > MOST_JOBS:
        tenants.append(Tenant(MOST_JOBS + 1, f"{len(running) - MOST_JOBS} more jobs"))
    used = amounts_taken(machine, [job.R for job in snapshot.running])
    title = printable(snapshot.cluster or snapshot.system)
    # What is kept is not down: those that it is kept for may run there.
    down = 0
    for gone in snapshot.down:
        down |= machine.mask_of(IdSet.parse(gone.ranks))
    return make_scene(title, machine, held, down, tenants, used=used)


def _known(R: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an R without slots that are none: what a node gives to several tasks."""
    scheduling = R.get("scheduling")
    if not scheduling or not scheduling.get("placement"):
        return R
    placement = [
        {**entry, "slots": [slot for slot in entry.get("slots", ()) if slot.get("label") != SEVERAL_TASKS]}
        for entry in scheduling["placement"]
    ]
    return {**R, "scheduling": {**scheduling, "placement": placement}}


def _asks(job: Waiting) -> str:
    try:
        return shape_text(list(job.jobspec["resources"]))
    except (ValueError, KeyError, TypeError):
        return "jobspec"
