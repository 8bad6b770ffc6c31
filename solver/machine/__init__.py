"""Which nodes: the choice among symmetry classes, nodes that are in equal states and so interchangeable.

`decide` is the door: the largest counts (`sizes`, after the relaxation `totals`), then the best nodes. `selection`
serves where nothing ties nodes together: nodes come off the top of a ranking. `fewest_groups` serves where equal nodes
are to stand in few racks. `choice` takes all else: a proof along a chain of groups, an incumbent by vector bin packing
(`packing`), and the CP-SAT model (`model`) where that is not proven. `refinement` cuts the classes finer for requests
that name ids.
"""
