"""What the pages say is so: links lead somewhere, the table of commands is the program's, examples can be used."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from deployster_cli.cli.group import cli
from deployster_cli.config.layers import SETTINGS, variable
from deployster_cli.config.load import load

ROOT = Path(__file__).parent.parent
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/**/*.md")), *sorted(ROOT.glob("examples/**/*.md"))]

_CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_TOML = re.compile(r"^```toml\n(.*?)^```", re.MULTILINE | re.DOTALL)


_VARIABLE = re.compile(r"DEPLOYSTER_[A-Z]+(?:_[A-Z]+)*")

# Where a variable of ours that is no setting has its name; of the tests only those of their own.
READERS = [
    *ROOT.glob("deployster_cli/**/*.py"),
    *ROOT.glob("templates/*.j2"),
    *ROOT.glob("lab/*.py"),
    *ROOT.glob("tests/**/*.py"),
]


def links(page: Path) -> list[str]:
    """The page's links to places in the checkout."""
    found = _LINK.findall(_CODE.sub("", page.read_text()))
    return [link for link in found if not re.match(r"[a-z]+:", link)]


def anchors(page: Path) -> set[str]:
    """The anchors that a page's headings make: lower case, words joined by dashes, no punctuation."""
    headings = re.findall(r"^#+ (.*)$", _CODE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def leads_nowhere(page: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = page.parent / path if path else page
    return not target.exists() or bool(anchor and anchor not in anchors(target))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    assert [link for link in links(page) if leads_nowhere(page, link)] == []


def test_a_link_to_nothing_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A b\n[x](none.md) [y](page.md#a-b) [z](#c) `[code](no)` [w](https://example.com/)")
    assert [link for link in links(page) if leads_nowhere(page, link)] == ["none.md", "#c"]


def test_the_readmes_table_names_every_command_and_no_other() -> None:
    rows = re.findall(r"^\| `deployster ([a-z-]+)", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert sorted(rows) == sorted(cli.list_commands(click.Context(cli)))


def examples() -> list[tuple[str, str]]:
    return [(page.name, text) for page in PAGES for text in _TOML.findall(page.read_text())]


@pytest.mark.parametrize(("page", "text"), examples())
def test_every_deployster_toml_in_the_pages_can_be_used(page: str, text: str, tmp_path: Path) -> None:
    (tmp_path / "deployster.toml").write_text(text)
    assert load({}, {}, tmp_path).file == tmp_path / "deployster.toml"


def read_somewhere() -> set[str]:
    """Every variable of ours that a setting, the program, a template, the lab or the tests have."""
    named = {name for file in READERS for name in _VARIABLE.findall(file.read_text()) if _is_theirs(file, name)}
    return named | {variable(keys) for keys in SETTINGS} | {"DEPLOYSTER_CONFIG", "DEPLOYSTER_CLUSTER"}


def _is_theirs(file: Path, name: str) -> bool:
    return name.startswith("DEPLOYSTER_TEST_") == (ROOT / "tests" in file.parents)


def test_every_variable_on_a_page_is_read_by_something() -> None:
    known, example = read_somewhere(), "DEPLOYSTER_ENV_NAME"
    said = {(page.name, name) for page in PAGES for name in _VARIABLE.findall(page.read_text()) if name != example}
    assert sorted((page, name) for page, name in said if name not in known) == []
