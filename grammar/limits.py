"""Bounds on what the grammars accept, so that hostile text is refused before it costs anything.

RFC 14, 22, 29, 31, 35, 45 and 46 set none of these; each is far beyond what a real machine or job needs.
"""

from __future__ import annotations

from typing import Final

MAX_ID: Final = 2**31 - 1
"""The largest id in an RFC 22 idset; Flux keeps ids in 32 bits."""

MAX_MASK_ID: Final = 2**24
"""The largest id that is turned into a bit of a mask (a mask of 2 MiB)."""

MAX_COUNT: Final = 2**53 - 1
"""The largest RFC 14 count: the largest integer that every JSON reader keeps, 8 PiB counted in bytes."""

MAX_DURATION: Final = 2**62
"""The longest duration of a job in seconds: added to any time of today it still is a time that an R can hold."""

MAX_HOSTS: Final = 2**24
"""The largest number of hosts in one RFC 29 hostlist."""

MAX_SPELLED_HOSTS: Final = 2**17
"""The largest number of hosts in one RFC 29 hostlist that can only be kept as single names."""

MAX_TOKENS: Final = 2**13
"""The largest number of words and signs in the text of a shape, a query or a constraint."""

MAX_DEPTH: Final = 100
"""The deepest nesting of brackets, vertices and constraint operators."""
