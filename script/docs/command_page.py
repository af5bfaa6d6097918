"""reference/commands.md: every command with its arguments and options."""

from __future__ import annotations

import click
from program import contexts, options, paragraphs, synopsis

from deployster_cli.cli.group import COMMAND_GROUPS

Rows = list[tuple[str, str]]

HEAD = """\
# Commands

<!-- Written by script/reference from the program. Change the commands, not this page. -->

`deployster COMMAND --help` says the same, and so do the man pages: `man docs/man/deployster-deploy.1`. What is
printed is in [What Deployster prints](../output.md), what a run ends with in [Exit codes](exit-codes.md).
"""

SHARED = """\
These are accepted before the command's name and after it.
"""


def text() -> str:
    """The page."""
    program, *commands = contexts()
    shared = options(program)
    parts = [HEAD, _groups(), "## Options of every command\n", SHARED, _table(shared)]
    return "\n".join([*parts, *(_section(context, shared) for context in commands)])


def _groups() -> str:
    rows = [
        f"- {title}: {', '.join(f'[{name}](#{name})' for name in names)}" for title, names in COMMAND_GROUPS.items()
    ]
    return "\n".join(rows) + "\n"


def _section(context: click.Context, shared: Rows) -> str:
    depth = "#" * len(context.command_path.split())
    lines = [f"{depth} {context.command_path.partition(' ')[2]}\n", f"    {context.command_path} {synopsis(context)}\n"]
    for kept, part in paragraphs(context.command):
        lines.append(_indented(part) if kept else _escaped(part) + "\n")
    own = [row for row in options(context) if row not in shared]
    return "\n".join([*lines, *([_table(own)] if own else [])])


def _indented(part: str) -> str:
    return "\n".join(f"    {line.strip()}" for line in part.splitlines()) + "\n"


def _table(rows: Rows) -> str:
    lines = [f"| `{written.replace('|', chr(92) + '|')}` | {_escaped(does)} |" for written, does in rows]
    return "\n".join(["| option | does |", "|---|---|", *lines]) + "\n"


def _escaped(words: str) -> str:
    """Words that Markdown shows as they are."""
    for char in ("|", "*", "<", "[", "_"):
        words = words.replace(char, f"\\{char}")
    return words
