"""What is read from outside raises what is documented, in bounded time and memory, and touches nothing.

`make fuzz` is the long version. Jobspecs that reach a pool are in tests/flux/test_hostile.py as well.
"""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exactfit.topology.presets import preset
from fuzzing.__main__ import read
from fuzzing.confinement import EscapeError, confined
from fuzzing.machines import BOMB, RECIPE
from fuzzing.mutations import HIDDEN, texts
from fuzzing.targets import TARGETS, warm

SECONDS = 3.0
MEBIBYTES = 200
"""More than the largest machine below, of 2**17 ranks, takes to be read."""


@pytest.fixture(scope="module", autouse=True)
def warmed() -> None:
    warm()


@pytest.mark.parametrize("name", TARGETS)
@given(data=st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_changed_samples_and_made_up_text(name: str, data: st.DataObject) -> None:
    read(TARGETS[name], data.draw(texts(TARGETS[name])))


def machine(**changes: Any) -> str:
    """Return the R of two nodes, with some of its parts changed; a dot leads inside."""
    R = preset("rfc49-b:2")
    for place, value in changes.items():
        *outer, last = place.split("__")
        target: Any = R
        for step in outer:
            target = target[int(step) if step.isdigit() else step]
        target[last] = value
    return json.dumps(R)


def nested(depth: int, opening: str, middle: str, closing: str) -> str:
    return opening * depth + middle + closing * depth


def job_line(**changes: str) -> str:
    """Return what sacct prints of one job."""
    fields = {"JobID": "1", "Submit": "2024-01-01T00:00:00", "Elapsed": "01:00:00", "NCPUS": "8", **changes}
    return "|".join(fields) + "\n" + "|".join(fields.values()) + "\n"


def flux_job(**changes: str) -> str:
    """Return Flux's record of a job."""
    fields = {"id": "1", "t_submit": "1", "runtime": "1", "ncores": "1", **changes}
    return "{" + ", ".join(f'"{key}": {value}' for key, value in fields.items()) + "}"


def jobspec(count: object) -> str:
    """Return a jobspec of so many slots."""
    slot = {"type": "slot", "count": count, "label": "task", "with": [{"type": "core", "count": 1}]}
    return json.dumps({"version": 1, "resources": [slot], "tasks": [], "attributes": {"system": {"duration": 0}}})


DEEP = nested(980, "[", "1", "]")
"""As deep as Python's own reader goes."""


def held(**amounts: object) -> str:
    """Return the R of a job that holds a node with these amounts in its slot."""
    R = preset("rfc49-b:1")
    slot = {"label": "task", "cores": "0-95", **amounts}
    R["scheduling"]["placement"] = [{"ranks": "0", "slots": [slot]}]
    return json.dumps(R).replace('"1e999"', "1e999")


SETS = 'os_index="0" cpuset="0x1" complete_cpuset="0x1" nodeset="0x1" complete_nodeset="0x1"'
NUMA = f'<object type="NUMANode" {SETS} local_memory="1073741824"/>'
CORE = '<object type="Core" os_index="0" cpuset="0x1"><object type="PU" os_index="0" cpuset="0x1"/></object>'


def hwloc(inside: str, prolog: str = "", name: str = "") -> str:
    machine = f'<object type="Machine" {SETS} name="{name}">{NUMA}'
    return f'<?xml version="1.0"?>{prolog}<topology version="2.0">{machine}{inside}</object></topology>'


def chain(length: int) -> str:
    """Return a graph of containers in one another, the last two a node and its core."""
    kinds = ["rack"] * (length - 2) + ["node", "core"]
    nodes = [{"id": str(n), "metadata": {"type": kind, "size": 1}} for n, kind in enumerate(kinds)]
    return json.dumps({"nodes": nodes, "edges": [{"source": str(n), "target": str(n + 1)} for n in range(length - 1)]})


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' if n else '<!ENTITY l0 "ha">' for n in range(10))
YAML_LAUGHS = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10)
)

