"""What Flux makes of a job's R for the instance that the job starts, and where its cores stand then."""

from __future__ import annotations

from typing import Any

from exactfit.grammar.idset import IdSet
from exactfit.topology.machine import Machine

Json = dict[str, Any]


def renumbered(R: Json) -> Json:
    """Return R with ranks from 0, and the cores of each rank from 0; GPUs, hosts and ``scheduling`` stay the same."""
    execution = dict(R["execution"])
    ranks = sorted(rank for entry in execution["R_lite"] for rank in IdSet.parse(entry["rank"]))
    place = {rank: new for new, rank in enumerate(ranks)}

    def new(text: str) -> str:
        return str(IdSet.of(place[rank] for rank in IdSet.parse(text)))

    execution["R_lite"] = [
        {"rank": new(entry["rank"]), "children": {**entry["children"], "core": _from_zero(entry["children"]["core"])}}
        for entry in execution["R_lite"]
    ]
    if "properties" in execution:
        execution["properties"] = {name: new(text) for name, text in execution["properties"].items()}
    return {**R, "execution": execution}


def _from_zero(cores: str) -> str:
    return str(IdSet.of(range(len(IdSet.parse(cores)))))


def places(machine: Machine, position: int) -> list[str]:
    """Return the chain of domains around each core, in order."""
    return places_of(machine, position, machine.type_at(position).cores)


def places_of(machine: Machine, position: int, cores: int) -> list[str]:
    """Return of some cores the chains of domains around each, domains told by which of these cores they have."""
    kind = machine.type_at(position)
    numbers = [core for core in range(cores.bit_length()) if cores >> core & 1]
    found = []
    for core in numbers:
        around = [
            f"{domain.level}:{','.join(str(i) for i, other in enumerate(numbers) if domain.cores >> other & 1)}"
            for domain in kind.domains[1:]
            if domain.cores >> core & 1
        ]
        found.append(" ".join(around))
    return found
