"""gutscore's documented `ResourceManager`, which hands out exactfit's resource sets."""

from __future__ import annotations

import logging
from functools import cached_property
from typing import Any, Final

from ...topology.expect import short
from .base import ResourceSetBaseclass
from .cluster import Cluster, slurm_is_available
from .local import ResourceSetLocal
from .members import MAX_GROUP, SERIALIZED, group_of, serialized, table, whole
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
    ValueError
        A value is of the wrong kind.
    """

    def __init__(self, configs: dict[Any, Any]) -> None:
        resource = table("resource", configs.get("resource"))
        self._nwgroups = whole("nwgroups", resource.get("nwgroups", 1), 0, MAX_GROUP)
        self._backend: object = resource.get("backend", "local")
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
            It is of another backend, or the text is no such set; the message names the member that is wrong.
        """
        entry = serialized(res_json)
        if "type" not in entry:
            raise ValueError(f"{SERIALIZED}: type: missing")
        if entry["type"] != self._backend:
            raise ValueError(
                f"a resource set of the backend {short(entry['type'])}, but this manager's is {short(self._backend)}"
            )
        return self._kind()(group_of(entry), json_str=res_json)

    def _kind(self) -> type[ResourceSetBaseclass]:
        kind = BACKENDS.get(self._backend) if isinstance(self._backend, str) else None
        if kind is None:
            raise ValueError(f"Unknown backend {short(self._backend)}")
        return kind

    @cached_property
    def _cluster(self) -> Cluster:
        return Cluster.read()
