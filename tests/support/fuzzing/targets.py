"""What reads text from outside, each with samples that it accepts and with the errors that it documents."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

from exactfit.adapters.flux import ExactPool
from exactfit.adapters.guarded_yaml import yaml_documents
from exactfit.adapters.study.workloads.swf import read_swf
from exactfit.grammar.constraint import parse_constraint, parse_query
from exactfit.grammar.count import parse_count
from exactfit.grammar.hostlist import Hostlist
from exactfit.grammar.idset import IdSet
from exactfit.grammar.jobspec import parse_jobspec, parse_resources
from exactfit.grammar.query import query_text
from exactfit.grammar.shape import parse_shape, shape_text
from exactfit.grammar.slurm_gres import parse_gres
from exactfit.grammar.slurm_time import parse_slurm_time
from exactfit.solver.errors import InfeasibleRequest, InsufficientResources
from exactfit.solver.pool import Pool
from exactfit.solver.request import Request
from exactfit.topology.hwloc import read_hwloc
from exactfit.topology.machine import Machine
from exactfit.topology.presets import preset
from exactfit.topology.rset import read_R, write_R

DATA = Path(__file__).parents[2] / "topology" / "data"

PLAIN = (str, int, float, bool, type(None))
"""What YAML and JSON may turn into, beside lists and mappings; dates are YAML's own."""


@dataclass(frozen=True)
class Target:
    """A reader.

    Attributes
    ----------
    read
        Takes text; raises what it documents, or a `DocumentedError` that was expected.
    samples
        Texts that it accepts.
    signs
        What the text is made of, for those that make text up.
    """

    read: Callable[[str], object]
    samples: Callable[[], tuple[str, ...]]
    signs: str


