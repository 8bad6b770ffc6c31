"""The manual page says what --help says, in roff that shows as it is; no arguments at all show the help."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from exactfit.adapters.cli.manual import _paragraphs, _roff

from .conftest import Runner

COMMANDS = ("place", "explain", "topo", "check", "study", "audit", "verify", "snapshot", "top")


def plain(roff: str) -> str:
    """Return what a page shows, as one line."""
    text = re.sub(r"^\.(TP|PP|nf|fi|RS.*|RE|SH)\b ?", "", roff, flags=re.MULTILINE)
    for written, shown in (
        (r"\fB", ""), (r"\fR", ""), (r"\fI", ""), (r"\-", "-"), (r"\(aq", "'"), (r"\&", ""), (r"\e", "\\"),
    ):  # fmt: skip
        text = text.replace(written, shown)
    return " ".join(text.split())


def squeezed(text: str) -> str:
    """Return a text without what line breaks do to it."""
    return re.sub(r"[\s`]+", "", text)


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_all_that_help_says_is_in_the_page(command: str, run: Runner) -> None:
    page = squeezed(plain(run("--man").out))
    told = run(*filter(None, [command]), "--help").out
    body = told.split("Commands:")[0] if not command else told
    # Options and what is said of them, without the head lines.
    for paragraph in re.split(r"\n\s*\n|\n(?=  -)", body):
        text = squeezed(re.sub(r"^(Usage: exactfit \w*|Arguments:|Options:)", "", paragraph.strip()))
        text = re.sub(r"^Exitstatus:", "", text)
        if not command or not text.startswith("0done"):
            assert text in page, paragraph


def test_the_page_is_roff_without_a_warning(run: Runner) -> None:
    page = run("--man").out
    assert page.startswith(".TH EXACTFIT 1 ")
    for section in ("NAME", "SYNOPSIS", "DESCRIPTION", "EXIT STATUS", "ENVIRONMENT", "SEE ALSO"):
        assert f"\n.SH {section}\n" in page
    assert all(f"\n.SH EXACTFIT {command.upper()}\n" in page for command in COMMANDS)
    for line in page.splitlines():
        assert not line.startswith("'")
        assert not line.startswith(".") or re.match(r"\.(TH|SH|PP|TP|nf|fi|RS|RE)\b", line), line
    if shutil.which("groff") is None:
        return
    shown = subprocess.run(
        ["groff", "-man", "-Tascii", "-ww", "-z"], input=page, capture_output=True, text=True, check=True, timeout=60
    )
    assert shown.stderr == ""


@pytest.mark.parametrize(
    ("text", "roff"),
    [
        (".5 of it", r"\&.5 of it"),
        ("'a-b'", r"\(aqa\-b\(aq"),
        (r"C:\x", r"C:\ex"),
        ("takes `place` too", r"takes \fIplace\fR too"),
        ("two\n  lines", "two lines"),
    ],
)
def test_what_roff_would_take_for_something_else(text: str, roff: str) -> None:
    assert _roff(text) == roff
    assert list(_paragraphs(text)) == [".PP", roff]


def test_no_arguments_show_the_help(run: Runner) -> None:
    bare, asked = run(), run("--help")
    assert (bare.status, bare.out, bare.err) == (0, asked.out, "")
    assert "Usage: exactfit" in bare.out


class TestQuiet:
    def test_nothing_is_printed_but_what_is_asked_for(self, run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("EXACTFIT_POLICY", "lowest")
        commands = [
            ("place", "rfc49-a:1", "slot=1/core=4"),
            ("explain", "rfc49-a:1", "slot=1/core=4"),
            ("topo", "rfc49-a:1"),
        ]
        for command in commands:
            assert run(*command).out
            done = run(*command, "-q")
            assert (done.status, done.out, done.err) == (0, "", "")
        assert run("place", "rfc49-a:1", "slot=1/core=4", "--quiet", "--json").lines[0]["status"] == "placed"
        assert run("place", "rfc49-a:1", "slot=1/core=4", "-q", "-o", "-").lines[0]["version"] == 1

    def test_the_status_and_errors_stay(self, run: Runner) -> None:
        done = run("place", "rfc49-a:1", "slot=1/core=400", "-q")
        assert (done.status, done.out, done.err) == (1, "", "")
        assert "no such file" in run("place", "nowhere", "slot=1/core=4", "-q").complaint
        # What was quiet does not stay so.
        assert run("place", "rfc49-a:1", "slot=1/core=4").out

    def test_a_verdict_and_a_picture(self, run: Runner, tmp_path: object) -> None:
        placed, picture = f"{tmp_path}/R.json", f"{tmp_path}/why.svg"
        done = run("place", "rfc49-a:1", "slot=1/core=4", "-q", "-o", placed, "--draw", picture)
        assert (done.status, done.out) == (0, "")
        with open(picture, encoding="utf-8") as file:
            assert "<svg" in file.read()
        done = run("check", "rfc49-a:1", "slot=1/core=4", placed, "-q")
        assert (done.status, done.out) == (0, "")
        assert run("check", "rfc49-a:1", "slot=1/core=5", placed, "-q").status == 1
