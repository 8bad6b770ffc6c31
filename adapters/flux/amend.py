"""The amender for Flux's fake resources: gives an R the tree of an hwloc XML.

``--conf=fake-resources.hwloc-xml-path=node.xml --conf=fake-resources.amend-r=exactfit.adapters.flux:amend``

Flux hands an amender R and the XML and nothing else, so the one that lists network cards as well has a name of its own:
``amend_with_nics``.
"""

from __future__ import annotations

from typing import Any

from ...grammar.idset import IdSet
from ...topology.hwloc import read_hwloc
from ...topology.rset import WRITER


def amend(R: dict[str, Any], hwloc_xml: str | None = None, *, nics: bool = False) -> dict[str, Any]:
    """Return R with the node tree of the XML on all its ranks, and this package as its writer.

    Parameters
    ----------
    R
        RFC 20 R; it is changed in place.
    hwloc_xml
        What ``lstopo --of xml`` writes. None leaves R as it is.
    nics
        Whether the domains list the network cards that they are near, as an amount `nic` that slots may ask for. By
        default they do not, as with Flux's own encoder.

    Raises
    ------
    ValueError
        For text that is no hwloc XML.
    """
    ranks = IdSet()
    for entry in R.get("execution", {}).get("R_lite", []):
        ranks |= IdSet.parse(str(entry["rank"]))
    if hwloc_xml is not None and ranks:
        children = [{"ranks": str(ranks), "topo": read_hwloc(hwloc_xml, nics=nics)}]
        R["scheduling"] = {**R.get("scheduling", {}), "writer": WRITER, "children": children}
    return R


def amend_with_nics(R: dict[str, Any], hwloc_xml: str | None = None) -> dict[str, Any]:
    """Return R as `amend` does, with network cards.

    Parameters
    ----------
    R, hwloc_xml
        As for `amend`.

    Raises
    ------
    ValueError
        For text that is no hwloc XML.
    """
    return amend(R, hwloc_xml, nics=True)
