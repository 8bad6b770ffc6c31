"""A second opinion: whether any placement is better than a given one, by another formulation and another solver.

It is written from what a request and a term mean, slot by slot and domain by domain, and shares no line with the solver
or the checker: no classes of equal nodes, no constructions, no order in which things are tried. It is far slower than
the solver, and that is no matter: it has to be right.

- `places`: what there is, and what of it is free.
- `instances`: the request with its counts, one object for each thing that it asks for.
- `program`: an integer program, solved by HiGHS (the extra `prove`).
- `formulation`: the placements of the instances on the places, as an integer program; `terms`: what a term is worth.
- `written`: a solution as R.
- `prove`: term by term, what is proven and what is better.
"""
