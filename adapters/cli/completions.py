"""What the shell offers after the first letters of an argument or of an option's value."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence

Completer = Callable[[str], list[str]]

_JOBS = (".yaml", ".yml", ".json", ".jsonl")
_POLICIES = ("pack", "future", "spread", "lowest")
_TERMS = ("partial", "affinity", "share", "spread", "intact", "shield", "fit", "worst-fit", "links", "future")
_POOLS = ("exactfit", "Rv1Pool", "TreePool")
_AXES = ("pools=", "load=", "seeds=", "scheduling=", "with-nodes=", "with=", "without=")
_LUBLIN = ("days=", "jobs=", "load=", "gpu=", "longest=", "used=")


def words(*choices: str) -> Completer:
    """Return what offers some words."""

    def complete(incomplete: str) -> list[str]:
        return [word for word in choices if word.startswith(incomplete)]

    return complete


def lists_of(separator: str, *choices: str) -> Completer:
    """Return what offers words of a list, each of them once."""

    def complete(incomplete: str) -> list[str]:
        before, found, last = incomplete.rpartition(separator)
        given = before.split(separator)
        return [before + found + word for word in choices if word.startswith(last) and word not in given]

    return complete


def machines(incomplete: str) -> list[str]:
    """Return presets, and files."""
    from ...topology.presets import PRESETS

    return [name for name in PRESETS if name.startswith(incomplete)] + files(incomplete)


def files(incomplete: str) -> list[str]:
    """Return files and folders; a folder ends in a slash, after which it goes on."""
    return sorted(_entries(incomplete))


def files_of(*suffixes: str) -> Completer:
    """Return what offers files with some endings, and folders."""

    def complete(incomplete: str) -> list[str]:
        return [name for name in files(incomplete) if name.endswith(("/", *suffixes))]

    return complete


def jobs(incomplete: str) -> list[str]:
    """Return files of jobspecs, and the beginning of a shape."""
    return files_of(*_JOBS)(incomplete) + words("slot=", "node=")(incomplete)


def policies(incomplete: str) -> list[str]:
    """Return policies, and terms of a policy of one's own."""
    return list(dict.fromkeys(words(*_POLICIES)(incomplete) + lists_of(",", *_TERMS)(incomplete)))


def pools(incomplete: str) -> list[str]:
    """Return pools, one after the other."""
    return lists_of(",", *_POOLS)(incomplete)


def axes(incomplete: str) -> list[str]:
    """Return what a study may vary."""
    return lists_of(",", *_AXES)(incomplete)


def workloads(incomplete: str) -> list[str]:
    """Return files, and the generator with its parameters."""
    name, colon, rest = incomplete.partition(":")
    if name == "lublin" and colon:
        return [f"lublin:{found}" for found in lists_of(",", *_LUBLIN)(rest)]
    return files(incomplete) + words("lublin", "lublin:")(incomplete)


def _entries(incomplete: str) -> Iterable[str]:
    folder, slash, start = incomplete.rpartition("/")
    try:
        with os.scandir(os.path.expanduser(folder + slash) or ".") as found:
            entries: Sequence[os.DirEntry[str]] = list(found)
    except OSError:
        return
    for entry in entries:
        if entry.name.startswith(start) and (start or not entry.name.startswith(".")):
            yield folder + slash + entry.name + ("/" if entry.is_dir() else "")
