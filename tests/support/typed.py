"""A page as its reader types it: files are saved, commands run, and what they print is what the page says.

What the pages keep to:

- In a block of `console` lines that begin with `$ ` are commands; the others are what the command before them prints.
- A block after a paragraph that ends with "`NAME`:" is saved as that file.
- Any other block of `python` is typed into one interpreter; a block of `text` right after it is what it prints.
- `{asked}` is a command of exactfit, of which the page itself shows what it prints.

A line `...` in what is printed stands for any lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packages import CleanEnvironment

_BLOCK = re.compile(
    r"(?P<before>[^\n]*)\n\n```(?P<kind>console|python|text|\{asked\})(?P<words>[^\n]*)\n(?P<text>.*?)```", re.DOTALL
)
_SAVED = re.compile(r"`([\w.-]+\.\w+)`:$")
_INSTALLED = re.compile(r"pip install '?\.(?:\[([\w,]+)\])?'?$")
ASKED = "asked"
_THERE = ("python3 -m venv .venv", ". .venv/bin/activate")
"""What makes the environment that the page is typed in, and that is there."""


@dataclass(frozen=True)
class Step:
    """A file that is saved, a command, or Python; with what it is to print."""

    kind: str
    text: str
    name: str = ""
    prints: str = ""

    @property
    def is_shown_by_itself(self) -> bool:
        """Whether the page asks the program what to show: a mistake in it is a fault of the page's own making."""
        return self.kind == "command" and self.name == ASKED


def steps(page: str) -> list[Step]:
    """Return what the reader of a page types, one after the other."""
    found: list[Step] = []
    for block in _BLOCK.finditer(page):
        kind, text, saved = block["kind"], block["text"], _SAVED.search(block["before"])
        if kind == "{asked}":
            found.append(Step("command", f"exactfit{block['words']}", ASKED))
        elif kind == "console":
            found += _commands(text)
        elif saved:
            found.append(Step("file", text, saved[1]))
        elif kind == "python":
            found.append(Step("python", text))
        elif found and found[-1].kind == "python":
            found[-1] = Step("python", found[-1].text, prints=text)
    return found


def _commands(text: str) -> Iterator[Step]:
    for part in re.split(r"^\$ ", text.replace("\\\n", ""), flags=re.MULTILINE)[1:]:
        command, prints = part.split("\n", 1)
        yield Step("command", command, prints=prints)


def type_page(page: str, environment: CleanEnvironment, folder: Path, *programs: Path) -> None:
    """Type a page in an environment and a folder; `programs` are folders of programs that the reader has beside."""
    typed: list[str] = []
    to_print = ""
    for step in steps(page):
        if step.kind == "file":
            (folder / step.name).write_text(step.text, encoding="utf-8")
        elif step.kind == "python":
            typed.append(step.text)
            to_print += step.prints
        elif (extras := _INSTALLED.fullmatch(step.text)) is not None:
            for extra in filter(None, (extras[1] or "").split(",")):
                environment.add(extra)
        elif step.text not in _THERE:
            done = environment.shell(step.text, folder, *programs)
            assert done.returncode in (0, 1), f"{step.text}: {done.stderr}"
            assert_prints(step.prints, done.stdout + done.stderr, step.text)
    if typed:
        done = environment.run("python", "-c", "\n".join(typed), cwd=folder)
        assert done.returncode == 0, done.stderr
        assert_prints(to_print, done.stdout, "\n".join(typed))


def assert_prints(expected: str, printed: str, by: str) -> None:
    """Assert that lines are printed in their order, and together where no `...` stands between them."""
    pattern = "".join(
        r"(?:.*\n)*?" if line.strip() == "..." else rf"\s*{re.escape(line.strip())}\s*\n"
        for line in expected.splitlines()
    )
    assert re.search(pattern, "".join(f"{line.strip()}\n" for line in printed.splitlines())), f"{by} printed\n{printed}"
