"""Slurm's topologies as its files say them: topology.conf (topology/tree and topology/block) and topology.yaml."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, Final

from ..grammar.errors import GrammarError, printable, shown
from ..grammar.hostlist import Hostlist
from ..grammar.slurm_conf import Pair, parse_slurm_conf, split_includes
from .groups import MAX_GROUPS
from .slurm_hosts import parse_slurm_hosts

MAX_TIERS = 20
"""The most tiers of switches, as Slurm has it."""

MAX_INCLUDED: Final = 1000
"""The most files that one includes, all together."""

MAX_DEPTH: Final = 10
"""How deep files may include one another."""

_NO_GROUPS: Final = ("ring", "torus")
"""Kinds of topologies that say what stands beside what, and group nothing."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A switch or a block.

    Attributes
    ----------
    name
        As Slurm knows it.
    place
        Where it stands in the file, for messages.
    nodes
        Its hosts, of a leaf switch or a block. A block may have none: it keeps a place for nodes to come.
    children
        The names of the switches below it.
    tier
        1 for a leaf switch or a block, else one more than its highest child.
    """

    name: str
    place: str
    nodes: Hostlist
    children: tuple[str, ...] = ()
    tier: int = 1


@dataclass(frozen=True, slots=True)
class SlurmTopology:
    """What a file says: switches, or blocks and their sizes in nodes."""

    switches: tuple[Unit, ...] = ()
    blocks: tuple[Unit, ...] = ()
    sizes: tuple[int, ...] = ()


# -- topology.conf ------------------------------------------------------------------------------------------------


Included = Callable[[str], str]
"""Gives the text of a file that a line `include PATH` names; raises ValueError where it cannot."""


def read_topology_conf(text: str, included: Included | None = None) -> SlurmTopology:
    """Read topology.conf.

    Parameters
    ----------
    text
        Of the file.
    included
        Where the files come from that it includes; without it such a line is refused.

    Raises
    ------
    ValueError
        The text is none, with the number of the line; or more than `MAX_INCLUDED` files are included.
    """
    switches: list[Unit] = []
    blocks: list[Unit] = []
    sizes: tuple[int, ...] = ()
    for pairs, place in _lines(text, included, count()):
        first = pairs[0]
        if first.name == "switchname":
            values = _values(pairs, place, {"nodes", "switches", "linkspeed"})
            switches.append(_switch(first.value, values.get("nodes"), values.get("switches"), place))
        elif first.name == "blockname":
            blocks.append(_block(first.value, _values(pairs, place, {"nodes"}).get("nodes"), place))
        elif first.name == "blocksizes":
            _values(pairs, place, set())
            sizes = _sizes(first.value.split(","), place)
        elif first.name.startswith(_NO_GROUPS):
            raise ValueError(f"{place}: {_no_group(first.name)}")
        else:
            raise ValueError(f"{place}: {shown(first.name)}: expected SwitchName, BlockName or BlockSizes")
    if switches and blocks:
        raise ValueError(f"{blocks[0].place}: blocks beside switches; a topology is of one kind")
    return _checked(SlurmTopology(tuple(switches), tuple(blocks), sizes), "the file")


def _no_group(kind: str) -> str:
    name = next(name for name in _NO_GROUPS if kind.startswith(name))
    return f"a {name} is no group of nodes; switches and blocks are read"


def _lines(
    text: str, included: Included | None, files: Iterator[int], name: str = "", depth: int = 1
) -> Iterator[tuple[Sequence[Pair], str]]:
    """Yield the lines of a file, and where an include stands those of that file, each with its place."""
    prefix = f"{printable(name)}, " if name else ""
    includes, rest = split_includes(text)
    waiting = deque(includes)
    try:
        lines = parse_slurm_conf(rest)
    except GrammarError as error:
        raise ValueError(f"{prefix}{error}") from None
    for pairs in (*lines, None):
        while waiting and (pairs is None or waiting[0].line < pairs[0].line):
            include = waiting.popleft()
            place = f"{prefix}line {include.line}"
            if included is None:
                raise ValueError(f"{place}: an include, which is followed from a file alone")
            if depth > MAX_DEPTH or next(files) >= MAX_INCLUDED:
                raise ValueError(f"{place}: more than {MAX_INCLUDED} files, or {MAX_DEPTH} inside one another")
            try:
                more = included(include.value)
            except ValueError as error:
                raise ValueError(f"{place}: {error}") from None
            yield from _lines(more, included, files, include.value, depth + 1)
        if pairs is not None:
            yield pairs, f"{prefix}line {pairs[0].line}"


def _values(pairs: Sequence[Pair], place: str, known: set[str]) -> dict[str, str]:
    """Return what stands behind the first name of a line."""
    values: dict[str, str] = {}
    for pair in pairs[1:]:
        if pair.name not in known:
            raise ValueError(f"{place}: {shown(pair.name)} does not go with {pairs[0].name}")
        if pair.name in values:
            raise ValueError(f"{place}: {pair.name} is given twice")
        values[pair.name] = pair.value
    return values


# -- topology.yaml ------------------------------------------------------------------------------------------------


def read_topology_yaml(value: object, name: str | None = None) -> SlurmTopology:
    """Read topology.yaml, which is parsed already.

    Parameters
    ----------
    value
        The list of topologies.
    name
        Which of them; the one with `cluster_default` by default, else the first.

    Raises
    ------
    ValueError
        The value is none, with its place, or there is no such topology.
    """
    topologies = [_mapping(one, f"[{n}]") for n, one in enumerate(_list(value, "topology.yaml"))]
    number = _chosen(topologies, name)
    place, topology = f"[{number}]", topologies[number]
    kinds = [kind for kind in topology if kind not in ("topology", "cluster_default")]
    if len(kinds) != 1:
        raise ValueError(f"{place}: expected one of tree and block, found {', '.join(map(shown, kinds)) or 'neither'}")
    inside, content = f"{place}.{printable(str(kinds[0]))}", topology[kinds[0]]
    if kinds[0] == "tree":
        listed = _list(_only(content, inside, {"switches"}).get("switches"), f"{inside}.switches")
        switches = tuple(_yaml_switch(one, f"{inside}.switches[{n}]") for n, one in enumerate(listed))
        return _checked(SlurmTopology(switches), inside)
    if kinds[0] == "block":
        fields = _only(content, inside, {"block_sizes", "blocks"})
        listed = _list(fields.get("blocks"), f"{inside}.blocks")
        blocks = tuple(_yaml_block(one, f"{inside}.blocks[{n}]") for n, one in enumerate(listed))
        sizes = _list(fields.get("block_sizes", []), f"{inside}.block_sizes")
        return _checked(SlurmTopology((), blocks, _sizes(sizes, f"{inside}.block_sizes")), inside)
    if str(kinds[0]).startswith(_NO_GROUPS):
        raise ValueError(f"{inside}: {_no_group(str(kinds[0]))}")
    raise ValueError(f"{inside}: has no groups of nodes; switches (tree) and blocks (block) are read")


def _chosen(topologies: Sequence[Mapping[str, Any]], name: str | None) -> int:
    if name is not None:
        for number, topology in enumerate(topologies):
            if topology.get("topology") == name:
                return number
        names = ", ".join(shown(topology.get("topology")) for topology in topologies[:10])
        raise ValueError(f"no topology {shown(name)}; there are {names or 'none'}")
    if not topologies:
        raise ValueError("topology.yaml: no topology")
    return next((n for n, topology in enumerate(topologies) if topology.get("cluster_default") is True), 0)


def _yaml_switch(value: object, place: str) -> Unit:
    fields = _only(value, place, {"switch", "children", "nodes"})
    nodes, children = (_text(fields, key, place) for key in ("nodes", "children"))
    return _switch(_text(fields, "switch", place) or "", nodes, children, place)


def _yaml_block(value: object, place: str) -> Unit:
    fields = _only(value, place, {"block", "nodes"})
    return _block(_text(fields, "block", place) or "", _text(fields, "nodes", place), place)


def _text(fields: Mapping[str, Any], key: str, place: str) -> str | None:
    value = fields.get(key)
    if value is not None and (isinstance(value, bool) or not isinstance(value, (str, int))):
        raise ValueError(f"{place}.{key}: expected a name or a hostlist, not {shown(value)}")
    return None if value is None else str(value)


def _list(value: object, place: str) -> Sequence[object]:
    if not isinstance(value, list):
        raise ValueError(f"{place}: expected a list, not {shown(value)}")
    return value


def _mapping(value: object, place: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"{place}: expected a mapping, not {shown(value)}")
    return value


def _only(value: object, place: str, known: set[str]) -> Mapping[str, Any]:
    fields = _mapping(value, place)
    for key in fields:
        if key not in known:
            raise ValueError(f"{place}: unknown key {shown(key)}")
    return fields


# -- what both forms say ------------------------------------------------------------------------------------------


def _switch(name: str, nodes: str | None, children: str | None, place: str) -> Unit:
    if nodes is not None and children is not None:
        raise ValueError(f"{place}: switch {shown(name)} has both nodes and switches below it")
    return Unit(name, place, _hosts(nodes or "", place), tuple(_names(children or "", place)))


def _block(name: str, nodes: str | None, place: str) -> Unit:
    return Unit(name, place, _hosts(nodes or "", place))


def _hosts(text: str, place: str) -> Hostlist:
    try:
        return parse_slurm_hosts(text)
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None


def _names(text: str, place: str) -> Iterator[str]:
    names = _hosts(text, place)
    if len(names) > MAX_GROUPS:
        raise ValueError(f"{place}: more than {MAX_GROUPS} switches")
    return iter(names)


def _sizes(values: Sequence[object], place: str) -> tuple[int, ...]:
    """Return block sizes, each the first one times a power of two, ascending."""
    sizes: list[int] = []
    for value in values:
        text = str(value).strip()
        if isinstance(value, bool) or not (text.isascii() and text.isdigit() and len(text) < 10 and int(text)):
            raise ValueError(f"{place}: block size {shown(value)} is no number of nodes")
        size = int(text)
        times, rest = divmod(size, sizes[0] if sizes else size)
        if rest or times & (times - 1) or (sizes and size <= sizes[-1]):
            first, last = sizes[0], sizes[-1]
            raise ValueError(f"{place}: block size {size}: not above {last}, or not {first} times a power of two")
        sizes.append(size)
    return tuple(sizes)


def _checked(topology: SlurmTopology, place: str) -> SlurmTopology:
    units = topology.switches or topology.blocks
    if not units:
        raise ValueError(f"{place}: no switch and no block")
    if len(units) > MAX_GROUPS:
        raise ValueError(f"{place}: more than {MAX_GROUPS} switches or blocks")
    known: dict[str, Unit] = {}
    for unit in units:
        if not unit.name:
            raise ValueError(f"{unit.place}: no name")
        if unit.name in known:
            raise ValueError(f"{unit.place}: {shown(unit.name)} is there already, at {known[unit.name].place}")
        known[unit.name] = unit
    for unit in units:
        for child in unit.children:
            if child not in known:
                raise ValueError(f"{unit.place}: switch {shown(unit.name)} is above {shown(child)}, which is not there")
    return replace(topology, switches=_with_tiers(topology.switches))


def _with_tiers(switches: Sequence[Unit]) -> tuple[Unit, ...]:
    tier = {switch.name: 1 for switch in switches if not switch.children}
    waiting = [switch for switch in switches if switch.children]
    for _ in range(MAX_TIERS - 1):
        ready = [switch for switch in waiting if all(child in tier for child in switch.children)]
        for switch in ready:
            tier[switch.name] = 1 + max(tier[child] for child in switch.children)
        waiting = [switch for switch in waiting if switch.name not in tier]
    if waiting:
        first = waiting[0]
        raise ValueError(f"{first.place}: switch {shown(first.name)} stands above itself, or above {MAX_TIERS} tiers")
    return tuple(replace(switch, tier=tier[switch.name]) for switch in switches)
