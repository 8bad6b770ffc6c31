"""What is audited, by name: a pool class of Flux's, or an `Allocator`."""

from __future__ import annotations

import re
from importlib import import_module

from .allocator import Allocator

OURS = "exactfit"
_CLASS = re.compile(r"([A-Za-z_][\w.]*):([A-Za-z_]\w*)")
_FLUX = {
    OURS: "exactfit.adapters.flux:ExactPool",
    "Rv1Pool": "flux.resource.ResourcePool:ResourcePool",
    "TreePool": "flux.resource.TreePool:TreePool",
}
"""Names for short; Rv1Pool is what the wrapper takes for version 1 of R."""


def load_allocator(name: str) -> type[Allocator]:
    """Return the class of a name.

    Parameters
    ----------
    name
        ``exactfit``, ``Rv1Pool``, ``TreePool`` or ``module:Class``; the class is an `Allocator`, or Flux's
        `ResourcePool` or `ResourcePoolImplementation`, or built like them.

    Raises
    ------
    ValueError
        When it cannot be loaded or is none of these.
    """
    found = _CLASS.fullmatch(_FLUX.get(name, name))
    if found is None:
        raise ValueError(f"no pool is called {name[:60]!r}; there are {', '.join(_FLUX)}, and any module:Class")
    if name in _FLUX or found[1].split(".")[0] == "flux":
        # Makes Flux's modules importable where libflux-core is not.
        import_module("..flux", __package__)
    try:
        made = getattr(import_module(found[1]), found[2])
    except (ImportError, AttributeError) as fault:
        raise ValueError(f"pool {name}: {fault}") from None
    if isinstance(made, type) and issubclass(made, Allocator):
        return made
    if isinstance(made, type) and callable(getattr(made, "parse_resource_request", None)):
        from .flux_pools import FluxAllocator

        return type(made.__name__, (FluxAllocator,), {"pool_class": made})
    raise ValueError(f"pool {name}: neither an Allocator nor a class with Flux's pool protocol")
