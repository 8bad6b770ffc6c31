"""The project as others get it: a copy of its files, its wheel and sdist, and an environment with little else.

Nothing here needs a network: the packages that an environment is to have are those of the present one, made visible
there, and only those.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import Distribution, PathDistribution, distribution
from pathlib import Path
from zipfile import Path as ZipPath
from zipfile import ZipFile

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]


def copy_project(folder: Path) -> Path:
    """Copy the files of the project, without what is made from them, to a folder that is not there yet."""
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").split()
    made = shutil.ignore_patterns(".git", *(pattern.rstrip("/") for pattern in ignored))
    return Path(shutil.copytree(ROOT, folder, symlinks=True, ignore=made))


def make_sdist(project: Path, folder: Path) -> Path:
    """Make the sdist, by the hook that every build tool calls."""
    program = "import sys; from setuptools import build_meta; print(build_meta.build_sdist(sys.argv[1]))"
    run([sys.executable, "-c", program, str(folder)], cwd=project)
    (made,) = folder.glob("*.tar.gz")
    return made


def make_wheel(source: Path, folder: Path) -> Path:
    """Make the wheel of a folder with the project, or of an sdist."""
    pip = [sys.executable, "-m", "pip", "--isolated", "--disable-pip-version-check"]
    run([*pip, "wheel", "--no-index", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(source)])
    (made,) = folder.glob("*.whl")
    return made


def contents(wheel: Path) -> dict[str, bytes]:
    """Return the files in a wheel; its list of them as a set of lines, which come in any order."""
    with ZipFile(wheel) as archive:
        found = {name: archive.read(name) for name in archive.namelist()}
    return {
        name: b"\n".join(sorted(text.splitlines())) if name.endswith("/RECORD") else text
        for name, text in found.items()
    }


@dataclass(frozen=True)
class CleanEnvironment:
    """An environment of its own, with a wheel and what it requires.

    Attributes
    ----------
    folder
        Where it is.
    distributions
        The names of all that is visible in it.
    """

    folder: Path
    distributions: frozenset[str]

    def run(self, program: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment, in which every warning is an error."""
        command = [str(self.folder / "bin" / program), *arguments]
        return _in_environment(command, cwd, {**_outside(), "PYTHONWARNINGS": "error"})

    def shell(self, command: str, cwd: Path, *programs: Path) -> subprocess.CompletedProcess[str]:
        """Run a line of shell as one types it who has activated the environment, with folders of further programs."""
        folders = [str(folder) for folder in (self.folder / "bin", *programs)]
        path = os.pathsep.join([*folders, os.environ["PATH"]])
        return _in_environment(["bash", "-c", command], cwd, {**_outside(), "PATH": path, "NO_COLOR": "1"})

    def add(self, extra: str) -> None:
        """Make visible what an extra of the wheel requires, as `pip install exactfit[EXTRA]` does."""
        (packages,) = self.folder.glob("lib/python*/site-packages")
        (info,) = packages.glob("exactfit-*.dist-info")
        for name, other in required_by(PathDistribution(info), extra).items():
            if name != "exactfit":
                make_visible(other, packages)


def _outside() -> dict[str, str]:
    """Return the variables of this process that say nothing to Python, pip or exactfit."""
    ours = ("PYTHON", "PIP_", "EXACTFIT", "COLUMNS", "FORCE_COLOR")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def _in_environment(command: list[str], cwd: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def clean_environment(wheel: Path, folder: Path) -> CleanEnvironment:
    """Make an environment with a wheel and what it requires without any extra; pip says whether that is all there."""
    run([sys.executable, "-m", "venv", "--without-pip", str(folder)])
    (packages,) = folder.glob("lib/python*/site-packages")
    (info,) = (path for path in ZipPath(wheel).iterdir() if path.name.endswith(".dist-info"))
    own = PathDistribution(info)
    required = required_by(own)
    for other in required.values():
        make_visible(other, packages)
    pip = [sys.executable, "-m", "pip", "--isolated", "--disable-pip-version-check", "--python", str(folder)]
    run([*pip, "install", "--no-index", "--quiet", str(wheel)])
    return CleanEnvironment(folder, frozenset({*required, canonicalize_name(own.metadata["Name"])}))


def required_by(of: Distribution, extra: str = "") -> dict[str, Distribution]:
    """Return all distributions that one requires, with an extra or without, directly or not, by name."""
    found: dict[str, Distribution] = {}
    seen: set[tuple[str, str]] = set()

    def add(requirements: Iterable[str], extra: str) -> None:
        for requirement in map(Requirement, requirements):
            if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
                continue
            name = canonicalize_name(requirement.name)
            found.setdefault(name, distribution(name))
            for wanted in ("", *requirement.extras):
                if (name, wanted) not in seen:
                    seen.add((name, wanted))
                    add(found[name].requires or (), wanted)

    add(of.requires or (), extra)
    return found


def make_visible(of: Distribution, packages: Path) -> None:
    """Make what a distribution has installed visible in another folder of packages."""
    for top in {file.parts[0] for file in of.files or ()} - {"..", "__pycache__"}:
        if not (packages / top).exists():
            (packages / top).symlink_to(Path(str(of.locate_file(top))))


def run(command: list[str], cwd: Path | None = None) -> None:
    """Run a command; what it said is shown when it fails."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, f"{command}:\n{done.stdout[-4000:]}{done.stderr[-4000:]}"
