"""What a batch script asks of Slurm, and what is refused before Slurm is asked."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from exactfit.adapters.gutscore.batch_script import batch_script
from exactfit.adapters.gutscore.cluster import Cluster
from exactfit.adapters.gutscore.wants import Wants

SINFO = """\
cpu*|c1|2|16|(null)|2-00:00:00
cpu*|c2|2|16|(null)|2-00:00:00
gpu|g1|2|8|gpu:a100:2(S:0),gpu:a100:2(S:1)|1-00:00:00
gpu|g2|2|8|gpu:a100:16|1-00:00:00
gpu|g3|2+|8+|gpu:4|1-00:00:00
mixed|g1|2|8|gpu:a100:2(S:0),gpu:a100:2(S:1)|infinite
mixed|c1|2|16|(null)|infinite
"""
CLUSTER = Cluster.parse(SINFO)


def script(**config: Any) -> list[str]:
    config = {"runtime": "1:00:00", "partition": "gpu", **config}
    return batch_script(3, config, Wants.of(config, config.get("nworkers", 1)))


def directives(**config: Any) -> dict[str, str]:
    lines = [line.removeprefix("#SBATCH ") for line in script(**config) if line.startswith("#SBATCH ")]
    return dict(line.partition("=")[::2] for line in lines)


def test_the_script_asks_for_what_the_workers_need_on_one_node() -> None:
    assert directives(nworkers=4, cores_per_worker=2, gpus_per_worker="a100:1", account="me") == {
        "--job-name": "GUTS_WG00003",
        "--time": "1:00:00",
        "--partition": "gpu",
        "--nodes": "1",
        "--ntasks-per-node": "4",
        "--cpus-per-task": "2",
        "--hint": "nomultithread",
        "--gpus-per-node": "a100:4",
        "--account": "me",
    }


def test_without_gpus_none_are_asked_for_and_what_is_not_given_is_not_written() -> None:
    found = directives(partition=None)
    assert {"--gpus-per-node", "--account", "--partition"} & found.keys() == set()


def test_gpus_per_node_is_written_when_it_is_given() -> None:
    assert directives(**{"gpus-per-node": 4})["--gpus-per-node"] == "4"
    assert directives(**{"gpus-per-node": "gpu:a100:4", "gpus_per_worker": 2})["--gpus-per-node"] == "a100:4"
    with pytest.raises(ValueError, match="gpus-per-node: 1 is less than the 2"):
        directives(**{"gpus-per-node": 1, "gpus_per_worker": 2})


@pytest.mark.parametrize(
    ("directive", "value", "ours"),
    [
        ("--ntasks", 8, "--ntasks-per-node"),
        ("-n", 8, "--ntasks-per-node"),
        ("-c", 3, "--cpus-per-task"),
        ("--gres", "gpu:1", "--gpus-per-node"),
        ("-N", 2, "--nodes"),
        ("--threads-per-core", 1, "--hint"),
        ("--time", "5", None),
    ],
)
def test_what_a_user_says_himself_stands_alone(directive: str, value: Any, ours: str | None) -> None:
    lines = script(gpus_per_worker=1, extra_directives={directive: value, "--exclusive": None})
    assert f"#SBATCH {directive}{'=' if directive.startswith('--') else ' '}{value}" in lines
    assert "#SBATCH --exclusive" in lines
    assert ours is None or not [line for line in lines if line.startswith(f"#SBATCH {ours}=")]
    assert len([line for line in lines if line.startswith(f"#SBATCH {directive}")]) == 1


def test_the_group_runs_between_the_users_own_commands() -> None:
    lines = script(pre_cmd_list=["module load x"], post_cmd_list=["echo done"])
    command = f"{sys.executable} -m exactfit.adapters.gutscore -i input_WG00003.toml -wg 3"
    assert lines[0] == "#!/bin/bash"
    assert lines[-3:] == ["module load x", command, "echo done"]
    assert script(python="/opt/my python/bin/python")[-1].startswith("'/opt/my python/bin/python' -m ")


def test_a_job_that_names_no_partition_gets_the_default_one() -> None:
    config = {"runtime": "30", "nworkers": 2}
    assert CLUSTER.checked(config) == {**config, "partition": "cpu"}
    assert "partition" not in config


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"partition": "other"}, "Partition other unknown"),
        ({"runtime": None}, "No runtime specified"),
        ({"runtime": "01:xx:00"}, "Slurm time: unexpected"),
        ({"runtime": "2-00:00:01"}, "exceeds the limit of partition cpu"),
        ({"runtime": "UNLIMITED"}, "exceeds the limit"),
        ({"nodes": 3}, "number of nodes 3 exceeds the 2"),
        ({"nodes": "two"}, "nodes: 'two' is not a whole number"),
        ({"nworkers": 33}, "33 workers with 1 core each can never run in partition cpu: "),
        ({"nworkers": 5, "cores_per_worker": 8}, "5 workers with 8 cores each can never run"),
        ({"gpus_per_worker": 1}, "partition cpu has 0 such nodes"),
        ({"partition": "gpu", "gpus-per-node": 17}, "partition gpu has 0 such nodes"),
        ({"partition": "gpu", "nodes": 2, "gpus-per-node": 5}, "partition gpu has 1 such nodes"),
        ({"partition": "gpu", "gpus_per_worker": "v100:1"}, "gpu:v100:1 per node on 1 nodes, but partition gpu has 0"),
        # The nodes with the GPUs have not the cores.
        (
            {"partition": "mixed", "nworkers": 4, "cores_per_worker": 8, "gpus_per_worker": 1},
            "can never run in partition",
        ),
    ],
)
def test_what_slurm_can_never_give_is_a_value_error_that_says_why(config: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        CLUSTER.checked({"runtime": "30", "nworkers": 1, **config})


@pytest.mark.parametrize(
    "config",
    [
        {"nworkers": 32, "nodes": 2},
        {"nworkers": 4, "cores_per_worker": 8},
        {"runtime": "2-00:00:00"},
        {"runtime": "1-23"},
        {"partition": "gpu", "nworkers": 16, "gpus_per_worker": 1},
        {"partition": "gpu", "gpus-per-node": "a100:16"},
        {"partition": "gpu", "nodes": 2, "nworkers": 4, "gpus_per_worker": "a100:1"},
        {"partition": "gpu", "nodes": 3, "gpus-per-node": 4},
        {"partition": "mixed", "runtime": "UNLIMITED"},
    ],
)
def test_what_slurm_can_give_is_let_through(config: dict[str, Any]) -> None:
    assert CLUSTER.checked({"runtime": "30", "nworkers": 1, **config})["partition"]


def test_without_a_default_a_partition_has_to_be_named() -> None:
    with pytest.raises(ValueError, match="system has no default"):
        Cluster.parse(SINFO.replace("*", "")).checked({"runtime": "30"})


def test_gpus_stand_at_the_sockets_that_slurm_says() -> None:
    kind = next(iter(CLUSTER.partitions["gpu"].nodes))
    assert kind.topo(None) == {"socket": [{"cores": "0-7", "gpus": "0-1"}, {"cores": "8-15", "gpus": "2-3"}]}


def test_a_slurm_that_does_not_answer_is_a_runtime_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(RuntimeError, match="does not say what it has"):
        Cluster.read()
