"""Pool files and topologies that are none: one error, which names the place, in bounded time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exactfit.adapters.canary.layouts import KEY, TopologyError, layout, named_in
from exactfit.topology.describe import describe_R

DEEP = 50_000
BOMB = "a: &a [1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"{after}: &{after} [{', '.join([f'*{before}'] * 8)}]\n"
    for before, after in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[" * DEEP, "nested"),
        ("{a: " * DEEP, "nested"),
        ("resource_pool: [", "line 1"),
        ("a: 1\na: 2\n", "given twice"),
        ("a: 1\n---\nb: 2\n", "2 YAML documents"),
        ("- !!python/object/apply:os.system [ls]\n", "python"),
        (BOMB, "more than"),
        ("&a [*a]", "holds itself"),
        ("\x00", "pool.yaml"),
    ],
)
def test_a_pool_file_that_is_none(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "pool.yaml"
    path.write_text(text)
    with pytest.raises(TopologyError, match=said) as caught:
        named_in(str(path))
    assert str(caught.value).startswith(f"{KEY}: {path}: ")
    assert len(str(caught.value)) < 500


def test_a_pool_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes(b"caf\xe9: 1\n")
    for path in (tmp_path / "nowhere.yaml", tmp_path, tmp_path / "latin.yaml"):
        with pytest.raises(TopologyError, match=path.name):
            named_in(str(path))


@pytest.mark.parametrize("text", ["", "# nothing\n", "[]", "7", "resource_pool: 7", "additional_properties: {a: 1}"])
def test_a_pool_file_that_names_no_topology(tmp_path: Path, text: str) -> None:
    path = tmp_path / "pool.yaml"
    path.write_text(text)
    assert named_in(str(path)) is None


def deep() -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for _ in range(DEEP):
        nested = {"a": nested}
    return nested


def doubled() -> dict[str, Any]:
    """Return what YAML's aliases make: forty objects that stand for a million millions."""
    value: dict[str, Any] = {}
    for _ in range(40):
        value = {"a": value, "b": value}
    return value


def holding_itself() -> dict[str, Any]:
    value: dict[str, Any] = {}
    value["a"] = value
    return value


@pytest.mark.parametrize(
    ("topology", "said"),
    [
        (deep(), "nested too deeply"),
        (doubled(), "more than 1000000"),
        (holding_itself(), "cannot be written as JSON"),
        ({"version": {1, 2}}, "cannot be written as JSON"),
        ({1: 2, "a": 3}, "cannot be written as JSON"),
        ({(1, 2): 3}, "cannot be written as JSON"),
        ({}, "topology: "),
        ({"version": 1, "execution": []}, "execution"),
        (7, "expected 'local'"),
        ([deep()], "expected 'local'"),
        ("", "topology: "),
        ("no\x00where", "topology: "),
    ],
    ids=range(12),
)
def test_a_topology_that_is_none(topology: object, said: str) -> None:
    with pytest.raises(TopologyError, match=said) as caught:
        layout(topology, "here")
    assert len(str(caught.value)) < 500


VALID = describe_R({"numa": [{"cores": "0-3", "gpus": "0"}, {"cores": "4-7", "gpus": "1"}]}, 2)
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.dates(),
    lambda inside: (
        st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=5) | st.integers(), inside, max_size=3)
    ),
    max_leaves=5,
)


def places(value: object, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inside in items:
        found += places(inside, (*path, key))
    return found


@given(st.sampled_from(places(VALID)[1:]), ANY)
def test_an_R_with_one_value_exchanged_is_read_or_refused(path: tuple[Any, ...], value: object) -> None:
    R = json.loads(json.dumps(VALID))
    holder = R
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    try:
        found = layout(R, "node1")
    except TopologyError as error:
        assert str(error).startswith(f"{KEY}: ")
    else:
        assert found is not None
