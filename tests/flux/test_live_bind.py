"""The plugin of Flux's shell that binds tasks to their slots, built and run in a real Flux where its headers are."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from exactfit.grammar.idset import IdSet
from flux_instance import configured, inside, need_flux, run

HERE = Path(__file__).resolve()
JOBS = HERE.parents[1] / "support" / "bound_jobs.py"
CORES = 16
"""Of a node, in two sockets; each has two PUs, `core` and `core + 16`."""

R: dict[str, Any] = {
    "version": 1,
    "execution": {
        "R_lite": [{"rank": "0-3", "children": {"core": "0-15", "gpu": "0-3"}}],
        "nodelist": ["n[0-3]"],
        "starttime": 0,
        "expiration": 0,
    },
    "scheduling": {
        "writer": "exactfit.adapters.flux",
        "children": [
            {
                "ranks": "0-3",
                "topo": {"socket": [{"cores": "0-7", "gpus": "0,2"}, {"cores": "8-15", "gpus": "1,3"}]},
            }
        ],
    },
}


@pytest.fixture(scope="module")
def plugins(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The folder into which the plugin was built and installed."""
    need_flux()
    flux = shutil.which("flux")
    assert flux is not None
    into, root = tmp_path_factory.mktemp("destination"), HERE.parents[2]
    built = run(["make", "-C", str(root), "flux-plugin", f"PREFIX={Path(flux).parents[1]}", f"DESTDIR={into}"])
    if built.returncode:
        pytest.skip(f"the plugin cannot be built here: {built.stderr.strip().splitlines()[-1]}")
    (made,) = into.rglob("exactfit-bind.so")
    return str(made.parent)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plugins: str) -> list[str]:
    """Arguments that start four nodes of sixteen cores, which are not there, with the plugin."""
    (tmp_path / "node.xml").write_text(_node_xml())
    monkeypatch.setenv("FLUX_HWLOC_XMLFILE", str(tmp_path / "node.xml"))
    monkeypatch.setenv("FLUX_HWLOC_XMLFILE_NOT_THISSYSTEM", "1")
    return [f"-Sconf.shell_pluginpath={plugins}", *configured(tmp_path, R)]


def _node_xml() -> str:
    def sets(pus: int, nodes: int) -> str:
        return " ".join(f'{name}cpuset="{pus:#x}" {name}nodeset="{nodes:#x}"' for name in ("", "complete_"))

    packages = []
    for number in range(2):
        inner, everything = "", 0
        for core in range(8 * number, 8 * number + 8):
            two = 1 << core | 1 << core + CORES
            everything |= two
            units = "".join(
                f'<object type="PU" os_index="{pu}" {sets(1 << pu, 1 << number)}/>' for pu in (core, core + CORES)
            )
            inner += f'<object type="Core" os_index="{2 * core}" {sets(two, 1 << number)}>{units}</object>'
        own = sets(everything, 1 << number)
        memory = f'<object type="NUMANode" os_index="{number}" {own} local_memory="{1 << 34}"/>'
        packages.append(f'<object type="Package" os_index="{number}" {own}>{memory}{inner}</object>')
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE topology SYSTEM "hwloc2.dtd">\n<topology version="2.0">'
        f'<object type="Machine" os_index="0" {sets((1 << 2 * CORES) - 1, 3)}>{"".join(packages)}</object></topology>'
    )


def _tasks_by_node(taskmap: list[list[int]]) -> list[list[int]]:
    """Return the tasks of each node: RFC 34's [first node, nodes, tasks of each, repetitions]."""
    nodes: dict[int, list[int]] = {}
    task = 0
    for first, count, each, times in taskmap:
        for node in [*range(first, first + count)] * times:
            nodes.setdefault(node, []).extend(range(task, task + each))
            task += each
    return [nodes[node] for node in sorted(nodes)]


def _off_their_slot(job: dict[str, Any]) -> list[bool]:
    """Tell of each task of which it is known whether it is bound to anything but a slot of its own."""
    ranks = sorted(rank for entry in job["R"]["execution"]["R_lite"] for rank in IdSet.parse(entry["rank"]))
    slots: dict[int, list[tuple[list[int], list[int]]]] = {rank: [] for rank in ranks}
    for entry in job["R"]["scheduling"]["placement"]:
        for rank in IdSet.parse(entry["ranks"]):
            for slot in entry["slots"]:
                pus = sorted(core + more for core in IdSet.parse(slot["cores"]) for more in (0, CORES))
                slots[rank].append((pus, [*IdSet.parse(slot.get("gpus", ""))]))
    off = []
    taskmap = job["map"]["map"] if isinstance(job["map"], dict) else job["map"]
    for rank, tasks in zip(ranks, _tasks_by_node(taskmap), strict=True):
        for number in tasks:
            cpus = _pus(job["tasks"][str(number)])
            if cpus is not None:
                gpus = job["tasks"][str(number)]["gpus"]
                bound = (cpus, [] if gpus == "-1" else [*IdSet.parse(gpus)])
                off.append(bound not in slots[rank])
                if not off[-1]:
                    slots[rank].remove(bound)
    return off


