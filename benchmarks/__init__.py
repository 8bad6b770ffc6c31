"""How long decisions take, beside Flux's own pools: `make bench`, or ``python -m benchmarks``. See the README here."""
