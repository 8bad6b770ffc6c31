"""The pages that users read: the front page and those of the documentation."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "adapters" / "docs"


def pages() -> dict[str, str]:
    """Return the text of each page, by its path from the root."""
    found = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in found}


def not_typed() -> dict[str, str]:
    """Return the pages that `tests/test_install.py` does not type from beginning to end: all but the tutorials."""
    return {name: text for name, text in pages().items() if "/tutorials/" not in name}
