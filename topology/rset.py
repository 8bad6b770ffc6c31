"""RFC 20 resource sets, in and out."""

from .rset_read import parse_R, read_R
from .rset_write import WRITER, write_R

__all__ = ["WRITER", "parse_R", "read_R", "write_R"]
