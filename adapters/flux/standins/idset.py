"""Stands in for `flux.idset`: a mutable RFC 22 idset with the methods of Flux's `IDset`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from numbers import Integral

from ....grammar.idset import IdSet

IDSET_FLAG_BRACKETS = 2
IDSET_FLAG_RANGE = 4
IDSET_INVALID_ID = 2**32 - 2
"""What `IDset.first`, `IDset.last` and `IDset.next` return where there is no such id."""


class IDset:
    """A set of non-negative integers with RFC 22 text as its written form.

    Parameters
    ----------
    arg
        RFC 22 text, an id, an iterable of ids, or another idset, which is copied.
    flags
        How `str` writes the set: any of ``IDSET_FLAG_RANGE`` and ``IDSET_FLAG_BRACKETS``.

    Raises
    ------
    ValueError
        For text that is no idset, and for ids that are negative or above the greatest that RFC 22 sets hold.
    TypeError
        For an argument of another type.
    """

    __slots__ = ("_ids", "default_flags")
    __hash__ = None  # type: ignore[assignment]  # mutable, and compared by value

    def __init__(self, arg: IDset | str | int | Iterable[int] = "", flags: int = IDSET_FLAG_RANGE) -> None:
        self._ids = _ids_of(arg)
        self.default_flags = flags

    @classmethod
    def _wrap(cls, ids: IdSet) -> IDset:
        wrapped = cls.__new__(cls)
        wrapped._ids = ids
        wrapped.default_flags = IDSET_FLAG_RANGE
        return wrapped

    def __str__(self) -> str:
        return self.encode()

    def __repr__(self) -> str:
        return f"IDset('{self._ids}')"

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[int]:
        return iter(self._ids)

    def __contains__(self, i: object) -> bool:
        return self.test(i)

    def __getitem__(self, i: object) -> bool:
        return self.test(i)

    def __setitem__(self, i: int, value: bool | int) -> None:
        if not isinstance(value, bool) and (not isinstance(value, Integral) or value not in (0, 1)):
            raise TypeError(f"IDset: an id is set to a bool, 0 or 1, not to {value!r}")
        if value:
            self.set(i)
        else:
            self.clear(i)

    def __eq__(self, other: object) -> bool:
        return self.equal(other)

    def __add__(self, arg: IDset | str | int | Iterable[int]) -> IDset:
        return self.union(arg)

    __or__ = __add__

    def __sub__(self, arg: IDset | str | int | Iterable[int]) -> IDset:
        return self.difference(arg)

    def __and__(self, arg: IDset | str | int | Iterable[int]) -> IDset:
        return self.intersect(arg)

    def __iadd__(self, arg: IDset | str | int | Iterable[int]) -> IDset:
        return self.add(arg)

    __ior__ = __iadd__

    def __isub__(self, arg: IDset | str | int | Iterable[int]) -> IDset:
        return self.subtract(arg)

    def equal(self, other: object) -> bool:
        """Tell whether the other idset has the same ids; TypeError for anything that is no idset."""
        if not isinstance(other, IDset):
            raise TypeError(f"an IDset compares with an IDset only, not with {type(other).__name__}")
        return self._ids == other._ids

    def set_flags(self, flags: int) -> None:
        """Choose how `str` writes the set from here on."""
        self.default_flags = flags

    def test(self, i: object) -> bool:
        """Tell whether the id is in the set."""
        return _index(i) in self._ids

    def set(self, start: int, end: int | None = None) -> IDset:
        """Put an id, or every id from ``start`` to ``end``, into the set; return the set itself."""
        self._ids |= _span(start, end)
        return self

    def clear(self, start: int, end: int | None = None) -> IDset:
        """Take an id, or every id from ``start`` to ``end``, out of the set; return the set itself."""
        self._ids -= _span(start, end)
        return self

    def expand(self) -> list[int]:
        """Return the ids as a list, ascending."""
        return list(self._ids)

    def count(self) -> int:
        """Return how many ids there are."""
        return len(self._ids)

    def copy(self) -> IDset:
        """Return an independent copy."""
        return self._wrap(self._ids)

    def encode(self, flags: int | None = None) -> str:
        """Return the set as text, by default as the set's flags say."""
        flags = self.default_flags if flags is None else flags
        text = str(self._ids) if flags & IDSET_FLAG_RANGE else ",".join(map(str, self._ids))
        return f"[{text}]" if flags & IDSET_FLAG_BRACKETS and len(self._ids) > 1 else text

    def first(self) -> int:
        """Return the least id, ``IDSET_INVALID_ID`` where the set is empty."""
        return self._ids.first if self._ids else IDSET_INVALID_ID

    def last(self) -> int:
        """Return the greatest id, ``IDSET_INVALID_ID`` where the set is empty."""
        return self._ids.last if self._ids else IDSET_INVALID_ID

    def next(self, i: int) -> int:
        """Return the least id above ``i``, ``IDSET_INVALID_ID`` where there is none."""
        above = _index(i) + 1
        for low, high in self._ids.intervals:
            if high >= above:
                return max(low, above)
        return IDSET_INVALID_ID

    def add(self, arg: IDset | str | int | Iterable[int]) -> IDset:
        """Put all ids of the argument into the set; return the set itself."""
        self._ids |= _ids_of(arg)
        return self

    def subtract(self, arg: IDset | str | int | Iterable[int]) -> IDset:
        """Take all ids of the argument out of the set; return the set itself."""
        self._ids -= _ids_of(arg)
        return self

    def union(self, *args: IDset | str | int | Iterable[int]) -> IDset:
        """Return a new set of the ids in this set or in any argument."""
        ids = self._ids
        for arg in args:
            ids |= _ids_of(arg)
        return self._wrap(ids)

    def intersect(self, *args: IDset | str | int | Iterable[int]) -> IDset:
        """Return a new set of the ids in this set and in every argument."""
        ids = self._ids
        for arg in args:
            ids &= _ids_of(arg)
        return self._wrap(ids)

    def difference(self, *args: IDset | str | int | Iterable[int]) -> IDset:
        """Return a new set of the ids in this set and in no argument."""
        ids = self._ids
        for arg in args:
            ids -= _ids_of(arg)
        return self._wrap(ids)


def decode(string: str) -> IDset:
    """Return the idset that the text stands for."""
    return IDset(string)


def _ids_of(arg: IDset | str | int | Iterable[int]) -> IdSet:
    if isinstance(arg, IDset):
        return arg._ids
    if isinstance(arg, str):
        return IdSet.parse(arg)
    if isinstance(arg, Integral):
        return IdSet.parse(str(arg))
    if isinstance(arg, Iterable):
        ids = sorted(arg)
        if all(isinstance(i, Integral) for i in ids):
            return IdSet.of(ids)
        # As Flux has it: texts, such as the values of an RFC 31 constraint, are joined and read.
        return IdSet.parse(",".join(map(str, ids)))
    raise TypeError(f"IDset: expected RFC 22 text or an iterable of ids, got {type(arg).__name__}")


def _index(i: object) -> int:
    if not isinstance(i, Integral):
        raise TypeError(f"IDset: an id is an integer, not {type(i).__name__}")
    if i < 0:
        raise ValueError(f"IDset: an id is never negative, got {i}")
    return int(i)


def _span(start: int, end: int | None) -> IdSet:
    low = _index(start)
    high = low if end is None else _index(end)
    if high < low:
        raise ValueError(f"IDset: the range {low}-{high} runs backwards")
    return IdSet.parse(str(low) if low == high else f"{low}-{high}")
