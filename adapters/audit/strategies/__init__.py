"""What inputs look like: small machines, states and requests for property tests, all as JSON the way users write it.

Everything is small enough for `brute.best` to try all placements, and lopsided on purpose: domains of unequal size,
GPUs above the leaves, domains that R holds in part, ids that no domain lists, ranks that do not start at 0. They are
strategies of hypothesis, which the extra `audit` brings.
"""

from .cases import Case, cases, constraints, core_and_gpu_cases, link_cases, memory_cases, policies
from .listed import Json, group_levels_of, group_stock_of, levels_of, resources_of, stock_of
from .machines import Draw, groups, machines, text, topos
from .requests import (
    contents,
    core_and_gpu_requests,
    counts,
    full_requests,
    gpu_requests,
    memory_requests,
    simple_requests,
    vertex,
)
from .states import allocated, states

__all__ = [
    "Case",
    "Draw",
    "Json",
    "allocated",
    "cases",
    "constraints",
    "contents",
    "core_and_gpu_cases",
    "core_and_gpu_requests",
    "counts",
    "full_requests",
    "gpu_requests",
    "group_levels_of",
    "group_stock_of",
    "groups",
    "levels_of",
    "link_cases",
    "machines",
    "memory_cases",
    "memory_requests",
    "policies",
    "resources_of",
    "simple_requests",
    "states",
    "stock_of",
    "text",
    "topos",
    "vertex",
]
