"""docs/configuration.md names every setting there is, and no other."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from deployster_cli.config.schema import BESIDE, FILE_TABLES, PLACE, PROJECT
from deployster_cli.domain.hooks import Facts
from deployster_cli.domain.limits import SERVICE

PAGE = Path(__file__).parent.parent.parent / "docs" / "configuration.md"

TABLES: dict[str, Iterable[str]] = {
    "At the head of the file": (*PROJECT, *PLACE),
    "[services.NAME]": (*SERVICE, *BESIDE, "env", "set"),
    **{f"[{name}]": keys for name, keys in FILE_TABLES.items()},
}


def rows(heading: str) -> list[str]:
    """The words in backquotes that the rows of the section's tables begin with."""
    section = PAGE.read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)


@pytest.mark.parametrize("heading", TABLES)
def test_each_section_lists_its_keys(heading: str) -> None:
    assert {row for row in rows(heading) if row.islower()} == set(TABLES[heading])


def test_the_hooks_section_lists_the_variables() -> None:
    facts = Facts("deploy", "carousel", "v1", "ann@host", "fleet")
    assert [row for row in rows("[hooks]") if row.isupper()] == sorted(facts.variables, key=rows("[hooks]").index)
