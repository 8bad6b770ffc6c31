"""Flux's own names that other parts of exactfit use, for them to import without a care for what is underneath."""

from flux.idset import IDset
from flux.resource.ResourcePool import ResourcePool, _pool_class_from_uri
from flux.resource.ResourcePoolImplementation import InfeasibleRequest, InsufficientResources

pool_class_from_uri = _pool_class_from_uri
"""Finds the class that a writer names, as Flux's scheduler does."""

__all__ = ["IDset", "InfeasibleRequest", "InsufficientResources", "ResourcePool", "pool_class_from_uri"]
