"""CTest's resource groups under canary.

CTest asks for ``gpus:4`` on one GPU. canary adds all groups of a test up and asks for single slots, which may come from
anywhere, and deals them out to the groups afterwards, which then may fail. Here a group's requirement stays one item
that is not torn, and every group is told what was taken for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

Item = dict[str, Any]
Groups = Sequence[Sequence[Mapping[str, Any]]]


def grouped_items(items: Sequence[Item], groups: Groups) -> list[Item]:
    """Return a test's items with those of its groups in place of single slots.

    Parameters
    ----------
    items
        As canary has them: a slot each.
    groups
        The test's resource groups, each a list of ``{"type": ..., "slots": ...}``.

    Notes
    -----
    Types of which the test asks for another number than its groups (by a parameter of its own) stay as they are.
    """
    wanted = {name: [p["slots"] for p in _of_type(groups, name)] for name in {item["type"] for item in items}}
    total = {name: sum(item["slots"] for item in items if item["type"] == name) for name in wanted}
    replaced = []
    done = set()
    for item in items:
        name = item["type"]
        if not wanted[name] or sum(wanted[name]) != total[name]:
            replaced.append(item)
        elif name not in done:
            done.add(name)
            replaced += [{"type": name, "slots": slots, "whole": True} for slots in wanted[name]]
    return replaced


def group_variables(groups: Groups, resources: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, str] | None:
    """Return the environment that CTest gives to a test with resource groups.

    Parameters
    ----------
    resources
        What the test got, in the order in which `grouped_items` asked for it.

    Returns
    -------
    dict[str, str] | None
        None when it got something else.
    """
    entries = {name: iter(got) for name, got in resources.items()}
    for name, got in resources.items():
        wanted = [requirement["slots"] for requirement in _of_type(groups, name)]
        if wanted and wanted != [entry["slots"] for entry in got]:
            return None
    variables = {"CTEST_RESOURCE_GROUP_COUNT": str(len(groups))}
    for number, group in enumerate(groups):
        prefix = f"CTEST_RESOURCE_GROUP_{number}"
        types = sorted({requirement["type"] for requirement in group})
        variables[prefix] = ",".join(types)
        for name in types:
            if name not in entries:
                continue
            taken = [next(entries[name]) for _ in _of_type([group], name)]
            variables[f"{prefix}_{name.upper()}"] = ";".join(f"id:{_plain(e['id'])},slots:{e['slots']}" for e in taken)
    return variables


def grouping(required: Callable[[Any], list[Any]]) -> Callable[[Any], list[Any]]:
    """Return canary's `required_resources` of a test, with groups kept together."""

    def required_resources(self: Any) -> list[Any]:
        request = required(self)
        groups = self.spec.attributes.get("resource_groups")
        if not groups or not request:
            return request
        if all(isinstance(item, dict) for item in request):
            return grouped_items(request, groups)
        if len(request) == 1:
            request[0].resources[:] = grouped_items(request[0].resources, groups)
        return request

    required_resources.__doc__ = required.__doc__
    return required_resources


def telling(variables: Callable[[Any], dict[str, str]]) -> Callable[[Any], dict[str, str]]:
    """Return canary's `resource_groups_vars`, which tells every group what was taken for it."""

    def resource_groups_vars(test: Any) -> dict[str, str]:
        groups = test.spec.attributes.get("resource_groups")
        found = group_variables(groups, test.resources) if groups else None
        return variables(test) if found is None else found

    resource_groups_vars.__doc__ = variables.__doc__
    return resource_groups_vars


def _of_type(groups: Groups, name: str) -> Iterable[Mapping[str, Any]]:
    return (requirement for group in groups for requirement in group if requirement["type"] == name)


def _plain(name: str) -> str:
    """Return an id without the vendor that canary puts before those of GPUs."""
    return name.split(":")[1] if name.startswith(("NVIDIA:", "AMD:")) else name
