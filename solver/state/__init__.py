"""What is free: the normal form of a node, the classes of equal nodes, and the present state of a pool.

`domain_state` counts what is free in a node; `node_classes` says which nodes are in which state; `pool_state` adds who
holds what.
"""
