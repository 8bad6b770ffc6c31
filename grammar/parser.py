"""Lark behind one small class: loads a grammar on first use, guards against depth, turns its errors into ours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources import files
from typing import Any, cast

import lark
from lark.exceptions import UnexpectedCharacters, UnexpectedEOF, UnexpectedInput, UnexpectedToken, VisitError

from .errors import GrammarError, excerpt
from .limits import MAX_DEPTH, MAX_TOKENS

_END = "$END"
_WINDOW = 200


@dataclass(frozen=True)
class Nesting:
    """The token types by which a language nests.

    Parameters
    ----------
    opening, closing
        Brackets of all kinds.
    steps
        Tokens that nest without a bracket, such as the slash of a shape or `not`.
    rests
        Tokens after which the steps inside the same bracket count from zero again.
    """

    opening: frozenset[str] = frozenset()
    closing: frozenset[str] = frozenset()
    steps: frozenset[str] = frozenset()
    rests: frozenset[str] = frozenset()


class _Guard:
    """A filter on the token stream that stops at the token that is one too many or nests too deep."""

    always_accept: tuple[str, ...] = ()

    def __init__(self, nesting: Nesting) -> None:
        self._nesting = nesting

    def process(self, stream: Iterator[lark.Token]) -> Iterator[lark.Token]:
        nesting = self._nesting
        outer: list[tuple[int, int]] = []
        base = depth = 0
        for number, token in enumerate(stream):
            kind = token.type
            if kind in nesting.opening:
                outer.append((base, depth))
                base = depth = depth + 1
            elif kind in nesting.closing and outer:
                base, depth = outer.pop()
            elif kind in nesting.steps:
                depth += 1
            if kind in nesting.rests:
                depth = base
            if depth > MAX_DEPTH:
                raise _LimitError(token, f"more than {MAX_DEPTH} levels deep")
            if number >= MAX_TOKENS:
                raise _LimitError(token, f"more than {MAX_TOKENS} words and signs")
            yield token


class _LimitError(Exception):
    def __init__(self, token: lark.Token, reason: str) -> None:
        self.offset = token.start_pos or 0
        self.part = str(token)
        self.reason = reason


@dataclass(frozen=True)
class Parser:
    """One language: where it is defined, a name for messages, and the Lark grammar in the file beside this module.

    Parameters
    ----------
    rfc
        Number of the RFC that defines the language, None where no RFC does.
    language
        Name of the language in messages.
    grammar
        Name of the grammar file.
    transformer
        Builds values while the text is parsed, so that no recursion over a tree is needed.
    nesting
        How the language nests; None when it does not.
    """

    rfc: int | None
    language: str
    grammar: str
    transformer: lark.Transformer[lark.Token, Any] = field(repr=False)
    nesting: Nesting | None = None

    @cached_property
    def _lark(self) -> lark.Lark:
        text = files(__package__).joinpath(self.grammar).read_text(encoding="utf-8")
        guard = None if self.nesting is None else cast(Any, _Guard(self.nesting))
        return lark.Lark(text, parser="lalr", transformer=self.transformer, postlex=guard, maybe_placeholders=False)

    def parse(self, text: str) -> Any:
        """Return the value of a text.

        Raises
        ------
        GrammarError
            For text outside the language, with the place of the first fault.
        """
        try:
            return self._lark.parse(text)
        except _LimitError as fault:
            raise self.error(fault.reason, text, fault.offset, fault.part) from None
        except VisitError as fault:
            raise fault.orig_exc from None
        except UnexpectedInput as fault:
            raise self._unexpected(text, fault) from None

    def fault(self, text: str, start: int = 0) -> GrammarError:
        """Return what is wrong with a text that is known to be outside the language.

        Parameters
        ----------
        text
            The text, of any length.
        start
            A place before the fault from which on the text could stand alone, were it right. Lark reads only a window
            from there on.
        """
        opening = "[" if start and text[0] == "[" else ""
        try:
            self.parse(opening + text[start : start + _WINDOW])
        except GrammarError as fault:
            offset = start + (fault.offset or 0) - len(opening)
            if offset < start + _WINDOW or offset >= len(text):
                return self.error(fault.reason, text, offset, fault.part)
        return self.error("unexpected end", text, len(text))

    def error(self, reason: str, text: str = "", offset: int | None = None, part: str = "") -> GrammarError:
        """Return an error of this language."""
        return GrammarError(reason, rfc=self.rfc, language=self.language, text=text, offset=offset, part=part)

    def _unexpected(self, text: str, fault: UnexpectedInput) -> GrammarError:
        if isinstance(fault, UnexpectedToken) and fault.token.type != _END:
            part, offset = str(fault.token), fault.token.start_pos or 0
        elif isinstance(fault, UnexpectedCharacters):
            offset = fault.pos_in_stream or 0
            part = text[offset]
        else:
            assert isinstance(fault, (UnexpectedToken, UnexpectedEOF))
            return self.error("unexpected end", text, len(text))
        shown = excerpt(part)
        if "'" not in part and shown.endswith('"'):
            shown = f"'{shown[1:-1]}'"
        return self.error(f"unexpected {shown}", text, offset, part)
