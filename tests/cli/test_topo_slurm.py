"""`exactfit topo --slurm`: the groups of a Slurm topology."""

from __future__ import annotations

import json
from pathlib import Path

from .conftest import Runner

CONF = """# two leaf switches
SwitchName=s0 Nodes=n[0-1]
SwitchName=s1 Nodes=n[2-3]
SwitchName=s2 Switches=s[0-1]
"""

YAML = """---
- topology: racks
  cluster_default: true
  tree:
    switches:
      - switch: s0
        nodes: n[0-1]
      - switch: s1
        nodes: n[2-3]
- topology: blocks
  block:
    block_sizes: [1, 2]
    blocks:
      - {block: b0, nodes: n0}
      - {block: b1, nodes: n1}
      - {block: b2, nodes: n2}
      - {block: b3, nodes: n3}
"""


def test_topology_conf_becomes_groups_that_jobs_can_ask_for(run: Runner, machine_R: Path, tmp_path: Path) -> None:
    conf, out = tmp_path / "topology.conf", tmp_path / "with-switches.json"
    conf.write_text(CONF, encoding="utf-8")
    done = run("topo", machine_R, "--slurm", conf, "-o", out)
    assert done.status == 0
    assert "switch 0: ranks 0-1" in done.out
    groups = json.loads(out.read_text(encoding="utf-8"))["scheduling"]["groups"]
    assert groups == {"switch2": [{"switch": [{"ranks": "0-1"}, {"ranks": "2-3"}]}]}
    placed = run("place", out, "switch=2/slot/node/core=2", "--json").lines[0]
    assert placed["R"]["execution"]["R_lite"][0]["rank"] == "0,2"


def test_topology_yaml_is_told_by_its_content(run: Runner, machine_R: Path) -> None:
    assert "switch 1: ranks 2-3" in run("topo", machine_R, "--slurm", "-", stdin=YAML).out
    out = run("topo", machine_R, "--slurm", "-", "--topology", "blocks", stdin=YAML).out
    assert "block2 1: ranks 2-3" in out
    assert "block 3: ranks 3" in out


def test_hosts_that_the_machine_lacks_are_named_on_standard_error(run: Runner, machine_R: Path) -> None:
    done = run("topo", machine_R, "--slurm", "-", stdin="SwitchName=a Nodes=n[0-9]")
    assert done.status == 0
    assert done.err.startswith("exactfit: warning: n4, n5")


def test_what_is_wrong_names_the_file_and_the_line(run: Runner, machine_R: Path, tmp_path: Path) -> None:
    conf = tmp_path / "topology.conf"
    conf.write_text("SwitchName=a Nodes=n0\nSwitchName=b Switches=c\n", encoding="utf-8")
    assert run("topo", machine_R, "--slurm", conf).complaint == (
        f'{conf}: line 2: switch "b" is above "c", which is not there'
    )
    conf.write_text("SwitchName=a Nodes n0\n", encoding="utf-8")
    assert "line 1, column 20" in run("topo", machine_R, "--slurm", conf).complaint
    assert "at line" in run("topo", machine_R, "--slurm", "-", stdin="- topology: a\n  tree: [").complaint
    assert "one is expected" in run("topo", machine_R, "--slurm", "-", stdin=f"{YAML}---\n- topology: b\n").complaint


def test_names_of_topologies_are_those_of_a_topology_yaml(run: Runner, machine_R: Path) -> None:
    assert 'no topology "x"' in run("topo", machine_R, "--slurm", "-", "--topology", "x", stdin=YAML).complaint
    assert "no topology.yaml" in run("topo", machine_R, "--slurm", "-", "--topology", "x", stdin=CONF).complaint
    assert "--slurm" in run("topo", machine_R, "--topology", "x").complaint


def test_standard_input_is_one_thing(run: Runner, machine_R: Path) -> None:
    R = machine_R.read_text(encoding="utf-8")
    assert "cannot be both" in run("topo", "-", "--slurm", "-", stdin=R).complaint


def test_hostile_files_are_refused(run: Runner, machine_R: Path) -> None:
    bomb = "- &a [x]\n" + "".join(f"- &{chr(98 + n)} [*{chr(97 + n)}, *{chr(97 + n)}]\n" for n in range(20))
    assert run("topo", machine_R, "--slurm", "-", stdin=f"- topology: a\n{bomb}").status == 2
    assert run("topo", machine_R, "--slurm", "-", stdin=b"\xff\xfe").status == 2
    assert run("topo", machine_R, "--slurm", "-", stdin="SwitchName=a Nodes=" + "x[0-9]" * 20_000).status == 2


def test_files_that_the_topology_includes_are_looked_for_beside_it(
    run: Runner, machine_R: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "etc"
    folder.mkdir()
    (folder / "topology.conf").write_text("include leaves.conf\nSwitchName=top Switches=s[0-1]\n", encoding="utf-8")
    (folder / "leaves.conf").write_text("SwitchName=s0 Nodes=n[0-1]\nSwitchName=s1 Nodes=n[2-3]\n", encoding="utf-8")
    (line,) = run("topo", machine_R, "--slurm", folder / "topology.conf", "--json").lines
    assert [(group["level"], group["ranks"]) for group in line["groups"]] == [
        ("switch2", "0-3"),
        ("switch", "0-1"),
        ("switch", "2-3"),
    ]
    (folder / "leaves.conf").unlink()
    complaint = run("topo", machine_R, "--slurm", folder / "topology.conf").complaint
    assert complaint == f"{folder / 'leaves.conf'}: cannot read a file that is included: No such file or directory"


def test_fluxions_graph_and_recipe_are_machines_told_apart_by_content(run: Runner, tmp_path: Path) -> None:
    nodes = [
        {"id": "0", "metadata": {"type": "cluster", "name": "c"}},
        {"id": "1", "metadata": {"type": "rack", "id": 0}},
        {"id": "2", "metadata": {"type": "node", "name": "a", "rank": 0}},
        {"id": "3", "metadata": {"type": "core", "id": 0}},
    ]
    edges = [{"source": str(n), "target": str(n + 1)} for n in range(3)]
    path = tmp_path / "graph"
    path.write_text(json.dumps({"graph": {"nodes": nodes, "edges": edges}}), encoding="utf-8")
    (line,) = run("topo", path, "--json").lines
    assert (line["nodes"], line["cores"], line["group_levels"]) == (1, 1, ["rack"])
    assert "--nodes goes with hwloc XML or a line" in run("topo", path, "--nodes", "3").complaint
    path.write_text("<graphml><graph/></graphml>", encoding="utf-8")
    assert run("topo", path).complaint == f"{path}: GRUG: 0 roots of the containment subsystem where one is expected"
