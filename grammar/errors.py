"""The one error of every grammar: what was wrong, by which RFC, and where in the text."""

from __future__ import annotations

_WINDOW = 60
_BEFORE_FAULT = 30


class GrammarError(ValueError):
    """Text or a value that an RFC does not allow.

    Parameters
    ----------
    reason
        What is wrong, without the place.
    rfc
        Number of the RFC whose rule is broken, None where the rule is exactfit's own.
    language
        What the text was read as, e.g. "idset".
    text
        The text in which the fault is; empty for values that were parsed already.
    offset
        Place of the fault in the text, from 0.
    part
        The faulty part of the text, or of the value.
    place
        Where the text or the value stands, e.g. "resources[0].with[1].count".

    Attributes
    ----------
    line, column
        Place of the fault in the text, both from 1; 0 where there is no text.
    """

    def __init__(
        self,
        reason: str,
        *,
        rfc: int | None = None,
        language: str = "",
        text: str = "",
        offset: int | None = None,
        part: str = "",
        place: str = "",
    ) -> None:
        self.reason = reason
        self.rfc = rfc
        self.language = language
        self.text = text
        self.offset = offset
        self.part = part
        self.place = place
        self.line = self.column = 0
        if offset is not None:
            self.line = text.count("\n", 0, offset) + 1
            self.column = offset - text.rfind("\n", 0, offset)
        super().__init__(self._sentence())

    def at(self, place: str) -> GrammarError:
        """Return the same error, said of a text that stands at a place in something larger."""
        return GrammarError(
            self.reason,
            rfc=self.rfc,
            language=self.language,
            text=self.text,
            offset=self.offset,
            part=self.part,
            place=f"{place}.{self.place}" if self.place else place,
        )

    def __reduce__(self) -> tuple[object, ...]:
        fields = (self.reason, self.rfc, self.language, self.text, self.offset, self.part, self.place)
        return _rebuild, fields

    def _sentence(self) -> str:
        source = " ".join(filter(None, [f"RFC {self.rfc}" if self.rfc is not None else "", self.language]))
        sentence = ": ".join(filter(None, [self.place, source, self.reason]))
        if self.offset is not None:
            sentence += f" at line {self.line}, column {self.column} (in {excerpt(self.text, self.offset)})"
        return sentence


def _rebuild(
    reason: str, rfc: int | None, language: str, text: str, offset: int | None, part: str, place: str
) -> GrammarError:
    return GrammarError(reason, rfc=rfc, language=language, text=text, offset=offset, part=part, place=place)


def excerpt(text: str, offset: int = 0) -> str:
    """Return the text as one quoted line, cut to a window about the offset where it is long."""
    if len(text) <= _WINDOW:
        return _quoted(text)
    start = max(0, min(offset - _BEFORE_FAULT, len(text) - _WINDOW))
    end = min(len(text), start + _WINDOW)
    return ("..." if start else "") + _quoted(text[start:end]) + ("..." if end < len(text) else "")


def shown(value: object) -> str:
    """Return a short text of a value for a message, however large the value is."""
    if isinstance(value, str):
        return excerpt(value)
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, int):
        return str(value) if value.bit_length() <= 128 else "an integer of more than 38 digits"
    if isinstance(value, float):
        return repr(value)
    return f"a value of type {type(value).__name__}"


def faulty(value: object) -> str:
    """Return what an error's part is for a value that is not of the kind that was expected."""
    return value[:_WINDOW] if isinstance(value, str) else shown(value)


def printable(text: str) -> str:
    """Return a text with what does not show as itself (control characters, turned writing) escaped, as Python does."""
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _quoted(text: str) -> str:
    return f'"{printable(text)}"'
