"""The best placement of a request, found by trying them all: what the solver is compared with.

The method has nothing of a solver. The vertices of the request are gone through in pre-order and every way of meeting
each of them is kept, as a set of partial placements that say *how many* cores and GPUs each place gave (equal cores of
one place are the same to every rule and term). Two partial placements that gave the same are one, of which the lower
affinity counts, as no later step can tell them apart. Only small machines can be searched like this.

The words are those of RFC 14: a *vertex* of the request is met by as many *places* of the machine as its count says.
"""

from .find import Found, best, find
from .membership import allows
from .terms import LOWEST, PACK, SPREAD, term_names
from .world import TooManyError

__all__ = ["LOWEST", "PACK", "SPREAD", "Found", "TooManyError", "allows", "best", "find", "term_names"]
