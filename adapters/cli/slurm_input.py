"""Slurm topologies as the command line takes them: topology.conf or topology.yaml, told apart by content."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Final

from ...topology.slurm_groups import with_slurm_topology
from ...topology.slurm_topology import Included, SlurmTopology, read_topology_conf, read_topology_yaml
from ..guarded_yaml import yaml_documents
from ..kinds import CSV, SLURM_TOPOLOGY
from .errors import InputError
from .machine_input import NamedMachine
from .source import STDIN, Sources, decode, kinds_told, source_name

_READABLE: Final = "a Slurm topology is topology.conf or topology.yaml"
_YAML_KEY: Final = re.compile(r"^[ \t]*-?[ \t]*topology[ \t]*:", re.MULTILINE)


def with_slurm_groups(named: NamedMachine, argument: str, topology: str | None, sources: Sources) -> NamedMachine:
    """Return a machine with the groups of a Slurm topology.

    Parameters
    ----------
    argument
        A file, or ``-``.
    topology
        Which of the topologies of a topology.yaml; its default when None.

    Raises
    ------
    InputError
        When the file is no topology, or does not go with the machine.
    """
    name = source_name(argument)
    data = sources.read(argument, "the Slurm topology")
    with kinds_told(data, name, frozenset({SLURM_TOPOLOGY, CSV}), _READABLE):
        text = decode(data, argument)
        try:
            read = _read(text, topology, _Folder(argument, sources).included)
            return replace(named, machine=with_slurm_topology(named.machine, read))
        except ValueError as error:
            raise InputError(f"{name}: {error}") from None


class _Folder:
    """The folder of a file, where Slurm looks for what it includes; of standard input, the one that one is in."""

    def __init__(self, argument: str, sources: Sources) -> None:
        self.folder = Path() if argument == STDIN else Path(argument).parent
        self.sources = sources

    def included(self, name: str) -> str:
        path = str(self.folder / name)
        return decode(self.sources.read(path, "a file that is included"), path)


def _read(text: str, topology: str | None, included: Included) -> SlurmTopology:
    if _YAML_KEY.search(text):
        documents = list(yaml_documents(text))
        if len(documents) != 1:
            raise ValueError(f"{len(documents)} YAML documents where one is expected")
        return read_topology_yaml(documents[0], topology)
    if topology is not None:
        raise ValueError("this is no topology.yaml, the only form with topologies by name")
    return read_topology_conf(text, included)
