"""Holds JSON values to a schema: the keywords that exactfit's schemas use, and no others.

Stricter than JSON Schema in one way: an object whose schema names properties has no others, so that a key which a
program prints and the schema does not describe is found.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_ANNOTATIONS = {"$schema", "$id", "$defs", "title", "description"}
_OF_OBJECTS = {"properties", "required", "additionalProperties"}
_KEYWORDS = {"type", "items", "enum", "const", "anyOf", "$ref", "minimum", *_OF_OBJECTS}
_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


def faults(value: Any, schema: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with a value, each with its place; nothing for one that is as the schema says.

    Raises
    ------
    KeyError
        The schema has a keyword that is not known here.
    """
    return list(_faults(value, schema, schema, "$"))


def _faults(value: Any, schema: Mapping[str, Any], root: Mapping[str, Any], place: str) -> Iterator[str]:
    unknown = schema.keys() - _KEYWORDS - _ANNOTATIONS
    if unknown:
        raise KeyError(f"{place}: {unknown}")
    if "$ref" in schema:
        yield from _faults(value, root["$defs"][schema["$ref"].removeprefix("#/$defs/")], root, place)
    if "anyOf" in schema:
        tried = [list(_faults(value, one, root, place)) for one in schema["anyOf"]]
        if all(tried):
            yield f"{place}: none of the {len(tried)} forms: {min(tried, key=len)}"
    if "type" in schema and not _is_of(value, schema["type"]):
        yield f"{place}: {value!r} is no {schema['type']}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{place}: {value!r} is none of {schema['enum']}"
    if "const" in schema and value != schema["const"]:
        yield f"{place}: {value!r} is not {schema['const']!r}"
    if "minimum" in schema and value < schema["minimum"]:
        yield f"{place}: {value!r} is below {schema['minimum']}"
    if isinstance(value, list) and "items" in schema:
        for number, item in enumerate(value):
            yield from _faults(item, schema["items"], root, f"{place}[{number}]")
    if isinstance(value, dict):
        yield from _of_object(value, schema, root, place)


def _of_object(
    value: Mapping[str, Any], schema: Mapping[str, Any], root: Mapping[str, Any], place: str
) -> Iterator[str]:
    known = schema.get("properties", {})
    yield from (f"{place}: no {key}" for key in schema.get("required", ()) if key not in value)
    for key, item in value.items():
        if key in known:
            yield from _faults(item, known[key], root, f"{place}.{key}")
        elif "additionalProperties" in schema:
            yield from _faults(item, schema["additionalProperties"], root, f"{place}.{key}")
        elif known:
            yield f"{place}: {key} is not described"


def _is_of(value: Any, types: str | list[str]) -> bool:
    names = [types] if isinstance(types, str) else types
    return any(isinstance(value, _TYPES[name]) and (name == "boolean" or not isinstance(value, bool)) for name in names)
