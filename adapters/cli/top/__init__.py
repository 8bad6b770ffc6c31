"""`exactfit top`: the machine that runs and its queue, in the terminal or as a page."""

from .command import top

__all__ = ["top"]
