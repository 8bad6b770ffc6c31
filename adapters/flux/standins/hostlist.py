"""Stands in for `flux.hostlist`: a mutable RFC 29 host list with the methods of Flux's `Hostlist`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from numbers import Integral
from typing import overload

from ....grammar.hostlist import Hostlist as Hosts

_NUMBERED = re.compile(r"(.*?)([0-9]*)", re.DOTALL)


class Hostlist:
    """A list of host names with RFC 29 text as its written form; order and repeats are kept.

    Parameters
    ----------
    arg
        RFC 29 text, or an iterable of such texts.

    Raises
    ------
    ValueError
        For text that is no host list.
    TypeError
        For an argument that is neither text nor an iterable of texts.
    """

    __slots__ = ("_hosts",)

    def __init__(self, arg: str | Iterable[str] = "") -> None:
        self._hosts = _hosts_of(arg)

    @classmethod
    def _wrap(cls, hosts: Hosts) -> Hostlist:
        wrapped = cls.__new__(cls)
        wrapped._hosts = hosts
        return wrapped

    def __str__(self) -> str:
        return self.encode()

    def __repr__(self) -> str:
        return f"Hostlist('{self}')"

    def __len__(self) -> int:
        return len(self._hosts)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice | Iterable[int]) -> Hostlist: ...
    def __getitem__(self, index: int | slice | Iterable[int]) -> str | Hostlist:
        if isinstance(index, Integral):
            return self._hosts[int(index)]
        if isinstance(index, slice):
            return self._wrap(self._hosts[index])
        if isinstance(index, Iterable) and not isinstance(index, str):
            return self._wrap(Hosts.of(self._hosts[_place(place)] for place in index))
        raise TypeError(f"Hostlist: an index is an integer, a slice or an iterable of integers, not {index!r}")

    def __iter__(self) -> Iterator[str]:
        return iter(self._hosts)

    def __contains__(self, name: object) -> bool:
        return name in self._hosts

    def encode(self) -> str:
        """Return the list as RFC 29 text."""
        return str(self._hosts)

    def count(self) -> int:
        """Return how many hosts there are, repeats included."""
        return len(self._hosts)

    def append(self, *args: str | Iterable[str]) -> int:
        """Put the hosts of each argument at the end; return how many those are."""
        before = len(self._hosts)
        added = [run for arg in args for run in _hosts_of(arg).runs]
        self._hosts = Hosts([*self._hosts.runs, *added])
        return len(self._hosts) - before

    def delete(self, hosts: str | Hostlist) -> int:
        """Take out the first occurrence of each host; return how many were taken out."""
        doomed = Counter(_hosts_of(hosts))
        kept = []
        for name in self._hosts:
            if doomed[name]:
                doomed[name] -= 1
            else:
                kept.append(name)
        deleted = len(self._hosts) - len(kept)
        self._hosts = Hosts.of(kept)
        return deleted

    def sort(self) -> Hostlist:
        """Sort by name, numbers at the end of names by value; return the list itself."""
        self._hosts = Hosts.of(sorted(self._hosts, key=_order))
        return self

    def uniq(self) -> Hostlist:
        """Sort, and keep one of each host; return the list itself."""
        self._hosts = Hosts.of(sorted(set(self._hosts), key=_order))
        return self

    def expand(self) -> list[str]:
        """Return the hosts as a list of names."""
        return list(self._hosts)

    def copy(self) -> Hostlist:
        """Return an independent copy."""
        return self._wrap(self._hosts)

    def find(self, host: str) -> int:
        """Return the first place of a host; FileNotFoundError where it is not in the list."""
        try:
            return self._hosts.index(host)
        except ValueError:
            raise FileNotFoundError(f"host '{host}' is not in the list") from None

    def index(self, hosts: str | Iterable[str], ignore_nomatch: bool = False) -> list[int]:
        """Return the places of several hosts; FileNotFoundError for missing ones, unless they are to be ignored."""
        places: dict[str, int] = {}
        for place, name in enumerate(self._hosts):
            places.setdefault(name, place)
        wanted = list(_hosts_of(hosts))
        missing = Hosts.of(name for name in wanted if name not in places)
        if missing and not ignore_nomatch:
            raise FileNotFoundError(f"not in the list: {missing}")
        return [places[name] for name in wanted if name in places]


def decode(arg: str | Iterable[str]) -> Hostlist:
    """Return the host list that the text, or the iterable of texts, stands for."""
    return Hostlist(arg)


def _hosts_of(arg: str | Iterable[str]) -> Hosts:
    if isinstance(arg, Hostlist):
        return arg._hosts
    if isinstance(arg, str):
        return Hosts.parse(arg)
    if not isinstance(arg, Iterable):
        raise TypeError(f"Hostlist: expected RFC 29 text or an iterable of it, got {type(arg).__name__}")
    texts = list(arg)
    for text in texts:
        if not isinstance(text, str):
            raise TypeError(f"Hostlist: expected RFC 29 text in the iterable, got {type(text).__name__}")
    return Hosts(run for text in texts for run in Hosts.parse(text).runs)


def _place(index: object) -> int:
    if not isinstance(index, Integral):
        raise TypeError(f"Hostlist: an index is an integer, not {index!r}")
    return int(index)


def _order(name: str) -> tuple[str, int, int]:
    parts = _NUMBERED.fullmatch(name)
    prefix, digits = (parts[1], parts[2]) if parts else (name, "")
    padded = len(digits) if digits.startswith("0") and len(digits) > 1 else 0
    return prefix, padded, int(digits or -1)
