"""The two answers that are not a placement, as Flux's pool protocol names them."""

from __future__ import annotations


class InfeasibleRequest(OSError):
    """No placement exists even on the empty pool with every rank up: never.

    The message names what the request lacks, in the words of the request.
    """


class InsufficientResources(OSError):
    """No placement exists now, though one does on the empty pool: later.

    Also raised when the search was cut off before it found any placement; the message then says so.
    """
