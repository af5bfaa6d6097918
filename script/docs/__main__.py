"""Write the generated pages: python script/docs FOLDER. The same program gives the same bytes, on any day.

FOLDER gets reference/commands.md, reference/http.md, reference/exit-codes.md and man/*.1.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import command_page
import exit_page
import http_page
import man_pages


def pages() -> Iterator[tuple[str, str]]:
    """Each page's path below FOLDER, and its text."""
    yield "reference/commands.md", command_page.text()
    yield "reference/http.md", http_page.text()
    yield "reference/exit-codes.md", exit_page.text()
    for name, text in man_pages.texts():
        yield f"man/{name}", text


def main(folder: Path) -> None:
    """Write them all; pages of commands that are gone go too."""
    for stale in folder.glob("man/*.1"):
        stale.unlink()
    for path, text in pages():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


main(Path(sys.argv[1]))
