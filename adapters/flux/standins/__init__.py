"""Stand-ins for the three of Flux's Python modules that Flux's pools import and that need libflux-core.

`flux.idset`, `flux.hostlist` and `flux.job` wrap C libraries that no package registry carries. The modules here offer
the same classes in pure Python, as their documentation describes them, so that Flux's own pools run, unchanged, on a
machine without Flux. They are used only there: see `exactfit.adapters.flux.bindings`.
"""
