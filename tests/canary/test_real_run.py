"""`canary run`, as it is called, of small suites: tests of canary's own kind and of CTest, with our pool behind."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from corona import corona_xml

Run = Callable[..., "subprocess.CompletedProcess[str]"]

SEES = """\
import json, os, sys
names = ("CANARY_CPU_IDS", "CANARY_GPU_IDS")
seen = {k: v for k, v in os.environ.items() if k in names or k.startswith("CTEST_RESOURCE_GROUP")}
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "seen", sys.argv[1] + ".json"), "w") as file:
    json.dump(seen, file)
"""


def instances(slots: list[int]) -> list[dict[str, Any]]:
    return [{"id": str(i), "slots": n} for i, n in enumerate(slots)]


def write_pool(folder: Path, form: str, properties: dict[str, Any] | None = None, **types: list[int]) -> str:
    resources = {name: instances(slots) for name, slots in types.items()}
    pool: dict[str, Any] = {"additional_properties": properties or {}}
    if form == "single-node":
        pool["resources"] = resources
    else:
        pool["nodes"] = [{"id": "here", "resources": resources}]
    (folder / "pool.json").write_text(json.dumps({"resource_pool": pool}))
    return f"--resource-pool-file={folder / 'pool.json'}"


def pyt(folder: Path, name: str, parameters: str) -> None:
    (folder / "sees.py").write_text(SEES)
    (folder / "suite").mkdir(exist_ok=True)
    (folder / "suite" / f"{name}.pyt").write_text(
        "import subprocess, sys\nimport canary\n"
        f"canary.directives.parameterize('cpus,gpus', {parameters})\n"
        "if __name__ == '__main__':\n"
        "    case = canary.get_instance()\n"
        f"    name = f'{name}-{{case.parameters.cpus}}-{{case.parameters.gpus}}'\n"
        f"    sys.exit(subprocess.call([sys.executable, {str(folder / 'sees.py')!r}, name]))\n"
    )


def ctest(folder: Path, **groups: str) -> None:
    (folder / "sees.py").write_text(SEES)
    suite = folder / "suite"
    suite.mkdir(exist_ok=True)
    (suite / "CMakeFiles").mkdir()
    (suite / "CMakeCache.txt").write_text(f"PROJECT_SOURCE_DIR:INTERNAL={suite}\n")
    lines = []
    for name, wanted in groups.items():
        lines.append(f'add_test({name} "{sys.executable}" "{folder / "sees.py"}" "{name}")')
        lines.append(f'set_tests_properties({name} PROPERTIES RESOURCE_GROUPS "{wanted}")')
    (suite / "CTestTestfile.cmake").write_text("\n".join(lines) + "\n")


@pytest.fixture
def seen(tmp_path: Path) -> Path:
    """Return the folder where tests write what they see."""
    return tmp_path / "seen"


def read(seen: Path) -> dict[str, dict[str, str]]:
    return {path.stem: json.loads(path.read_text()) for path in seen.glob("*.json")}


def unwrapped(run: subprocess.CompletedProcess[str]) -> str:
    """Return the output of a run; canary wraps its lines at blanks."""
    return " ".join((run.stdout + run.stderr).split())


def test_two_gpus_are_two_gpus_and_the_run_says_whose_pool_it_has(
    canary: Run, form: str, tmp_path: Path, seen: Path
) -> None:
    pyt(tmp_path, "two", "[(1, 2), (2, 0)]")
    pool = write_pool(tmp_path, form, cpus=[1, 1], gpus=[2, 2])
    run = canary(pool, "run", "suite")
    assert run.returncode == 0, run.stdout + run.stderr
    assert unwrapped(run).count("tests get their resources from exactfit's pool, in the place of canary's own") == 1
    assert "-c exactfit:pool:off" in unwrapped(run)
    assert read(seen)["two-1-2"]["CANARY_GPU_IDS"] == "0,1"
    assert read(seen)["two-2-0"]["CANARY_CPU_IDS"] == "0,1"


def test_canarys_own_pool_gives_one_gpu_twice(canary: Run, form: str, tmp_path: Path, seen: Path) -> None:
    pyt(tmp_path, "two", "[(1, 2)]")
    pool = write_pool(tmp_path, form, cpus=[1, 1], gpus=[2, 2])
    run = canary("-p", "no:exactfit", pool, "run", "suite")
    assert run.returncode == 0, run.stdout + run.stderr
    assert read(seen)["two-1-2"]["CANARY_GPU_IDS"] == "0,0"


OFF = {
    "option": ("-c", "exactfit:pool:off"),
    "section": ("CANARY_SITE_CONFIG", "canary:\n  exactfit: {pool: off}\n"),
    "plugins": ("CANARY_GLOBAL_CONFIG", "plugins: ['no:exactfit']\n"),
}


@pytest.mark.parametrize("how", OFF)
def test_canarys_configuration_switches_it_off(canary: Run, form: str, tmp_path: Path, seen: Path, how: str) -> None:
    pyt(tmp_path, "two", "[(1, 2)]")
    # The topology is canary's to ignore, then.
    pool = write_pool(tmp_path, form, {"topology": "nowhere.xml"}, cpus=[1, 1], gpus=[2, 2])
    name, value = OFF[how]
    if name == "-c":
        run = canary(name, value, pool, "run", "suite")
    else:
        (tmp_path / "config.yaml").write_text(value)
        run = canary(pool, "run", "suite", **{name: str(tmp_path / "config.yaml")})
    assert run.returncode == 0, run.stdout + run.stderr
    assert "exactfit" not in run.stdout + run.stderr
    assert read(seen)["two-1-2"]["CANARY_GPU_IDS"] == "0,0"


def test_a_misspelt_switch_is_said(canary: Run, form: str, tmp_path: Path) -> None:
    pyt(tmp_path, "any", "[(1, 0)]")
    run = canary("-c", "exactfit:pol:off", write_pool(tmp_path, form, cpus=[1]), "run", "suite")
    assert run.returncode != 0
    assert "canary's configuration: exactfit:pol: not known" in unwrapped(run)


TWO_NUMA = {
    "version": 1,
    "execution": {
        "R_lite": [{"rank": "0", "children": {"core": "0-7", "gpu": "0-3"}}],
        "starttime": 0.0,
        "expiration": 0.0,
        "nodelist": ["anywhere"],
    },
    "scheduling": {
        "children": [
            {"ranks": "0", "topo": {"numa": [{"cores": "0-3", "gpus": "2-3"}, {"cores": "4-7", "gpus": "0-1"}]}}
        ]
    },
}


def test_cpus_and_gpus_of_one_test_come_from_one_numa_domain(
    canary: Run, form: str, tmp_path: Path, seen: Path
) -> None:
    pyt(tmp_path, "near", "[(3, 2), (1, 1)]")
    (tmp_path / "R.json").write_text(json.dumps(TWO_NUMA))
    # cpus and gpus are those of the topology, whose path is relative to the file.
    pool = write_pool(tmp_path, form, {"topology": "R.json"}, gpus=[])
    run = canary(pool, "run", "suite")
    assert run.returncode == 0, run.stdout + run.stderr
    for ids in read(seen).values():
        cpus, gpus = (set(map(int, ids[f"CANARY_{name}_IDS"].split(","))) for name in ("CPU", "GPU"))
        assert (cpus <= set(range(4)) and gpus <= {2, 3}) or (cpus <= set(range(4, 8)) and gpus <= {0, 1})


def test_gpus_of_one_test_are_near_its_cpus_by_the_numbers_of_the_runtime(
    canary: Run, form: str, tmp_path: Path, seen: Path
) -> None:
    """Beside the cpus 0-3 are the GPUs 2, 3, 1 and 0 of ROCm, of which R's ids would be 0 to 3 in this order."""
    pyt(tmp_path, "near", "[(3, 3), (2, 1)]")
    (tmp_path / "node.xml").write_text(corona_xml())
    run = canary(write_pool(tmp_path, form, {"topology": "node.xml"}, gpus=[]), "run", "suite")
    assert run.returncode == 0, run.stdout + run.stderr
    found = read(seen)
    assert set(found) == {"near-3-3", "near-2-1"}
    taken = []
    for ids in found.values():
        cpus, gpus = (list(map(int, ids[f"CANARY_{name}_IDS"].split(","))) for name in ("CPU", "GPU"))
        assert {cpu // 4 for cpu in cpus} == {gpu // 4 for gpu in gpus}
        taken += gpus
    # The first to come gets the first GPUs of the bus.
    assert 2 in taken


@pytest.mark.skipif(
    shutil.which("cmake") is None, reason="canary reads CTest's files with cmake, which is not installed"
)
def test_resource_groups_of_ctest_run_as_under_ctest(canary: Run, form: str, tmp_path: Path, seen: Path) -> None:
    ctest(tmp_path, four="gpus:4", two="gpus:2", mixed="gpus:3,gpus:1;gpus:1", pair="2,gpus:1")
    pool = write_pool(tmp_path, form, cpus=[1] * 4, gpus=[1, 4])
    run = canary(pool, "run", "suite")
    assert run.returncode == 0, run.stdout + run.stderr
    found = read(seen)
    assert found["four"]["CTEST_RESOURCE_GROUP_0_GPUS"] == "id:1,slots:4"
    assert found["two"]["CTEST_RESOURCE_GROUP_0_GPUS"] == "id:1,slots:2"
    assert found["mixed"]["CTEST_RESOURCE_GROUP_COUNT"] == "2"
    both = [found["mixed"][f"CTEST_RESOURCE_GROUP_{i}_GPUS"] for i in range(2)]
    assert both == ["id:1,slots:3;id:0,slots:1", "id:1,slots:1"]
    assert {found["pair"][f"CTEST_RESOURCE_GROUP_{i}_GPUS"] for i in range(2)} == {"id:0,slots:1", "id:1,slots:1"}


@pytest.mark.skipif(
    shutil.which("cmake") is None, reason="canary reads CTest's files with cmake, which is not installed"
)
def test_canarys_own_pool_breaks_them(canary: Run, form: str, tmp_path: Path, seen: Path) -> None:
    ctest(tmp_path, four="gpus:4")
    pool = write_pool(tmp_path, form, cpus=[1] * 4, gpus=[1, 4])
    assert canary("-p", "no:exactfit", pool, "run", "suite").returncode != 0
    assert read(seen) == {}


def test_more_cpus_than_the_host_has(canary: Run, tmp_path: Path, seen: Path) -> None:
    many = (os.cpu_count() or 1) * 4
    pyt(tmp_path, "many", f"[({many}, 0)]")
    run = canary("-r", f"cpus={many}", "run", "suite")
    assert run.returncode == 0, run.stdout + run.stderr
    assert len(read(seen)[f"many-{many}-0"]["CANARY_CPU_IDS"].split(",")) == many


def test_a_bad_topology_is_said_at_once(canary: Run, form: str, tmp_path: Path) -> None:
    pyt(tmp_path, "any", "[(1, 0)]")
    run = canary(write_pool(tmp_path, form, {"topology": "nowhere.xml"}, cpus=[1]), "run", "suite")
    assert run.returncode != 0
    assert "topology: " in run.stdout + run.stderr
    assert "nowhere.xml" in run.stdout + run.stderr
