"""A worker's slot: the CPUs and GPUs that are its own, and how a process gets into it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ...grammar.idset import mask_text, text_mask
from ...topology.expect import array_of, mapping, short
from ...topology.masks import positions_of
from ..runtime_gpus import ANY
from .gpus import VARIABLES, environment_of
from .ledger import WORKER, Claim
from .members import word


@dataclass(frozen=True, slots=True)
class SlotGpu:
    """A GPU of a slot: its key in the ledger, its vendor, and the word for it in the vendor's variable."""

    key: str
    vendor: str
    token: str

    @classmethod
    def from_json(cls, value: object, place: str) -> SlotGpu:
        """Return the GPU that `Slot.to_json` wrote.

        Raises
        ------
        ValueError
            It is none.
        """
        found = mapping(value, place)
        vendor = found.get("vendor")
        if vendor != ANY and vendor not in tuple(VARIABLES):
            # Its worker would see all GPUs, as nobody knows which variable hides the others.
            raise ValueError(f"{place}.vendor: {short(vendor)} is none of {', '.join(VARIABLES)}")
        return cls(word(f"{place}.key", found.get("key")), vendor, word(f"{place}.token", found.get("token")))


@dataclass(frozen=True, slots=True)
class Slot:
    """What one worker has to itself.

    Parameters
    ----------
    cpus
        Bitmask of the operating system's CPUs.
    gpus
        Its GPUs; None when the worker sees what there is, as no word was said of GPUs.
    """

    cpus: int
    gpus: tuple[SlotGpu, ...] | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the slot as JSON."""
        found: dict[str, Any] = {"cpus": mask_text(self.cpus)}
        if self.gpus is not None:
            found["gpus"] = [{"key": gpu.key, "vendor": gpu.vendor, "token": gpu.token} for gpu in self.gpus]
        return found

    @classmethod
    def from_json(cls, value: object, place: str = "slot") -> Slot:
        """Return the slot that `to_json` wrote.

        Parameters
        ----------
        place
            Where the value stands, for messages.

        Raises
        ------
        ValueError
            It is none.
        """
        found = mapping(value, place)
        gpus = found.get("gpus")
        each = None if gpus is None else enumerate(array_of(gpus, f"{place}.gpus"))
        return cls(
            _cpus(found.get("cpus"), f"{place}.cpus"),
            None if each is None else tuple(SlotGpu.from_json(gpu, f"{place}.gpus[{n}]") for n, gpu in each),
        )

    def enter(self) -> None:
        """Confine this process, and what it starts, to the slot.

        Raises
        ------
        RuntimeError
            The CPUs are not to be had, not all of them.
        """
        wanted = set(positions_of(self.cpus))
        try:
            os.sched_setaffinity(0, wanted)
        except OSError as error:
            raise RuntimeError(f"cannot be pinned to CPUs {mask_text(self.cpus)}: {error.strerror}") from None
        if os.sched_getaffinity(0) != wanted:
            got = ",".join(map(str, sorted(os.sched_getaffinity(0))))
            raise RuntimeError(f"pinned to CPUs {mask_text(self.cpus)}, the process got {got} only")
        if self.gpus is not None:
            for name, value in environment_of((gpu.vendor, gpu.token) for gpu in self.gpus).items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value


@dataclass(frozen=True)
class Confined:
    """What a worker process runs in the place of its own `run`: first into the slot, then the work."""

    slot: Slot
    claim: Claim | None
    run: Callable[[], object]

    def __call__(self) -> None:
        """Enter the slot, make it known that this process uses it, and work."""
        self.slot.enter()
        if self.claim is not None:
            self.claim.join(WORKER)
        self.run()


def _cpus(text: object, place: str) -> int:
    if not isinstance(text, str):
        raise ValueError(f"{place}: {'missing' if text is None else 'not an idset string'}")
    try:
        found = text_mask(text)
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None
    if not found:
        raise ValueError(f"{place}: no CPU")
    return found
