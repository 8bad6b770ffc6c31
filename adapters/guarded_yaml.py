"""YAML of any origin: plain values only, and no more of them than the text has room for.

YAML aliases let a kilobyte stand for a terabyte, anchors can hold themselves, and deep nesting breaks recursive
readers. All are counted while the text is read, before anything is built.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

MOST_VALUES = 200_000
"""Values that one document may hold, those that aliases repeat counted each time."""
MOST_LEVELS = 150
_MOST_CHARACTERS = 16 * 2**20


def yaml_documents(text: str) -> Iterator[Any]:
    """Yield the documents of a YAML text, as plain values.

    Raises
    ------
    ValueError
        For malformed YAML (with line and column), tags that ask for objects or do not fit their values, a key given
        twice, and documents beyond `MOST_VALUES` or `MOST_LEVELS`.
    """
    if len(text) > _MOST_CHARACTERS:
        raise ValueError(f"longer than {_MOST_CHARACTERS // 2**20} MiB")
    try:
        loader = _Loader(text)
        try:
            while loader.check_data():  # type: ignore[no-untyped-call]
                yield loader.get_data()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise ValueError(f"{error.problem or error.context}{place}") from None
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from None
    except RecursionError:
        raise ValueError("nested too deeply") from None


class _Loader(yaml.SafeLoader):
    """The safe loader, counting."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.values = 0
        self.depth = 0
        self.sizes: dict[int, int] = {}

    def compose_document(self) -> yaml.Node | None:
        self.values = self.depth = 0
        self.sizes = {}
        return super().compose_document()

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        before = self.values
        self.depth += 1
        if self.depth > MOST_LEVELS:
            raise _refusal(f"nested more than {MOST_LEVELS} deep", event)
        node = super().compose_node(parent, index)
        self.depth -= 1
        if isinstance(event, yaml.AliasEvent):
            if id(node) not in self.sizes:
                raise _refusal(f"*{event.anchor} holds itself", event)
            self.values += self.sizes[id(node)]
        else:
            self.values += 1
            self.sizes[id(node)] = self.values - before
        if self.values > MOST_VALUES:
            raise _refusal(f"more than {MOST_VALUES} values", event)
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        # PyYAML's own constructors take it that a value is what its tag says.
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            raise _refusal(f"the value is no {node.tag.rpartition(':')[2]}", node) from None

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
                if key.value in seen:
                    raise _refusal(f"the key {key.value!r} is given twice", key)
                seen.add(key.value)
        return node


def _refusal(problem: str, at: Any) -> yaml.MarkedYAMLError:
    return yaml.composer.ComposerError(None, None, problem, at.start_mark)
