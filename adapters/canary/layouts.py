"""Topology that a pool file names: hwloc XML, R, or `local` for this machine."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

from ...topology.describe import node_R
from ...topology.expect import short
from ...topology.hwloc import hwloc_node
from ...topology.machine import Machine
from ...topology.rset import read_R
from ..guarded_yaml import yaml_documents
from ..gutscore.this_machine import this_machine
from ..runtime_gpus import numbers_of, uuid_of, vendor_of
from .locality import Device, Layout

KEY = "topology"
"""What the pool file calls it, among the `additional_properties` of the pool or of a node."""

POOL_FILE = "resource_pool_file"
"""Under what canary notes, among the same, which file the pool was read from."""

LOCAL = "local"

MOST_PIECES = 1_000_000
"""Brackets, names, values and what stands between them, of an R that a pool file holds."""


class TopologyError(ValueError):
    """The topology that a pool names cannot be used."""


def absolute(topology: object, properties: Mapping[str, Any]) -> object:
    """Return a topology that does not depend on where canary is run: a path is relative to the pool file."""
    if not isinstance(topology, str) or topology == LOCAL:
        return topology
    return os.path.abspath(os.path.join(os.path.dirname(str(properties.get(POOL_FILE) or "")), topology))


def layout(topology: object, host: str) -> Layout | None:
    """Return the tree of one node; None when no topology is named.

    Parameters
    ----------
    topology
        ``"local"``, the path of an hwloc XML file or of an R in JSON, an R itself, or None. An R of several nodes is
        searched for the host.

    Raises
    ------
    TopologyError
        It is none of these, cannot be read, or does not have the host.
    """
    if topology is None:
        return None
    if isinstance(topology, str):
        return _of_machine(topology, host)
    if isinstance(topology, Mapping):
        return _of_text(_written(topology), host)
    raise TopologyError(
        f"{KEY}: expected {LOCAL!r}, the path of an hwloc XML file or of an R, or an R, got {short(topology)}"
    )


def instances(of: Layout, *, properties: bool = False) -> dict[str, list[dict[str, Any]]]:
    """Return the cpus and gpus of a node, as canary lists them; gpus by the numbers that programs know.

    Parameters
    ----------
    properties
        Whether this canary's instances have properties: then GPUs say their vendor and UUID there.
    """
    cpus, gpus = ([i for i in range(mask.bit_length()) if mask >> i & 1] for mask in (of.node.cores, of.node.gpus))
    listed: list[dict[str, Any]] = [{"id": str(i), "slots": 1} for i in cpus]
    if not of.devices:
        return {"cpus": listed, "gpus": [{"id": str(i), "slots": 1} for i in gpus]}
    known: list[dict[str, Any]] = []
    # In the order of numbers, as canary itself lists them.
    for device in sorted((of.devices[i] for i in gpus), key=_by_number):
        told = {"vendor": device.vendor, "uuid": device.uuid} if properties else {}
        told = {name: value for name, value in told.items() if value}
        known.append({"id": device.number, "slots": 1, **({"properties": told} if told else {})})
    return {"cpus": listed, "gpus": known}


def _by_number(device: Device) -> tuple[bool, int, str]:
    return not device.number.isdecimal(), len(device.number), device.number


def named_in(pool_file: str | None) -> object:
    """Return the topology that a pool file names for the pool; None when it names none.

    Notes
    -----
    The single-node API of canary keeps no `additional_properties` of the file.

    Raises
    ------
    TopologyError
        The file cannot be read, or is not one document of YAML.
    """
    if not pool_file:
        return None
    try:
        text = Path(pool_file).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise TopologyError(f"{KEY}: {pool_file}: {error}") from None
    return topology_named(text, pool_file)


def topology_named(text: str, pool_file: str) -> object:
    """Return the topology that the text of a pool file names for the pool; None when it names none.

    Raises
    ------
    TopologyError
        The text is not one document of YAML.
    """
    try:
        documents = list(yaml_documents(text))
    except ValueError as error:
        raise TopologyError(f"{KEY}: {pool_file}: {error}") from None
    if len(documents) > 1:
        raise TopologyError(f"{KEY}: {pool_file}: {len(documents)} YAML documents where one is expected")
    data = documents[0] if documents else None
    payload = data.get("resource_pool", data) if isinstance(data, Mapping) else None
    properties = payload.get("additional_properties") if isinstance(payload, Mapping) else None
    topology = properties.get(KEY) if isinstance(properties, Mapping) else None
    return absolute(topology, {POOL_FILE: pool_file})


def _written(topology: Mapping[Any, Any]) -> str:
    """Return an R as text. YAML's aliases let a short file stand for one without end, which is not written out."""
    try:
        pieces = list(islice(json.JSONEncoder(sort_keys=True).iterencode(topology), MOST_PIECES + 1))
    except RecursionError:
        raise TopologyError(f"{KEY}: the R is nested too deeply") from None
    except (TypeError, ValueError) as error:
        raise TopologyError(f"{KEY}: the R cannot be written as JSON: {error}") from None
    if len(pieces) > MOST_PIECES:
        raise TopologyError(f"{KEY}: the R has more than {MOST_PIECES} pieces")
    return "".join(pieces)


@lru_cache(maxsize=4096)
def _of_machine(source: str, host: str) -> Layout:
    machine, devices = _machine(source)
    return _layout(machine, source, host, devices)


@lru_cache(maxsize=64)
def _of_text(text: str, host: str) -> Layout:
    try:
        machine = read_R(text)
    except ValueError as error:
        raise TopologyError(f"{KEY}: {error}") from None
    return _layout(machine, "the R", host)


def _layout(machine: Machine, source: str, host: str, devices: tuple[Device, ...] = ()) -> Layout:
    hosts = list(machine.hosts)
    if machine.size == 1:
        position = 0
    elif host in hosts:
        position = hosts.index(host)
    else:
        raise TopologyError(f"{KEY}: {source} has {machine.size} nodes, and none of them is {host}")
    return _shared(machine, position, devices)


@lru_cache(maxsize=4096)
def _shared(machine: Machine, position: int, devices: tuple[Device, ...]) -> Layout:
    """Return one layout for all nodes that are equal, so that what is decided for one serves all."""
    node = machine.types[machine.type_of[position]]
    return _of_type.setdefault((node, devices), Layout(machine, position, devices))


_of_type: dict[Any, Layout] = {}


@lru_cache(maxsize=256)
def _machine(source: str) -> tuple[Machine, tuple[Device, ...]]:
    """Return the machine and, where the topology says more of GPUs than their places, what it says."""
    try:
        if source == LOCAL:
            here = this_machine()
            return here.machine, tuple(Device(gpu.token, gpu.vendor.upper()) for gpu in here.gpus)
        data = Path(source).read_bytes()
        if data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
            node = hwloc_node(data)
            numbered = zip(numbers_of(node.gpu_devices), node.gpu_devices, strict=True)
            devices = tuple(Device(number, vendor_of(gpu).upper(), uuid_of(gpu) or "") for number, gpu in numbered)
            return read_R(node_R(node)), devices
        return read_R(data.decode("utf-8")), ()
    except (OSError, RuntimeError, ValueError) as error:
        raise TopologyError(f"{KEY}: {source}: {error}") from None
