"""The settings of an empty folder, loaded."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from deployster_cli.config.load import Settings
from deployster_cli.config.load import load as load_settings
from tests.config.given import Load


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """``load(text, flags…, environ=…)`` in an empty folder that holds ``text`` as its deployster.toml."""

    def loaded(text: str | None = None, environ: Mapping[str, str] | None = None, **flags: object) -> Settings:
        if text is not None:
            (tmp_path / "deployster.toml").write_text(text)
        return load_settings(flags, environ or {}, tmp_path)

    return loaded
