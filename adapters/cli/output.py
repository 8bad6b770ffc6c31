"""Where R goes: files, folders, standard output."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .errors import InputError
from .source import STDIN

STDOUT = STDIN
_FIELD = "{job}"


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
        path = Path(self.pattern.replace(_FIELD, str(job)))
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _write_whole(path, text + "\n")
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise InputError(f"-o {path}: {reason}") from None


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
