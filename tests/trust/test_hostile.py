"""What is read from outside raises what is documented, in bounded time and memory, and touches nothing.

`make fuzz` is the long version. Jobspecs that reach a pool are in tests/flux/test_hostile.py as well.
"""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest
from exactfit.topology.presets import preset
from fuzzing.__main__ import read
from fuzzing.confinement import EscapeError, confined
from fuzzing.mutations import texts
from fuzzing.targets import BOMB, TARGETS, warm
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

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


SETS = 'os_index="0" cpuset="0x1" complete_cpuset="0x1" nodeset="0x1" complete_nodeset="0x1"'
NUMA = f'<object type="NUMANode" {SETS} local_memory="1073741824"/>'
CORE = '<object type="Core" os_index="0" cpuset="0x1"><object type="PU" os_index="0" cpuset="0x1"/></object>'


def hwloc(inside: str, prolog: str = "", name: str = "") -> str:
    machine = f'<object type="Machine" {SETS} name="{name}">{NUMA}'
    return f'<?xml version="1.0"?>{prolog}<topology version="2.0">{machine}{inside}</object></topology>'


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
    "a field too many": ("SWF", "1 " * 19),
    "a line of a million fields": ("SWF", "1 " * 1_000_000),
    "no number": ("SWF", "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 nan"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_at_once(name: str) -> None:
    reader, text = REFUSED[name]
    # Memory is measured in a second go, as measuring takes more time than reading.
    for bounds in ((SECONDS, None), (float("inf"), MEBIBYTES)):
        with confined(*bounds), pytest.raises(ValueError, match=r".") as refusal:
            TARGETS[reader].read(text)
        assert len(str(refusal.value)) < 1000


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
    "an unused alias": ("YAML", "a: &a [1]\nb: 2\n"),
}  # fmt: skip


@pytest.mark.parametrize("name", TAKEN)
def test_it_is_large_or_odd_but_legal(name: str) -> None:
    reader, text = TAKEN[name]
    for bounds in ((SECONDS, None), (float("inf"), MEBIBYTES)):
        with confined(*bounds):
            TARGETS[reader].read(text)


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
