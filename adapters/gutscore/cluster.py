"""What Slurm has: its partitions and nodes, as sinfo prints them, and whether a request can ever be met there."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ...grammar.errors import shown
from ...grammar.slurm_gres import Gres, parse_gres, total
from ...grammar.slurm_time import parse_slurm_time
from ...topology.expect import short
from .base import Config
from .members import GPU, named, one_gpu_gres, optional_word, slurm_seconds, whole
from .node_kind import NodeKind
from .slurm_program import told_by
from .wants import Wants

_SINFO: Final = ("sinfo", "--noheader", "--Node", "--format=%P|%N|%X|%Y|%G|%l")
_SINFO_SECONDS: Final = 60.0
MAX_NODES: Final = 2**22
_MOST: Final = 2**16
_MAX_DIGITS: Final = 9


def slurm_is_available() -> bool:
    """Tell whether Slurm's commands are there."""
    return shutil.which("sinfo") is not None and shutil.which("sbatch") is not None


@dataclass
class Partition:
    """A partition.

    Attributes
    ----------
    name
        Slurm's.
    limit
        How long a job may run, in seconds; None without a limit.
    nodes
        How many nodes there are of each kind.
    """

    name: str
    limit: int | None
    nodes: Counter[NodeKind] = field(default_factory=Counter)


@dataclass(frozen=True)
class Cluster:
    """Slurm's partitions.

    Parameters
    ----------
    partitions
        By name.
    default
        The name of the one that a job gets that names none; None where there is no such.
    """

    partitions: Mapping[str, Partition]
    default: str | None

    @classmethod
    def read(cls) -> Cluster:
        """Ask Slurm.

        Raises
        ------
        RuntimeError
            It does not answer, or not as sinfo does.
        """
        try:
            return cls.parse(told_by(*_SINFO, seconds=_SINFO_SECONDS))
        except (RuntimeError, ValueError) as error:
            raise RuntimeError(f"Slurm does not say what it has: {error}") from None

    @classmethod
    def parse(cls, text: str) -> Cluster:
        """Return the cluster that sinfo's lines describe: partition, node, sockets, cores in each, gres, time limit.

        Raises
        ------
        ValueError
            A line is none of sinfo's; the message has its number.
        """
        partitions: dict[str, Partition] = {}
        default = None
        for number, line in enumerate(text.splitlines(), 1):
            if not line.strip():
                continue
            try:
                name, limit, kind = _told(line)
            except ValueError as error:
                raise ValueError(f"sinfo, line {number}: {error}") from None
            if name.endswith("*"):
                name = default = name[:-1]
            partitions.setdefault(name, Partition(name, limit)).nodes[kind] += 1
        return cls(partitions, default)

    def checked(self, config: Config) -> dict[Any, Any]:
        """Return a resource configuration with its partition.

        Raises
        ------
        ValueError
            It asks for what the partition can never give.
        """
        name = optional_word("partition", config.get("partition")) or self.default
        if not name:
            raise ValueError("Partition not provided and system has no default!")
        partition = self.partitions.get(name)
        if partition is None:
            raise ValueError(f"Partition {named(name)} unknown! There are {', '.join(self.partitions)}")
        if not config.get("runtime"):
            raise ValueError("No runtime specified! Use a Slurm time such as d-hh:mm:ss")
        seconds = slurm_seconds("runtime", config["runtime"])
        if partition.limit is not None and (seconds is None or seconds > partition.limit):
            raise ValueError(f"Requested runtime {short(config['runtime'])} exceeds the limit of partition {name}!")
        _check_nodes(partition, config)
        return {**config, "partition": name}


def _check_nodes(partition: Partition, config: Config) -> None:
    wants = Wants.of(config, config.get("nworkers", 1))
    nodes = whole("nodes", config.get("nodes") or 1, 1, MAX_NODES)
    most = partition.nodes.total()
    if nodes > most:
        raise ValueError(f"Requested number of nodes {nodes} exceeds the {most} of partition {partition.name}!")
    gpus = gpus_per_node(config, wants)
    if gpus is not None:
        have = sum(n for kind, n in partition.nodes.items() if len(kind.gpus_of(gpus.type)) >= gpus.count)
        if have < nodes:
            raise ValueError(
                f"Requested {gpus} per node on {nodes} nodes, but partition {partition.name} has {have} such nodes!"
            )
    if wants.workers:
        from .placement import reason_against

        reason = reason_against(partition.nodes, wants, nodes)
        if reason:
            raise ValueError(f"{wants} can never run in partition {partition.name}: {reason}")


def gpus_per_node(config: Config, wants: Wants) -> Gres | None:
    """Return what is to be asked for on each node; None for no GPUs.

    Raises
    ------
    ValueError
        `gpus-per-node` is no number or gres, or less than what the workers want.
    """
    needed = wants.workers * (wants.gpus or 0)
    asked = config.get("gpus-per-node")
    if not asked:
        return Gres(GPU, wants.gpu_type, needed) if needed else None
    found = one_gpu_gres("gpus-per-node", asked)
    if found.count < needed:
        said = str(found).removeprefix("gpu:")
        raise ValueError(f"gpus-per-node: {said} is less than the {needed} that {wants} need")
    return found


def _told(line: str) -> tuple[str, int | None, NodeKind]:
    """Return partition, time limit and node of one of sinfo's lines."""
    parts = [part.strip() for part in line.split("|")]
    if len(parts) != _SINFO[-1].count("|") + 1:
        raise ValueError(f"{shown(line)} has {len(parts)} parts")
    name, _, sockets, cores, gres, limit = parts
    kind = NodeKind(_at_least(sockets), _at_least(cores), parse_gres(gres))
    if kind.sockets * kind.cores > _MOST or total(kind.gres, GPU) > _MOST:
        raise ValueError(f"{shown(line)} is of more than {_MOST} cores or GPUs in a node")
    return name, None if limit == "n/a" else parse_slurm_time(limit), kind


def _at_least(text: str) -> int:
    """Return a number of sinfo's, which writes "2+" where nodes differ."""
    digits = text.removesuffix("+")
    if not digits.isdecimal() or len(digits) > _MAX_DIGITS:
        raise ValueError(f"{shown(text)} is no number of sockets or cores")
    return int(digits)
