"""Read hwloc XML, as `lstopo --of xml` writes it, into objects.

Entities are refused, and nothing outside the text is ever read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat

MAX_BYTES: Final = 2**24
MAX_DEPTH: Final = 100
MAX_OBJECTS: Final = 2**16
NEWEST: Final = 3
"""The newest major version of the format that is published."""

OLDER: Final = "`lstopo --of xml --export-xml-flags v2` writes a form that is"

ENCODINGS: Final = ("utf-8", "utf-16", "utf-16be", "utf-16le", "iso-8859-1", "us-ascii")
"""Those of the parser itself: for any other it loads a module of Python's that bears the name."""

GROUP, NUMA, CORE, PACKAGE, DIE, PU, MACHINE = "Group", "NUMANode", "Core", "Package", "Die", "PU", "Machine"
PCI, OSDEV, BRIDGE, MISC, MEMCACHE = "PCIDev", "OSDev", "Bridge", "Misc", "MemCache"

_NAMES: Final = {
    name.lower(): name for name in (MACHINE, PACKAGE, DIE, GROUP, CORE, PU, NUMA, PCI, OSDEV, BRIDGE, MISC, MEMCACHE)
} | {"socket": PACKAGE, "system": MACHINE, "tile": GROUP, "module": GROUP, "cluster": GROUP}
_CACHE = re.compile(r"l([1-5])([iud]?)(?:cache)?", re.IGNORECASE)
_BITMAP = re.compile(r"(?:0xf\.\.\.f(?:,|\Z))?(?:(?:0x)?[0-9a-f]{0,8}(?:,(?:0x)?[0-9a-f]{0,8})*)?", re.IGNORECASE)


@dataclass(eq=False, slots=True)
class HwlocObject:
    """One object; CPU objects, NUMA nodes and devices are listed apart, as in hwloc 2."""

    type: str
    attributes: dict[str, str]
    parent: HwlocObject | None
    infos: dict[str, str] = field(default_factory=dict)
    listed: list[HwlocObject] = field(default_factory=list)
    """Child objects in the order of the file."""
    children: list[HwlocObject] = field(default_factory=list)
    memory: list[HwlocObject] = field(default_factory=list)
    devices: list[HwlocObject] = field(default_factory=list)
    cpuset: int = 0
    """Bitmask of PUs; negative for a set without end."""
    complete: int = 0
    nodeset: int = 0
    is_network: bool = False
    """Whether this is a network interface, and below whether an OpenFabrics device."""
    is_openfabrics: bool = False

    @property
    def subtype(self) -> str:
        """What hwloc calls this kind of a NUMA node or a device, such as HBM or CUDA."""
        return self.attributes.get("subtype", "")

    @property
    def is_device(self) -> bool:
        """Whether this is a device, which has no cpuset."""
        return self.type in (PCI, OSDEV, BRIDGE)

    @property
    def is_instruction_cache(self) -> bool:
        """Whether this is a level-n instruction cache."""
        return self.type.endswith("i")

    @property
    def kind(self) -> tuple[str, ...]:
        """What has to be equal for two objects to be of one level."""
        if self.type != GROUP:
            return (self.type,)
        return (GROUP, self.attributes.get("kind", "0"), self.attributes.get("subkind", "0"))

    def walk(self) -> Iterator[HwlocObject]:
        """Go through this object and all below, in hwloc's order: CPU objects, then memory, then devices."""
        stack = [self]
        while stack:
            here = stack.pop()
            yield here
            stack.extend(reversed(here.children + here.memory + here.devices))


@dataclass(slots=True)
class Distances:
    """A matrix of distances between objects, row by row.

    Attributes
    ----------
    name, type
        Of what, such as `NVLinkBandwidth`, and between what; empty where objects are of several types.
    indexes
        The objects: `OSDev:12`, by the index that hwloc numbers all by; or only the number.
    """

    name: str
    type: str
    indexes: list[str] = field(default_factory=list)
    values: list[int] = field(default_factory=list)


def read_objects(xml: str | bytes) -> tuple[int, HwlocObject, list[Distances]]:
    """Return the major version of the format, the outermost object with the others listed in it, and the distances.

    Raises
    ------
    ValueError
        The text is no XML, no hwloc topology, or too large, declares entities, or is in an encoding that XML parsers
        need not know.
    """
    reader = _Reader()
    version, root = reader.read(xml)
    return version, root, reader.distances_read()