REFUSED: dict[str, tuple[str, str]] = {
    "R nested 100,000 deep": ("R", nested(100_000, "[", "", "]")),
    "R of 2**31 ranks": ("R", machine(execution__R_lite__0__rank="0-2147483646")),
    "R of one rank twice": ("R", machine(execution__R_lite__0__rank="0,0")),
    "cores up to 2**31": ("R", machine(execution__R_lite__0__children={"core": "0-2147483646"})),
    "a topo nested 300 deep": (
        "R",
        machine(scheduling__children__0__topo=json.loads(nested(300, '{"a":[', "{}", "]}"))),
    ),
    "nodelist of 2**40 hosts": ("R", machine(execution__nodelist=["n[0-1099511627775]"])),
    "nslots of 40 digits": ("R", machine(execution__nslots=10**40)),
    "expiration without end": ("R", machine(execution__expiration=float("inf"))),
    "a constraint nested 100,000 deep": ("constraint", nested(100_000, '{"not":[', "{}", "]}")),
    "a query of 100,000 brackets": ("query", nested(100_000, "(", "a", ")")),
    "a query of 100,000 negations": ("query", "not " * 100_000 + "a"),
    "a shape of 100,000 brackets": ("shape", nested(100_000, "[", "core", "]")),
    "a shape of 100,000 slashes": ("shape", "slot/" + "a/" * 100_000 + "core"),
    "a count of a million digits": ("count", "9" * 1_000_000),
    "ids of 40 digits": ("idset", "1-" + "9" * 40),
    "100,000 broken ids": ("idset", "1," * 100_000),
    "2**70 hosts": ("hostlist", "a[0-1180591620717411303424]"),
    "hosts that multiply": ("hostlist", "a" + "[0-9999]" * 20),
    "gres of a million digits": ("gres", "gpu:" + "1" * 1_000_000),
    "a day of 400 digits": ("slurm time", "9" * 400 + "-0"),
    "an entity bomb": ("hwloc", hwloc("", f"<!DOCTYPE topology [{LAUGHS}]>", "&l9;")),
    "an entity": ("hwloc", BOMB),
    "objects nested 100,000 deep": (
        "hwloc",
        hwloc(nested(100_000, '<object type="Group" cpuset="0x1">', "", "</object>")),
    ),
    "a cpuset of a megabyte that is none": ("hwloc", hwloc('<object type="PU" cpuset="' + "0x1," * 250_000 + '"/>')),
    "70,000 objects": ("hwloc", hwloc('<object type="PU" cpuset="0x1"/>' * 70_000)),
    "aliases that multiply": ("YAML", YAML_LAUGHS),
    "an alias to itself": ("YAML", "&a [*a]"),
    "brackets without end": ("YAML", "[" * 100_000),
    "an object": ("YAML", "!!python/object/apply:os.system ['true']"),
    "a module": ("YAML", "!!python/module:os"),
    "a timestamp that is none": ("YAML", "!!timestamp x"),
    "a truth that is none": ("YAML", "!!bool x"),
    "a number that is none": ("YAML", "!!int x"),
    "a field too few": ("SWF", "1 " * 17),
    "a line of a million fields of text": ("SWF", "x " * 1_000_000),
    "groups nested 100,000 deep": ("topology.yaml", "- tree: " + "[" * 100_000),
    "a file that includes": ("topology.conf", "SwitchName=a Nodes=n1\ninclude /etc/passwd"),
    "a graph 980 deep": ("Fluxion's graph", '{"nodes": ' + DEEP + "}"),
    "a chain of 10,000 racks": ("Fluxion's graph", chain(10_000)),
    "a core of 2**62": ("Fluxion's graph", chain(3).replace('"size": 1', '"size": 4611686018427387904')),
    "a recipe that multiplies": ("Fluxion's recipe", RECIPE.replace(">4<", ">999999999999999<")),
    "a recipe in a circle": ("Fluxion's recipe", RECIPE.replace('source="n" target="k"', 'source="n" target="n"')),
    "an entity in a recipe": ("Fluxion's recipe", f"<!DOCTYPE graphml [{LAUGHS}]><graphml>&l9;</graphml>"),
    "switches that multiply": ("topology.conf", "SwitchName=s Switches=" + "s[0-9999]" * 20),
    "2**40 nodes below a switch": ("topology.conf", "SwitchName=s Nodes=n[0-1099511627775]"),
    "a year of 40 digits": ("sacct", job_line(Submit="9" * 40)),
    "1e999 processors": ("sacct", job_line(NCPUS="1e999")),
    "a time beyond all": ("sacct", job_line(Elapsed="999999999999-00:00:00")),
    "a job's number 980 deep": ("Flux's jobs", flux_job(runtime=DEEP)),
    "a job's name 980 deep": ("Flux's jobs", flux_job(id=DEEP)),
    "a number of 10,000 digits": ("Flux's jobs", flux_job(t_submit="9" * 10_000)),
    "a rule of 100 brackets": ("rules", "(" * 100 + "1" + ")" * 100 + " and " + "(" * 100 + " => slot=1/core"),
    "a rule that multiplies": ("rules", "otherwise => slot=<" + "*".join(["processors"] * 20) + ">/core"),
    "a rule of text times a number": ("rules", "otherwise => slot=<'a' * processors>/core"),
    "a rule with an attribute": ("rules", "().__class__ => slot=1/core"),
    "a mix of no weight": ("mix", "0 => slot=1/core"),
    "run times that are too short to be drawn": ("generator", "lublin:longest=0.000001"),
    "a load that takes for ever": ("generator", "lublin:jobs=2,load=1e-320"),
    "a million loads": ("axes", "load=" + "+".join(["0.5:99:0.01"] * 100)),
    "a thousand million simulations": ("axes", "seeds=1:10000,load=0.5:99.5:0.1,scheduling=easy+fifo"),
    "a claim on 2**40 CPUs": ("gutscore's local set", '{"wgroup_id": 1, "slots": [{"cpus": "0-1099511627775"}]}'),
    "a pool file's aliases that multiply": ("canary's pool file", YAML_LAUGHS),
    "less than nothing held": ("--allocated", held(memory=-1)),
    "memory without end": ("--allocated", held(memory="1e999")),
    "ranks of 2**31": ("--down", "0-2147483646"),
    "hosts of 2**40": ("--down", "n[0-1099511627775]"),
    "a priority of a million digits": ("--priority", "9" * 1_000_000 + ",1"),
    "no number": ("SWF", "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 nan"),
}


