"""Flux pool classes with faults, for the audit to find out: exactfit's own, each broken in one verb, or in all."""

from __future__ import annotations

from typing import Any

from exactfit.adapters.flux import ExactPool
from exactfit.adapters.flux.upstream import InsufficientResources


class Forgetful(ExactPool):
    """It forgets a partial free, ignores that ranks are down, and raises what nobody knows for GPUs."""

    def free(self, jobid: int, R: Any = None, final: bool = False) -> None:
        if R is None or final:
            super().free(jobid, R, final)

    def mark_down(self, ids: str) -> None:
        pass

    def alloc(self, jobid: int, request: Any) -> Any:
        given = super().alloc(jobid, request)
        if '"gpu":' in given.encode():
            super().free(jobid)
            raise KeyError("gpu")
        return given


class Choosy(ExactPool):
    """It refuses for now whatever would take three cores of a rank, and is not the same after a copy."""

    def alloc(self, jobid: int, request: Any) -> Any:
        given = super().alloc(jobid, request)
        if "0-2" in given.encode():
            super().free(jobid)
            raise InsufficientResources("three is a crowd")
        return given

    def copy(self) -> Any:
        return self
