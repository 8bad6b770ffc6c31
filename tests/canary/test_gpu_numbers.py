"""GPUs of a topology have the numbers that programs know in canary's pool, and stand where these stand."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from corona import GPUS, corona_xml
from exactfit.adapters.canary.book import Book, NodeEntry
from exactfit.adapters.canary.layouts import instances, layout
from exactfit.adapters.canary.locality import Device, gpu_id

Json = dict[str, Any]


@pytest.fixture
def xml(tmp_path: Path) -> str:
    path = tmp_path / "node.xml"
    path.write_text(corona_xml())
    return str(path)


def take(topology: str, resources: dict[str, list[Json]], gpus: int, cpus: int = 1) -> list[str]:
    """Return the ids of the GPUs that a test of so many gets."""
    book, resources = Book(), copy.deepcopy(resources)
    needs = book.needs([{"type": "cpus", "slots": 1}] * cpus + [{"type": "gpus", "slots": 1}] * gpus)
    taken = book.take((needs,), [NodeEntry("here", resources, topology)])
    assert taken is not None
    return [str(instance["id"]) for _, name, instance, _ in taken if name == "gpus"]


def test_the_pool_lists_gpus_by_the_numbers_of_the_runtime(xml: str) -> None:
    tree = layout(xml, "here")
    assert tree is not None
    listed = instances(tree, properties=True)
    assert [gpu["id"] for gpu in listed["gpus"]] == [str(number) for number in range(8)]
    uuids = {str(number): f"GPU-{uuid}" for _, number, uuid in GPUS}
    assert all(gpu["properties"] == {"vendor": "AMD", "uuid": uuids[gpu["id"]]} for gpu in listed["gpus"])
    # The older canary takes no properties.
    assert all(set(gpu) == {"id", "slots"} for gpu in instances(tree)["gpus"])


def test_a_test_gets_gpus_that_stand_together(xml: str) -> None:
    """The first package has the GPUs 2, 3, 1 and 0 of ROCm, the second 6, 7, 5 and 4."""
    tree = layout(xml, "here")
    assert tree is not None
    for want, package in ((4, {"0", "1", "2", "3"}), (4, {"4", "5", "6", "7"})):
        resources = instances(tree)
        if package == {"4", "5", "6", "7"}:
            # In the first package ROCm's number 2 is in use, which is R's id 0.
            next(gpu for gpu in resources["gpus"] if gpu["id"] == "2")["slots"] = 0
        assert set(take(xml, resources, want)) == package


@pytest.mark.parametrize("form", ["{number}", "AMD:{number}", "GPU-{uuid}", "AMD:{other}:GPU-{uuid}"])
def test_gpus_that_the_pool_file_lists_are_found_by_number_or_uuid(xml: str, form: str) -> None:
    """As canary's own backends list them: where a UUID is given, it says which it is."""
    ids = [form.format(number=n, uuid=uuid, other=7 - n) for _, n, uuid in GPUS]
    place = dict(zip(ids, range(8), strict=True))
    resources: dict[str, list[Json]] = {
        "cpus": [{"id": str(i), "slots": 1} for i in range(8)],
        "gpus": [{"id": name, "slots": 1} for name in sorted(ids)],
    }
    assert {place[name] // 4 for name in take(xml, resources, 4)} in ({0}, {1})
    assert len({place[name] // 4 for name in take(xml, resources, 5)}) == 2


def test_ids_that_stand_for_no_gpu() -> None:
    devices = (Device("2", "AMD", "GPU-aa"), Device("GPU-bb", "AMD", "GPU-bb"))
    assert [gpu_id(name, devices) for name in ("2", 2, "GPU-aa", "x:GPU-bb", "GPU-bb")] == [0, 0, 0, 1, 1]
    assert [gpu_id(name, devices) for name in ("0", "", "GPU-", None, "GPU-cc", "2" * 400, "²")] == [-1] * 7


def test_a_topology_without_numbers_has_the_ids_of_r() -> None:
    R = {
        "version": 1,
        "execution": {"R_lite": [{"rank": "0", "children": {"core": "0-1", "gpu": "0-1"}}]},
    }
    tree = layout(R, "here")
    assert tree is not None
    assert instances(tree, properties=True)["gpus"] == [{"id": "0", "slots": 1}, {"id": "1", "slots": 1}]
