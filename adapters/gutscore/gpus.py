"""Which GPUs the environment lets this process see, and how a worker is told of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from ..runtime_gpus import AMD, ANY, NVIDIA, Gpu

VARIABLES: Final = {NVIDIA: "CUDA_VISIBLE_DEVICES", AMD: "ROCR_VISIBLE_DEVICES"}
NONE_VISIBLE: Final = "-1"

_MAX_DIGITS: Final = 9

# HIP numbers what ROCR_VISIBLE_DEVICES leaves, so that lists made for the whole machine no longer hold.
_RELATIVE_TO_ROCR = ("HIP_VISIBLE_DEVICES", "GPU_DEVICE_ORDINAL", "CUDA_VISIBLE_DEVICES")


def visible(gpus: Sequence[Gpu], environment: Mapping[str, str]) -> list[Gpu]:
    """Return the GPUs that this process may use, by the vendors' variables.

    Notes
    -----
    The variables' own words are kept for the workers: whoever set them knew how the library counts. A word for a GPU
    that was not found is a GPU without a known place, as Slurm may grant one. One that is listed twice is there once.
    """
    listed = {vendor: environment[name] for vendor, name in VARIABLES.items() if name in environment}
    if not gpus:
        vendor = ANY if len(set(listed.values())) == 1 < len(listed) else next(iter(listed), ANY)
        return _listed(vendor, [], next(iter(listed.values()), ""), None)
    found: list[Gpu] = []
    for vendor in dict.fromkeys(gpu.vendor for gpu in gpus):
        mine = [gpu for gpu in gpus if gpu.vendor == vendor]
        words = listed.get(vendor)
        found += mine if words is None else _listed(vendor, mine, words, environment.get("SLURM_JOB_GPUS"))
    return found


def _listed(vendor: str, gpus: Sequence[Gpu], words: str, machine_wide: str | None) -> list[Gpu]:
    """Return the GPUs that a variable lists.

    Parameters
    ----------
    machine_wide
        Their numbers on the machine, where the variable counts only what a job was granted.
    """
    tokens = []
    for word in words.split(","):
        # As CUDA does: what follows a word that means none is not read.
        if word.strip() in ("", NONE_VISIBLE, "NoDevFiles"):
            break
        tokens.append(word.strip())
    numbers = machine_wide.split(",") if machine_wide else []
    names = numbers if len(numbers) == len(tokens) else tokens
    found: dict[str, Gpu] = {}
    for number, (token, name) in enumerate(zip(tokens, names, strict=True)):
        same = [gpu for gpu in gpus if _means(name, gpu)]
        gpu = same[0] if same else Gpu(f"{vendor}:{_storable(name)}", vendor, token, number)
        found.setdefault(gpu.key, replace(gpu, token=token))
    return list(found.values())


def _storable(name: str) -> str:
    """Return a name that a database takes: bytes that are no UTF-8 are lone surrogates in a variable."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def _means(word: str, gpu: Gpu) -> bool:
    if word.isdecimal():
        return len(word) <= _MAX_DIGITS and int(word) == gpu.index
    return len(word) > len("GPU-") and gpu.token.startswith(word)


def environment_of(gpus: Iterable[tuple[str, str]]) -> dict[str, str | None]:
    """Return the variables of a process that shall see some GPUs and no others; None for those to be taken away.

    Parameters
    ----------
    gpus
        Vendor and token of each.
    """
    tokens: dict[str, list[str]] = {}
    for vendor, token in gpus:
        for each in (vendor,) if vendor else VARIABLES:
            tokens.setdefault(each, []).append(token)
    change: dict[str, str | None] = {}
    if AMD in tokens:
        change = dict.fromkeys(_RELATIVE_TO_ROCR)
    for vendor, variable in VARIABLES.items():
        if vendor in tokens or not tokens:
            change[variable] = ",".join(tokens.get(vendor, ())) or NONE_VISIBLE
    if any(token.isdecimal() for token in tokens.get(NVIDIA, ())):
        change.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")
    return change
