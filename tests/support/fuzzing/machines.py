"""What reads machines, and what is asked of them, from text."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from exactfit.adapters.flux import ExactPool
from exactfit.adapters.guarded_yaml import yaml_documents
from exactfit.grammar.jobspec import parse_jobspec
from exactfit.solver.demand.request import Request
from exactfit.solver.errors import InfeasibleRequest, InsufficientResources
from exactfit.solver.pool import Pool
from exactfit.topology.grug import grug_graph
from exactfit.topology.hwloc import read_hwloc
from exactfit.topology.jgf_scheduling import graph_R
from exactfit.topology.line import line_R
from exactfit.topology.machine import Machine
from exactfit.topology.presets import preset
from exactfit.topology.rset import read_R, write_R
from exactfit.topology.slurm_groups import with_slurm_topology
from exactfit.topology.slurm_topology import SlurmTopology, read_topology_conf, read_topology_yaml

from .target import Target, json_value, words

DATA = Path(__file__).parents[2] / "topology" / "data"


@lru_cache(maxsize=1)
def small() -> Machine:
    """Return two nodes."""
    return read_R(preset("rfc49-b:2"))


@lru_cache(maxsize=1)
def _row() -> Machine:
    """Return eight nodes that are called n1 to n8."""
    R = preset("sierra:8")
    R["execution"]["nodelist"] = ["n[1-8]"]
    return read_R(R)


def _jobspec(text: str) -> None:
    """Read a jobspec, and put it to a pool."""
    request = Request.from_jobspec(parse_jobspec(json_value(text)))
    pool = Pool(small())
    try:
        pool.check_feasibility(request)
        pool.alloc(1, request).to_dict()
    except InsufficientResources as refusal:
        # An error inside is turned into this one; here it is to be seen.
        if "failed" in str(refusal):
            raise AssertionError(str(refusal)) from refusal
    except InfeasibleRequest:
        pass


def _R(text: str) -> None:
    """Read an R, write it again, and make a pool of it."""
    machine = read_R(text)
    if len(machine.ranks) <= 10_000:
        again = _written(machine)
        assert list(again.ranks) == list(machine.ranks)
        ExactPool(json.loads(text))


def _written(machine: Machine) -> Machine:
    """Return the machine that is read from the R of all that a machine has."""
    holdings = [
        (mask, kind.cores, kind.gpus) for mask, kind in zip(machine.type_masks, machine.types, strict=True) if mask
    ]
    return read_R(write_R(machine, holdings, nslots=1, starttime=0.0, expiration=0.0))


def _hwloc(text: str) -> None:
    read_hwloc(text.encode("utf-8", "surrogateescape"))


def _line(text: str) -> None:
    assert read_R(line_R(text)).size


def _grouped(topology: SlurmTopology) -> None:
    """Put a topology to a machine; its groups have to be such as R can say."""
    machine = with_slurm_topology(_row(), topology)
    assert machine.groups
    assert _written(machine).groups == machine.groups


def _topology_conf(text: str) -> None:
    _grouped(read_topology_conf(text))


def _graph(text: str) -> None:
    """Read a graph as a machine, and as the scheduling of an R."""
    value = json_value(text)
    for R in (graph_R(value, "graph"), {**preset("rfc49-b:2"), "scheduling": {"graph": value}}):
        _written(read_R(R))


def _recipe(text: str) -> None:
    _written(read_R(graph_R(grug_graph(text.encode("utf-8", "surrogateescape")), "graph")))


def _topology_yaml(text: str) -> None:
    for document in yaml_documents(text):
        _grouped(read_topology_yaml(document))


def _slot(*inside: Any) -> dict[str, Any]:
    return {"type": "slot", "label": "task", "count": 2, "with": list(inside)}


def jobspecs() -> tuple[str, ...]:
    """Return jobspecs that use much of what there is."""
    core, gpu = (
        {"type": "core", "count": {"min": 2, "max": 8, "operator": "*", "operand": 2}},
        {"type": "gpu", "count": 1},
    )
    numa = {"type": "numa", "count": 1, "exclusive": True, "id": "0-3", "with": [core]}
    memory = {"type": "memory", "count": "1-4", "unit": "GiB"}
    every = [[_slot(core, gpu)], [{"type": "node", "count": "1,2", "with": [_slot(numa, memory)]}]]
    constraint = {"and": [{"ranks": ["0-1"]}, {"not": [{"properties": ["a", "^b"]}]}, {"hostlist": ["node[0-1]"]}]}
    system = {"duration": 60.0, "constraints": constraint}
    return tuple(
        json.dumps({"version": 1, "resources": resources, "tasks": [], "attributes": {"system": system}})
        for resources in every
    )


def sets() -> tuple[str, ...]:
    """Return R that use much of what there is."""
    grouped = preset("rfc49-a:4")
    grouped["execution"]["properties"] = {"fast": "0-1"}
    grouped["scheduling"]["groups"] = {"rack": [{"ranks": "0-1", "storage": 3}, {"ranks": "2-3"}]}
    return tuple(json.dumps(R) for R in (grouped, preset("mi300a"), preset("sierra:2")))


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE topology [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    '<topology version="2.0"><object type="Machine" cpuset="0x1" name="&b;"/></topology>'
)


def _xml() -> tuple[str, ...]:
    return (*(path.read_text(encoding="utf-8") for path in sorted(DATA.glob("*.xml"))),)


CONFS = (
    "# two tiers\nSwitchName=s1 Nodes=n[1-4]\nSwitchName=s2 Nodes=n[5-8] LinkSpeed=3\nSwitchName=top Switches=s[1-2]\n",
    "BlockName=b1 Nodes=n[1-2]\nBlockName=b2 Nodes=n[3-4]\nBlockName=b3 Nodes=n[5-8]\nBlockSizes=2,4\n",
    "SwitchName=s1 Nodes=n[1-4]\nSwitchName=s2 Nodes=n[4-8]\nBlockName=b\ninclude /etc/passwd\n"[:53],
)
YAMLS = (
    "- topology: net\n  cluster_default: true\n  tree:\n    switches:\n      - {switch: s1, nodes: 'n[1-4]'}\n"
    "      - {switch: s2, nodes: 'n[5-8]'}\n      - {switch: top, children: 's[1-2]'}\n",
    "- topology: b\n  block:\n    block_sizes: [2, 4]\n    blocks:\n      - {block: b1, nodes: 'n[1-2]'}\n"
    "      - {block: b2, nodes: 'n[3-4]'}\n",
)


def _vertex(number: int, kind: str, **said: Any) -> dict[str, Any]:
    return {"id": str(number), "metadata": {"type": kind, **said}}


def graphs() -> tuple[str, ...]:
    """Return graphs that use much of what there is."""
    ssd = {"size": 700, "unit": "GiB", "status": 0}
    nodes = [
        _vertex(0, "cluster", name="c", paths={"containment": "/c"}),
        _vertex(1, "chassis", id=0, properties={"rabbit": "c9"}, paths={"containment": "/c/chassis0"}),
        *(_vertex(2 + n, "node", name=f"n{n}", rank=n, paths={"containment": f"/c/chassis0/n{n}"}) for n in range(2)),
        *(_vertex(4 + n, kind, id=n % 2, rank=n % 2) for n, kind in enumerate(("core", "core", "gpu", "memory"))),
        _vertex(8, "ssd", **ssd),
        _vertex(9, "storage_node", rank=2),
    ]
    pairs = ((0, 1), (1, 2), (1, 3), (2, 4), (3, 5), (2, 6), (3, 7), (1, 8), (1, 9))
    edges: list[dict[str, Any]] = [{"source": str(above), "target": str(below)} for above, below in pairs]
    edges += [
        {"source": "9", "target": "1", "metadata": {"name": {"containment": "in"}}},
        {"source": "0", "target": "8", "metadata": {"subsystem": "power"}},
    ]
    return (json.dumps({"nodes": nodes, "edges": edges}), json.dumps({"nodes": nodes[:5], "edges": edges[:4]}))


RECIPE = (
    '<graphml><key id="size" for="node"><default>1</default></key><graph>'
    '<node id="c"><data key="root">1</data><data key="type">cluster</data></node>'
    '<node id="n"><data key="type">node</data><data key="basename">n</data></node>'
    '<node id="k"><data key="type">core</data></node>'
    '<edge source="c" target="n"><data key="multi_scale">2</data></edge>'
    '<edge source="n" target="k"><data key="multi_scale">4</data></edge></graph></graphml>'
)

LINES = (
    "rack:2 node:3(storage=0.5TiB,license=3) socket:2 numa:2(memory=128) core:4 gpu:1",
    "socket:2 gpu:2 numa:2 core:2",
)

TARGETS: dict[str, Target] = {
    "R": Target(_R, sets, '{}[]":,-0123456789ranksocelgpuv.e'),
    "jobspec": Target(_jobspec, jobspecs, '{}[]":,-0123456789typecounwithmaxslot'),
    "hwloc": Target(_hwloc, lambda: (*_xml(), BOMB), '<>/="&;!?x0123456789abcdefobjectypMachine'),
    "machine in a line": Target(_line, words(*LINES), "rackndesocktumpgly:0123456789()=,. TiB"),
    "Fluxion's graph": Target(_graph, graphs, '{}[]":,-0123456789nodesgatmyprkuiz'),
    "Fluxion's recipe": Target(_recipe, words(RECIPE), '<>/="&;!?0123456789datkeynogrphmlsuc'),
    "topology.conf": Target(_topology_conf, words(*CONFS), "SwitchNameBlockodsz=[]-,0123456789 \n#\\"),
    "topology.yaml": Target(_topology_yaml, words(*YAMLS), "topolgyreswitchnblk_z:-[]{},'0123456789 \n"),
}
"""By name."""
