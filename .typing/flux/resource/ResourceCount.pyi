from collections.abc import Iterator

from flux.idset import IDset

class ResourceCount:
    min: int
    max: int | None
    _values: IDset | None
    def __init__(self, mn: int, mx: int | None, values: IDset | None = None) -> None: ...
    def valid_counts(self, available: int) -> Iterator[int]: ...
