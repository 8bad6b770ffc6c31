"""gutscore's documented `ResourceManager`, which hands out exactfit's resource sets."""

from __future__ import annotations

import json
import logging
from functools import cached_property
from typing import Any, Final

from .base import ResourceSetBaseclass
from .cluster import Cluster, slurm_is_available
from .local import ResourceSetLocal
from .slurm import ResourceSetSlurm

BACKENDS: Final[dict[str, type[ResourceSetBaseclass]]] = {"local": ResourceSetLocal, "slurm": ResourceSetSlurm}

_logger = logging.getLogger(__name__)


class ResourceManager:
    """Hands out resource sets.

    Parameters
    ----------
    configs
        gutscore's whole configuration.

    Raises
    ------
    RuntimeError
        The backend is Slurm, and Slurm is not there.
    """

    def __init__(self, configs: dict[Any, Any]) -> None:
        resource = configs.get("resource", {})
        self._nwgroups: int = resource.get("nwgroups", 1)
        self._backend: str = resource.get("backend", "local")
        self._configs = configs
        if self._backend == "slurm" and not slurm_is_available():
            raise RuntimeError("the backend is slurm, but its commands sinfo and sbatch are not there")

    def get_nwgroups(self) -> int:
        """Return how many worker groups there are."""
        return self._nwgroups

    def get_resources(self, res_configs: dict[Any, Any], wgroup_id: int) -> ResourceSetBaseclass:
        """Return a set whose resources were requested.

        Raises
        ------
        ValueError
            The backend is unknown, or the configuration asks for what can never be.
        RuntimeError
            The resources could not be had.
        """
        kind = self._kind()
        try:
            config = self._cluster.checked(res_configs) if kind is ResourceSetSlurm else res_configs
            found = kind(wgroup_id, res_config=config)
        except Exception:
            _logger.exception("wrong parameter in the resource set of worker group %d", wgroup_id)
            raise
        try:
            found.request(self._configs)
        except RuntimeError:
            _logger.exception("no %s resources for worker group %d", self._backend, wgroup_id)
            raise
        return found

    def instanciate_resource(self, res_json: str) -> ResourceSetBaseclass:
        """Return the set that was serialized.

        Raises
        ------
        ValueError
            It is of another backend.
        """
        entry = json.loads(res_json)
        if entry["type"] != self._backend:
            raise ValueError(
                f"a resource set of the backend {entry['type']!r}, but this manager's is {self._backend!r}"
            )
        return self._kind()(entry["wgroup_id"], json_str=res_json)

    def _kind(self) -> type[ResourceSetBaseclass]:
        kind = BACKENDS.get(self._backend)
        if kind is None:
            raise ValueError(f"Unknown backend '{self._backend}'")
        return kind

    @cached_property
    def _cluster(self) -> Cluster:
        return Cluster.read()
