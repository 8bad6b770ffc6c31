"""Putting our pool in the place of canary's, and saying so when canary is not what it was."""

from __future__ import annotations

import importlib
import subprocess
import sys
from typing import Any

import pytest

from exactfit.adapters.canary import install, setting

SWITCHED = """\
from exactfit.adapters.canary.install import switch_on
import _canary.resource_pool as package, _canary.resource_pool.rpool as rpool
from canary_cmake import ctest
own, told = rpool.ResourcePool, ctest.resource_groups_vars
assert own.__mro__[1] is object
ours = switch_on()
assert switch_on() is ours is rpool.ResourcePool is package.ResourcePool
assert issubclass(ours, own) and ours is not own
once = ctest.resource_groups_vars
switch_on()
assert ctest.resource_groups_vars is once is not told
"""

BEFORE = """\
import _canary.resource_pool.rpool as rpool
own = rpool.ResourcePool
import exactfit.adapters.canary.plugin
assert rpool.ResourcePool is own
"""


@pytest.mark.parametrize("program", [SWITCHED, BEFORE], ids=["switched-once", "not-by-import-alone"])
def test_what_is_exchanged(program: str) -> None:
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


@pytest.fixture
def changed(rpool: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return what makes canary another than the plugin knows."""
    install.pool_class.cache_clear()

    def change(owner: str, name: str, value: Any) -> None:
        target = rpool if owner == "module" else rpool.ResourcePool
        if value is None:
            monkeypatch.delattr(target, name)
        else:
            monkeypatch.setattr(target, name, value)

    yield change
    monkeypatch.undo()
    install.pool_class.cache_clear()


@pytest.mark.parametrize(
    ("owner", "name", "value", "said"),
    [
        ("module", "Outcome", None, "has no Outcome"),
        ("class", "checkin", None, "ResourcePool has no checkin"),
        ("class", "checkout", lambda self, job: (self, job), "ResourcePool.checkout takes"),
    ],
)
def test_a_changed_canary_is_refused(changed: Any, rpool: Any, owner: str, name: str, value: Any, said: str) -> None:
    own = rpool.ResourcePool
    changed(owner, name, value)
    with pytest.raises(install.CanaryChangedError, match=said) as caught:
        install.switch_on()
    assert "-p no:exactfit" in str(caught.value)
    assert rpool.ResourcePool is own


def test_a_canary_without_a_pool_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(name: str) -> Any:
        raise ModuleNotFoundError(f"No module named {name!r}")

    monkeypatch.setattr(importlib, "import_module", gone)
    with pytest.raises(install.CanaryChangedError, match="cannot be imported"):
        install.is_multi_node()


class Configuration:
    """What is asked of canary's, with one section."""

    def __init__(self, **sections: Any) -> None:
        self.data = sections

    def get(self, path: str) -> Any:
        return self.data.get(path, {})


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        (None, True),
        ({}, True),
        ({"pool": True}, True),
        ({"pool": "on"}, True),
        ({"pool": "Yes"}, True),
        ({"pool": 1}, True),
        ({"pool": False}, False),
        ({"pool": "off"}, False),
        ({"pool": "False"}, False),
        ({"pool": 0}, False),
    ],
)
def test_the_switch(section: Any, expected: bool) -> None:
    assert setting.is_on(Configuration(exactfit=section)) is expected


@pytest.mark.parametrize(
    ("section", "said"),
    [
        (False, "exactfit: False, where pool: on or pool: off is expected"),
        ("off", "exactfit: 'off', where pool: on or pool: off is expected"),
        ({"pool": "perhaps"}, "exactfit:pool: 'perhaps', not on or off"),
        ({"pool": None}, "exactfit:pool: None, not on or off"),
        ({"pool": 2}, "exactfit:pool: 2, not on or off"),
        ({"pool": ["off"]}, "exactfit:pool: \\['off'\\], not on or off"),
        ({"pol": "off"}, "exactfit:pol: not known; exactfit has pool, and no more"),
    ],
)
def test_a_switch_that_is_none_is_refused(section: Any, said: str) -> None:
    with pytest.raises(ValueError, match=f"canary's configuration: {said}"):
        setting.is_on(Configuration(exactfit=section))


def test_a_canary_without_sections_is_refused_when_it_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    from exactfit.adapters.canary import plugin

    monkeypatch.delattr("_canary.config.schemas.config_schema")
    plugin.canary_addhooks()  # at which nobody can leave the plugin out yet
    with pytest.raises(install.CanaryChangedError, match="its configuration takes no section"):
        plugin.canary_configure(Configuration())
