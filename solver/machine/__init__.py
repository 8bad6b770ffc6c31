"""Which nodes: the choice among symmetry classes, nodes that are in equal states and so interchangeable.

`decide` is the door: the largest counts (`sizes`, after the relaxation `totals`), then the best nodes. `selection`
serves where nothing ties nodes together: nodes come off the top of a ranking. `fewest_groups` serves where equal nodes
are to stand in few racks. `model` is for all else. `refinement` cuts the classes finer for requests that name ids.
"""
