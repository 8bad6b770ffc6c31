"""Workers on this machine, each on cores and GPUs of its own."""

from __future__ import annotations

import json
import logging
import os
import subprocess
from pathlib import Path
from typing import Any, Final

from ...grammar.slurm_time import MAX_SECONDS
from ...topology.expect import array_of, short
from . import ledger
from .base import Config, ResourceSetBaseclass
from .command import group_command
from .ledger import GROUP, REQUESTER, Claim, Held, is_claim
from .members import flag, optional_word, serialized, whole
from .processes import MAX_PID, ProcessId, end
from .slots import Slot
from .wants import Wants

_DEFAULT_SECONDS: Final = 100
_GRACE_SECONDS: Final = 5.0

_logger = logging.getLogger(__name__)


class ResourceSetLocal(ResourceSetBaseclass):
    """Workers on this machine: gutscore's documented class, with slots from exactfit.

    Notes
    -----
    Keys of the configuration, besides gutscore's `nworkers`, `runtime` (seconds) and `daemonize`: `cores_per_worker`
    (1), `gpus_per_worker`, `topology` (a file of hwloc XML in the place of lstopo's) and `ledger` (its file).
    """

    def _init_rs(self, res_config: dict[Any, Any] | None = None, json_str: str | None = None) -> None:
        found: Config = serialized(json_str) if json_str else res_config or {}
        self._runtime = _seconds(found.get("runtime", _DEFAULT_SECONDS))
        self._daemonize = flag("daemonize", found.get("daemonize", False))
        self._wants = Wants.of(found, self._nworkers)
        self._topology = optional_word("topology", found.get("topology"))
        self._ledger = optional_word("ledger", found.get("ledger"))
        self._group: subprocess.Popen[bytes] | None = None
        self._group_pid = -1
        self._claim: Claim | None = None
        self._slots: list[Slot] = []
        if json_str:
            self._restore(found)

    def _restore(self, found: Config) -> None:
        """Set what a serialized set has more than a configuration."""
        self._group_pid = whole("wgroup_CLI_pid", found.get("wgroup_CLI_pid", -1), -1, MAX_PID)
        name = optional_word("claim", found.get("claim"))
        if name and not is_claim(name):
            raise ValueError(f"claim: {short(name)} is no name of a claim")
        self._claim = Claim(self._ledger, name) if name and self._ledger else None
        slots = enumerate(array_of(found.get("slots", ()), "slots"))
        self._slots = [Slot.from_json(slot, f"slots[{number}]") for number, slot in slots]

    def request(self, config: dict[Any, Any]) -> None:
        """Claim slots for the workers and start the process that will run them.

        Raises
        ------
        RuntimeError
            There is no runtime, or there are no such slots: the message says whether that is for now or for ever.
        OSError
            The process cannot be started; nothing is claimed then.
        """
        self._check_runtime()
        if self._claim is not None:
            raise RuntimeError(f"worker group {self._wgroup_id} holds resources already")
        self._claim_slots()
        try:
            self._start(group_command(self._write_input(config), self._wgroup_id, self._claim))
        except BaseException:
            self._forget()
            raise

    def serialize(self) -> str:
        """Return the set as JSON that gutscore's own class reads too."""
        own = {
            "claim": self._claim.id if self._claim else None,
            "ledger": self._ledger,
            "topology": self._topology,
            "slots": [slot.to_json() for slot in self._slots],
        }
        return json.dumps(
            {
                "type": "local",
                "wgroup_id": self._wgroup_id,
                "nworkers": self._nworkers,
                "runtime": self._runtime,
                "daemonize": self._daemonize,
                "wgroup_CLI_pid": self._group_pid,
                **self._wants.to_json(),
                **{key: value for key, value in own.items() if value},
            }
        )

    def release(self) -> None:
        """End what runs on the slots and give them back. A set that holds none has nothing to give.

        Raises
        ------
        RuntimeError
            Something on the slots could not be ended: they stay claimed.
        """
        if self._claim is None:
            return
        left: list[ProcessId] = []
        try:
            # A group may start a worker while it is being ended: that one is found when the group is gone.
            while not left and (living := self._living(self._claim)):
                left = end(living, _GRACE_SECONDS)
        except OSError as error:
            raise RuntimeError(f"cannot end worker group {self._wgroup_id}: {error}") from error
        if left:
            pids = ", ".join(str(process.pid) for process in left)
            raise RuntimeError(f"cannot end worker group {self._wgroup_id}: processes {pids} are still there")
        if self._group is not None:
            self._group.wait()
        for worker in self._workers:
            worker.join()
        self._forget()

    def _living(self, claim: Claim) -> list[ProcessId]:
        """Return what works on the slots of a claim now, other than this process."""
        using = claim.processes()
        found = {process for role, process in using if role != REQUESTER}
        found.update(inner for role, process in using if role == GROUP for inner in process.session())
        return [process for process in found if process.pid != os.getpid() and not process.is_gone]

    def _slot_of(self, number: int) -> tuple[Slot | None, Claim | None]:
        if not self._slots:
            # gutscore's own class requested the set; what it needs is found here.
            self._claim_slots()
            if self._claim is not None:
                self._claim.join(GROUP)
        if number >= len(self._slots):
            raise RuntimeError(f"worker group {self._wgroup_id} has {len(self._slots)} slots, and all have a worker")
        return self._slots[number], self._claim

    def _claim_slots(self) -> None:
        if not self._nworkers:
            return
        # The solver takes its time to import; the process that only runs workers does without.
        from .placement import choose_slots
        from .this_machine import this_machine

        here = this_machine(self._topology)

        def choose(held: Held) -> list[Slot]:
            return choose_slots(here, self._wants, held)

        self._ledger = self._ledger or ledger.default_path()
        self._claim, self._slots = ledger.claim(self._ledger, self._wgroup_id, choose)

    def _start(self, words: list[str]) -> None:
        """Start the group in a session of its own, and let the claim stand for it from now on."""
        out, err = (Path(f"{name}_{self._wgroup_id:05d}.txt") for name in ("stdout", "stderr"))
        with out.open("wb") as output, err.open("wb") as errors:
            try:
                self._group = subprocess.Popen(words, stdout=output, stderr=errors, start_new_session=True)
            except OSError:
                _logger.exception("Unable to request resource using subprocess.Popen(%s)", words)
                raise
        self._group_pid = self._group.pid
        process = ProcessId.of(self._group.pid)
        if self._claim is not None and process is not None:
            self._claim.join(GROUP, process)
            self._claim.leave(REQUESTER)

    def _forget(self) -> None:
        """End the claim."""
        if self._claim is not None:
            self._claim.strike()
        self._claim, self._slots = None, []


def _seconds(value: object) -> int | None:
    """Return a runtime, of which a configuration may make text."""
    if isinstance(value, str) and value.strip().isdecimal() and len(value) < 20:
        value = int(value)
    # Compared so that what is no number at all (NaN) is refused as well.
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= MAX_SECONDS):
        return value  # type: ignore[return-value]
    raise ValueError(f"runtime: {short(value)} is no number of seconds from 0 to {MAX_SECONDS}")
