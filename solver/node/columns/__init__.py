"""Slots of cores and GPUs on some nodes, by column generation: bounds that hold, and placements that mostly meet them.

A *run* is what some slots take together: domains of a node, none of which another run touches, and a vector of slots
that go into what these have. It crosses each level once less than it touches domains of it, and no placement crosses
less. So a best placement is a choice of runs (`forest` says of what), a master problem whose columns are runs
(`master`), solved by a simplex method (`simplex`) that asks a dynamic program for the run that pays best at given
prices (`pricing`). Any prices give a bound, in whole numbers; `choice` picks whole runs of those that are known, and
`near` lists all that a better placement could have. `best` is the door.
"""
