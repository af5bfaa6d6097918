"""man/*.1: a man page for the program and for each command, by click-man.

click-man prints help into roff as it is, sees only commands that are imported already, and dates its pages. So it is
given escaped text, every command, and no date.
"""

from __future__ import annotations

from collections.abc import Iterator

import click
from click_man.man import ManPage
from program import contexts, options, paragraphs, synopsis

from deployster_cli import __version__


def texts() -> Iterator[tuple[str, str]]:
    """Each page's file name and text."""
    for context in contexts():
        yield f"{context.command_path.replace(' ', '-')}.1", _page(context)


def _page(context: click.Context) -> str:
    page = ManPage(context.command_path)
    page.version = f"Deployster {__version__}"
    page.date = ""
    page.short_help = _roff(context.command.get_short_help_str(200))
    page.synopsis = synopsis(context)
    page.description = "\n\n".join(
        _example(part) if kept else _roff(part) for kept, part in paragraphs(context.command)
    )
    page.options = [(written, _roff(does)) for written, does in options(context)]
    page.commands = _commands(context)
    return str(page)


def _commands(context: click.Context) -> list[tuple[str, str]]:
    group = context.command
    if not isinstance(group, click.Group):
        return []
    names = group.list_commands(context)
    found = ((name, group.get_command(context, name)) for name in names)
    return [(name, _roff(command.get_short_help_str(200))) for name, command in found if command]


def _example(part: str) -> str:
    return "\n".join([".nf", *(_roff(line.strip()) for line in part.splitlines()), ".fi"])


def _roff(words: str) -> str:
    """Words that roff prints as they are; dashes stay dashes, so that an example can be pasted."""
    escaped = words.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    return f"\\&{escaped}" if escaped.startswith(".") else escaped
