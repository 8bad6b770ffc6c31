"""The batch script of a worker group: what it asks of Slurm, and what it runs."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Final

from ...grammar.errors import shown
from ...topology.expect import short
from .base import Config
from .cluster import MAX_NODES, gpus_per_node
from .command import group_command
from .members import optional_word, table, whole, word, words
from .slurm_program import told_by
from .wants import Wants

_COMMAND_SECONDS: Final = 120.0
_MAX_DIGITS: Final = 10

# The ways in which a user can say the same himself; then nothing is added to it.
_SAME: Final = {
    "--nodes": ("-N",),
    "--ntasks-per-node": ("--ntasks", "-n"),
    "--cpus-per-task": ("-c",),
    "--hint": ("--threads-per-core", "--ntasks-per-core", "--extra-node-info", "-B"),
    "--gpus-per-node": ("--gpus", "-G", "--gres", "--gpus-per-task", "--gpus-per-socket"),
    "--account": ("-A",),
    "--time": ("-t",),
    "--partition": ("-p",),
    "--job-name": ("-J",),
}


def batch_script(wgroup_id: int, config: Config, wants: Wants) -> list[str]:
    """Return the lines of the script.

    Notes
    -----
    gutscore starts all workers of a group on the job's first node. So every node is asked for with room for all of
    them; what more than one node is for, the workers know.

    Raises
    ------
    ValueError
        The configuration contradicts itself.
    """
    gpus = gpus_per_node(config, wants)
    asked = {
        "--job-name": f"GUTS_WG{wgroup_id:05d}",
        "--time": config.get("runtime"),
        "--partition": optional_word("partition", config.get("partition")),
        "--nodes": whole("nodes", config.get("nodes") or 1, 1, MAX_NODES),
        "--ntasks-per-node": max(wants.workers, 1),
        "--cpus-per-task": wants.cores,
        # A CPU is a core then, whether or not cores have threads.
        "--hint": "nomultithread",
        "--gpus-per-node": str(gpus).removeprefix("gpu:") if gpus is not None else None,
        "--account": optional_word("account", config.get("account")),
    }
    extra = table("extra_directives", config.get("extra_directives"))
    lines = ["#!/bin/bash"]
    for option, value in asked.items():
        if value is not None and not any(same in extra for same in (option, *_SAME[option])):
            lines.append(f"#SBATCH {option}={value}")
    for option, value in extra.items():
        _check_directive(option, value)
        # sbatch would take the equals sign for a part of a short option's value.
        joint = "=" if option.startswith("--") else " "
        lines.append(f"#SBATCH {option}{joint}{value}" if value not in (None, "") else f"#SBATCH {option}")
    lines += words("pre_cmd_list", config.get("pre_cmd_list"))
    python = word("python", config.get("python", sys.executable))
    lines.append(shlex.join(group_command(f"input_WG{wgroup_id:05d}.toml", wgroup_id, python=python)))
    lines += words("post_cmd_list", config.get("post_cmd_list"))
    return lines


def _check_directive(option: object, value: object) -> None:
    word(f"extra_directives: {short(option)}", option)
    if not isinstance(value, str | int | float | None):
        raise ValueError(f"extra_directives: {short(option)}: {short(value)} is no value of an option")


def submit(wgroup_id: int, script: list[str]) -> int:
    """Submit a script and return the id of the job.

    Raises
    ------
    RuntimeError
        Slurm did not take it.
    """
    file = Path(f".WG{wgroup_id:05d}.batch")
    file.write_text("\n".join([*script, ""]), encoding="utf-8")
    answer = _run("sbatch", "--parsable", str(file))
    # On a federation the cluster's name follows.
    number = answer.strip().rpartition("\n")[2].partition(";")[0]
    if not number.isdecimal() or len(number) > _MAX_DIGITS:
        raise RuntimeError(f"sbatch failed: {shown(answer)} has no number of a job")
    return int(number)


def cancel(job_id: int) -> None:
    """Cancel a job. One that has ended is no error.

    Raises
    ------
    RuntimeError
        Slurm did not do so.
    """
    try:
        _run("scancel", str(job_id))
    except RuntimeError as error:
        if "Invalid job id" not in str(error):
            raise


def _run(*words: str) -> str:
    try:
        return told_by(*words, seconds=_COMMAND_SECONDS)
    except RuntimeError as error:
        raise RuntimeError(f"{words[0]} failed: {error}") from error
