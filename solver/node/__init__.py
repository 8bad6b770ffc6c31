"""What one node gives: the best plan for a bundle on a node in some state, with its cost and a lower bound on it.

A bundle is what a request asks of one node, a state is what is free there, as counts. A cost is the policy's terms as
one integer; where it meets the lower bound, the plan is proven optimal. `solver` is the door and remembers. It tries
what needs no search: `packing` places equal slots that stay whole, `mixed_packing` slots of several shapes, torn ones
by `torn_table`, `tearing` (with `partition`) equal slots that must be torn, `one_slot` a single one of cores and GPUs;
`equal_slots` chooses among these. `dealing` deals slots of several sizes along domains, on one node or several:
`deal_stops` are the domains and what they cost, `deal_fills` what fits, `deal_search` the way through. `columns` finds
and proves the best where there are too many ways for tables, by column generation, on one node or several (`together`).
`construction` makes some placement of any slots of cores and GPUs, `nested_construction` of what names domains: the
incumbent (`constructed_solution`), with its cost by `pricing`. `model` searches for a better one with CP-SAT.
`lower_bounds` and `capacity` are relaxations: what a state costs at least, and how often it has room. `rankings` keep
states in the order of their costs; `slot_parts` is for slots of several nodes. `plan` is the answer.
"""
