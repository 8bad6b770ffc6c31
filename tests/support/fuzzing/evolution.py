"""One reader under atheris: `python -m fuzzing.evolution <reader> <corpus> [libFuzzer options]`."""

from __future__ import annotations

import logging
import sys
from importlib import import_module
from typing import Any


def main(name: str, *arguments: str) -> None:
    """Fuzz a reader until libFuzzer has had enough; it ends the process."""
    logging.disable()
    atheris: Any = import_module("atheris")
    with atheris.instrument_imports(include=["exactfit"]):
        run = import_module("fuzzing.__main__")
        targets = import_module("fuzzing.targets")
        targets.warm()
    target = targets.TARGETS[name]

    def one(data: bytes) -> None:
        run.read(target, data.decode("utf-8", "surrogateescape"))

    atheris.Setup([sys.argv[0], *arguments], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
