"""RFC 20 resource sets, in and out."""

from .rset_read import read_R
from .rset_write import WRITER, write_R

__all__ = ["WRITER", "read_R", "write_R"]