def _pus(task: dict[str, Any]) -> list[int] | None:
    """Return the PUs of a task: as the map says, and Flux's plugin if it was heard; else as that says alone."""
    heard = [*IdSet.parse(task["pus"])] if "pus" in task else None
    _, mapped, maps = task["cpus"].partition("map:")
    if not mapped:
        return heard
    pus = [*IdSet.parse(maps.split(";")[task["local"]])]
    assert heard in (None, pus)
    return pus


def _run_jobs(folder: Path, machine: list[str], around: str, jobs: int, seed: str, **options: Any) -> tuple[int, int]:
    (folder / "tell.lua").write_text('shell.setenv("CPU_AFFINITY", shell.options["cpu-affinity"])\n')
    options["userrc"] = str(folder / "tell.lua")
    command = f"flux python {JOBS} {folder} {seed} {jobs} '{json.dumps(options)}'"
    (folder / "jobs.sh").write_text(f"{command} > {folder}/told 2> {folder}/faults\n")
    _, output = inside(f"{around} bash {folder}/jobs.sh", *machine)
    lines = (folder / "told").read_text().splitlines()
    assert len(lines) == jobs, output + (folder / "faults").read_text()
    off = [task for line in lines for task in _off_their_slot(json.loads(line))]
    return len(off), sum(off)


def test_no_task_is_off_its_slot(tmp_path: Path, machine: list[str]) -> None:
    """Cores and GPUs, one node and several, as many slots on each or not, and fewer tasks than slots."""
    tasks, off = _run_jobs(tmp_path, machine, "", 24, "a", exactfit={"bind": 1})
    assert tasks > 80
    assert off == 0


def test_nor_in_an_instance_inside(tmp_path: Path, machine: list[str]) -> None:
    """A job's instance numbers its cores from zero, and its GPUs not; this one has a part of each node."""
    hold = "flux submit -N4 -n4 -c3 -g1 --setattr=system.exec.test.run_duration=3600s sleep inf;"
    # The nodes are made up: the instance is not bound to its cores, nor restricted to those of this machine.
    unbound = "-o cpu-affinity=off --conf=resource.norestrict=true"
    around = f"{hold} flux alloc -N4 -n12 -c4 -g1 {unbound} --broker-opts={machine[0]}"
    tasks, off = _run_jobs(tmp_path, machine, around, 8, "b", exactfit={"bind": 1})
    assert tasks > 24
    assert off == 0


def test_without_it_flux_deals_ids_out_in_ascending_order(tmp_path: Path, machine: list[str]) -> None:
    """What the plugin is for: the same jobs, bound by Flux's own plugins alone."""
    per_task = {"cpu-affinity": "dry-run,per-task", "gpu-affinity": "per-task"}
    tasks, off = _run_jobs(tmp_path, machine, "", 24, "a", **per_task)
    assert 0 < off < tasks


def test_it_acts_where_it_is_asked_to_and_says_why_not(tmp_path: Path, machine: list[str]) -> None:
    conf = tmp_path / "site.lua"
    conf.write_text("plugin.load { file = 'exactfit-bind.so', conf = { bind = true } }\n")
    asked = {
        "unasked": "-n2 -c2",
        "asked": "-n2 -c2 -o exactfit.bind",
        "site": f"-n2 -c2 -o userrc={conf}",
        "not_here": f"-n2 -c2 -o userrc={conf} -o exactfit.bind=0",
        "two_a_slot": "-N1 --tasks-per-core=2 --cores=2 -o exactfit.bind",
        "alone": "-N1 -n2 --exclusive -o exactfit.bind",
        "alone_asked": "-N1 -n2 --exclusive -o exactfit.bind=exclusive",
        "own_map": "-n2 -c2 -o exactfit.bind -o gpu-affinity=off -o cpu-affinity=per-task",
        "cyclic": "-n4 -c1 --taskmap=cyclic -o exactfit.bind",
    }
    script = "".join(
        f"flux run -o verbose=1 {options} true 2>&1 | grep -o 'exactfit-bind: .*' | tell {name}\n"
        for name, options in asked.items()
    )
    told, output = inside(script, *machine)
    assert {*told} == {*asked}, output
    assert told["unasked"] == told["not_here"] == ""
    assert told["asked"] == told["site"] == "exactfit-bind: cpu-affinity=map:0-1,16-17;2-3,18-19"
    assert "counted per resource" in told["two_a_slot"]
    assert "the job's alone" in told["alone"]
    assert told["alone_asked"].count(";") == 1
    assert "left to the job's own cpu-affinity" in told["own_map"]
    assert told["cyclic"] == "exactfit-bind: cpu-affinity=map:0,16;1,17;2,18;3,19"


def test_R_of_others_is_left_alone(machine: list[str]) -> None:
    told, output = inside(
        """
        flux module reload sched-simple pool-class=flux.resource.ResourcePool:ResourcePool
        flux run -n2 -c2 -o verbose=1 -o exactfit.bind true 2>&1 | grep -o 'exactfit-bind: .*' | tell said
        """,
        *machine,
    )
    assert "R does not say which slot got what" in told.get("said", ""), output
