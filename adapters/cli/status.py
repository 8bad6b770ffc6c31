"""How the program ends, for whoever called it."""

from __future__ import annotations

from typing import Final

DONE: Final = 0
NO: Final = 1
"""The answer is no: not placed, does not fit, not legal."""
WRONG_INPUT: Final = 2
OWN_FAULT: Final = 3
NO_ANSWER: Final = 3
"""Of the system that was asked."""
INTERRUPTED: Final = 130

OF_NO: Final = {
    "place": "a job was not placed",
    "explain": "a job does not fit now, or never",
    "check": "the placement is illegal",
    "audit": "the allocator has a fault",
    "verify": "a certificate is false",
}
"""What a command means by it; the others never end so."""

_OTHERS: Final = (
    "2 wrong input, or what cannot be read or written; 3 a fault of exactfit itself, or a system that "
    "does not answer; 130 interrupted (Ctrl-C)."
)


def statuses(command: str = "") -> str:
    """Return what is said of the exit status of a command, of all of them by default."""
    told = OF_NO.get(command) if command else "; ".join(f"{what} ({name})" for name, what in OF_NO.items())
    no = f"1 {told}; " if told else ""
    return f"Exit status: 0 done; {no}{_OTHERS}"
