"""script/audit: what nobody was asked about is not called clean."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path
from typing import Any

import pytest

AUDITING = Path(__file__).parent.parent / "script" / "auditing"
PINS = ("click==8.2.0", "rich==14.0.0")


@pytest.fixture
def advisories(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The module that asks."""
    return part("advisories", monkeypatch)


def part(name: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A module of the script, which is no package."""
    monkeypatch.syspath_prepend(str(AUDITING))
    for known in ("advisories", "installed", "programs"):
        monkeypatch.delitem(sys.modules, known, raising=False)
    return runpy.run_path(str(AUDITING / f"{name}.py"))


def said(*answers: dict[str, object]) -> str:
    return json.dumps({"dependencies": answers, "fixes": []})


def test_what_has_no_known_hole_is_clean(advisories: dict[str, Any]) -> None:
    text = said({"name": "click", "version": "8.2.0", "vulns": []}, {"name": "Rich", "version": "14.0.0", "vulns": []})
    assert advisories["read"](text, PINS)[:2] == ({}, [])


def test_a_hole_is_told_with_the_version_that_mends_it(advisories: dict[str, Any]) -> None:
    hole = {"id": "PYSEC-2026-1", "fix_versions": ["8.2.1"]}
    text = said({"name": "click", "version": "8.2.0", "vulns": [hole]}, {"name": "rich", "vulns": []})
    assert advisories["read"](text, PINS)[:2] == ({"click==8.2.0": ["PYSEC-2026-1, mended in 8.2.1"]}, [])


def test_what_was_skipped_was_not_asked_about(advisories: dict[str, Any]) -> None:
    text = said({"name": "click", "skip_reason": "Dependency not found on PyPI"}, {"name": "rich", "vulns": []})
    assert advisories["read"](text, PINS) == ({}, ["click==8.2.0"], "Dependency not found on PyPI")


def test_what_nothing_is_said_of_was_not_asked_about(advisories: dict[str, Any]) -> None:
    assert advisories["read"](said(), PINS)[1] == list(PINS)


@pytest.mark.parametrize(
    ("bandit", "pip_audit", "code"), [(0, 0, 0), (1, 0, 1), (0, 1, 1), (0, 2, 2), (1, 2, 1)], ids=str
)
def test_what_was_found_counts_before_what_could_not_be_asked(
    monkeypatch: pytest.MonkeyPatch, bandit: int, pip_audit: int, code: int
) -> None:
    main = part("__main__", monkeypatch)["main"]
    main.__globals__.update(own_code=lambda: bandit, installed=lambda: pip_audit)
    assert main() == code
