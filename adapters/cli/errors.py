"""Wrong input, as the command line reports it."""

from __future__ import annotations


class InputError(Exception):
    """Something that the user gave cannot be used: one line that says what and where, and exit status 2."""