HIDDEN_NAMES: dict[str, tuple[str, str]] = {
    "a property": ("R", machine(execution__properties={HIDDEN: "x"})),
    "a kind of topology": ("topology.yaml", json.dumps([{"topology": "net", HIDDEN: 1}])),
    "a topology's key": ("topology.yaml", json.dumps([{"topology": "net", "tree": {HIDDEN: 1}}])),
    "a switch": ("topology.yaml", json.dumps([{"tree": {"switches": [{"switch": HIDDEN, "children": "a"}]}}])),
    "a type of a graph": ("Fluxion's graph", chain(3).replace('"rack"', json.dumps(HIDDEN))),
    "an amount of a slot": ("--allocated", held(**{HIDDEN: "x"})),
    "a key of a jobspec": ("a file of jobs", jobspec({HIDDEN: 1})),
    "a host": ("--down", "no" + HIDDEN),
    "a member of a set": ("gutscore's local set", json.dumps({"wgroup_id": 1, "claim": HIDDEN})),
    "a time": ("sacct", job_line(Submit=HIDDEN.strip())),
    "a function": ("rules", f"{HIDDEN.strip()}(1) => slot=1/core"),
    "an axis": ("axes", f"{HIDDEN}=1"),
}


@pytest.mark.parametrize("name", HIDDEN_NAMES)
def test_what_does_not_show_is_escaped_in_the_message(name: str) -> None:
    reader, text = HIDDEN_NAMES[name]
    with pytest.raises(TARGETS[reader].refuses, match=r"\\x1b|\\u202e") as refusal:
        TARGETS[reader].read(text)
    assert str(refusal.value).isprintable()


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_at_once(name: str) -> None:
    reader, text = REFUSED[name]
    target = TARGETS[reader]
    # Memory is measured in a second go, as measuring takes more time than reading.
    for bounds in ((SECONDS, None), (float("inf"), MEBIBYTES)):
        with confined(*bounds, may=target.may), pytest.raises(target.refuses, match=r".") as refusal:
            target.read(text)
        assert len(str(refusal.value)) < 1000


