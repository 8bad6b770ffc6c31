# The part of Flux's untyped bindings that exactfit uses, typed; read by mypy alone.
