"""What is read in one pass is what reading with care makes of it, or is left to that."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exactfit.topology import topo
from exactfit.topology.plain_topo import NotPlain, read_plain
from exactfit.topology.topo import MAX_DOMAINS, NODE, local_ids
from exactfit.topology.tree import node_type

Json = dict[str, Any]

IDS = st.sampled_from(["0", "1", "2-3", "4", "5-7", "", "0-3", "8", "9"])
DOMAINS = st.recursive(
    st.fixed_dictionaries({}, optional={"cores": IDS, "gpus": IDS, "memory": st.integers(0, 9), "ib": st.just(1)}),
    lambda inner: st.fixed_dictionaries(
        {},
        optional={"cores": IDS, "gpus": IDS, "socket": st.lists(inner, max_size=2), "l3": st.lists(inner, max_size=2)},
    ),
    max_leaves=6,
)


def numas(cores: int, gpus: str) -> list[Json]:
    return [{"cores": f"{n * cores}-{n * cores + cores - 1}", "gpus": gpus.format(n)} for n in range(4)]


PLAIN: Json = {"socket": [{"numa": numas(4, "{}"), "memory": 16}, {"cores": "16-19", "gpus": "4"}], "ib10g": 1}


@given(DOMAINS)
@example({"socket": [{"cores": "0", "l3": [{"cores": "0"}]}, {"cores": "1"}]})
@example({"l3": [{"gpus": "0"}, {"gpus": "1", "cores": ""}]})
@example({"socket": [{"l3": []}]})
@example({"socket": [{"socket": [{"cores": "0"}]}]})
def test_one_pass_or_with_care(asked: Json) -> None:
    careful = topo._build_with_care(asked, "topo")
    found = topo._build(asked, "topo")
    assert (found.domains, found.levels) == (careful.domains, careful.levels)


@pytest.mark.parametrize(
    "asked",
    [
        {"memory": [{"cores": "0"}]},
        {"core": [{"cores": "0"}]},
        {"socket": [{"exactfit.partial": 1, "cores": "0"}]},
        {"socket": [{"cores": "0-3"}, {"cores": "3-5"}]},
        {"socket": [{"cores": "0"}], "l3": [{"cores": "0"}]},
        {"socket": [{"cores": "0", "memory": 0.5}]},
        {"socket": [{"cores": 3}]},
        {"socket": [{"cores": "x"}]},
        {"socket": {"cores": "0"}},
        {"socket": [{"memory": True, "cores": "0"}]},
        [],
    ],
)
def test_what_is_not_plain(asked: object) -> None:
    with pytest.raises(NotPlain):
        read_plain(asked, NODE, lambda text: local_ids(text, ""), topo._NO_LEVELS)


def test_a_plain_tree_takes_no_care(monkeypatch: pytest.MonkeyPatch) -> None:
    # Large machines whose nodes all differ have as many trees as nodes.
    monkeypatch.setattr(topo, "_build_with_care", None)
    tree = topo._build(PLAIN, "topo")
    assert [d.level for d in tree.domains] == ["node", "socket", *["numa"] * 4, "socket"]
    assert tree.levels == ("socket", "numa")


def test_too_many_domains_are_refused_all_the_same() -> None:
    with pytest.raises(ValueError, match="more than"):
        topo._build({"l3": [{"cores": str(n)} for n in range(MAX_DOMAINS)]}, "topo")


def test_a_node_of_which_all_is_listed_is_as_any_other() -> None:
    tree = topo._build(PLAIN, "topo")
    everything = node_type(tree, tree.domains[0].cores, tree.domains[0].gpus)
    more = node_type(tree, tree.domains[0].cores | 1 << 40, tree.domains[0].gpus)
    assert everything.domains[1:] == more.domains[1:]
    assert everything.levels == more.levels
    assert (everything.domains[0].own_cores, more.domains[0].own_cores) == (0, 1 << 40)
