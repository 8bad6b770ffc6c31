"""exactfit's pool for the tests that canary runs (`canary-wm` on PyPI), in both forms of its API.

The decisions (`book`, `chooser`, `offer`, `fitting`) know no canary; `single_node` and `multi_node` are what differs
from canary's own pools, `install` puts it in their place, `plugin` is what canary loads, and `setting` its switch.
"""
