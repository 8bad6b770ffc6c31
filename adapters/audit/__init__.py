"""Judging any allocator by its answers, and what a test suite of one needs.

- `allocator`: what an allocator is asked, whatever it is; `flux_pools`: Flux's pool classes so; `pools`: both by name.
- `audit`: random streams and what they show; `streams`, `steps`: what they are; `trial`: one of them, judged;
  `reference`: exactfit's own answer beside; `findings`: what can be found; `shrink`: the smallest example of it;
  `isolation`: an allocator that takes its process with it; `counterexample`, `page`: files that run, and the page.
- `protocol_machine`, `model`, `invariants`: the pool protocol as a state machine beside a model.
- `suite`, `plugin`: a test class to inherit from, and ``--pool`` for pytest.
- `strategies`: small lopsided machines, states and requests; `brute`: the best placement, found by trying all.

hypothesis comes with the extra `audit`; `brute`, `allocator` and `model` need nothing.
"""
