"""Makes matplotlib's SVG a fraction of its size without changing what it shows, as one page holds many pictures.

Styles that recur become classes; neighbouring paths of one class become one; coordinates keep a hundredth of a point;
clipping at the edge of the picture, ids that nothing refers to and metadata go.
"""

from __future__ import annotations

import re

_STYLE = re.compile(r' style="([^"]*)"')
_PATHS = re.compile(r'<path d="([^"]*)" class="([^"]*)"/>(?:<path d="[^"]*" class="\2"/>)+')
_ONE = re.compile(r'd="([^"]*)"')


def slimmed(name: str, svg: str) -> str:
    """Return the ``svg`` element of a picture.

    Parameters
    ----------
    name
        Of the picture on its page: its classes begin so.
    svg
        As matplotlib writes it.
    """
    text = svg[svg.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = _without_clip(text)
    used = set(re.findall(r'(?:url\(|href=")#([^)"]+)', text))
    text = re.sub(r' id="([^"]+)"', lambda found: found[0] if found[1] in used else "", text)
    text = re.sub(r' transform="rotate\(-?0 [^"]*"', "", text)
    text = re.sub(r"-?\d+\.\d{3,}", lambda found: f"{float(found[0]):.2f}", text)
    text = re.sub(r"\s+", " ", text).replace("> <", "><").replace(' z "', 'z"').replace(' "', '"')
    classes: dict[str, str] = {}
    text = _STYLE.sub(lambda found: f' class="{classes.setdefault(found[1], f"{name}-c{len(classes)}")}"', text)
    # What styled nothing but its one path held it together.
    text = re.sub(r"<g>(<(?:path|text|use)[^>]*/>)</g>", r"\1", text)
    text = _PATHS.sub(lambda found: f'<path d="{"".join(_ONE.findall(found[0]))}" class="{found[2]}"/>', text)
    rules = "".join(f".{of}{{{style}}}" for style, of in classes.items())
    return text.replace(">", f"><style>{rules}</style>", 1)


def _without_clip(text: str) -> str:
    """Return a picture without clipping, where that is at its edge."""
    box = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', text)
    clips = re.findall(r'<clipPath[^>]*>\s*<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"/>', text)
    if box is None or any(clip != ("0", "0", box[1], box[2]) for clip in clips):
        return text
    return re.sub(r' clip-path="[^"]*"', "", text)
