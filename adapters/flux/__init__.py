"""The pool class for Flux's scheduler modules: ``flux module load sched-simple pool-class=exactfit.adapters.flux``.

- `pool_class`: the class, by the name under which Flux looks for it.
- `pack`, `spread`, `lowest`: the same under a policy: ``pool-class=exactfit.adapters.flux:spread``.
- `amend`, `amend_with_nics`: the amenders for Flux's fake resources, without and with network cards.

Importing the package makes Flux's Python modules importable (see `bindings`) and checks the environment's options, so
that what is wrong with an installation shows when the module is loaded, not later.
"""

import sys

try:
    from .bindings import load

    load()

    from ..site_choice import check_environment
    from .amend import amend, amend_with_nics
    from .implementation import ExactPoolV1
    from .pool import ExactPool, LowestPool, PackPool, SpreadPool
    from .resource_set import ExactSet
except ImportError as _fault:
    if "flux.scheduler" in sys.modules:
        # Flux passes over an ImportError in a pool class's module and says "could not load pool class", no more.
        print(f"exactfit.adapters.flux: cannot be loaded by {sys.executable}: {_fault}", file=sys.stderr)
    raise

check_environment()

pool_class = ExactPool
pack, spread, lowest = PackPool, SpreadPool, LowestPool

__all__ = ["ExactPool", "ExactPoolV1", "ExactSet", "amend", "amend_with_nics", "lowest", "pack", "pool_class", "spread"]
