"""From counts to ids: who holds what on real nodes, the allocation, and its R.

`assignment` takes the lowest free ids; `realize` does so for a whole decision; `allocation` is the answer and writes
R; `certificate` says what was proven of it, with the help of `values`; `job_R` reads what a job holds back from its R,
and `plain_R` the R of one node in short.
"""
