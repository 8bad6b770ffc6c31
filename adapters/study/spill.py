"""Rows of numbers of which no more than a block is in memory: the rest is in a temporary file that has no name.

A million jobs are read in order, once or twice, and nobody needs them all at hand.
"""

from __future__ import annotations

import os
import tempfile
import zlib
from array import array
from base64 import b64decode, b64encode
from collections.abc import Iterator
from typing import IO

import numpy as np
from numpy.typing import NDArray

BLOCK = 8192
"""Rows that are in memory."""
_BYTES = 8
_PIECE = 1 << 16
"""Characters of packed rows that are unpacked at a time: whole groups of four, as base 64 has them."""
_DIGITS = 16
"""Bits of a number that are sorted by at a time."""
_PARTS = 1 << _DIGITS


class Rows:
    """Rows of a fixed number of floats, written one after the other and read by blocks.

    Parameters
    ----------
    width
        Numbers in a row. Whole numbers come back exactly up to 2**53.
    """

    def __init__(self, width: int) -> None:
        self._width = width
        self._last = array("d")
        self._file: IO[bytes] | None = None
        self._written = 0

    def __len__(self) -> int:
        return self._written + len(self._last) // self._width

    def add(self, *row: float) -> None:
        """Add a row."""
        self._last.extend(row)
        if len(self._last) >= BLOCK * self._width:
            self._spill()

    def _spill(self) -> None:
        """Write a block to the file."""
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 (it lives as long as the rows)
        self._file.write(self._last[: BLOCK * self._width].tobytes())
        self._written += BLOCK
        del self._last[: BLOCK * self._width]

    def packed(self) -> str:
        """Return all rows as text: one value that travels well, of some twenty bytes for a job."""
        packing = zlib.compressobj(1)
        parts = [packing.compress(block.tobytes()) for block in self.blocks()]
        return b64encode(b"".join([*parts, packing.flush()])).decode("ascii")

    @classmethod
    def unpacked(cls, width: int, text: str) -> Rows:
        """Return the rows of a text that `packed` made."""
        found, unpacking, rest = cls(width), zlib.decompressobj(), b""
        for begin in range(0, len(text), _PIECE):
            rest += unpacking.decompress(b64decode(text[begin : begin + _PIECE]))
            whole = len(rest) - len(rest) % _BYTES
            found._last.frombytes(rest[:whole])
            rest = rest[whole:]
            while len(found._last) >= BLOCK * width:
                found._spill()
        return found

    def blocks(self) -> Iterator[NDArray[np.float64]]:
        """Yield the rows in their order, as arrays of rows and columns."""
        if self._file is not None:
            self._file.flush()
            size = BLOCK * self._width * _BYTES
            for place in range(self._written // BLOCK):
                yield np.frombuffer(os.pread(self._file.fileno(), size, place * size)).reshape(-1, self._width)
        if self._last:
            yield np.frombuffer(self._last.tobytes()).reshape(-1, self._width)

    def row(self, place: int) -> list[float]:
        """Return one row, counted from 0. IndexError beyond the last."""
        if not 0 <= place < len(self):
            raise IndexError(place)
        if place >= self._written:
            begin = (place - self._written) * self._width
            return list(self._last[begin : begin + self._width])
        assert self._file is not None
        self._file.flush()
        size = self._width * _BYTES
        return list(array("d", os.pread(self._file.fileno(), size, place * size)))


class Numbers:
    """Numbers one after the other, of which the mean, the largest and any percentile are exact."""

    def __init__(self) -> None:
        self._rows = Rows(1)

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[float]:
        for block in self._rows.blocks():
            yield from block[:, 0].tolist()

    def append(self, value: float) -> None:
        """Add a number."""
        self._rows.add(value)

    def smallest(self, place: int) -> float:
        """Return the number of a place, from 0, in their order by size.

        The bits of a float, as whole numbers, are in the order of the floats; so they are counted digit by digit, each
        time those alone that begin as the one that is looked for.
        """
        begin = np.uint64(0)
        for shift in range(64 - _DIGITS, -1, -_DIGITS):
            counts = np.zeros(_PARTS, dtype=np.int64)
            for block in self._rows.blocks():
                keys = _keys(block[:, 0])
                if shift < 64 - _DIGITS:
                    above = np.uint64(shift + _DIGITS)
                    keys = keys[keys >> above == begin >> above]
                digits = (keys >> np.uint64(shift)) & np.uint64(_PARTS - 1)
                counts += np.bincount(digits.astype(np.int64), minlength=_PARTS)
            upto = np.cumsum(counts)
            digit = int(np.searchsorted(upto, place, side="right"))
            place -= int(upto[digit - 1]) if digit else 0
            begin |= np.uint64(digit << shift)
        return float(_values(begin))


_SIGN = np.uint64(1 << 63)


def _keys(values: NDArray[np.float64]) -> NDArray[np.uint64]:
    """Return whole numbers in the order of the floats: negative ones have all their bits turned, others their first."""
    bits = np.ascontiguousarray(values).view(np.uint64)
    return np.where(bits & _SIGN, ~bits, bits | _SIGN)


def _values(key: np.uint64) -> np.float64:
    bits = key & ~_SIGN if key & _SIGN else ~key
    return np.uint64(bits).view(np.float64)
