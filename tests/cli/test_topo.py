"""`exactfit topo`: machines shown, hwloc XML converted."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from corona import NUMBERS, corona_xml

from .conftest import Runner

NODE_XML = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE topology SYSTEM "hwloc2.dtd">
<topology version="2.0">
  <object type="Machine" os_index="0" cpuset="0x0000000f" complete_cpuset="0x0000000f" allowed_cpuset="0x0000000f"
      nodeset="0x00000003" complete_nodeset="0x00000003" allowed_nodeset="0x00000003" gp_index="1">
    <object type="Package" os_index="0" cpuset="0x00000003" complete_cpuset="0x00000003" nodeset="0x00000001"
        complete_nodeset="0x00000001" gp_index="2">
      <object type="NUMANode" os_index="0" cpuset="0x00000003" complete_cpuset="0x00000003" nodeset="0x00000001"
          complete_nodeset="0x00000001" gp_index="3" local_memory="17179869184"/>
      <object type="Core" os_index="0" cpuset="0x00000001" complete_cpuset="0x00000001" nodeset="0x00000001"
          complete_nodeset="0x00000001" gp_index="4">
        <object type="PU" os_index="0" cpuset="0x00000001" complete_cpuset="0x00000001" nodeset="0x00000001"
            complete_nodeset="0x00000001" gp_index="5"/>
      </object>
      <object type="Core" os_index="1" cpuset="0x00000002" complete_cpuset="0x00000002" nodeset="0x00000001"
          complete_nodeset="0x00000001" gp_index="6">
        <object type="PU" os_index="1" cpuset="0x00000002" complete_cpuset="0x00000002" nodeset="0x00000001"
            complete_nodeset="0x00000001" gp_index="7"/>
      </object>
    </object>
    <object type="Package" os_index="1" cpuset="0x0000000c" complete_cpuset="0x0000000c" nodeset="0x00000002"
        complete_nodeset="0x00000002" gp_index="8">
      <object type="NUMANode" os_index="1" cpuset="0x0000000c" complete_cpuset="0x0000000c" nodeset="0x00000002"
          complete_nodeset="0x00000002" gp_index="9" local_memory="17179869184"/>
      <object type="Core" os_index="2" cpuset="0x00000004" complete_cpuset="0x00000004" nodeset="0x00000002"
          complete_nodeset="0x00000002" gp_index="10">
        <object type="PU" os_index="2" cpuset="0x00000004" complete_cpuset="0x00000004" nodeset="0x00000002"
            complete_nodeset="0x00000002" gp_index="11"/>
      </object>
      <object type="Core" os_index="3" cpuset="0x00000008" complete_cpuset="0x00000008" nodeset="0x00000002"
          complete_nodeset="0x00000002" gp_index="12">
        <object type="PU" os_index="3" cpuset="0x00000008" complete_cpuset="0x00000008" nodeset="0x00000002"
            complete_nodeset="0x00000002" gp_index="13"/>
      </object>
    </object>
  </object>
</topology>
"""


@pytest.fixture
def node_xml(tmp_path: Path) -> Path:
    path = tmp_path / "node.xml"
    path.write_text(NODE_XML, encoding="utf-8")
    return path


def test_shows_the_machine_and_the_tree_of_a_node(run: Runner) -> None:
    done = run("topo", "rfc49-a")
    assert done.status == 0
    assert "16 nodes (ranks 0-15), 1920 cores, 128 gpus" in done.out
    assert "socket 0-1: each 60 cores, 4 gpus" in done.out
    assert "numa 0-3: each 15 cores, 1 gpu" in done.out
    assert "2048 GiB storage" in done.out
    assert done.out.count("[···············|·]") == 8


def with_gpus(*numa: int) -> dict[str, object]:
    """A node of two sockets with four numa of six cores each, and a gpu in some of them."""
    domains = [{"cores": f"{6 * n}-{6 * n + 5}"} for n in range(8)]
    for gpu, n in enumerate(numa):
        domains[n]["gpus"] = str(gpu)
    return {"socket": [{"numa": domains[:4]}, {"numa": domains[4:]}]}


def listed(run: Runner, path: Path, topo: dict[str, object], gpus: int) -> list[str]:
    children = {"core": "0-47", **({"gpu": f"0-{gpus - 1}"} if gpus else {})}
    R = {
        "version": 1,
        "execution": {"R_lite": [{"rank": "0-1", "children": children}]},
        "scheduling": {"children": [{"ranks": "0-1", "topo": topo}]},
    }
    path.write_text(json.dumps(R), encoding="utf-8")
    done = run("topo", path, "--no-drawing")
    return [line.strip("│├└─ ") for line in done.out.splitlines()[2:]]


