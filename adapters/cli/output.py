"""Where R goes: files, folders, standard output."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .console import warn
from .errors import InputError
from .source import STDIN

STDOUT = STDIN
_FIELD = "{job}"
_NAMED = 3
"""Files that a message names at most."""


@dataclass(frozen=True, slots=True)
class Output:
    """A place for the R of each job.

    Attributes
    ----------
    pattern
        A path with ``{job}`` for the job's number where there is more than one, or ``-``.
    """

    pattern: str

    @classmethod
    def for_jobs(cls, path: str, jobs: int) -> Output:
        """Return the place that a path means for so many jobs.

        Raises
        ------
        InputError
            When it is one file for several jobs.
        """
        if path == STDOUT or _FIELD in path:
            return cls(path)
        if path.endswith("/") or Path(path).is_dir():
            return cls(f"{path.rstrip('/') or '/'}/job-{_FIELD}.json")
        if jobs != 1:
            raise InputError(f"-o {path}: {jobs} jobs do not go into one file; give a folder ({path}/) or use {_FIELD}")
        return cls(path)

    @property
    def is_stdout(self) -> bool:
        """Whether R goes to standard output."""
        return self.pattern == STDOUT

    def clear(self, jobs: int, read: Mapping[str, str]) -> None:
        """Remove what an earlier run left where the R of so many jobs goes, so that what is there is of this run.

        Files of an earlier run with more jobs are left alone, and said to be there.

        Parameters
        ----------
        jobs
            How many there are.
        read
            The files that this run has read, and what as.

        Raises
        ------
        InputError
            When one of the files was read, or cannot be removed.
        """
        if self.is_stdout:
            return
        inputs = {_identity(Path(name)): what for name, what in read.items()}
        for number in range(1, jobs + 1):
            path = self._path(number)
            if not path.is_file():
                continue
            if (what := inputs.get(_identity(path))) is not None:
                raise InputError(f"-o {path}: this file is {what}, which was read from it")
            try:
                path.resolve().unlink()
            except OSError as error:
                raise InputError(f"-o {path}: {error.strerror}") from None
        if others := self._others(jobs):
            more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
            warn(f"-o {self.pattern}: {', '.join(others[:_NAMED])}{more} of an earlier run left as it is")

    def _path(self, job: int) -> Path:
        return Path(self.pattern.replace(_FIELD, str(job)))

    def _others(self, jobs: int) -> list[str]:
        """Return the files of jobs beyond so many, by their names."""
        folder, _, name = self.pattern.rpartition("/")
        if name.count(_FIELD) != 1 or _FIELD in folder:
            return []
        before, _, after = name.partition(_FIELD)
        form = re.compile(f"{re.escape(before)}([1-9][0-9]{{0,8}}){re.escape(after)}")
        try:
            names = os.listdir(folder or ("/" if self.pattern.startswith("/") else "."))
        except OSError:
            return []
        numbers = [int(match[1]) for match in map(form.fullmatch, names) if match]
        return [f"{before}{number}{after}" for number in sorted(numbers) if number > jobs]

    def write(self, job: int, text: str) -> None:
        """Write one R; folders that are missing are made.

        Raises
        ------
        InputError
            When it cannot be written.
        """
        if self.is_stdout:
            print(text, flush=True)
            return
        path = self._path(job)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _write_whole(path, text + "\n")
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise InputError(f"-o {path}: {reason}") from None


def _identity(path: Path) -> tuple[int, int] | None:
    """Return what is the same for two names of one file, None for what is no file."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino


def _write_whole(path: Path, text: str) -> None:
    """Write a file; one that cannot be written whole is not left behind in part."""
    with path.open("w", encoding="utf-8") as file:
        try:
            file.write(text)
            file.flush()
        except OSError:
            if path.is_file():
                path.unlink()
            raise
