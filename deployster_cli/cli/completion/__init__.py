"""Completion of command lines in bash, zsh and fish."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def write(path: Path, text: str, mode: int) -> None:
    """Write a file whole or not at all, over the one that may be there. OSError where that can't be."""
    from tempfile import NamedTemporaryFile  # slow to import, and most TABs find names kept

    with NamedTemporaryFile("w", dir=path.parent, prefix=".deployster-", delete=False) as file:
        os.fchmod(file.fileno(), mode)
        file.write(text)
    os.replace(file.name, path)  # noqa: PTH105 - the same on every path
