"""The machine as it would be: what a study changes of it, to be compared with what it is."""

from __future__ import annotations

from dataclasses import dataclass

AS_IT_IS = ""
"""What the machine is called that is not changed."""


@dataclass(frozen=True, slots=True)
class Altered:
    """What is different of the machine.

    Attributes
    ----------
    with_nodes
        So many nodes more.
    amount
        ``LEVEL NAME=AMOUNT``: so much of an amount in every domain or group of a level; nothing for what there is.
    without
        A group, ranks or hosts that are not there; nothing for none.
    """

    with_nodes: int = 0
    amount: str = ""
    without: str = ""

    @property
    def words(self) -> str:
        """What is different, in words; nothing where nothing is."""
        more = f"{self.with_nodes} node{'s' * (self.with_nodes > 1)} more" if self.with_nodes else ""
        less = lacking(self.without) if self.without else ""
        return ", ".join(filter(None, (less, self.amount, more)))


def lacking(nodes: str) -> str:
    """Return that a group, ranks or hosts are not there, in words."""
    ranks = ("rank " if nodes.isdecimal() else "ranks ") if nodes[:1].isdecimal() else ""
    return f"without {ranks}{nodes}"


def called(words: str) -> str:
    """Return what a machine is called, as it is or as it would be."""
    return words or "as it is"
