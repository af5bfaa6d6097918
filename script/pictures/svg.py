"""Rich's picture of a terminal, with nothing in it that a reader's browser would have to fetch."""

from __future__ import annotations

import io
import re
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import DEFAULT_TERMINAL_THEME, SVG_EXPORT_THEME, TerminalTheme
from rich.text import Text

DARK = SVG_EXPORT_THEME
LIGHT = DEFAULT_TERMINAL_THEME

FONTS = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"

_FACES = re.compile(r"\s*@font-face \{\{.*?\}\}", re.DOTALL)
_COMMENT = re.compile(r"\s*<!-- Generated .*?-->")


def draw(lines: list[Text], to: Path, title: str, theme: TerminalTheme) -> None:
    """Write the lines as an SVG, drawn with the reader's own monospace font."""
    console = Console(record=True, width=max(len(line) for line in lines), file=io.StringIO(), legacy_windows=False)
    for line in lines:
        console.print(line, soft_wrap=True)
    form = _COMMENT.sub("", _FACES.sub("", CONSOLE_SVG_FORMAT)).replace("Fira Code, monospace", FONTS)
    text = console.export_svg(title=title, theme=theme, code_format=form, unique_id=to.stem)
    to.write_text("\n".join(line.rstrip() for line in text.splitlines()) + "\n")
