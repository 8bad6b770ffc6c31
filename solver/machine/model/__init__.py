"""The choice on the whole machine: which groups, and how many nodes of which state give which bundle.

Needed where a choice on one node bears on another: groups that are asked for or compared, amounts that nodes share,
several demands at once, many loose units. `cells` holds the tree of groups and cuts the machine into cells, nodes of
one state in one innermost group, which are interchangeable. Where a request is one chain of groups around one kind of
node or slot, `chains` proves the best choice by dynamic programming over the tree: `supply` says what the nodes of a
group give, `units` what they give of loose units, `sharing` shares out. All else goes to a CP-SAT model of counts:
`patterns` lists what a node of each state can do, as in cutting stock, `slots` says which nodes make which slot,
`model` wires a count for each cell and pattern, solves and reads the picks. `terms` are the policy's.
"""
