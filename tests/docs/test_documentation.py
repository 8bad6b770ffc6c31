"""The documentation: it is made without a warning, its links lead somewhere, and its Python runs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from exactfit.adapters.cli import app
from pages import DOCS, ROOT, not_typed, pages

PYTHON = {name: re.findall(r"```python\n(.*?)```", text, re.DOTALL) for name, text in not_typed().items()}
NEEDS = {"adapters/docs/how-to/gutscore.md": "scheduler"}
"""Pages whose Python needs a program that is on no registry, with its module."""
ARGUMENTS = {"greedy_and_exact.py": ["picture.png"]}
"""What an example is to be given."""


def test_it_is_made_without_a_warning(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sphinx", "--fail-on-warning", "--keep-going", "--quiet", "-b", "html"]
    run = subprocess.run(
        [*command, "-d", str(tmp_path / "doctrees"), str(DOCS), str(tmp_path / "html")],
        capture_output=True,
        text=True,
        timeout=3600,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    made = {path.relative_to(tmp_path / "html").as_posix() for path in (tmp_path / "html").rglob("*.html")}
    assert {path.relative_to(DOCS).with_suffix(".html").as_posix() for path in DOCS.rglob("*.md")} <= made
    help_page = (tmp_path / "html" / "reference" / "command-line.html").read_text(encoding="utf-8")
    assert "--certificate" in help_page


@pytest.mark.parametrize("name", pages())
def test_links_between_pages_lead_somewhere(name: str) -> None:
    text = re.sub(r"```.*?```", "", pages()[name], flags=re.DOTALL)
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text)
    broken = [target for target in targets if "://" not in target and not ((ROOT / name).parent / target).exists()]
    assert broken == []


def test_every_command_and_every_schema_has_its_section() -> None:
    commands = [command.callback.__name__ for command in app.registered_commands if command.callback]
    text = (DOCS / "reference" / "command-line.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^## exactfit (\w+)$", text, re.MULTILINE)) == sorted(commands)
    schemas = {path.name.split("-")[0] for path in (ROOT / "adapters" / "cli" / "schemas").glob("*.json")}
    text = (DOCS / "reference" / "schemas.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^## (\w+)$", text, re.MULTILINE)) == schemas


SOURCES = (DOCS / "reference" / "sources.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "name", [*pages(), "CHANGELOG.md", "CITATION.cff", ".github/CONTRIBUTING.md", ".github/SECURITY.md"]
)
def test_addresses_outside_are_listed_with_the_sources(name: str) -> None:
    """Whether they answer is asked by `make links`, which needs a network."""
    text = (ROOT / name).read_text(encoding="utf-8")
    found = re.findall(r"\bhttps?:[^\s)>\]\"'`]*", text)
    assert [address for address in found if address.removeprefix("git+") not in SOURCES] == []
    assert all(re.fullmatch(r"https://[a-z.-]+(/[\w./-]*)?", address) for address in found)


def test_every_rfc_that_a_page_names_is_among_the_sources() -> None:
    listed = set(re.findall(r"^\| (\d+) \|", SOURCES, re.MULTILINE))
    assert {number for text in pages().values() for number in re.findall(r"\bRFC (\d+)\b", text)} <= listed


@pytest.mark.parametrize("name", [name for name, blocks in PYTHON.items() if blocks])
def test_the_python_of_a_page_runs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One block after the other, as who types them does."""
    if name in NEEDS:
        pytest.importorskip(NEEDS[name])
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "page"}
    for block in PYTHON[name]:
        exec(compile(block, name, "exec"), names)


@pytest.mark.parametrize("name", sorted(path.name for path in (DOCS / "examples").glob("*.py")))
def test_an_example_runs(name: str, tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, str(DOCS / "examples" / name), *ARGUMENTS.get(name, ())],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    pictures = [path for path in tmp_path.iterdir() if path.suffix in (".png", ".svg")]
    assert run.stdout or pictures
    assert all(path.stat().st_size > 1000 for path in pictures)


def test_what_is_to_be_cited_has_the_version_of_the_package() -> None:
    version = re.search(r'^version = "(.*)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert version is not None
    assert f"version: {version[1]}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
