"""What one node gives: the best plan for a bundle on a node in some state, with its cost and a lower bound on it.

A bundle is what a request asks of one node, a state is what is free there, as counts. A cost is the policy's terms as
one integer; where it meets the lower bound, the plan is proven optimal. `solver` is the door and remembers. It tries
what needs no search: `packing` places equal slots that stay whole, `mixed_packing` slots of several shapes, `tearing`
(with `partition`) slots that must be torn between domains; `equal_slots` chooses among these. `construction` makes some
placement of any slots of cores and GPUs, the incumbent (`constructed_solution`), with its cost by `pricing`. `model` is
the exact CP-SAT model for all else. `lower_bounds` and `capacity` are relaxations: what a state costs at least, and
how often it has room. `rankings` keep states in the order of their costs; `slot_parts` is for slots of several nodes.
`plan` is the answer.
"""
