"""Exchanging canary's pool for ours, in this process; and the check that canary still is what it was.

canary offers no way to name a class for its pool: it calls `ResourcePool` by name, in the parent from what its hooks
return and in child processes from a snapshot of the configuration. So the name is bound to a subclass, in every module
of canary that has it. Child processes load canary's plugins before they need a pool, so ours does the same there.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import inspect
import sys
from collections.abc import Callable, Iterator
from functools import lru_cache
from types import ModuleType
from typing import Any

from .ctest_groups import grouping, telling
from .multi_node import MultiNodePool
from .setting import SECTION, SWITCH
from .single_node import SingleNodePool

KNOWN = "26.3.5 to 26.10.15"
"""The versions of canary-wm that this was tried with."""

PLUGIN = "exactfit"
"""The name of the plugin."""

_METHODS: dict[str, tuple[str, ...]] = {
    "accommodates": ("self", "request"),
    "checkout": ("self", "request", "kwds"),
    "clear": ("self",),
    "fill": ("self", "pool"),
    "getstate": ("self",),
}
_SINGLE = {**_METHODS, "__init__": ("self", "pool"), "checkin": ("self", "resources")}
_MULTI = {
    **_METHODS,
    "__init__": ("self", "pool", "allow_multinode"),
    "checkin": ("self", "allocation"),
    "get_node": ("self", "node_id"),
    "slots_by_node": ("self", "rtype"),
    "set_slots_per_resource": ("self", "rtype", "slots", "node_id"),
    "_resolve_type": ("self", "rtype"),
}
_NODE: dict[str, tuple[str, ...]] = {"_recompute_slots": ("self",)}
_NAMES = ("ResourcePool", "ResourceUnavailable", "EmptyResourcePoolError", "Outcome", "make_resource_pool")


class CanaryChangedError(RuntimeError):
    """The plugin does not know this canary."""

    def __init__(self, what: str) -> None:
        try:
            version = importlib.metadata.version("canary-wm")
        except importlib.metadata.PackageNotFoundError:
            version = "of unknown version"
        super().__init__(
            f"exactfit's pool does not go with this canary-wm ({version}; known are {KNOWN}): {what}. "
            f"canary runs with its own pool again after `canary -p no:{PLUGIN} ...`, and for good with "
            f"`{SECTION}: {{{SWITCH}: off}}` in its configuration"
        )


def switch_on() -> type[Any]:
    """Let canary use our pool in this process, if it does not yet, and return its class.

    Raises
    ------
    CanaryChangedError
        canary's internals are not as they were; nothing is changed then.
    """
    rpool = _module("_canary.resource_pool.rpool")
    bound = getattr(rpool, "ResourcePool", None)
    if isinstance(bound, type) and issubclass(bound, (SingleNodePool, MultiNodePool)):
        return bound
    ours = pool_class()
    _groups()
    for module in _holders(bound):
        module.ResourcePool = ours  # type: ignore[attr-defined]
    return ours


@lru_cache(maxsize=1)
def pool_class() -> type[Any]:
    """Return our subclass of canary's `ResourcePool`, which nothing uses yet.

    Raises
    ------
    CanaryChangedError
        canary's internals are not as they were.
    """
    rpool = _module("_canary.resource_pool.rpool")
    for name in _NAMES:
        if not hasattr(rpool, name):
            raise CanaryChangedError(f"{rpool.__name__} has no {name}")
    own = rpool.ResourcePool
    multi = hasattr(rpool, "NodeRequest")
    _check(own, _MULTI if multi else _SINGLE)
    if multi:
        _check(rpool.Node, _NODE)
    probe = own()
    for attribute in ("additional_properties", "nodes" if multi else "resources"):
        if not hasattr(probe, attribute):
            raise CanaryChangedError(f"a ResourcePool has no {attribute}")
    before: type[Any] = MultiNodePool if multi else SingleNodePool
    return type("ResourcePool", (before, own), {"canary": rpool, "__doc__": own.__doc__, "__module__": __name__})


def is_multi_node() -> bool:
    """Tell whether this canary's pools have nodes."""
    return hasattr(_module("_canary.resource_pool.rpool"), "NodeRequest")


def _check(owner: type[Any], methods: dict[str, tuple[str, ...]]) -> None:
    for name, expected in methods.items():
        method = getattr(owner, name, None)
        if method is None:
            raise CanaryChangedError(f"{owner.__name__} has no {name}")
        found = tuple(inspect.signature(method).parameters)
        if found != expected:
            raise CanaryChangedError(f"{owner.__name__}.{name} takes ({', '.join(found)}), not ({', '.join(expected)})")


def _groups() -> None:
    """Keep the resource groups of CTest together, from the request to the environment."""
    test = _test_class()
    ctest = _module("canary_cmake.ctest")
    for owner, name in ((test, "required_resources"), (ctest, "resource_groups_vars"), (ctest, "setup_ctest")):
        if not callable(getattr(owner, name, None)):
            raise CanaryChangedError(f"{owner.__name__} has no {name}")
    _wrap(test, "required_resources", grouping)
    _wrap(ctest, "resource_groups_vars", telling)


def _wrap(owner: Any, name: str, wrapper: Callable[[Any], Any]) -> None:
    setattr(owner, name, wrapper(getattr(owner, name)))


def _test_class() -> type[Any]:
    for module, name in (("_canary.core.job", "Job"), ("_canary.job", "Job"), ("_canary.testcase", "TestCase")):
        try:
            found = getattr(importlib.import_module(module), name, None)
        except ModuleNotFoundError:
            continue
        if isinstance(found, type):
            return found
    raise CanaryChangedError("there is no Job and no TestCase")


def _holders(own: Any) -> Iterator[ModuleType]:
    """Yield canary's modules in which the name stands for canary's class."""
    importlib.import_module("_canary.resource_pool")
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0].startswith(("_canary", "canary")) and vars(module).get("ResourcePool") is own:
            yield module


def _module(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise CanaryChangedError(f"{name} cannot be imported ({error})") from None
