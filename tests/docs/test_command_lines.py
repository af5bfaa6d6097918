"""Every command line on any page is one that the program takes, and every page that shows one is typed by some test."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from deployster_cli.cli.group import COMMANDS, cli

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md")), *sorted(ROOT.glob("examples/**/README.md"))]

_BLOCK = re.compile(r"^```(?:console|sh|yaml)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`(deployster [^`]+)`")
_LINE = re.compile(r"(?:^|[;&|(] ?|run: |lab/run |=true )(deployster (?!\(\)).*)$", re.MULTILINE)
_END = re.compile(r" (?:\||&&|\d?>|#|&$)|;")

# What pages show to be refused.
REFUSED = ("serve -listen=0.0.0.0:3000", "deploy carousel a41c9e2 --instances none", "deploy shop")

TYPED_BY = {
    "README.md": "tests/test_scripts.py",
    "docs/configuration.md": "tests/config/test_configuration_page.py",
    "docs/docker.md": "tests/docker/test_docker.py",
    "docs/lab.md": "tests/lab/test_lab.py",
    "docs/nginx.md": "tests/examples/test_nginx.py",
    "docs/output.md": "tests/test_output_page.py",
    "docs/remote.md": "tests/remote/test_remote_page.py",
    "docs/security.md": "tests/server/test_pentest.py",
    "docs/serve.md": "tests/server/test_seed.py",
    "docs/ssh.md": "tests/engines/fleet/test_interactive.py",
    "docs/templates.md": "tests/templates/test_templates_page.py",
    "docs/tutorial-docker.md": "tests/docker/test_tutorial.py",
    "docs/tutorial.md": "tests/docs/test_typed_pages.py",
    "docs/todo.md": "tests/docs/test_typed_pages.py",
    "docs/how-to/ci.md": "tests/docs/test_typed_pages.py",
    "docs/how-to/install.md": "tests/docs/test_typed_pages.py",
    "docs/how-to/makefile.md": "tests/docs/test_typed_pages.py",
    "docs/how-to/several-machines.md": "tests/engines/ssh/test_page.py",
    "docs/how-to/upgrade-from-go.md": "tests/docs/test_typed_pages.py",
    "docs/how-to/vulcand.md": "tests/docs/test_typed_pages.py",
    "examples/carousel/README.md": "tests/docs/test_typed_pages.py",
    "examples/nginx/README.md": "tests/examples/test_nginx.py",
}


def command_lines(text: str) -> list[str]:
    """What follows ``deployster`` in a page's blocks."""
    blocks = "\n".join(_BLOCK.findall(text)).replace("\\\n", " ").replace("\n$ ", "\n")
    found = (_END.split(line)[0] for line in _LINE.findall(blocks.removeprefix("$ ")))
    return [re.sub(r"\$\{\{.*?\}\}", "x", line).removeprefix("deployster ").strip("') ") for line in found]


def mentions(text: str) -> list[str]:
    """What follows ``deployster`` in a page's sentences, whole or in part."""
    return [line.removeprefix("deployster ") for line in _INLINE.findall(text)]


def words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:
        return shlex.split(line + "'")


def found(lines: Callable[[str], list[str]]) -> list[tuple[str, str]]:
    return sorted({(str(page.relative_to(ROOT)), line) for page in PAGES for line in lines(page.read_text())})


LINES = found(command_lines)


def command_of(given: list[str]) -> tuple[click.Context, click.Command, int]:
    """The program with the options ahead of the command, the command, and where its name is."""
    at = next(place for place, word in enumerate(given) if word in COMMANDS)
    program = cli.make_context("deployster", given[: at + 1])
    command = cli.get_command(program, given[at])
    assert command
    return program, command, at


@pytest.mark.parametrize(("page", "line"), [case for case in LINES if case[1] not in REFUSED])
def test_a_command_line_is_one_that_the_program_takes(page: str, line: str) -> None:
    given = words(line)
    program, command, at = command_of(given)
    command.make_context(given[at], given[at + 1 :], parent=program)


@pytest.mark.parametrize(("page", "line"), [case for case in found(mentions) if not case[1].startswith("COMMAND")])
def test_a_command_that_is_mentioned_is_there_and_has_those_options(page: str, line: str) -> None:
    given = line.split() if line.startswith("-") else words(line)
    _, command, at = command_of([word for word in given if word not in {"…", "--cluster", "staging", "--server"}])
    known = {name for param in command.params for name in param.opts}
    assert [word for word in given[at + 1 :] if word.startswith("--") and len(word) > 2 and word not in known] == []


def test_command_lines_are_found() -> None:
    assert len(LINES) > 40


@pytest.mark.parametrize("line", REFUSED)
def test_what_is_shown_to_be_refused_is(line: str) -> None:
    with pytest.raises(click.UsageError):
        test_a_command_line_is_one_that_the_program_takes("", line)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_with_commands_is_typed_by_a_test(page: Path) -> None:
    path = str(page.relative_to(ROOT))
    shows = bool(re.search(r"^```(?:console|sh)$", page.read_text(), re.MULTILINE))
    assert not shows or (ROOT / TYPED_BY[path]).exists()
