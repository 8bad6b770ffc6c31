"""What all resource sets have: gutscore's documented `ResourceSetBaseclass`."""

from __future__ import annotations

import logging
from abc import ABCMeta, abstractmethod
from collections.abc import Mapping
from importlib import import_module
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .ledger import Claim
from .members import group_of, serialized, whole
from .slots import Confined, Slot
from .wants import MAX_WORKERS

if TYPE_CHECKING:
    from typing_extensions import Self

_logger = logging.getLogger(__name__)

Config = Mapping[Any, Any]


class ResourceSetBaseclass(metaclass=ABCMeta):
    """A resource set: some workers, how long they live, and what they run on.

    Parameters
    ----------
    wgroup_id
        The worker group that the set is for.
    res_config
        What the set shall be.
    json_str
        A set that was serialized, by this class or by gutscore's.

    Raises
    ------
    RuntimeError
        Neither is given.
    ValueError
        A value is of the wrong kind or out of range, or the text is no JSON object; the message names the member.
    """

    def __init__(self, wgroup_id: int, res_config: dict[Any, Any] | None = None, json_str: str | None = None) -> None:
        if not (res_config or json_str):
            raise RuntimeError("Resource set must be initialized with either a dictionary or a json string")
        self._wgroup_id = wgroup_id
        self._runtime: int | None = None
        given: Config = serialized(json_str) if json_str else res_config or {}
        self._nworkers = whole("nworkers", given.get("nworkers", 1), 0, MAX_WORKERS)
        self._workers: list[BaseProcess] = []
        self._worker_pids: list[int] = []
        self._init_rs(res_config=res_config, json_str=json_str)

    @abstractmethod
    def _init_rs(self, res_config: dict[Any, Any] | None = None, json_str: str | None = None) -> None:
        """Set what a kind of set has of its own."""

    @abstractmethod
    def request(self, config: dict[Any, Any]) -> None:
        """Ask the system for the resources, without waiting for them.

        Parameters
        ----------
        config
            gutscore's whole configuration.
        """

    @abstractmethod
    def serialize(self) -> str:
        """Return the set as JSON, for gutscore's queue."""

    def from_json(self, resource_set_json: str) -> Self:
        """Return the set of this kind that was serialized, by this class or by gutscore's.

        Raises
        ------
        ValueError
            The text is no such set; the message names the member that is wrong.
        """
        return type(self)(group_of(serialized(resource_set_json)), json_str=resource_set_json)

    @abstractmethod
    def release(self) -> None:
        """Give the resources back.

        Raises
        ------
        RuntimeError
            They could not be.
        """

    def get_nworkers(self) -> int:
        """Return how many workers the set is for."""
        return self._nworkers

    def get_nworkers_active(self) -> int:
        """Return how many workers were started."""
        return len(self._workers)

    def workers_initiated(self) -> bool:
        """Tell whether all workers were started."""
        return len(self._workers) >= self._nworkers

    def append_worker_process(self, process: BaseProcess) -> None:
        """Start a worker in the next slot: it is there before a line of the worker's own runs.

        Raises
        ------
        RuntimeError
            There is no slot left, or the process has no pid.
        """
        slot, claim = self._slot_of(len(self._workers))
        if slot is not None:
            process.run = Confined(slot, claim, process.run)  # type: ignore[method-assign]
        try:
            process.start()
        except Exception:
            _logger.exception("%s failed to start worker process", self._wgroup_id)
            raise
        if not process.pid:
            raise RuntimeError(f"{self._wgroup_id} failed to get worker process pid")
        self._workers.append(process)
        self._worker_pids.append(process.pid)

    def worker_runtime(self) -> int:
        """Return how long a worker may run, in seconds.

        Raises
        ------
        RuntimeError
            That is not known.
        """
        if not self._runtime:
            raise RuntimeError("Runtime not set")
        return self._runtime

    @abstractmethod
    def _slot_of(self, number: int) -> tuple[Slot | None, Claim | None]:
        """Return the slot of the n-th worker and the claim that it belongs to; None for a worker that roams."""

    def _check_runtime(self) -> None:
        if not self._runtime:
            raise RuntimeError("Runtime not set while requesting resources")

    def _write_input(self, config: Config) -> str:
        """Write the configuration for the process that will run the group, and return the file's name."""
        name = f"input_WG{self._wgroup_id:05d}.toml"
        with Path(name).open("w", encoding="utf-8") as file:
            import_module("toml").dump({**config, f"WG{self._wgroup_id:05d}": {"NullField": 0}}, file)
        return name
