"""The machine is read by lstopo, from /sys or from the CPUs that may be used, and never shows more than these."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from exactfit.adapters.gutscore import this_machine as module
from exactfit.adapters.gutscore.gpus import environment_of, visible
from exactfit.adapters.gutscore.sysfs import read_sysfs
from exactfit.adapters.gutscore.this_machine import this_machine
from exactfit.adapters.runtime_gpus import AMD, ANY, NVIDIA, Gpu, hwloc_gpus, system_gpus
from exactfit.topology.hwloc_gpus import HwlocGpu

MINE = os.sched_getaffinity(0)


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    return root


def cpu_files(cores: list[str], packages: list[str], numas: list[str]) -> dict[str, str]:
    """Return what /sys says of cores and packages, each given by its CPUs."""
    files = {}
    for key, lists in (("core_cpus_list", cores), ("package_cpus_list", packages)):
        for text in lists:
            first, _, last = text.partition("-")
            for cpu in range(int(first), int(last or first) + 1):
                files[f"sys/devices/system/cpu/cpu{cpu}/topology/{key}"] = text
    return files | {f"sys/devices/system/node/node{i}/cpulist": text for i, text in enumerate(numas)}


def test_sockets_numa_domains_and_cores_with_threads_are_read_from_sys(folder: Path) -> None:
    cores = [f"{first}-{first + 1}" for first in range(0, 16, 2)]
    root = write(folder, cpu_files(cores, ["0-7", "8-15"], ["0-3", "4-7", "8-11", "12-15"]))
    topo, cpus = read_sysfs(root, 0xFFFF)
    assert topo == {
        "socket": [
            {"numa": [{"cores": "0-1"}, {"cores": "2-3"}]},
            {"numa": [{"cores": "4-5"}, {"cores": "6-7"}]},
        ]
    }
    assert cpus == [0b11 << 2 * core for core in range(8)]


def test_a_level_of_one_domain_and_one_that_says_the_same_are_left_out(folder: Path) -> None:
    root = write(folder, cpu_files(list("0123"), ["0-3"], ["0-1", "2-3"]))
    assert read_sysfs(root, 0b1111)[0] == {"numa": [{"cores": "0-1"}, {"cores": "2-3"}]}
    assert read_sysfs(root, 0b0011)[0] == {"cores": "0-1"}


def test_numa_domains_that_hold_several_sockets_stand_above_them(folder: Path) -> None:
    root = write(folder, cpu_files(list("01234567"), ["0-1", "2-3", "4-5", "6-7"], ["0-3", "4-7"]))
    numas = read_sysfs(root, 0xFF)[0]
    assert numas == {
        "numa": [{"socket": [{"cores": "0-1"}, {"cores": "2-3"}]}, {"socket": [{"cores": "4-5"}, {"cores": "6-7"}]}]
    }


def test_where_sys_says_nothing_each_cpu_is_a_core(folder: Path) -> None:
    assert read_sysfs(folder, 0b1011) == ({"cores": "0-2"}, [0b1, 0b10, 0b1000])


def test_a_numa_domain_without_cpus_is_no_level(folder: Path) -> None:
    root = write(folder, {**cpu_files(list("01"), ["0-1"], ["0-1"]), "sys/devices/system/node/node1/cpulist": ""})
    assert read_sysfs(root, 0b11)[0] == {"cores": "0-1"}


def test_this_machine_has_the_cpus_that_this_process_may_use_and_no_others() -> None:
    here = this_machine()
    found = here.cpus_of(here.cores)
    assert {cpu for cpu in range(found.bit_length()) if found >> cpu & 1} == MINE


def test_a_process_that_may_use_less_sees_a_smaller_machine(two_cpus: list[int]) -> None:
    os.sched_setaffinity(0, two_cpus[:1])
    try:
        here = this_machine()
    finally:
        os.sched_setaffinity(0, MINE)
    assert here.cores.bit_count() == 1
    assert here.cpus_of(here.cores) == 1 << two_cpus[0]


@pytest.mark.parametrize("script", [None, "exit 3", "echo nonsense"])
def test_without_a_useful_lstopo_the_machine_is_read_from_sys(
    folder: Path, monkeypatch: pytest.MonkeyPatch, script: str | None
) -> None:
    if script is not None:
        program = write(folder, {"bin/lstopo": f"#!/bin/sh\n{script}"}) / "bin/lstopo"
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder / "bin"))
    here = this_machine()
    assert here.cpus_of(here.cores).bit_count() == len(MINE)


def test_a_topology_that_is_none_or_of_another_machine_is_a_runtime_error(folder: Path) -> None:
    bad = write(folder, {"bad.xml": "<nothing/>"}) / "bad.xml"
    for path in (bad, folder / "missing.xml"):
        with pytest.raises(RuntimeError, match=path.name):
            this_machine(str(path))
    far = folder / "far.xml"
    cpus = 'cpuset="0x1,0x0,0x0,0x0,0x0" complete_cpuset="0x1,0x0,0x0,0x0,0x0" nodeset="0x1" os_index="128"'
    core = f'<object type="Core" {cpus}><object type="PU" {cpus}/></object>'
    numa = f'<object type="NUMANode" {cpus} local_memory="1"/>'
    far.write_text(f'<topology version="2.0"><object type="Machine" {cpus}>{numa}{core}</object></topology>')
    if 128 not in MINE:
        with pytest.raises(RuntimeError, match="no core on the CPUs that this process may use"):
            this_machine(str(far))


NVIDIA_FILES = {
    "proc/driver/nvidia/gpus/0000:3b:00.0/information": "Model: \t A100\nGPU UUID: \t GPU-aaaa-01\nDevice Minor: 0",
    "proc/driver/nvidia/gpus/0000:af:00.0/information": "Model: \t A100\nGPU UUID: \t GPU-bbbb-02\nDevice Minor: 1",
    "sys/bus/pci/devices/0000:3b:00.0/local_cpulist": "0-3",
    "sys/bus/pci/devices/0000:af:00.0/local_cpulist": "4-7",
}
KFD = "sys/class/kfd/kfd/topology/nodes"
AMD_FILES = {
    f"{KFD}/0/gpu_id": "0",
    f"{KFD}/0/properties": "cpu_cores_count 8",
    f"{KFD}/1/gpu_id": "4711",
    f"{KFD}/1/properties": "location_id 49408\ndomain 0\nunique_id 255",
    f"{KFD}/2/gpu_id": "4712",
    f"{KFD}/2/properties": "location_id 49408\ndomain 0\nunique_id 0",
    "sys/bus/pci/devices/0000:c1:00.0/local_cpulist": "0-1",
}


def test_nvidia_gpus_are_found_by_their_driver(folder: Path) -> None:
    assert system_gpus(write(folder, NVIDIA_FILES)) == [
        Gpu("0000:3b:00.0", NVIDIA, "GPU-aaaa-01", 0, 0x0F),
        Gpu("0000:af:00.0", NVIDIA, "GPU-bbbb-02", 1, 0xF0),
    ]


def test_amd_gpus_are_found_by_their_driver_also_partitions_of_one(folder: Path) -> None:
    assert system_gpus(write(folder, AMD_FILES)) == [
        Gpu("0000:c1:00.0/0", AMD, "GPU-00000000000000ff", 0, 0b11),
        Gpu("0000:c1:00.0/1", AMD, "1", 1, 0b11),
    ]


def test_gpus_of_hwloc_are_known_by_their_driver_where_that_is_loaded(folder: Path) -> None:
    system = system_gpus(write(folder, NVIDIA_FILES))
    devices = [
        HwlocGpu("cuda0", "CUDA", None, "0000:3b:00.0"),
        HwlocGpu("rsmi3", "RSMI", "GPU-77", "0000:c1:00.0"),
        HwlocGpu("opencl0d1", "OpenCL", None, None),
    ]
    assert hwloc_gpus(devices, [1, 2, 4], system) == [
        Gpu("0000:3b:00.0", NVIDIA, "GPU-aaaa-01", 0, 1),
        Gpu("0000:c1:00.0", AMD, "GPU-77", 3, 2),
        Gpu(":1", ANY, "1", 1, 4),
    ]


def test_a_gpu_stands_in_the_innermost_domain_near_it(folder: Path, node: str) -> None:
    here = this_machine(node, {}, folder)
    sockets = [domain for domain in here.machine.types[0].domains if domain.level == "socket"]
    assert [domain.own_gpus for domain in sockets] == [0b0011, 0b1100]


def test_gpus_without_a_place_stand_at_the_node(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LSTOPO", ())
    here = this_machine(None, {"CUDA_VISIBLE_DEVICES": "0,1,2"}, folder)
    assert here.machine.types[0].domains[0].own_gpus == 0b111


CARDS = [
    Gpu("a", NVIDIA, "GPU-aaaa-01", 0, 1),
    Gpu("b", NVIDIA, "GPU-bbbb-02", 1, 2),
    Gpu("c", NVIDIA, "GPU-cccc-03", 2, 4),
]


@pytest.mark.parametrize(
    ("environment", "keys", "tokens"),
    [
        ({}, ["a", "b", "c"], ["GPU-aaaa-01", "GPU-bbbb-02", "GPU-cccc-03"]),
        # The variable's own words stay.
        ({"CUDA_VISIBLE_DEVICES": "2,0"}, ["c", "a"], ["2", "0"]),
        ({"CUDA_VISIBLE_DEVICES": "GPU-bbbb"}, ["b"], ["GPU-bbbb"]),
        ({"CUDA_VISIBLE_DEVICES": "1, MIG-7"}, ["b", "nvidia:MIG-7"], ["1", "MIG-7"]),
        ({"CUDA_VISIBLE_DEVICES": ""}, [], []),
        ({"CUDA_VISIBLE_DEVICES": "0,-1,2"}, ["a"], ["0"]),
        ({"CUDA_VISIBLE_DEVICES": "NoDevFiles"}, [], []),
        # Only the vendor whose GPUs these are counts.
        ({"ROCR_VISIBLE_DEVICES": "0"}, ["a", "b", "c"], ["GPU-aaaa-01", "GPU-bbbb-02", "GPU-cccc-03"]),
        # In a job, CUDA counts what the job has; Slurm says which these are on the machine.
        ({"CUDA_VISIBLE_DEVICES": "0,1", "SLURM_JOB_GPUS": "1,2"}, ["b", "c"], ["0", "1"]),
    ],
)
def test_gpus_that_the_environment_hides_are_not_there(
    environment: dict[str, str], keys: list[str], tokens: list[str]
) -> None:
    found = visible(CARDS, environment)
    assert [gpu.key for gpu in found] == keys
    assert [gpu.token for gpu in found] == tokens


def test_gpus_that_only_the_environment_knows_are_there_too() -> None:
    assert [gpu.vendor for gpu in visible([], {"ROCR_VISIBLE_DEVICES": "0,1"})] == [AMD, AMD]
    both = {"CUDA_VISIBLE_DEVICES": "0,1", "ROCR_VISIBLE_DEVICES": "0,1"}
    assert [gpu.vendor for gpu in visible([], both)] == [ANY, ANY]


@pytest.mark.parametrize(
    ("gpus", "change"),
    [
        ([(NVIDIA, "GPU-1"), (NVIDIA, "GPU-2")], {"CUDA_VISIBLE_DEVICES": "GPU-1,GPU-2"}),
        # Numbers hold for one order of counting only.
        ([(NVIDIA, "1")], {"CUDA_VISIBLE_DEVICES": "1", "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}),
        (
            [(AMD, "0")],
            {
                "ROCR_VISIBLE_DEVICES": "0",
                "HIP_VISIBLE_DEVICES": None,
                "CUDA_VISIBLE_DEVICES": None,
                "GPU_DEVICE_ORDINAL": None,
            },
        ),
        (
            [(ANY, "1")],
            {
                "CUDA_VISIBLE_DEVICES": "1",
                "ROCR_VISIBLE_DEVICES": "1",
                "HIP_VISIBLE_DEVICES": None,
                "GPU_DEVICE_ORDINAL": None,
                "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
            },
        ),
        ([], {"CUDA_VISIBLE_DEVICES": "-1", "ROCR_VISIBLE_DEVICES": "-1"}),
    ],
)
def test_a_worker_is_told_of_its_gpus_in_its_vendors_words(
    gpus: list[tuple[str, str]], change: dict[str, str | None]
) -> None:
    assert environment_of(gpus) == change
