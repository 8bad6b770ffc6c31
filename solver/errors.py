"""The two answers that are not a placement, as Flux's pool protocol names them."""

from __future__ import annotations

from collections.abc import Callable

from ..grammar.errors import printable


class InfeasibleRequest(OSError):
    """No placement exists even on the empty pool with every rank up: never.

    The message names what the request lacks, in the words of the request.
    """

    def __str__(self) -> str:
        return printable(super().__str__())


class InsufficientResources(OSError):
    """No placement exists now, though one does on the empty pool: later.

    Also raised when the search was cut off before it found any placement; the message then says so.

    Parameters
    ----------
    reason
        The message, or what makes it when it is read: a scheduler that tries every few milliseconds never reads it.
    proven
        Whether it is known that nothing fits now; not so where the search was cut off, or failed.
    """

    def __init__(self, reason: str | Callable[[], str] = "", *, proven: bool = True) -> None:
        super().__init__()
        self.proven = proven
        self._reason = reason

    def __str__(self) -> str:
        if not isinstance(self._reason, str):
            self._reason = self._reason()
        return printable(self._reason)
