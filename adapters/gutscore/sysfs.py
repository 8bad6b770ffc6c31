"""The cores, sockets and numa domains of this machine as Linux tells of them, for where lstopo is missing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...grammar.idset import mask_text, text_mask

Topo = dict[str, Any]


def read_sysfs(root: Path, cpus: int) -> tuple[Topo, list[int]]:
    """Return the RFC 49 `topo` object of a machine, and by core id the bitmask of the CPUs in the core.

    Parameters
    ----------
    root
        Where `sys` is.
    cpus
        Bitmask of the CPUs that count. Each is a core by itself where Linux says nothing of it.
    """
    folder = root / "sys/devices/system"
    cores: dict[int, int] = {}
    packages: dict[int, int] = {}
    left = cpus
    while left:
        cpu = (left & -left).bit_length() - 1
        told = folder / f"cpu/cpu{cpu}/topology"
        siblings = (_list(told / "core_cpus_list") or _list(told / "thread_siblings_list")) & cpus | 1 << cpu
        cores[cpu] = siblings
        package = _list(told / "package_cpus_list") or _list(told / "core_siblings_list")
        if package:
            packages.setdefault((package & -package).bit_length() - 1, package)
        left &= ~siblings
    by_id = list(cores.values())
    numas = [_list(path) for path in sorted((folder / "node").glob("node[0-9]*/cpulist"), key=_number)]
    levels = [("socket", list(packages.values())), ("numa", [numa for numa in numas if numa])]
    if _nested(levels[0][1], levels[1][1]) and not _nested(levels[1][1], levels[0][1]):
        levels.reverse()
    return _tree(levels, by_id, cpus), by_id


def _tree(levels: Sequence[tuple[str, list[int]]], cores: list[int], inside: int) -> Topo:
    """Return the domain of some CPUs, with the levels that divide it."""
    for depth, (level, domains) in enumerate(levels):
        here = [domain & inside for domain in domains if domain & inside]
        whole = sum(here) == inside and all(_nested([core & inside], here) for core in cores if core & inside)
        if len(here) > 1 and whole:
            return {level: [_tree(levels[depth + 1 :], cores, domain) for domain in here]}
    ids = sum(1 << number for number, core in enumerate(cores) if core & inside)
    return {"cores": mask_text(ids)}


def _nested(inner: list[int], outer: list[int]) -> bool:
    return all(any(not small & ~large for large in outer) for small in inner)


def _list(path: Path) -> int:
    try:
        return text_mask(path.read_text(encoding="ascii").strip())
    except (OSError, ValueError):
        return 0


def _number(path: Path) -> int:
    digits = path.parent.name.removeprefix("node")
    return int(digits) if digits.isdecimal() else -1