class _Reader:
    """Text to objects, as they are listed."""

    def __init__(self) -> None:
        self.version = 1
        self.root: HwlocObject | None = None
        self.open: list[HwlocObject] = []
        self.infos: dict[str, str] = {}
        """Those of the topology, where hwloc 3 has the host's name."""
        self.depth = self.count = 0
        self.distances: list[Distances] = []
        self.text: list[str] = []
        self.parser = expat.ParserCreate()
        self.parser.CharacterDataHandler = self.characters
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.EntityDeclHandler = self.refuse_entity
        self.parser.XmlDeclHandler = self.check_encoding

    def read(self, xml: str | bytes) -> tuple[int, HwlocObject]:
        if len(xml) > MAX_BYTES:
            raise ValueError(f"hwloc XML: more than {MAX_BYTES} bytes")
        if isinstance(xml, str):
            # Text was decoded already, whatever its declaration says.
            xml = re.sub(r"^\s*<\?xml[^>]*\?>", "", xml).encode()
        try:
            self.parser.Parse(xml, True)
        except expat.ExpatError as error:
            what = expat.ErrorString(error.code)
            raise ValueError(f"hwloc XML: {what} at line {error.lineno}, column {error.offset + 1}") from None
        if self.root is None:
            raise ValueError("hwloc XML: no object in it")
        self.root.infos = {**self.infos, **self.root.infos}
        return self.version, self.root

    def fail(self, message: str) -> ValueError:
        parser = self.parser
        return ValueError(
            f"hwloc XML: {message} at line {parser.CurrentLineNumber}, column {parser.CurrentColumnNumber + 1}"
        )

    def refuse_entity(self, *_: object) -> None:
        raise self.fail("an entity declaration")

    def check_encoding(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if encoding is not None and encoding.lower() not in ENCODINGS:
            raise self.fail(f"the encoding {encoding[:40]!r}")

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.fail(f"more than {MAX_DEPTH} elements inside one another")
        if self.depth == 1:
            if tag not in ("topology", "root"):
                raise self.fail(f"{tag[:40]} instead of topology")
            # The format of hwloc 1 names no version.
            major = attributes.get("version", "1").partition(".")[0]
            self.version = int(major) if re.fullmatch("[0-9]{1,4}", major) else 1
            if self.version > NEWEST:
                raise ValueError(f"hwloc XML: format {self.version} is not supported; {OLDER}")
        elif tag == "object":
            self.start_object(attributes)
        elif tag in ("distances2", "distances2hetero"):
            self.distances.append(Distances(attributes.get("name", ""), attributes.get("type", "")))
        elif tag == "info" and not self.open:
            self.infos.setdefault(attributes.get("name", ""), attributes.get("value", ""))
        elif tag == "info":
            name = attributes.get("name", "")
            if self.version < 2 and name in ("Type", "CoProcType"):
                self.open[-1].attributes["subtype"] = attributes.get("value", "")
            else:
                self.open[-1].infos.setdefault(name, attributes.get("value", ""))

    def characters(self, text: str) -> None:
        if self.distances:
            self.text.append(text)

    def distances_read(self) -> list[Distances]:
        """Return the matrices that are whole; hwloc itself leaves out others."""
        return [one for one in self.distances if one.name and len(one.values) == len(one.indexes) ** 2]

    def start_object(self, attributes: dict[str, str]) -> None:
        self.count += 1
        if self.count > MAX_OBJECTS:
            raise self.fail(f"more than {MAX_OBJECTS} objects")
        parent = self.open[-1] if self.open else None
        if parent is None and self.root is not None:
            raise self.fail("a second machine")
        made = HwlocObject(self.type_of(attributes), attributes, parent)
        made.cpuset = self.bitmap(attributes, "cpuset")
        made.complete = self.bitmap(attributes, "complete_cpuset", made.cpuset)
        made.nodeset = self.bitmap(attributes, "nodeset")
        if "cpuset" not in attributes and not made.is_device and made.type not in (MISC, MEMCACHE):
            raise self.fail(f"{made.type} without a cpuset")
        if parent is None:
            self.root = made
        else:
            parent.listed.append(made)
        self.open.append(made)

    def type_of(self, attributes: dict[str, str]) -> str:
        name = attributes.get("type", "")
        known = _NAMES.get(name.lower())
        if known is not None:
            return known
        cache = _CACHE.fullmatch(name)
        instructions = attributes.get("cache_type") == "2"
        if cache:
            return f"L{cache[1]}i" if cache[2].lower() == "i" or instructions else f"L{cache[1]}"
        if name.lower() == "cache":
            return f"L{attributes.get('depth', '0')[:2]}{'i' if instructions else ''}"
        hint = f" ({OLDER} read)" if self.version == NEWEST else ""
        raise self.fail(f"unknown object type {name[:40]!r}{hint}")

    def bitmap(self, attributes: dict[str, str], key: str, default: int = 0) -> int:
        try:
            return bitmap_or(attributes.get(key), default)
        except ValueError as error:
            raise self.fail(f"{key}: {error}") from None

    def end(self, tag: str) -> None:
        self.depth -= 1
        if tag == "object":
            self.open.pop()
        elif tag == "indexes" and self.distances:
            self.distances[-1].indexes += "".join(self.text).split()
        elif tag == "u64values" and self.distances:
            self.distances[-1].values += self.numbers("".join(self.text).split())
        self.text.clear()

    def numbers(self, words: list[str]) -> list[int]:
        if not all(word.isdecimal() and word.isascii() and len(word) <= 20 for word in words):
            raise self.fail("a distance that is no number")
        return list(map(int, words))


def bitmap_or(text: str | None, default: int) -> int:
    """Return an hwloc bitmap: 32 bits in each part, the highest first, `0xf...f` for all the bits above.

    Raises
    ------
    ValueError
        The text is no bitmap.
    """
    if text is None:
        return default
    if not _BITMAP.fullmatch(text):
        raise ValueError(f"{text[:40]!r} is no bitmap")
    words = text.lower().split(",")
    endless = words[0] == "0xf...f"
    digits = "".join(word.removeprefix("0x").rjust(8, "0") for word in words[endless:])
    mask = int(digits or "0", 16)
    return mask | -1 << 4 * len(digits) if endless else mask
