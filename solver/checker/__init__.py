"""The checker: judges any allocator's answer by SPEC alone, with no code of the solver."""

from .judge import Checker, Verdict, check

__all__ = ["Checker", "Verdict", "check"]
