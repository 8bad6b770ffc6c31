"""The manual page, made from what `--help` is made from: `exactfit --man` prints it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

_ENVIRONMENT: Final = (
    ("EXACTFIT_POLICY, EXACTFIT_TIME_LIMIT, EXACTFIT_SLOT_EXCLUSIVE, EXACTFIT_UNKNOWN_TYPES", "What the site chose, in "
     "the place of the defaults of the options of these names; it wins over scheduling.exactfit in R."),
    ("EXACTFIT_JOB_POLICY", "Which policies of their own jobs may bring: named, any, none, or some by name."),
    ("EXACTFIT_NO_DRAWING", "Draw nothing in the terminal unless --drawing asks for it; top is one frame in words."),
    ("EXACTFIT_ASCII", "Print ASCII alone."),
    ("EXACTFIT_TRACEBACK", "Show where a fault of exactfit's own is."),
    ("NO_COLOR", "Print no colours."),
    ("COLUMNS", "The width of what is printed, in the place of the terminal's."),
)  # fmt: skip
_BACKTICKS: Final = re.compile(r"`([^`]*)`")


def manual(program: Any, version: str) -> str:
    """Return the page as roff.

    Parameters
    ----------
    program
        The group of commands.
    version
        Of exactfit.
    """
    context = program.context_class(program, info_name="exactfit")
    lines = [f'.TH EXACTFIT 1 "" "exactfit {version}" "User Commands"', ".SH NAME"]
    lines.append(f"exactfit \\- {_roff(_lowered(program.help))}")
    lines += [".SH SYNOPSIS", rf"\fBexactfit\fR {_roff(' '.join(program.collect_usage_pieces(context)))}"]
    commands = [program.get_command(context, name) for name in program.list_commands(context)]
    for command in commands:
        lines += _synopsis(command, _context(command, context))
    lines += [".SH DESCRIPTION", *_paragraphs(program.help), *_options(program, context)]
    for command in commands:
        inner = _context(command, context)
        lines += [f".SH EXACTFIT {command.name.upper()}", *_synopsis(command, inner)]
        lines += [*_paragraphs(command.help), *_options(command, inner)]
    lines += [".SH EXIT STATUS", *_paragraphs(program.epilog.removeprefix("Exit status: "))]
    lines.append(".SH ENVIRONMENT")
    for name, meaning in _ENVIRONMENT:
        lines += _entry(name, meaning)
    lines += [".SH SEE ALSO", _roff("lstopo(1), flux-resource(1), flux-jobs(1), sacct(1)")]
    return "\n".join(lines) + "\n"


def _context(command: Any, parent: Any) -> Any:
    return command.context_class(command, info_name=command.name, parent=parent)


def _synopsis(command: Any, context: Any) -> list[str]:
    pieces = " ".join(command.collect_usage_pieces(context))
    return [".PP", rf"\fBexactfit {_roff(command.name)}\fR {_roff(pieces)}"]


def _options(command: Any, context: Any) -> Iterator[str]:
    # Arguments first, as in the help.
    for parameter in sorted(command.get_params(context), key=lambda one: one.param_type_name != "argument"):
        record = parameter.get_help_record(context)
        if record is not None:
            yield from _entry(*record)


def _entry(name: str, meaning: str) -> list[str]:
    return [".TP", rf"\fB{_roff(name)}\fR", _roff(meaning)]


def _paragraphs(text: str) -> Iterator[str]:
    """Yield paragraphs; what is indented is an example and stays as it is."""
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        if paragraph.startswith(" "):
            yield from (".PP", ".nf", ".RS 4", *(_roff(line.strip()) for line in paragraph.splitlines()), ".RE", ".fi")
        else:
            yield from (".PP", _roff(" ".join(paragraph.split())))


def _lowered(text: str) -> str:
    first = text.strip().splitlines()[0].rstrip(".")
    return first[:1].lower() + first[1:]


def _roff(text: str) -> str:
    """Return text as roff shows it, whatever is in it: a backslash, a hyphen, a dot or an apostrophe in front."""
    text = " ".join(text.split()).replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    text = _BACKTICKS.sub(r"\\fI\1\\fR", text)
    return f"\\&{text}" if text.startswith(".") else text
