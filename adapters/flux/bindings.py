"""Makes `flux.resource` importable: Flux's own modules, over its C libraries or, where those are missing, over ours.

A pool class is a subclass of Flux's, so Flux's Python modules must be there. Two cases:

- libflux-core is installed (inside Flux, and wherever Flux is): the bindings are used as they are.
- It is not, but the flux-python wheel is: the wheel's pools and their base classes are pure Python above
  `flux.idset`, `flux.hostlist` and `flux.job`. A bare ``flux`` package that finds its modules in the wheel is put into
  `sys.modules`, with `exactfit.adapters.flux.standins` in place of those three.

Neither there: ImportError that says what to install.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from .standins import hostlist, idset, jobid

_POOLS = {
    "Rv1Set": ("Rv1Set",),
    "ResourceSet": ("ResourceSet",),
    "ResourceCount": ("ResourceCount",),
    "ResourcePoolImplementation": ("InsufficientResources", "InfeasibleRequest"),
    "Rv1Pool": ("Rv1Pool",),
    "ResourcePool": ("ResourcePool",),
}
"""The modules of `flux.resource` that are pure Python, in the order of their imports, and what the package offers."""

_ADVICE = (
    "exactfit.adapters.flux needs Flux's Python modules, 0.88 or later: run it with Flux's own Python (flux python), "
    "or, for work without Flux, pip install 'exactfit[flux]'"
)


def load() -> bool:
    """Make Flux's pools importable, unless they are already.

    Returns
    -------
    bool
        Whether Flux's own C libraries are underneath.

    Raises
    ------
    ImportError
        When neither Flux nor the flux-python wheel is there, or it is too old to have pools.
    """
    if isinstance(sys.modules.get("flux.idset"), _StandIn):
        return False
    before = set(sys.modules)
    try:
        _import_pools()
    except ImportError as failure:
        if "flux" in sys.modules:
            raise ImportError(f"{_ADVICE} ({failure})", name="flux") from failure
        # What a failed import of the C libraries leaves behind would hide the modules that take their place.
        for name in set(sys.modules) - before:
            if name.startswith("flux."):
                del sys.modules[name]
        _load_over_standins(failure)
        return False
    return True


def _import_pools() -> None:
    import_module("flux")
    import_module("flux.resource")
    for module in _POOLS:
        import_module(f"flux.resource.{module}")


def _load_over_standins(failure: ImportError) -> None:
    spec = find_spec("flux")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    if not folders:
        raise ImportError(f"{_ADVICE} ({failure})", name="flux") from failure
    made: dict[str, ModuleType] = {
        "flux": _StandIn("flux", folders),
        "flux.resource": _StandIn("flux.resource", [str(Path(folder, "resource")) for folder in folders]),
        "flux.idset": _StandIn("flux.idset", offering=idset),
        "flux.hostlist": _StandIn("flux.hostlist", offering=hostlist),
        "flux.job": _StandIn("flux.job", offering=jobid),
    }
    sys.modules.update(made)
    for name, module in made.items():
        package, _, own = name.rpartition(".")
        if package:
            setattr(made[package], own, module)
    try:
        for name, offered in _POOLS.items():
            module = import_module(f"flux.resource.{name}")
            for attribute in offered:
                setattr(made["flux.resource"], attribute, getattr(module, attribute))
    except (ImportError, AttributeError) as fault:
        for name in [name for name in sys.modules if name == "flux" or name.startswith("flux.")]:
            del sys.modules[name]
        raise ImportError(f"{_ADVICE} ({fault})", name="flux") from fault


class _StandIn(ModuleType):
    """A module of Flux without its C library: a package that finds its modules in the wheel, or one of ours."""

    def __init__(self, name: str, folders: list[str] | None = None, offering: ModuleType | None = None) -> None:
        super().__init__(name, f"{name}, without libflux-core: what Flux's pools need of it.")
        spec = ModuleSpec(name, None, is_package=folders is not None)
        spec.submodule_search_locations = folders
        self.__spec__ = spec
        if folders is not None:
            self.__path__ = folders
        if offering is not None:
            public = {key: value for key, value in vars(offering).items() if not key.startswith("_")}
            self.__dict__.update(public)

    def __getattr__(self, name: str) -> object:
        """Say why an attribute is missing that Flux's documentation knows."""
        raise AttributeError(f"{self.__name__}.{name} needs libflux-core, which this Python does not find")
