"""The one place that runs CP-SAT: goals one after the other, and what its statuses mean.

`lexicographic` optimises term by term; `status` is how far a search got; `budget` is the work that it may take, here
and everywhere else; `loading` makes models, and loads CP-SAT for the first of them.
"""
