"""Parts of an R by rank, as the job manager returns the resources of an ended job."""

from __future__ import annotations

from ...grammar.hostlist import Hostlist, encode_hosts
from ...grammar.idset import IdSet
from .jobs import R


def partial(resources: R, ranks: IdSet) -> R:
    """Return the part of an R on some of its ranks, without ``scheduling``, as the job manager returns batches."""
    execution = resources["execution"]
    held = ranks_of(resources)
    entries = []
    for entry in execution["R_lite"]:
        kept = IdSet.parse(str(entry["rank"])) & ranks
        if kept:
            entries.append({**entry, "rank": str(kept)})
    names = [name for text in execution.get("nodelist", ()) for name in Hostlist.parse(text)]
    kept_names = [name for rank, name in zip(held, names, strict=False) if rank in ranks]
    part = {key: execution[key] for key in ("starttime", "expiration") if key in execution}
    part["R_lite"] = entries
    if kept_names:
        part["nodelist"] = [encode_hosts(kept_names)]
    return {"version": 1, "execution": part}


def ranks_of(resources: R) -> IdSet:
    """Return all ranks of an R."""
    ranks = IdSet()
    for entry in resources["execution"]["R_lite"]:
        ranks |= IdSet.parse(str(entry["rank"]))
    return ranks
