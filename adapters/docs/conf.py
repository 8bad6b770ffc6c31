"""How Sphinx makes the documentation: `make docs`.

The pages are Markdown, so that they read as well where the repository is looked at. What the program says of itself
(help, schemas, docstrings) is asked from it and not written down again.
"""

from __future__ import annotations

import sys
from importlib.metadata import version as installed_version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

project = "exactfit"
project_copyright = "the exactfit developers"
version = release = installed_version("exactfit")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton", "asked"]
exclude_patterns = ["build"]
# Shell commands of several lines are shown as they are typed, coloured or not.
suppress_warnings = ["misc.highlighting_failure"]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 4

autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
napoleon_google_docstring = False
napoleon_use_rtype = False

copybutton_prompt_text = "$ "

# A placeholder, until the first public release.
linkcheck_ignore = [r"https://example\.org/.*"]

html_theme = "furo"
html_title = f"exactfit {release}"
html_static_path = ["_static"]
html_css_files = ["exactfit.css"]
html_copy_source = False
html_show_sphinx = False
