"""The grammars of `exactfit.grammar`, as what reads text."""

from __future__ import annotations

from exactfit.adapters.guarded_yaml import yaml_documents
from exactfit.grammar.constraint import parse_constraint, parse_query
from exactfit.grammar.count import parse_count
from exactfit.grammar.hostlist import Hostlist
from exactfit.grammar.idset import IdSet
from exactfit.grammar.query import query_text
from exactfit.grammar.shape import parse_shape, shape_text
from exactfit.grammar.slurm_gres import parse_gres
from exactfit.grammar.slurm_time import parse_slurm_time

from .target import Target, words

PLAIN = (str, int, float, bool, type(None))
"""What YAML and JSON may turn into, beside lists and mappings; dates are YAML's own."""


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


def _plain(value: object) -> bool:
    if isinstance(value, dict):
        return all(_plain(key) and _plain(inner) for key, inner in value.items())
    if isinstance(value, list | tuple | set):
        return all(_plain(inner) for inner in value)
    return isinstance(value, PLAIN) or type(value).__module__ in ("builtins", "datetime")


def _yaml(text: str) -> None:
    for document in yaml_documents(text):
        assert _plain(document), document


TARGETS: dict[str, Target] = {
    "constraint": Target(
        _constraint,
        words('{"and": [{"ranks": ["0-3"]}, {"not": [{"properties": ["^a"]}]}]}', '{"or": [{"hostlist": ["n[0-3]"]}]}'),
        '{}[]":,^-0123456789andornotrkspeih',
    ),
    "query": Target(
        _query, words("a&^b|(rank:0-3 -host:n[1,2])", "not (a and b) or ranks:1"), "()&|^-:, []0123456789andotrkhs"
    ),
    "shape": Target(
        _shape,
        words("slot=2/[core=4;gpu=1{-x};memory=2{unit:GiB}]", 'rack=1+/node=2-8:2:*{x}/slot{a,id:"0-3"}/numa/core'),
        '[]{};=/+-:*^,"xu0123456789nodeslrcagpi',
    ),
    "count": Target(_count, words("1-8:2:*", "3+", "1,4-7", "2-64:2:^"), "0123456789-+:*^, "),
    "idset": Target(_idset, words("0,3-7,9", "[1-2]", ""), "0123456789-,[] "),
    "hostlist": Target(_hostlist, words("node[001-010,12],x3-[1-2]", "a,b,c"), "ab0123456789[]-,. "),
    "gres": Target(parse_gres, words("gpu:a100:4(S:0-1),nvme:2K", "gpu(IDX:0,2-3)"), "gpu:a(),=/0123456789KMGISX-"),
    "slurm time": Target(parse_slurm_time, words("1-02:03:04", "90", "UNLIMITED"), "0123456789:-UNLIMTED"),
    "YAML": Target(
        _yaml,
        words(
            "a: &x [1, {b: 2}]\nc: *x\n",
            "- !!python/object/apply:os.system [ls]\n",
            "version: 1\nresources:\n- type: slot\n",
        ),
        "&*!:-?[]{},#|>%@`'\"\n abc0123456789<~",
    ),
}
"""By name."""
