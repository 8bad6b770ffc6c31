"""What one node gives: the best plan for a bundle on a node in some state, proven without a search where it can be.

`solver` is the door and remembers; `packing` places equal slots that stay whole, `mixed_packing` slots of several
shapes, `tearing` (with `partition`) slots that must be torn, `equal_slots` chooses among these; `model` is CP-SAT for
all else. `construction` (`constructed_solution`) has a placement of slots of cores and GPUs wherever there are enough
of them, which searches start from and fall back on; `pricing` says what it costs. `lower_bounds` and `capacity` say
what a state costs at least and how often it has room, without a search; `rankings` keep states in the order in which a
bundle likes them; `slot_parts` is for slots of several nodes. `plan` is the answer.
"""
