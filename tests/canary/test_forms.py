"""The form of canary's API that this process does not have is tested in a process that has it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

FILES = {"single-node": "test_single_node.py", "multi-node": "test_multi_node.py"}


def test_the_tests_of_both_forms_pass(form: str, environment_of: Callable[[str], dict[str, str]]) -> None:
    here = Path(__file__).parent
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        str(here / FILES[form]),
        str(here / "test_install.py"),
    ]
    run = subprocess.run(
        command, cwd=here.parents[1], env=environment_of(form), capture_output=True, text=True, timeout=300, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "skipped" not in run.stdout
