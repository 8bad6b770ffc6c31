"""Amenders for Flux's fake resources: machines of any size on one broker (``--conf=fake-resources.amend-r``)."""

from __future__ import annotations

from typing import Any

from exactfit.topology.presets import preset


def rfc49_a(R: dict[str, Any], hwloc_xml: str | None = None) -> dict[str, Any]:
    """Make each rank a node of RFC 49's cluster A: 2 sockets, 8 numa domains, 120 cores, 8 GPUs."""
    assert hwloc_xml is None
    ranks = [entry["rank"] for entry in R["execution"]["R_lite"]]
    nodes = 1 + max(int(text.rpartition("-")[2]) for text in ranks)
    made = preset(f"rfc49-a:{nodes}")
    made["execution"]["nodelist"] = R["execution"]["nodelist"]
    return {**R, **made}
