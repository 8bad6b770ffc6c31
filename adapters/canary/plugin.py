"""The plugin: what canary calls, by the names of its hooks.

canary finds it by the entry point `exactfit`, and `canary -p no:exactfit` leaves it out. Nothing of canary changes
before canary calls a hook of it, and nothing but its messages where `setting` says that it keeps its own pool.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Generator, Mapping
from typing import Any

import pluggy

from .install import CanaryChangedError, is_multi_node, switch_on
from .layouts import KEY, absolute, instances, layout, named_in
from .setting import SECTION, SWITCH, declare, is_on

hookimpl = pluggy.HookimplMarker("canary")

SAID = (
    "tests get their resources from exactfit's pool, in the place of canary's own (to go back: "
    f"`{SECTION}: {{{SWITCH}: off}}` in canary's configuration, or canary -c {SECTION}:{SWITCH}:off)"
)
"""What every run says."""


@hookimpl
def canary_addhooks() -> None:
    """Make our section known before canary reads its configuration; where that fails, it is said a little later.

    Here nobody has read yet that the plugin may be left out.
    """
    declare()


@hookimpl
def canary_configure(config: Any) -> None:
    """Check canary, and exchange its pool, when its options are known and before it does anything."""
    if not declare():
        raise CanaryChangedError("its configuration takes no section of another's")
    if is_on(config):
        switch_on()


@hookimpl
def canary_runtests_start() -> None:
    """Say whose pool it is, in the output of the run."""
    if is_on():
        importlib.import_module("canary").get_logger(SECTION).info(SAID)


@hookimpl(optionalhook=True)
def canary_addconfig(config: Any) -> None:
    """Exchange the pool in a child process, which makes its pool from a snapshot and configures nothing."""
    manager = getattr(config, "resource_manager", None)
    if getattr(manager, "_snapshot_state", None) is not None and is_on(config):
        switch_on()


@hookimpl(tryfirst=True)
def canary_runteststart() -> None:
    """Exchange what tells CTest's groups their resources, in the process of the test."""
    if is_on():
        switch_on()


def _fill_nothing(config: Any) -> None:
    """Exchange the pool before canary makes one, where canary is used as a library."""
    if is_on(config):
        switch_on()


def _fill_single(config: Any, pool: dict[str, dict[str, Any]]) -> None:
    """Exchange the pool; take cpus and gpus from the topology that the pool file names, unless it lists them."""
    if not is_on(config):
        return
    switch_on()
    topology = named_in(config.getoption("resource_pool_file"))
    tree = layout(topology, os.uname().nodename)
    if tree is not None:
        pool["resources"].update(instances(tree))
        pool["additional_properties"][KEY] = topology


def _fill_single_empty(config: Any, pool: dict[str, dict[str, Any]]) -> Generator[None, Any, Any]:
    """Take those that the pool file lists as empty from the topology too: canary wants some type to be listed."""
    result = yield
    if not is_on(config):
        return result
    tree = layout(pool["additional_properties"].get(KEY), os.uname().nodename)
    if tree is not None:
        asked = config.getoption("resource_pool_mods") or {}
        for name, listed in instances(tree).items():
            if not pool["resources"].get(name) and name not in asked and name[:-1] not in asked:
                pool["resources"][name] = listed
    return result


def _update_multi(config: Any, pool: Any) -> None:
    """Take cpus and gpus of nodes from the topology that the pool file names, unless it lists them."""
    if not is_on(config):
        return
    properties: Mapping[str, Any] = pool.additional_properties
    for holder in (pool, *pool.nodes):
        if KEY in holder.additional_properties:
            holder.additional_properties[KEY] = absolute(holder.additional_properties[KEY], properties)
    for node in pool.nodes:
        tree = layout(node.additional_properties.get(KEY, properties.get(KEY)), node.id)
        if tree is None:
            continue
        for name, listed in instances(tree, properties=True).items():
            if not node.resources.get(name):
                node.set_resource(name, listed)


def _form() -> str:
    """Return which API this canary has; one that is not known is refused when canary starts, not here."""
    try:
        return "multi" if is_multi_node() else "single"
    except CanaryChangedError:
        return ""


# pluggy wants the very arguments that this canary's hooks have.
if _form() == "multi":
    canary_resource_pool_fill = hookimpl(tryfirst=True)(_fill_nothing)
    canary_resource_pool_update = hookimpl(_update_multi)
elif _form() == "single":
    canary_resource_pool_fill = hookimpl(_fill_single)  # type: ignore[assignment]  # the other form of the same hook
    exactfit_fill_empty = hookimpl(wrapper=True, specname="canary_resource_pool_fill")(_fill_single_empty)
