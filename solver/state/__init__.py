"""What is free: the normal form of a node, the classes of equal nodes, and the present state of a pool.

`domain_state` counts what is free in a node; `node_classes` says which nodes are in which state; `holdings` are the ids
that jobs have of nodes; `pool_state` is all of it together, as a value, and how jobs change it; `late` keeps up the
classes only when they are asked for, while jobs are told by the hundred thousand; `other_machine` carries the state
over to another machine.
"""
