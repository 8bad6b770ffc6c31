"""The checker: judges any allocator's answer by the definitions alone, with no code of the rest of the solver.

The definitions are those of the documentation (adapters/docs): what a request means, and what each term of a policy
is. `judge` is the door. It reads the machine (`ground`), what is free (`state`), the request (`request`) and R
(`answer`). Where R does not say which slot got what, `splitting` looks for slots (`forms`, `packing`, `dealing`).
`matching` sees the request in the slots, by `above` (places around slots), `cover` (places inside them, by trying),
`outside` (what is in no slot) and `amounts` (memory and the like); `choice` decides between several ways of seeing
it. `worth` says what each term is worth.
"""

from .judge import Checker, Verdict, check

__all__ = ["Checker", "Verdict", "check"]
