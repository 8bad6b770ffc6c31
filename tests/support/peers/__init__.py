"""Flux's own pools beside ours on the same random sequences: who places what, and what the checker says to it."""

from .compare import Outcome, outcomes
from .sequences import Sequence, sequences

__all__ = ["Outcome", "Sequence", "outcomes", "sequences"]
