"""docs/explanation/fleetctl.md: what it shows was recorded."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BLOCKS = re.findall(
    r"^```text\n\$ (.*)\n((?:.*\n)*?)\$ echo \$\?\n(\d+)\n```",
    (ROOT / "docs/explanation/fleetctl.md").read_text(),
    re.MULTILINE,
)


def recordings() -> list[dict[str, object]]:
    return [json.loads(file.read_text()) for file in sorted((ROOT / "tests/fixtures/fleetctl").glob("*.json"))]


@pytest.mark.parametrize(("typed", "shown", "code"), BLOCKS)
def test_a_call_is_shown_as_it_was_recorded(typed: str, shown: str, code: str) -> None:
    same = [call for call in recordings() if call["argv"] == typed.split() and call["exit"] == int(code)]
    printed = [f"{call['stdout']}\n{call['stderr']}".splitlines() for call in same]
    assert [lines for lines in printed if set(shown.splitlines()) <= set(lines)] != []


def test_calls_are_shown() -> None:
    assert len(BLOCKS) > 5