def test_siblings_are_one_line_only_where_the_same_stands_in_the_same_places(run: Runner, tmp_path: Path) -> None:
    assert listed(run, tmp_path / "R.json", with_gpus(1, 2, 5, 7), 4) == [
        "socket 0: 24 cores, 2 gpus",
        "numa 0,3: each 6 cores",
        "numa 1-2: each 6 cores, 1 gpu",
        "socket 1: 24 cores, 2 gpus",
        "numa 4,6: each 6 cores",
        "numa 5,7: each 6 cores, 1 gpu",
    ]


@pytest.mark.parametrize(
    ("gpus", "lines"),
    [
        ((), ["socket 0-1: each 24 cores; inside socket 0:", "numa 0-3: each 6 cores"]),
        (
            (1, 3, 5, 7),
            [
                "socket 0-1: each 24 cores, 2 gpus; inside socket 0:",
                "numa 0,2: each 6 cores",
                "numa 1,3: each 6 cores, 1 gpu",
            ],
        ),
        (
            (5, 7),
            [
                "socket 0: 24 cores",
                "numa 0-3: each 6 cores",
                "socket 1: 24 cores, 2 gpus",
                "numa 4,6: each 6 cores",
                "numa 5,7: each 6 cores, 1 gpu",
            ],
        ),
    ],
)
def test_the_numbers_listed_are_those_of_the_domains_named(
    run: Runner, tmp_path: Path, gpus: tuple[int, ...], lines: list[str]
) -> None:
    assert listed(run, tmp_path / "R.json", with_gpus(*gpus), len(gpus)) == lines


def test_places_count_at_every_depth(run: Runner, tmp_path: Path) -> None:
    """The sockets differ only in which of the caches of a numa has more cores."""

    def numa(first: int, *sizes: int) -> dict[str, object]:
        ends = [first + sum(sizes[: n + 1]) for n in range(len(sizes))]
        return {"l3": [{"cores": f"{end - size}-{end - 1}"} for end, size in zip(ends, sizes, strict=True)]}

    sockets = [
        {"numa": [numa(0, 8, 4), numa(12, 8, 4)]},
        {"numa": [numa(24, 8, 4), numa(36, 4, 8)]},
    ]
    assert listed(run, tmp_path / "R.json", {"socket": sockets}, 0) == [
        "socket 0: 24 cores",
        "numa 0-1: each 12 cores; inside numa 0:",
        "l3 0: 8 cores",
        "l3 1: 4 cores",
        "socket 1: 24 cores",
        "numa 2: 12 cores",
        "l3 4: 8 cores",
        "l3 5: 4 cores",
        "numa 3: 12 cores",
        "l3 6: 4 cores",
        "l3 7: 8 cores",
    ]


def test_the_drawing_can_be_left_out(run: Runner) -> None:
    assert "[···" not in run("topo", "rfc49-a", "--no-drawing").out


def test_properties_are_listed(run: Runner, machine_R: Path) -> None:
    assert "property big: ranks 2-3" in run("topo", machine_R).out


def test_groups_are_listed(run: Runner, machine_R: Path) -> None:
    R = json.loads(machine_R.read_text(encoding="utf-8"))
    R["scheduling"] = {"groups": {"rack": [{"ranks": "0-1", "ib10g": 4}, {"ranks": "2-3"}]}}
    machine_R.write_text(json.dumps(R), encoding="utf-8")
    out = run("topo", machine_R).out
    assert "rack 0: ranks 0-1, ib10g 4" in out
    assert "rack 1: ranks 2-3" in out


def test_what_is_read_with_a_warning_says_so_on_standard_error(run: Runner, machine_R: Path) -> None:
    R = json.loads(machine_R.read_text(encoding="utf-8"))
    R["scheduling"] = {"children": [{"ranks": "0-3", "topo": {"numa": [{"cores": "0-2"}, {"cores": "2-3"}]}}]}
    machine_R.write_text(json.dumps(R), encoding="utf-8")
    done = run("topo", machine_R)
    assert done.status == 0
    assert done.err.startswith("exactfit: warning: ")
    assert "numa" in done.err


def test_hwloc_xml_becomes_R_with_its_tree(run: Runner, node_xml: Path, tmp_path: Path) -> None:
    path = tmp_path / "R.json"
    assert run("topo", node_xml, "-o", path).status == 0
    R = json.loads(path.read_text(encoding="utf-8"))
    assert R["execution"]["R_lite"] == [{"rank": "0", "children": {"core": "0-3"}}]
    assert R["scheduling"]["writer"] == "exactfit.adapters.flux"
    (entry,) = R["scheduling"]["children"]
    assert entry["ranks"] == "0"
    assert [domain["cores"] for level in ("socket", "numa") for domain in entry["topo"].get(level, [])] == [
        "0-1",
        "2-3",
    ]
    assert run("place", path, "slot=2/core=2").status == 0


