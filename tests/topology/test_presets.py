from __future__ import annotations

from fractions import Fraction

import pytest

from exactfit.grammar.idset import mask_text
from exactfit.topology.presets import PRESETS, preset
from exactfit.topology.rset import read_R

# name, nodes, cores, gpus, levels, domains of the finest level
MACHINES = [
    ("rfc49-a", 16, "0-119", "0-7", ("socket", "numa"), 8),
    ("rfc49-b", 1152, "0-95", "0-3", ("socket",), 4),
    ("mi300a", 1, "0-95", "0-3", ("socket",), 4),
    ("sierra", 1, "0-43", "0-3", ("socket",), 2),
    ("sierra:4320", 4320, "0-43", "0-3", ("socket",), 2),
]


@pytest.mark.parametrize(("name", "nodes", "cores", "gpus", "levels", "finest"), MACHINES)
def test_preset(name: str, nodes: int, cores: str, gpus: str, levels: tuple[str, ...], finest: int) -> None:
    machine = read_R(preset(name))
    (kind,) = machine.types
    assert (machine.size, mask_text(kind.cores), mask_text(kind.gpus)) == (nodes, cores, gpus)
    assert machine.levels == levels
    assert len(kind.by_level[levels[-1]]) == finest
    assert all(d.whole for d in kind.domains)
    assert len(machine.hosts) == nodes


def test_the_clusters_of_rfc_49() -> None:
    a, b = read_R(preset("rfc49-a")).types[0], read_R(preset("rfc49-b")).types[0]
    assert (a.domains[0].storage, b.domains[0].storage) == (Fraction(2048), Fraction(200))
    assert [d.memory for d in b.by_level["socket"]] == [125, 126, 126, 126]
    assert mask_text(a.by_level["numa"][7].cores) == "105-119"


@pytest.mark.parametrize("name", ["", "rfc49", "rfc49-a:", "rfc49-a:0", "rfc49-a:-1", "rfc49-a:x"])
def test_no_such_machine(name: str) -> None:
    with pytest.raises(ValueError, match="preset"):
        preset(name)


@pytest.mark.parametrize("nodes", ["0", "4194305", "9" * 20, "9" * 9999])
def test_the_message_says_how_many_nodes_there_may_be(nodes: str) -> None:
    with pytest.raises(ValueError, match=r"^preset sierra: .* from 1 to 4194304, not '[0-9]{1,40}'$"):
        preset(f"sierra:{nodes}")


def test_the_message_names_what_there_is() -> None:
    with pytest.raises(ValueError, match=", ".join(PRESETS)):
        preset("frontier")
