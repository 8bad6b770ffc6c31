"""Stands in for `flux.job`: the RFC 19 job id with the encodings that need no word or emoji table."""

from __future__ import annotations

import re

_F58_DIGITS = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_F58_VALUES = {digit: value for value, digit in enumerate(_F58_DIGITS)}
_F58_LENGTH = 12
_MAX_ID = 2**64 - 1
_DOTHEX = re.compile(r"([0-9a-fA-F]{1,4})\.([0-9a-fA-F]{1,4})\.([0-9a-fA-F]{1,4})\.([0-9a-fA-F]{1,4})")


def id_parse(jobid_str: str) -> int:
    """Return the integer that a job id's text stands for: decimal, 0x hex, dotted hex, KVS path or F58.

    Raises
    ------
    ValueError
        For other text, the mnemonic and emoji encodings included.
    """
    text = jobid_str.strip()
    dotted = _DOTHEX.fullmatch(text.removeprefix("job."))
    if dotted:
        return int("".join(part.zfill(4) for part in dotted.groups()), 16)
    if text[:1] in ("ƒ", "f") and 1 < len(text) <= _F58_LENGTH and all(digit in _F58_VALUES for digit in text[1:]):
        value = 0
        for digit in text[1:]:
            value = value * 58 + _F58_VALUES[digit]
    elif re.fullmatch(r"0x[0-9a-fA-F]{1,16}", text):
        value = int(text, 16)
    elif re.fullmatch(r"[0-9]{1,20}", text):
        value = int(text)
    else:
        raise ValueError(f"{jobid_str} is not a valid Flux jobid")
    if value > _MAX_ID:
        raise ValueError(f"{jobid_str} is not a valid Flux jobid")
    return value


def id_encode(jobid: int, encoding: str = "f58") -> str:
    """Return a job id as text.

    Parameters
    ----------
    encoding
        ``f58`` (default), ``f58plain``, ``dec``, ``hex``, ``dothex`` or ``kvs``.

    Raises
    ------
    ValueError
        For another encoding; ``words`` and ``emoji`` take libflux-core.
    """
    value = int(jobid)
    if encoding in ("f58", "f58plain"):
        digits = ""
        rest = value
        while rest:
            rest, digit = divmod(rest, 58)
            digits = _F58_DIGITS[digit] + digits
        return ("ƒ" if encoding == "f58" else "f") + (digits or _F58_DIGITS[0])
    if encoding == "dec":
        return str(value)
    if encoding == "hex":
        return hex(value)
    if encoding in ("dothex", "kvs"):
        digits = f"{value:016x}"
        dothex = ".".join(digits[i : i + 4] for i in range(0, 16, 4))
        return f"job.{dothex}" if encoding == "kvs" else dothex
    raise ValueError(f"no encoding of job ids is called {encoding!r} here")


class JobID(int):
    """A job id: an integer that knows its RFC 19 encodings.

    Parameters
    ----------
    value
        An integer, or text in any encoding that `id_parse` reads.

    Attributes
    ----------
    orig_str
        What it was made from, as text.
    """

    orig_str: str

    def __new__(cls, value: int | str) -> JobID:
        """Read the value, which for text is where a ValueError may come from."""
        made = super().__new__(cls, id_parse(value) if isinstance(value, str) else int(value))
        made.orig_str = value.orig_str if isinstance(value, JobID) else str(value)
        return made

    def encode(self, encoding: str = "dec") -> str:
        """Return the id in one of the encodings of `id_encode`."""
        return id_encode(self, encoding)

    @property
    def dec(self) -> str:
        """The id in decimal."""
        return self.encode("dec")

    @property
    def f58(self) -> str:
        """The id in F58."""
        return self.encode("f58")

    @property
    def f58plain(self) -> str:
        """The id in F58 with an ASCII prefix."""
        return self.encode("f58plain")

    @property
    def hex(self) -> str:
        """The id in hexadecimal."""
        return self.encode("hex")

    @property
    def dothex(self) -> str:
        """The id in dotted hexadecimal."""
        return self.encode("dothex")

    @property
    def kvs(self) -> str:
        """The id as a KVS directory."""
        return self.encode("kvs")

    @property
    def orig(self) -> str:
        """What the id was made from, as text."""
        return self.orig_str

    def __str__(self) -> str:
        return self.f58

    def __repr__(self) -> str:
        return f"JobID({self.dec})"
