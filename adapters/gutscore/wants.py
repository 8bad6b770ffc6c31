"""What a resource set's configuration asks for each worker, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from .members import one_gpu_gres, whole

MAX_WORKERS: Final = 2**16
_MAX_EACH: Final = 2**16


@dataclass(frozen=True, slots=True)
class Wants:
    """What the workers of one set want.

    Parameters
    ----------
    workers
        How many workers there are; 0 is none.
    cores
        Physical cores for each.
    gpus
        GPUs for each; None when nothing was said of GPUs, which leaves them as they are.
    gpu_type
        Slurm's name for their type; None for any.
    """

    workers: int
    cores: int = 1
    gpus: int | None = None
    gpu_type: str | None = None

    @classmethod
    def of(cls, config: Mapping[Any, Any], workers: int) -> Wants:
        """Return what `cores_per_worker` and `gpus_per_worker` say.

        Parameters
        ----------
        workers
            How many there are, as the set has it.

        Raises
        ------
        ValueError
            A number is none, or out of range.
        """
        gpus, kind = _gpus(config.get("gpus_per_worker"))
        return cls(
            whole("nworkers", workers, 0, MAX_WORKERS),
            whole("cores_per_worker", config.get("cores_per_worker", 1), 1, _MAX_EACH),
            gpus,
            kind,
        )

    def to_json(self) -> dict[str, Any]:
        """Return the keys that `of` reads, without the number of workers."""
        found: dict[str, Any] = {"cores_per_worker": self.cores}
        if self.gpus is not None:
            found["gpus_per_worker"] = f"{self.gpu_type}:{self.gpus}" if self.gpu_type else self.gpus
        return found

    def __str__(self) -> str:
        """Return the wish in words, for messages."""
        cores = f"{self.cores} core{'s' if self.cores > 1 else ''}"
        gpus = f" and {self.gpus} GPU{'s' if self.gpus > 1 else ''}" if self.gpus else ""
        return f"{self.workers} worker{'s' if self.workers != 1 else ''} with {cores}{gpus} each"


def _gpus(value: object) -> tuple[int | None, str | None]:
    """Return the number and type of a value such as 2, "2", "a100:2" or "gpu:a100:2"."""
    if value is None:
        return None, None
    if isinstance(value, str):
        found = one_gpu_gres("gpus_per_worker", value)
        return whole("gpus_per_worker", found.count, 0, _MAX_EACH), found.type
    return whole("gpus_per_worker", value, 0, _MAX_EACH), None
