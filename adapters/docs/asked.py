"""Pages that ask the program: a directive shows what a command prints, so that no page repeats it by hand.

In a page, `asked` with the arguments of `exactfit` shows the command and its output, at 80 columns, without colours. A
command that ends otherwise than with status 0 or 1 is an error of the page.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from docutils import nodes
from docutils.parsers.rst import Directive

if TYPE_CHECKING:
    from sphinx.application import Sphinx


class Asked(Directive):
    """Shows `exactfit ARGUMENTS` and what it prints."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """Return the command and what it prints, or an error of the page."""
        arguments = self.arguments[0]
        environment = os.environ | {"COLUMNS": "80", "NO_COLOR": "1", "PYTHONUTF8": "1"}
        command = [sys.executable, "-m", "exactfit.adapters.cli", *shlex.split(arguments)]
        run = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=False)
        if run.returncode not in (0, 1):
            raise self.error(f"exactfit {arguments}: status {run.returncode}: {run.stderr.strip()}")
        command_block = nodes.literal_block("", f"$ exactfit {arguments}", language="console")
        language = "json" if run.stdout.startswith("{") else "text"
        return [command_block, nodes.literal_block("", run.stdout, language=language)]


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx of the directive."""
    app.add_directive("asked", Asked)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
