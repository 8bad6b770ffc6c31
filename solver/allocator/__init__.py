"""The allocator: a machine, what jobs hold of it, and the verbs; the one place where a state is committed.

`present` is what can be read of it, `allocator` are the verbs.
"""

from __future__ import annotations

from ..demand.request import Asked
from .allocator import Allocator, JobName, Log

__all__ = ["Allocator", "Asked", "JobName", "Log"]
