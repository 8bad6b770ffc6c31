from typing import Any

from .ResourcePool import ResourcePool
from .Rv1Pool import ResourceRequest

class TreeResourceRequest(ResourceRequest):
    container_level: str | None
    def __init__(self, *args: Any, container_level: str | None = None, **kwargs: Any) -> None: ...

class TreePool(ResourcePool):
    def __init__(self, R: Any, log: Any = None, **kwargs: Any) -> None: ...

def amend(R: dict[str, Any], hwloc_xml: str | None = None) -> dict[str, Any]: ...
