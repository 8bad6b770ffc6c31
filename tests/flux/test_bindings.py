"""Flux's bindings where they are, else the wheel's pools over our stand-ins, else a word on what to install."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

WHEEL = """
import sys
from importlib.abc import MetaPathFinder

class Hide(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == "_flux" or name.startswith("_flux."):
            raise ImportError("libflux-core.so.2: cannot open shared object file")
sys.meta_path.insert(0, Hide())
"""

NOTHING = """
import sys
from importlib.abc import MetaPathFinder

class Hide(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("flux", "_flux"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Hide())
import importlib.util
importlib.util.find_spec = lambda name, package=None: None
"""


def run(*lines: str, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run Python code in a process of its own."""
    code = "\n".join(lines)
    if path is not None:
        code = f"import sys; sys.path.insert(0, {str(path)!r})\n{code}"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def native(path: Path, *, pools: bool = True) -> Path:
    """Write a package that stands for Flux's own bindings."""
    files = {"flux/__init__.py": "", "flux/idset.py": "class IDset: pass\n", "flux/resource/__init__.py": ""}
    if pools:
        files.update(
            {
                f"flux/resource/{name}.py": ""
                for name in (
                    "Rv1Set",
                    "ResourceSet",
                    "ResourceCount",
                    "ResourcePoolImplementation",
                    "Rv1Pool",
                    "ResourcePool",
                )
            }
        )
    for name, text in files.items():
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return path


def load_only() -> str:
    """Return code that runs the module of bindings without the package around it, which needs real pools."""
    return (
        "import importlib, types, sys\n"
        "import exactfit.adapters as above\n"
        "package = types.ModuleType('exactfit.adapters.flux')\n"
        "package.__path__ = [above.__path__[0] + '/flux']\n"
        "sys.modules['exactfit.adapters.flux'] = package\n"
        "bindings = importlib.import_module('exactfit.adapters.flux.bindings')\n"
    )


def test_without_libflux_the_wheels_pools_run_over_our_stand_ins() -> None:
    done = run(
        WHEEL,
        "import exactfit.adapters.flux",
        "from flux.resource.Rv1Pool import Rv1Pool",
        "from flux.resource.TreePool import TreePool",
        "from flux.idset import IDset",
        "from flux.job import JobID",
        "import flux.resource",
        "print(IDset.__module__, JobID.__module__, flux.resource.InfeasibleRequest.__name__)",
    )
    assert done.returncode == 0, done.stderr
    standins = "exactfit.adapters.flux.standins"
    assert done.stdout.split() == [f"{standins}.idset", f"{standins}.jobid", "InfeasibleRequest"]


def test_what_needs_libflux_says_so() -> None:
    done = run(WHEEL, "import exactfit.adapters.flux, flux", "flux.Flux()")
    assert "flux.Flux needs libflux-core" in done.stderr


def test_with_libflux_its_bindings_are_used_as_they_are(tmp_path: Path) -> None:
    done = run(
        load_only(),
        "print(bindings.load(), bindings.load())",
        "import flux.idset",
        "print(flux.idset.IDset.__module__, flux.__file__)",
        path=native(tmp_path),
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["True", "True", "flux.idset", str(tmp_path / "flux/__init__.py")]


def test_a_Flux_without_pools_is_too_old(tmp_path: Path) -> None:
    done = run(load_only(), "bindings.load()", path=native(tmp_path, pools=False))
    assert "ImportError: exactfit.adapters.flux needs Flux's Python modules, 0.88 or later" in done.stderr


def test_with_neither_it_says_what_to_install() -> None:
    done = run(NOTHING, "import exactfit.adapters.flux")
    assert "ImportError: exactfit.adapters.flux needs Flux's Python modules" in done.stderr
    assert "pip install 'exactfit[flux]'" in done.stderr


def test_an_import_that_fails_in_the_scheduler_tells_why() -> None:
    # Flux passes over the ImportError: its own message has no reason.
    done = run(
        WHEEL.replace('"_flux"', '"ortools"').replace('"_flux."', '"ortools."'),
        "import sys, types",
        "sys.modules['flux.scheduler'] = types.ModuleType('flux.scheduler')",
        "sys.modules['lark'] = None",
        "try:",
        "    import exactfit.adapters.flux",
        "except ImportError:",
        "    pass",
    )
    assert "exactfit.adapters.flux: cannot be loaded by" in done.stderr
    assert "lark" in done.stderr


def test_mistakes_in_the_environment_show_at_import(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXACTFIT_POLICY", "nonsense")
    done = run(WHEEL, "import exactfit.adapters.flux")
    assert "EXACTFIT_POLICY" in done.stderr.splitlines()[-1]
    assert "nonsense" in done.stderr.splitlines()[-1]
