"""By what programs know the GPUs that hwloc lists."""

from __future__ import annotations

from corona import GPUS, NUMBERS, corona_xml
from exactfit.adapters.runtime_gpus import AMD, INTEL, NVIDIA, hwloc_gpus, numbers_of, uuid_of, vendor_of
from exactfit.topology.hwloc import hwloc_node
from exactfit.topology.hwloc_gpus import HwlocGpu


def test_numbers_of_a_machine_whose_runtime_counts_otherwise() -> None:
    devices = hwloc_node(corona_xml()).gpu_devices
    assert numbers_of(devices) == tuple(map(str, NUMBERS))
    assert [uuid_of(device) for device in devices] == [f"GPU-{uuid}" for _, _, uuid in GPUS]
    assert {vendor_of(device) for device in devices} == {AMD}
    # Workers are told the ids that ROCm takes.
    assert [gpu.token for gpu in hwloc_gpus(devices, [0] * 8)] == [f"GPU-{uuid}" for _, _, uuid in GPUS]


def test_an_id_of_zeros_is_none() -> None:
    """As all MI300A have it: eight GPUs with one id would be one GPU."""
    devices = hwloc_node(corona_xml(uuids=False)).gpu_devices
    assert {uuid_of(device) for device in devices} == {None}
    assert [gpu.token for gpu in hwloc_gpus(devices, [0] * 8)] == list(map(str, NUMBERS))


def gpu(name: str, backend: str, uuid: str | None = None, bus: str | None = None) -> HwlocGpu:
    return HwlocGpu(name, backend, uuid, bus)


def test_where_numbers_do_not_tell_gpus_apart() -> None:
    # Two libraries that count from 0 each.
    mixed = [gpu("nvml0", "NVML", "GPU-a"), gpu("rsmi0", "RSMI", "b")]
    assert numbers_of(mixed) == ("GPU-a", "GPU-b")
    assert numbers_of([gpu("nvml0", "NVML"), gpu("rsmi0", "RSMI")]) == ("0", "1")
    assert numbers_of([gpu("x", "OpenCL"), gpu("y", "OpenCL")]) == ("0", "1")
    assert numbers_of([]) == ()


def test_vendors() -> None:
    assert [vendor_of(gpu("", b)) for b in ("CUDA", "NVML", "RSMI", "LevelZero", "OpenCL", "")] == [
        NVIDIA, NVIDIA, AMD, INTEL, "", "",
    ]  # fmt: skip
    assert uuid_of(gpu("nvml0", "NVML", "GPU-1")) == "GPU-1"
    assert uuid_of(gpu("ze0", "LevelZero", "0000ab")) == "0000ab"
