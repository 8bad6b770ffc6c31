"""Pages that ask the program: a directive shows what a command prints, so that no page repeats it by hand.

In a page, `asked` with the arguments of `exactfit` shows the command and its output, at 80 columns, without colours. A
command that ends otherwise than with status 0 or 1 is an error of the page. All run in the process that makes the
pages, so that the program is loaded once.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from docutils import nodes
from docutils.parsers.rst import Directive
from typer.testing import CliRunner

from exactfit.adapters.cli import app as program

if TYPE_CHECKING:
    from sphinx.application import Sphinx

_ENVIRONMENT = {"COLUMNS": "80", "NO_COLOR": "1"}


class Asked(Directive):
    """Shows `exactfit ARGUMENTS` and what it prints."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """Return the command and what it prints, or an error of the page."""
        arguments = self.arguments[0]
        run = CliRunner().invoke(program, shlex.split(arguments), prog_name="exactfit", env=_ENVIRONMENT)
        if run.exit_code not in (0, 1) or (run.exception and not isinstance(run.exception, SystemExit)):
            raise self.error(f"exactfit {arguments}: status {run.exit_code}: {run.stderr.strip()} {run.exception!r}")
        command_block = nodes.literal_block("", f"$ exactfit {arguments}", language="console")
        language = "json" if run.stdout.startswith("{") else "text"
        return [command_block, nodes.literal_block("", run.stdout, language=language)]


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx of the directive."""
    app.add_directive("asked", Asked)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
