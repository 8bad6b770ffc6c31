"""Workers in a batch job of Slurm, each on cores and GPUs of its own among those that Slurm granted."""

from __future__ import annotations

import json
import logging
import os
from typing import Any, Final

from ...grammar.slurm_time import MAX_SECONDS
from . import ledger
from .base import Config, ResourceSetBaseclass
from .batch_script import batch_script, cancel, submit
from .ledger import GROUP, Claim, Held
from .members import optional_word, serialized, slurm_seconds, whole, words
from .slots import Slot
from .wants import Wants

UNLIMITED_SECONDS: Final = 10 * 365 * 86400
"""How long a worker may run in a job without a limit."""

_SHORT_SECONDS, _LONG_SECONDS = 100, 100 * 3600
_MAX_JOB: Final = 2**32 - 1
_MAX_DIGITS: Final = 9

_logger = logging.getLogger(__name__)


class ResourceSetSlurm(ResourceSetBaseclass):
    """Workers in a batch job: gutscore's documented class, with slots from exactfit.

    Notes
    -----
    Keys of the configuration, besides gutscore's `nworkers`, `nodes`, `runtime`, `partition`, `account`,
    `gpus-per-node`, `extra_directives`, `pre_cmd_list` and `post_cmd_list`: `cores_per_worker` (1), `gpus_per_worker`
    (also with a type, "a100:2"), `topology` (a file of hwloc XML) and `python` (the interpreter in the job).
    """

    def _init_rs(self, res_config: dict[Any, Any] | None = None, json_str: str | None = None) -> None:
        found: Config = serialized(json_str) if json_str else res_config or {}
        self._wants = Wants.of(found, self._nworkers)
        self._topology = optional_word("topology", found.get("topology"))
        self._slots: list[Slot] = []
        self._claim: Claim | None = None
        if json_str:
            self._job_id = _job(found.get("job_id"))
            self._job_script = words("job_script", found.get("job_script"))
            self._runtime = _stored_seconds(found.get("runtime"))
        else:
            self._job_id = None
            self._job_script = batch_script(self._wgroup_id, found, self._wants)
            runtime = found.get("runtime")
            if runtime is not None:
                self._runtime = slurm_seconds("runtime", runtime) or UNLIMITED_SECONDS

    def request(self, config: dict[Any, Any]) -> None:
        """Submit the batch script.

        Raises
        ------
        RuntimeError
            There is no runtime, or Slurm did not take the script.
        """
        self._check_runtime()
        self._write_input(config)
        try:
            self._job_id = submit(self._wgroup_id, self._job_script)
        except RuntimeError:
            _logger.exception("Unable to submit batch script to slurm for wgroup %d", self._wgroup_id)
            raise

    def serialize(self) -> str:
        """Return the set as JSON that gutscore's own class reads too."""
        return json.dumps(
            {
                "type": "slurm",
                "wgroup_id": self._wgroup_id,
                "nworkers": self._nworkers,
                "runtime": _readable(self._runtime),
                "job_id": self._job_id,
                "job_script": self._job_script,
                **self._wants.to_json(),
                **({"topology": self._topology} if self._topology else {}),
            }
        )

    def release(self) -> None:
        """Cancel the job, with all that runs in it. A set without a job has nothing to give.

        Raises
        ------
        RuntimeError
            Slurm did not cancel it.
        """
        if self._job_id is not None:
            cancel(self._job_id)
            self._job_id = None
        if self._claim is not None:
            self._claim.strike()
            self._claim = None

    def _slot_of(self, number: int) -> tuple[Slot | None, Claim | None]:
        if "SLURM_JOB_ID" not in os.environ:
            return None, None
        if not self._slots:
            self._choose_slots()
        if number >= len(self._slots):
            raise RuntimeError(f"worker group {self._wgroup_id} has {len(self._slots)} slots, and all have a worker")
        return self._slots[number], self._claim

    def _choose_slots(self) -> None:
        """Choose the slots within what Slurm granted, which is what this process may run on."""
        from .placement import choose_slots
        from .this_machine import this_machine, usable_cpus

        here = this_machine(self._topology)
        granted = os.environ.get("SLURM_CPUS_ON_NODE", "")
        if not granted.isdecimal() or len(granted) > _MAX_DIGITS or usable_cpus().bit_count() <= int(granted):
            self._slots = choose_slots(here, self._wants, Held())
            return
        # This Slurm binds no job to its CPUs: the groups on the node have to come to terms themselves.
        path = ledger.default_path()
        self._claim, self._slots = ledger.claim(
            path, self._wgroup_id, lambda held: choose_slots(here, self._wants, held)
        )
        self._claim.join(GROUP)


def _stored_seconds(value: object) -> int | None:
    """Return a runtime from JSON, where a number is seconds, unlike in a configuration."""
    if isinstance(value, int) and not isinstance(value, bool):
        return whole("runtime", value, 0, MAX_SECONDS)
    return None if value is None else slurm_seconds("runtime", value)


def _job(value: object) -> int | None:
    return None if value is None else whole("job_id", value, 1, _MAX_JOB)


def _readable(seconds: int | None) -> int | str | None:
    """Return a runtime for JSON so that gutscore can read it, which takes no number of three digits."""
    if seconds is None or seconds < _SHORT_SECONDS or seconds >= _LONG_SECONDS:
        return seconds
    hours, rest = divmod(seconds, 3600)
    return f"{hours:02}:{rest // 60:02}:{rest % 60:02}"
