"""Resource sets for gutscore that give each worker cores and GPUs of its own.

`install` switches them on. All classes follow gutscore's documentation and can be used without it.
"""

from .base import ResourceSetBaseclass
from .local import ResourceSetLocal
from .manager import ResourceManager
from .slurm import ResourceSetSlurm
from .switch import install, uninstall

__all__ = [
    "ResourceManager",
    "ResourceSetBaseclass",
    "ResourceSetLocal",
    "ResourceSetSlurm",
    "install",
    "uninstall",
]
