"""Completion in the shell, by the script that exactfit gives it and by what is offered for each argument."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from exactfit.adapters.cli import completions
from exactfit.solver.policy.terms import POLICIES, TERMS
from exactfit.topology.presets import PRESETS

FOLDER = Path(sys.executable).parent


def offered(folder: Path, *words: str) -> list[str]:
    """Return what bash offers for the last of some words after `exactfit`."""
    # As COMP_WORDBREAKS has it, = and : part words, and are words themselves.
    parted = [part for word in words for part in re.split("([=:])", word) if part or word == ""]
    line = " ".join(f"'{word}'" for word in ("exactfit", *parted))
    script = f"""
        eval "$(_EXACTFIT_COMPLETE=source_bash exactfit)"
        complete -p exactfit >&2
        COMP_WORDS=({line}); COMP_CWORD={len(parted)}
        _exactfit_completion exactfit
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    environment = {**os.environ, "PATH": f"{FOLDER}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, check=True, timeout=120, cwd=folder, env=environment
    )
    assert "complete -o default -F _exactfit_completion exactfit" in done.stderr
    return done.stdout.split()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "R.json").touch()
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "one.yaml").touch()
    (tmp_path / "jobs" / "one.txt").touch()
    (tmp_path / ".hidden.json").touch()
    return tmp_path


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
@pytest.mark.parametrize(
    ("words", "offers"),
    [
        (["pl"], ["place", "plan"]),
        (["place", "rfc"], ["rfc49-a", "rfc49-b"]),
        (["place", "R"], ["R.json"]),
        (["place", "rfc49-a", "jobs/"], ["jobs/one.yaml"]),
        (["place", "rfc49-a", "slot=1/core=1", "--pol"], ["--policy"]),
        (["place", "rfc49-a", "slot=1/core=1", "--policy", "p"], ["pack", "partial"]),
        (["explain", "rfc49-a", "slot=1/core=1", "--order", ""], ["fifo", "easy", "flux", "conservative"]),
        (["check", "rfc49-a", "slot=1/core=1", "R.json", "--comp"], ["--compare"]),
        (["study", "rfc49-a", "lublin:days=1", "--sch"], ["--scheduling"]),
        (["top", "--snap"], ["--snapshot"]),
        (["--sch"], ["--schema"]),
    ],
)
def test_bash_offers(words: list[str], offers: list[str], folder: Path) -> None:
    assert offered(folder, *words) == offers


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_it_installs_itself_for_the_shell_that_asks(tmp_path: Path) -> None:
    environment = {**os.environ, "PATH": f"{FOLDER}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    done = subprocess.run(
        # A second command keeps bash from becoming the first one.
        ["bash", "-c", "exactfit --install-completion; true"],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        env=environment,
    )
    assert "bash completion installed" in done.stdout
    loaded = subprocess.run(
        ["bash", "-c", "source ~/.bashrc; complete -p exactfit"],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        env=environment,
    )
    assert loaded.stdout == "complete -o default -F _exactfit_completion exactfit\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_there_is_a_script_for_each_shell(shell: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from exactfit.adapters.cli import main; main()"],
        env={**os.environ, "_EXACTFIT_COMPLETE": f"source_{shell}"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert f"complete_{shell}" in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("complete", "given", "offers"),
    [
        (completions.machines, "", [*PRESETS, "R.json", "jobs/"]),
        (completions.machines, "./R", ["./R.json"]),
        (completions.machines, "jobs/o", ["jobs/one.txt", "jobs/one.yaml"]),
        (completions.files, ".h", [".hidden.json"]),
        (completions.files, "nowhere/", []),
        (completions.jobs, "", ["R.json", "jobs/", "slot=", "node="]),
        (completions.policies, "affinity,f", ["affinity,fit", "affinity,future"]),
        (completions.policies, "affinity,affi", []),
        (completions.policies, "s", ["spread", "share", "shield"]),
        (completions.pools, "exactfit,T", ["exactfit,TreePool"]),
        (completions.axes, "load=0.5,se", ["load=0.5,seeds="]),
        (completions.workloads, "lub", ["lublin", "lublin:"]),
        (completions.workloads, "lublin:days=1,l", ["lublin:days=1,load=", "lublin:days=1,longest="]),
        (completions.words("refuse", "ignore"), "r", ["refuse"]),
    ],
)
def test_what_is_offered(
    complete: completions.Completer, given: str, offers: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    assert complete(given) == offers


def test_policies_and_terms_are_those_that_there_are() -> None:
    assert set(completions.policies("")) == {*POLICIES, *TERMS} - {"size", "ids"}
