"""Slots for workers on one machine, chosen by exactfit's solver."""

from __future__ import annotations

from collections.abc import Mapping

from ...grammar.idset import mask_text
from ...grammar.jobspec import parse_resources
from ...solver.demand.request import Request
from ...solver.errors import InfeasibleRequest, InsufficientResources
from ...solver.pool import Pool
from ...topology.machine import Machine
from ...topology.rset import read_R, write_R
from .ledger import Held
from .node_kind import NodeKind
from .slots import Slot, SlotGpu
from .this_machine import ThisMachine
from .wants import Wants


def worker_request(wants: Wants, nodes: int = 1) -> Request:
    """Return the request for the slots of all workers on one node, on as many nodes."""
    inside = [{"type": "core", "count": wants.cores}]
    if wants.gpus:
        inside.append({"type": "gpu", "count": wants.gpus})
    slot = {"type": "slot", "count": wants.workers, "label": "worker", "with": inside}
    return Request.of(parse_resources([{"type": "node", "count": nodes, "with": [slot]}]))


def partition_machine(nodes: Mapping[NodeKind, int], gpu_type: str | None) -> Machine:
    """Return the machine of so many nodes of each kind, with the GPUs of one type only if a type is given."""
    first = 0
    entries: list[dict[str, object]] = []
    children: list[dict[str, object]] = []
    for kind, count in nodes.items():
        ranks = f"{first}-{first + count - 1}" if count > 1 else str(first)
        first += count
        masks = {
            "core": (1 << kind.sockets * kind.cores) - 1,
            "gpu": (1 << len(kind.gpus_of(gpu_type))) - 1,
        }
        entries.append({"rank": ranks, "children": {name: mask_text(mask) for name, mask in masks.items() if mask}})
        children.append({"ranks": ranks, "topo": kind.topo(gpu_type)})
    execution = {"R_lite": entries, "starttime": 0.0, "expiration": 0.0, "nodelist": [f"node[0-{first - 1}]"]}
    return read_R({"version": 1, "execution": execution, "scheduling": {"children": children}})


def reason_against(kinds: Mapping[NodeKind, int], wants: Wants, nodes: int) -> str | None:
    """Return why the workers, all of them on each of so many nodes, can never run on such nodes; None if they can."""
    try:
        Pool(partition_machine(kinds, wants.gpu_type)).check_feasibility(worker_request(wants, nodes))
    except InfeasibleRequest as error:
        return str(error)
    except InsufficientResources:
        # Cut off: Slurm will judge.
        return None
    return None


def choose_slots(here: ThisMachine, wants: Wants, held: Held) -> list[Slot]:
    """Return the best slots among what nobody holds.

    Raises
    ------
    RuntimeError
        There are none, now or never; the message says which, and who holds what.
    """
    pool = Pool(here.machine)
    cores = here.cores_on(held.cpus)
    gpus = sum(1 << number for number, gpu in enumerate(here.gpus) if gpu.key in held.gpus)
    if cores or gpus:
        pool.register_alloc(0, write_R(here.machine, [(1, cores, gpus)]))
    try:
        allocation = pool.alloc(1, worker_request(wants))
    except (InfeasibleRequest, InsufficientResources) as error:
        free_cores = (here.cores & ~cores).bit_count()
        free_gpus = len(here.gpus) - gpus.bit_count()
        raise RuntimeError(_refusal(here, wants, held, (free_cores, free_gpus), error)) from error
    slots = []
    for slot in allocation.holdings[0].slots:
        found = tuple(
            SlotGpu(gpu.key, gpu.vendor, gpu.token) for number, gpu in enumerate(here.gpus) if slot.gpus >> number & 1
        )
        slots.append(Slot(here.cpus_of(slot.cores), None if wants.gpus is None else found))
    return slots


def _refusal(here: ThisMachine, wants: Wants, held: Held, free: tuple[int, int], error: Exception) -> str:
    """Return gutscore's sentence with the reason; `free` is how many cores and GPUs nobody holds."""
    free_cores, free_gpus = free
    enough_cores = free_cores >= wants.workers * wants.cores
    few_gpus = free_gpus < wants.workers * (wants.gpus or 0)
    name, most = ("GPUs", len(here.gpus)) if enough_cores and few_gpus else ("CPUs", here.cores.bit_count())
    when = "never fits this machine" if isinstance(error, InfeasibleRequest) else "does not fit now"
    who = f" ({'; '.join(held.groups)})" if held.groups else ""
    return f"Maximum number of {name} reached: {most}: {wants} {when}: {error}{who}"