SWF_FAR = "1 0 3 100 4 -1 -1 4 200 1024 1 7 -1 -1 1 -1 -1 -1\n2 999999999999 -1 50 8 " + "-1 " * 13

TAKEN: dict[str, tuple[str, str]] = {
    "2**17 ranks": ("R", machine(
        execution__R_lite__0__rank="0-131071",
        execution__nodelist=["n[0-131071]"],
        scheduling__children__0__ranks="0-131071",
    )),
    "2**23 hosts": ("hostlist", "n[0-8388607]"),
    "ids up to 2**31": ("idset", "0-2147483646"),
    "stepped counts up to 2**50": ("count", "1-1125899906842624:3:+"),
    "a cpuset without end": ("hwloc", hwloc(CORE.replace("0x1", "0xf...f", 1))),
    "a job far from all others": ("SWF", SWF_FAR),
    "an escape that Python warns of": ("rules", "processors > 1or 2 => slot=1/core"),
    "an unused alias": ("YAML", "a: &a [1]\nb: 2\n"),
}  # fmt: skip


@pytest.mark.parametrize("name", TAKEN)
def test_it_is_large_or_odd_but_legal(name: str) -> None:
    reader, text = TAKEN[name]
    target = TARGETS[reader]
    for bounds in ((SECONDS, None), (float("inf"), MEBIBYTES)):
        with confined(*bounds, may=target.may):
            target.read(text)


@pytest.mark.parametrize(
    "prolog",
    [
        '<!DOCTYPE topology [<!ENTITY x SYSTEM "{0}">]>',
        '<!DOCTYPE topology [<!ENTITY % x SYSTEM "{0}"> %x;]>',
        '<!DOCTYPE topology [<!ENTITY x PUBLIC "-//a//b" "http://127.0.0.1:9/x">]>',
    ],
    ids=["file", "parameter", "network"],
)
def test_external_entities_are_not_read(tmp_path: Path, prolog: str) -> None:
    secret = tmp_path / "secret"
    secret.write_text('"not for you"', encoding="utf-8")
    with confined(), pytest.raises(ValueError, match="entity") as refusal:
        TARGETS["hwloc"].read(hwloc("", prolog.format(secret), "&x;"))
    assert "not for you" not in str(refusal.value)


@pytest.mark.parametrize(
    "prolog", ['<!DOCTYPE topology SYSTEM "{0}">', '<!DOCTYPE topology SYSTEM "http://127.0.0.1:9/hwloc2.dtd">']
)
def test_an_external_DTD_as_hwloc_names_it_is_passed_over(tmp_path: Path, prolog: str) -> None:
    # lstopo writes such a line, so that it cannot be refused.
    with confined():
        TARGETS["hwloc"].read(hwloc(CORE, prolog.format(tmp_path / "none.dtd")))


@pytest.mark.parametrize("encoding", ["utf_8_sig", "rot13", "idna", "no-such", "cp037"])
def test_an_encoding_of_pythons_own_is_not_loaded(encoding: str) -> None:
    text = hwloc(CORE).replace("?>", f' encoding="{encoding}"?>', 1)
    with confined(), pytest.raises(ValueError, match="encoding"):
        TARGETS["hwloc"].read(text)


class TestConfinement:
    """The guard itself: what it must notice it notices."""

    def test_files(self) -> None:
        with pytest.raises(EscapeError, match="open"), confined():
            Path(__file__).read_bytes()

    def test_the_network(self) -> None:
        with pytest.raises(EscapeError, match="socket"), confined():
            socket.socket()

    def test_time(self) -> None:
        with pytest.raises(EscapeError, match=r" s$"), confined(0.0):
            sum(range(100_000))

    def test_memory(self) -> None:
        with pytest.raises(EscapeError, match="MiB"), confined(mebibytes=1):
            bytearray(2**22)

    def test_it_is_over_afterwards(self) -> None:
        with confined():
            pass
        assert Path(__file__).read_bytes()