def _json(text: str) -> Any:
    """Return the value of JSON text; what is none is nobody's concern here."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply for Python's own reader") from None


def _idset(text: str) -> None:
    ids = IdSet.parse(text)
    assert IdSet.parse(str(ids)) == ids


def _hostlist(text: str) -> None:
    hosts = Hostlist.parse(text)
    assert Hostlist.parse(str(hosts)) == hosts


def _count(text: str) -> None:
    count = parse_count(text)
    assert parse_count(count.to_json()) == count


def _constraint(text: str) -> None:
    query_text(parse_constraint(text))


def _query(text: str) -> None:
    constraint = parse_query(text)
    assert query_text(parse_query(query_text(constraint))) == query_text(constraint)


def _shape(text: str) -> None:
    # A step beyond which there is no value may be left out: the text is the same again, the bounds need not be.
    written = shape_text(parse_shape(text))
    assert shape_text(parse_shape(written)) == written


@lru_cache(maxsize=1)
def _small() -> Machine:
    return read_R(preset("rfc49-b:2"))


def _jobspec(text: str) -> None:
    """Read a jobspec, and put it to a pool."""
    request = Request.from_jobspec(parse_jobspec(_json(text)))
    pool = Pool(_small())
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
    holdings = [
        (mask, kind.cores, kind.gpus) for mask, kind in zip(machine.type_masks, machine.types, strict=True) if mask
    ]
    if len(machine.ranks) <= 10_000:
        again = read_R(write_R(machine, holdings, nslots=1, starttime=0.0, expiration=0.0))
        assert list(again.ranks) == list(machine.ranks)
        ExactPool(json.loads(text))


def _hwloc(text: str) -> None:
    read_hwloc(text.encode("utf-8", "surrogateescape"))


def _plain(value: object) -> bool:
    if isinstance(value, dict):
        return all(_plain(key) and _plain(inner) for key, inner in value.items())
    if isinstance(value, list | tuple | set):
        return all(_plain(inner) for inner in value)
    return isinstance(value, PLAIN) or type(value).__module__ in ("builtins", "datetime")


def _yaml(text: str) -> None:
    for document in yaml_documents(text):
        assert _plain(document), document


def _swf(text: str) -> None:
    read_swf(text.splitlines(), "trace")


def _slot(*inside: Any) -> dict[str, Any]:
    return {"type": "slot", "label": "task", "count": 2, "with": list(inside)}


def _jobspecs() -> tuple[str, ...]:
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


def _sets() -> tuple[str, ...]:
    grouped = preset("rfc49-a:4")
    grouped["execution"]["properties"] = {"fast": "0-1"}
    grouped["scheduling"]["groups"] = {"rack": [{"ranks": "0-1", "storage": 3}, {"ranks": "2-3"}]}
    return tuple(json.dumps(R) for R in (grouped, preset("mi300a"), preset("sierra:2")))


def _swf_lines() -> tuple[str, ...]:
    return ("; Version: 2.2\n1 0 3 100 4 -1 -1 4 200 1024 1 7 -1 -1 1 -1 -1 -1\n2 9 -1 50 8 " + "-1 " * 13,)


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE topology [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    '<topology version="2.0"><object type="Machine" cpuset="0x1" name="&b;"/></topology>'
)


def _xml() -> tuple[str, ...]:
    return (*(path.read_text(encoding="utf-8") for path in sorted(DATA.glob("*.xml"))),)


def _words(*texts: str) -> Callable[[], tuple[str, ...]]:
    return lambda: texts


TARGETS: dict[str, Target] = {
    "R": Target(_R, _sets, '{}[]":,-0123456789ranksocelgpuv.e'),
    "jobspec": Target(_jobspec, _jobspecs, '{}[]":,-0123456789typecounwithmaxslot'),
    "constraint": Target(
        _constraint,
        _words(
            '{"and": [{"ranks": ["0-3"]}, {"not": [{"properties": ["^a"]}]}]}', '{"or": [{"hostlist": ["n[0-3]"]}]}'
        ),
        '{}[]":,^-0123456789andornotrkspeih',
    ),
    "query": Target(
        _query, _words("a&^b|(rank:0-3 -host:n[1,2])", "not (a and b) or ranks:1"), "()&|^-:, []0123456789andotrkhs"
    ),
    "shape": Target(
        _shape,
        _words("slot=2/[core=4;gpu{-x}=1;memory=2{unit:GiB}]", 'rack=1+/node=2-8:2:*{x}/slot{a,id:"0-3"}/numa/core'),
        '[]{};=/+-:*^,"xu0123456789nodeslrcagpi',
    ),
    "count": Target(_count, _words("1-8:2:*", "3+", "1,4-7", "2-64:2:^"), "0123456789-+:*^, "),
    "idset": Target(_idset, _words("0,3-7,9", "[1-2]", ""), "0123456789-,[] "),
    "hostlist": Target(_hostlist, _words("node[001-010,12],x3-[1-2]", "a,b,c"), "ab0123456789[]-,. "),
    "gres": Target(parse_gres, _words("gpu:a100:4(S:0-1),nvme:2K", "gpu(IDX:0,2-3)"), "gpu:a(),=/0123456789KMGISX-"),
    "slurm time": Target(parse_slurm_time, _words("1-02:03:04", "90", "UNLIMITED"), "0123456789:-UNLIMTED"),
    "hwloc": Target(_hwloc, lambda: (*_xml(), BOMB), '<>/="&;!?x0123456789abcdefobjectypMachine'),
    "YAML": Target(
        _yaml,
        _words(
            "a: &x [1, {b: *x2}]\n",
            "- !!python/object/apply:os.system [ls]\n",
            "version: 1\nresources:\n- type: slot\n",
        ),
        "&*!:-?[]{},#|>%@`'\"\n abc0123456789<~",
    ),
    "SWF": Target(_swf, _swf_lines, "0123456789 .-;e\nnaif"),
}
"""By name."""


def warm() -> None:
    """Let all readers load what they load on first use, which for grammars is when they first refuse something."""
    for name in ("grammar", "topology", "solver"):
        layer = import_module(f"exactfit.{name}")
        for found in walk_packages(layer.__path__, f"{layer.__name__}."):
            import_module(found.name)
    # CP-SAT's own modules come with the first search.
    crossing = Request.of(parse_resources(parse_shape("node/slot=3/[core=30;gpu=1]")))
    Pool(read_R(preset("rfc49-a:1"))).alloc(1, crossing)
    for target in TARGETS.values():
        for sample in target.samples():
            for text in (sample, *(sample[:-cut] + "?\x00,[" for cut in range(1, 4))):
                try:
                    target.read(text)
                except ValueError:
                    continue
