"""Constraints on nodes: the algebra, and its readers and writers for RFC 31 and RFC 35."""

from __future__ import annotations

from .algebra import (
    ALWAYS,
    NEGATED,
    NEVER,
    And,
    Constraint,
    Facts,
    Hosts,
    Not,
    Or,
    Properties,
    Ranks,
    evaluate,
    failing,
    simplify,
)
from .constraint_json import parse_constraint, to_json
from .query import parse_query, query_text

__all__ = [
    "ALWAYS",
    "NEGATED",
    "NEVER",
    "And",
    "Constraint",
    "Facts",
    "Hosts",
    "Not",
    "Or",
    "Properties",
    "Ranks",
    "evaluate",
    "failing",
    "parse_constraint",
    "parse_query",
    "query_text",
    "simplify",
    "to_json",
]
