"""GitHub Actions' workflow commands: what a line of a log may say to the runner, and what it may not."""

from __future__ import annotations

from collections.abc import Mapping

_DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
"""What the runner turns back, as its own toolkit writes it (actions/toolkit, packages/core/src/command.ts)."""


def in_actions(environ: Mapping[str, str]) -> bool:
    """Whether a workflow's runner reads what we print."""
    return environ.get("GITHUB_ACTIONS") == "true"


def command(name: str, text: str = "") -> str:
    """``::error::text``: on one line, whatever the text holds."""
    return f"::{name}::{text.translate(_DATA)}"


def harmless(line: str) -> str:
    """A line that the runner only shows: it obeys ``##[`` anywhere in a line, and ``::`` at its beginning."""
    text = line.replace("##[", "# #[").replace("\r", " ").replace("\n", " ")
    return f". {text}" if text.lstrip().startswith("::") else text
