"""Text that is no serialized set, or a broken one, is a ValueError that names the member, and nothing else happens."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exactfit.adapters.gutscore import ResourceManager, ResourceSetBaseclass, ResourceSetLocal, ResourceSetSlurm
from exactfit.adapters.gutscore.batch_script import batch_script
from exactfit.adapters.gutscore.cluster import Cluster
from exactfit.adapters.gutscore.wants import Wants

from . import test_json as samples

Read = Callable[[str], ResourceSetBaseclass]

LOCAL: dict[str, Any] = {
    **samples.LOCAL,
    "cores_per_worker": 1,
    "gpus_per_worker": 1,
    "claim": "0123456789abcdef" * 2,
    "ledger": "book.db",
    "topology": "node.xml",
    "slots": [
        {"cpus": "0-1", "gpus": [{"key": "0000:01:00.0", "vendor": "nvidia", "token": "0"}]},
        {"cpus": "2", "gpus": []},
    ],
}
SLURM: dict[str, Any] = {
    **samples.SLURM,
    "cores_per_worker": 2,
    "gpus_per_worker": "a100:2",
    "topology": "node.xml",
}
WHOLE = {"local": LOCAL, "slurm": SLURM}


def manager(backend: str, monkeypatch: pytest.MonkeyPatch) -> ResourceManager:
    monkeypatch.setattr("exactfit.adapters.gutscore.manager.slurm_is_available", lambda: True)
    return ResourceManager({"resource": {"backend": backend}})


@pytest.fixture(params=["local set", "slurm set", "local manager", "slurm manager"])
def reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> tuple[Read, dict[str, Any]]:
    """What reads serialized sets, and one that it takes."""
    backend, what = request.param.split()
    if what == "manager":
        return manager(backend, monkeypatch).instanciate_resource, WHOLE[backend]
    one: ResourceSetBaseclass = {"local": ResourceSetLocal, "slurm": ResourceSetSlurm}[backend](
        0, res_config={"nworkers": 1, "runtime": 1}
    )
    return one.from_json, WHOLE[backend]


NO_OBJECT = {
    "nothing": "",
    "a word": "local",
    "null": "null",
    "a list": "[]",
    "text": '"local"',
    "a number": "5",
    "cut off": '{"type": "local"',
    "two": "{} {}",
    "nested 100,000 times": "[" * 100_000,
    "nested in a member": '{"type": "local", "wgroup_id": 1, "a": ' + "[" * 100_000 + "]" * 100_000 + "}",
    "nested objects": '{"a":' * 100_000,
    "no number": '{"type": "local", "wgroup_id": 1, "runtime": NaN}',
    "without end": '{"type": "local", "wgroup_id": 1, "runtime": -Infinity}',
    "10,000 digits": '{"type": "local", "wgroup_id": ' + "9" * 10_000 + "}",
    "a member twice": '{"type": "local", "wgroup_id": 1, "wgroup_id": 2}',
    "a NUL": "\0",
    "a byte order mark": "\ufeff{}",
}


@pytest.mark.parametrize("name", NO_OBJECT)
def test_what_is_no_json_object_is_refused(reader: tuple[Read, dict[str, Any]], name: str) -> None:
    with pytest.raises(ValueError, match=r"^serialized resource set: ") as caught:
        reader[0](NO_OBJECT[name])
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("member", ["wgroup_id", "type"])
def test_a_member_that_has_to_be_there_is_named(monkeypatch: pytest.MonkeyPatch, member: str) -> None:
    text = json.dumps({key: value for key, value in LOCAL.items() if key != member})
    with pytest.raises(ValueError, match=f"serialized resource set: {member}: missing"):
        manager("local", monkeypatch).instanciate_resource(text)


NAMES_OF_NOTHING: list[Any] = [5, True, [], {}, ["x"], "a\0b", "\ud800"]
NO_FLAG: list[Any] = [None, "yes", 2, [], {}, 0.5]
NO_WHOLE: list[Any] = [None, "x", "3", 1.0, True, -2, 10**30, 10**4000, [], {}]
GPU = LOCAL["slots"][0]["gpus"][0]

WRONG: dict[str, tuple[dict[str, Any], list[tuple[Any, str]]]] = {
    "wgroup_id": (LOCAL, [(value, "wgroup_id: ") for value in NO_WHOLE]),
    "nworkers": (LOCAL, [(value, "nworkers: ") for value in NO_WHOLE]),
    "cores_per_worker": (SLURM, [(value, "cores_per_worker: ") for value in [0, *NO_WHOLE]]),
    "gpus_per_worker": (
        SLURM,
        [(value, "gpus_per_worker: ") for value in [-1, True, 0.5, "x y", "1,gpu:2", [], {}, "a:b:c:d", "9" * 5000]],
    ),
    "runtime": (LOCAL, [(value, "runtime: ") for value in [-1, "x", True, [], {}, 1e300, 10**4000, "9" * 5000]]),
    "daemonize": (LOCAL, [(value, "daemonize: ") for value in NO_FLAG]),
    "wgroup_CLI_pid": (LOCAL, [(value, "wgroup_CLI_pid: ") for value in [*NO_WHOLE, 2**31]]),
    "topology": (LOCAL, [(value, "topology: ") for value in NAMES_OF_NOTHING]),
    "ledger": (LOCAL, [(value, "ledger: ") for value in NAMES_OF_NOTHING]),
    "claim": (LOCAL, [(value, "claim: ") for value in [*NAMES_OF_NOTHING, "--ledger", "A" * 32]]),
    "slots": (
        LOCAL,
        [
            (5, "slots: not an array"),
            (None, "slots: missing"),
            ("0-1", "slots: not an array"),
            ({}, "slots: not an array"),
            (["0-1"], r"slots\[0\]: not an object"),
            ([None], r"slots\[0\]: missing"),
            ([{}], r"slots\[0\].cpus: missing"),
            ([{"cpus": 1}], r"slots\[0\].cpus: not an idset string"),
            ([{"cpus": "1-"}], r"slots\[0\].cpus: RFC 22 idset: "),
            ([{"cpus": "0-99999999999"}], r"slots\[0\].cpus: "),
            ([{"cpus": ""}], r"slots\[0\].cpus: no CPU"),
            ([{"cpus": "0"}, {"cpus": "1", "gpus": "0"}], r"slots\[1\].gpus: not an array"),
            ([{"cpus": "0", "gpus": ["0"]}], r"slots\[0\].gpus\[0\]: not an object"),
            ([{"cpus": "0", "gpus": [{**GPU, "vendor": "other"}]}], r"slots\[0\].gpus\[0\].vendor: 'other' is none of"),
            ([{"cpus": "0", "gpus": [{**GPU, "vendor": []}]}], r"slots\[0\].gpus\[0\].vendor: "),
            ([{"cpus": "0", "gpus": [{**GPU, "key": 1}]}], r"slots\[0\].gpus\[0\].key: "),
            ([{"cpus": "0", "gpus": [{**GPU, "token": "a\0"}]}], r"slots\[0\].gpus\[0\].token: "),
        ],
    ),
    "job_id": (SLURM, [(value, "job_id: ") for value in ["x", "3", 0, True, 1.0, 10**30, [], {}]]),
    "job_script": (SLURM, [(5, "job_script: "), ({}, "job_script: "), ("true", "job_script: ")]),
    "job_script of no lines": (SLURM, [([1], r"job_script\[0\]: "), (["a", "b\0"], r"job_script\[1\]: ")]),
}
ROWS = [(name.split()[0], base, *row) for name, (base, rows) in WRONG.items() for row in rows]


@pytest.mark.parametrize(
    ("member", "base", "value", "message"), ROWS, ids=[f"{n}-{row[0]}" for n, row in enumerate(ROWS)]
)
def test_a_member_of_the_wrong_kind_is_named(
    member: str, base: dict[str, Any], value: Any, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = json.dumps({**base, member: value})
    read = manager(base["type"], monkeypatch).instanciate_resource
    with pytest.raises(ValueError, match=f"^{message}") as caught:
        read(text)
    assert len(str(caught.value)) < 400
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("member", ["daemonize", "topology", "ledger", "runtime"])
def test_a_configuration_is_held_to_the_same(member: str) -> None:
    with pytest.raises(ValueError, match=f"^{member}: "):
        ResourceSetLocal(0, res_config={"nworkers": 1, member: ["x"]})


@pytest.mark.parametrize("backend", ["cloud\n\x1b[2J", [], {}, 5, None])
def test_a_backend_that_is_none_shows_no_control_characters(backend: Any) -> None:
    with pytest.raises(ValueError, match=r"^Unknown backend ") as caught:
        ResourceManager({"resource": {"backend": backend}}).get_resources({}, 0)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("resource", ["x", [], {"nwgroups": "x"}, {"nwgroups": -1}])
def test_a_resource_table_that_is_none_is_a_value_error(resource: Any) -> None:
    with pytest.raises(ValueError, match=r"^(resource|nwgroups): "):
        ResourceManager({"resource": resource})


ANY_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-3, 70)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(
        ["0", "0-3", "nvidia", "local", "slurm", "gpu:2", "1:30", "\0", "\ud800", "", 2**31, 2**63, 10**40]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def places(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths of all values inside one."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path for key, each in inner for path in [(*here, key), *places(each, (*here, key))]]


@st.composite
def broken(draw: st.DrawFn, base: dict[str, Any]) -> str:
    """Returns a serialized set of which one to three members are gone or another value."""
    found = json.loads(json.dumps(base))
    for _ in range(draw(st.integers(1, 3))):
        *path, last = draw(st.sampled_from(places(found) or [("type",)]))
        inside = found
        for key in path:
            inside = inside[key]
        if draw(st.booleans()) and (isinstance(inside, list) or last in inside):
            del inside[last]
        else:
            inside[last] = draw(ANY_JSON)
    return json.dumps(found)


@pytest.mark.parametrize("backend", ["local", "slurm"])
def test_any_change_is_taken_or_refused_and_what_is_taken_goes_round(
    backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = manager(backend, monkeypatch).instanciate_resource

    @given(broken(WHOLE[backend]))
    @settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
    def run(text: str) -> None:
        try:
            found = read(text)
        except ValueError as refusal:
            assert 0 < len(str(refusal)) < 600
            return
        assert read(found.serialize()).serialize() == found.serialize()
        found.get_nworkers()

    run()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("gpu*|n1|2|16|gpu:4", "5 parts"),
        ("gpu*|n1|two|16|gpu:4|1:00", '"two" is no number'),
        ("gpu*|n1|" + "9" * 5000 + "|16|gpu:4|1:00", "is no number"),
        ("gpu*|n1|9999999|9999999|gpu:4|1:00", "of more than"),
        ("gpu*|n1|2|16|gpu:4|soon", "sinfo, line 2: "),
        ("gpu*|n1|2|16|gpu:(|1:00", "sinfo, line 2: "),
    ],
)
def test_what_is_no_answer_of_sinfo_is_said_by_its_line(line: str, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)) as caught:
        Cluster.parse(f"gpu*|n0|2|16|gpu:4|1:00\n{line}\n")
    assert str(caught.value).startswith("sinfo, line 2: ")
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("partition", 7),
        ("account", ["a"]),
        ("nodes", "two"),
        ("nodes", 2**40),
        ("nodes", True),
        ("gpus-per-node", ["gpu"]),
        ("gpus-per-node", "gpu:("),
        ("gpus-per-node", "gpu:1,gpu:2"),
        ("extra_directives", "--exclusive"),
        ("extra_directives", {7: 1}),
        ("extra_directives", {"--mem": ["1G"]}),
        ("pre_cmd_list", "module load x"),
        ("post_cmd_list", [7]),
        ("python", 3.11),
    ],
)
def test_a_value_that_no_batch_script_can_have_is_named(name: str, value: object) -> None:
    config = {"runtime": "30", name: value}
    with pytest.raises(ValueError, match=name):
        batch_script(0, config, Wants.of(config, 1))