def test_hwloc_xml_is_the_model_of_as_many_nodes_as_wanted(run: Runner, node_xml: Path) -> None:
    done = run("topo", node_xml, "--nodes", "3", "-o", "-")
    (R,) = done.lines
    assert R["execution"]["R_lite"] == [{"rank": "0-2", "children": {"core": "0-3"}}]
    named = run("topo", node_xml, "--hosts", "n[07-08]", "-o", "-")
    assert named.lines[0]["execution"]["nodelist"] == ["n[07-08]"]
    assert named.lines[0]["execution"]["R_lite"][0]["rank"] == "0-1"


def test_hosts_and_nodes_have_to_agree(run: Runner, node_xml: Path) -> None:
    assert "2 host names for 3 nodes" in run("topo", node_xml, "--nodes", "3", "--hosts", "n[0-1]").complaint
    assert "RFC 29" in run("topo", node_xml, "--hosts", "n[0-").complaint


def test_hwloc_xml_on_standard_input_is_placed_on_directly(run: Runner) -> None:
    done = run("place", "-", "slot=2/core=2", "--json", stdin=NODE_XML)
    assert done.lines[0]["R"]["scheduling"]["placement"][0]["slots"] == [
        {"label": "task", "cores": "0-1"},
        {"label": "task", "cores": "2-3"},
    ]


def test_R_written_again_is_the_same_machine(run: Runner, tmp_path: Path) -> None:
    path = tmp_path / "R.json"
    run("topo", "rfc49-b:5", "-o", path)
    again = run("topo", path, "-o", "-")
    assert again.lines == [json.loads(path.read_text(encoding="utf-8"))]


def test_a_machine_is_drawn_into_a_file(run: Runner, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / "machine.svg"
    assert run("topo", "mi300a", "--draw", path).status == 0
    assert "socket 3" in path.read_text(encoding="utf-8")


@pytest.mark.skipif(shutil.which("lstopo") is None, reason="hwloc's lstopo is not installed")
def test_the_machine_that_this_runs_on(run: Runner, tmp_path: Path) -> None:
    xml = subprocess.run(["lstopo", "--of", "xml"], capture_output=True, check=True, timeout=60).stdout
    R = tmp_path / "R.json"
    assert run("topo", "-", "-o", R, stdin=xml).status == 0
    for machine, stdin in ((R, None), ("-", xml)):
        done = run("place", machine, "slot=1/core=1", "node{x}/slot=1/core=1", "--json", stdin=stdin)
        assert done.lines[0]["status"] == "placed"


class TestGpuNumbers:
    """R's ids, and what programs call the same GPUs."""

    def test_both_are_shown(self, run: Runner, tmp_path: Path) -> None:
        path = tmp_path / "node.xml"
        path.write_text(corona_xml())
        out = run("topo", path, "--no-drawing").out
        assert "gpu 0: number 2, amd, rsmi2, 0000:03:00.0, GPU-9aa0304172df8896" in out
        assert "gpu 3: number 0, amd, rsmi0, 0000:63:00.0, GPU-3b72598172e626c4" in out

    def test_and_told_to_programs(self, run: Runner, tmp_path: Path) -> None:
        path = tmp_path / "node.xml"
        path.write_text(corona_xml(uuids=False))
        told = json.loads(run("topo", path, "--json").out)["gpu_devices"]
        assert [gpu["number"] for gpu in told] == list(map(str, NUMBERS))
        assert told[0] == {"name": "rsmi2", "number": "2", "vendor": "amd", "uuid": "", "bus": "0000:03:00.0"}
        assert json.loads(run("topo", "rfc49-a", "--json").out)["gpu_devices"] == []


class TestNetworkCards:
    """What `--nics` lists of hwloc XML."""

    FILE = Path(__file__).parent.parent / "topology" / "data" / "v2-snc-nvidia.xml"

    def test_they_are_shown_and_written_for_jobs_that_ask_for_them(self, run: Runner, tmp_path: Path) -> None:
        written = tmp_path / "R.json"
        out = run("topo", self.FILE, "--nics", "--no-drawing", "-o", written).out
        assert "nic: mlx5_0, 0000:21:00.0, beside cores 3-5" in out
        assert "1 gpu, 64 GiB memory, nic 1" in out
        placed = run("place", written, "slot=2/[core=2;gpu;nic]", "--no-drawing").out
        assert "OPTIMAL" in placed
        told = json.loads(run("topo", self.FILE, "--nics", "--json").out)["nics"]
        assert told[1] == {"names": ["mlx5_1"], "bus": "0000:41:00.0", "cores": "9-11"}
        assert json.loads(run("topo", self.FILE, "--json").out)["nics"] == []

    @pytest.mark.parametrize("machine", ["rfc49-a", "socket:2 core:4"])
    def test_other_machines_list_what_they_have(self, run: Runner, machine: str) -> None:
        ended = run("topo", machine, "--nics")
        assert ended.status == 2
        assert "--nics goes with hwloc XML" in ended.err
