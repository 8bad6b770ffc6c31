"""Which nodes: the choice among classes of equal nodes.

`decide` is the door: the largest counts (`sizes`, after `totals`), then the best nodes. `selection` serves where
nothing ties nodes together, `fewest_groups` where equal nodes are to stand close; `model` is for all else.
`refinement` cuts the classes finer for requests that name ids.
"""
