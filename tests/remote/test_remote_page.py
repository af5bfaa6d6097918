"""docs/remote.md: what it shows is what happens."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.remote.conftest import Both

PAGE = Path(__file__).parent.parent.parent / "docs" / "remote.md"

EXAMPLE = "http://localhost:3000"


def typed() -> list[tuple[str, str]]:
    """(command line, what it prints) of every line after a ``$``."""
    blocks = re.findall(r"^```console\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    return [
        (line, out) for block in blocks for line, out in re.findall(r"^\$ (.*)\n((?:[^$].*\n)*)", block, re.MULTILINE)
    ]


def test_the_page_shows_what_is_printed(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = ""
    for line, _ in typed():
        if line.startswith("export "):
            name, _, value = line.removeprefix("export ").partition("=")
            monkeypatch.setenv(name, value.replace(EXAMPLE, both.url))
        else:
            shown += both.here(line.replace(EXAMPLE, both.url).removeprefix("deployster "))[1]
    assert shown == "".join(out for _, out in typed())


def test_the_page_shows_something() -> None:
    assert len(typed()) > 3
