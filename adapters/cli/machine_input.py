"""Machines as the command line takes them: R, JGF, hwloc XML, presets, standard input, and lines that make one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ...grammar.hostlist import Hostlist
from ...topology.describe import node_R
from ...topology.grug import grug_graph
from ...topology.hwloc import hwloc_node
from ...topology.hwloc_gpus import HwlocGpu
from ...topology.hwloc_nics import HwlocNic
from ...topology.jgf_scheduling import graph_R
from ...topology.line import line_R
from ...topology.machine import Machine
from ...topology.presets import PRESETS, preset
from ...topology.rset import read_R
from ..kinds import GRUG, HEAD, HWLOC, JGF, SNAPSHOT, R
from ..snapshot.model import Snapshot, is_snapshot, read_snapshot
from .errors import InputError
from .source import STDIN, SWAPPED, Sources, decode, is_there, kinds_told, one_json_document, source_name

MACHINES = frozenset({R, HWLOC, JGF, GRUG, SNAPSHOT})
READABLE = (
    "a machine is R (RFC 20 JSON), Fluxion's graph (JGF, RFC 40), hwloc XML, a preset, or a line such as "
    "'socket:2 core:16 gpu:1'"
)
_LINE = re.compile(r"(?:^|\s)(?:core|gpu):[0-9]|:[0-9]+\s+[A-Za-z]|\([a-z]+=")
"""What is only in a line that makes a machine, and in no name of a file that is not there."""


@dataclass(frozen=True, slots=True)
class NamedMachine:
    """A machine and what the user calls it.

    Attributes
    ----------
    name
        The preset, or the file's name.
    machine
        The machine.
    gpus
        Where each of its nodes is as a file of hwloc XML has it: by gpu id, the device.
    snapshot
        Where the machine is that of a snapshot: its state.
    nics
        Likewise the network cards, where they were asked for.
    """

    name: str
    machine: Machine
    gpus: tuple[HwlocGpu, ...] = ()
    snapshot: Snapshot | None = None
    nics: tuple[HwlocNic, ...] = ()


def read_machine(
    argument: str, sources: Sources, *, nodes: int | None = None, hosts: str | None = None, nics: bool = False
) -> NamedMachine:
    """Return the machine that an argument names.

    Parameters
    ----------
    argument
        A preset with or without ``:N``, a file (R or JGF in JSON, hwloc XML, a recipe of Fluxion's in GraphML; the
        content tells which) or ``-``.
        A preset's name goes before a file's; ``./name`` is always the file. What is neither may be a line that makes
        a machine, ``socket:2 core:16``.
    sources
        Where files are read.
    nodes, hosts
        How many nodes hwloc XML or a line stands for (default: one, or one for each host), and what they are called
        (an RFC 29 hostlist).
    nics
        Whether the network cards of hwloc XML are listed.

    Raises
    ------
    InputError
        When the argument names nothing, when what it names is no machine, when `nodes` or `hosts` are given for
        something other than hwloc XML or a line, and `nics` for something other than hwloc XML.
    """
    known = ", ".join(PRESETS)
    if argument.partition(":")[0] in PRESETS:
        _refuse_options(argument, nodes, hosts, nics=nics)
        return NamedMachine(argument, _checked(argument, lambda: read_R(preset(argument))))
    if argument != STDIN and not is_there(argument):
        if _LINE.search(argument) and "=" not in argument.partition("(")[0]:
            _refuse_options("the machine", nics=nics)
            return NamedMachine(argument, _checked("the machine", lambda: read_R(line_R(argument, nodes, hosts))))
        swapped = f"; {SWAPPED}" if "=" in argument and "slot" in argument else ""
        raise InputError(
            f"{argument or 'nothing'}: no such file, and no such preset (there are {known}, also with :N for N nodes)"
            f"{swapped}; {READABLE}"
        )
    data = sources.read(argument, "the machine")
    name = source_name(argument)
    with kinds_told(data, name, MACHINES, READABLE):
        if data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
            if b"<graphml" in data[:HEAD]:
                _refuse_options(name, nodes, hosts, nics=nics)
                return NamedMachine(name, _checked(name, lambda: read_R(graph_R(grug_graph(data), "the graph"))))
            return _from_xml(data, name, nodes, hosts, nics=nics)
        _refuse_options(name, nodes, hosts, nics=nics)
        return _from_json(data, argument)


def of_snapshot(name: str, snapshot: Snapshot) -> NamedMachine:
    """Return the machine of a snapshot, with its state.

    Raises
    ------
    InputError
        When its R is none.
    """
    return NamedMachine(name, _checked(name, lambda: read_R(snapshot.R)), snapshot=snapshot)


def _from_json(data: bytes, argument: str) -> NamedMachine:
    name = source_name(argument)
    try:
        value = one_json_document(decode(data, argument), argument)
    except InputError as error:
        raise InputError(f"{error}; {READABLE}") from None
    if not isinstance(value, Mapping):
        raise InputError(f"{name}: neither R or JGF (JSON objects) nor hwloc XML")
    if is_snapshot(value):
        try:
            return of_snapshot(name, read_snapshot(value))
        except ValueError as error:
            raise InputError(f"{name}: {error}") from None
    if "graph" in value and "execution" not in value:
        return NamedMachine(name, _checked(name, lambda: read_R(graph_R(value["graph"], "graph"))))
    return NamedMachine(name, _checked(name, lambda: read_R(value)))


def _refuse_options(name: str, nodes: int | None = None, hosts: str | None = None, *, nics: bool) -> None:
    if nics:
        raise InputError(f"{name}: --nics goes with hwloc XML; any other machine lists what it has, nic=1 in a domain")
    given = "--nodes" if nodes is not None else "--hosts"
    if nodes is not None or hosts is not None:
        raise InputError(
            f"{name}: {given} goes with hwloc XML or a line, which describe one node; this names its nodes itself"
        )


def _checked(name: str, read: Callable[[], Machine]) -> Machine:
    try:
        machine = read()
    except ValueError as error:
        raise InputError(f"{name}: {error}") from None
    if not machine.size:
        raise InputError(f"{name}: a machine without ranks")
    return machine


def _from_xml(data: bytes, name: str, nodes: int | None, hosts: str | None, *, nics: bool) -> NamedMachine:
    devices: tuple[HwlocGpu, ...] = ()
    cards: tuple[HwlocNic, ...] = ()

    def read() -> Machine:
        nonlocal devices, cards
        node = hwloc_node(data, nics=nics)
        devices, cards = node.gpu_devices, node.nics
        named = 1 if hosts is None else len(Hostlist.parse(hosts))
        return read_R(node_R(node, named if nodes is None else nodes, hosts))

    machine = _checked(name, read)
    return NamedMachine(name, machine, devices, nics=cards)
