"""The program's commands, as click knows them."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import click

from deployster_cli.cli.group import cli

NAME = "deployster"


def contexts() -> Iterator[click.Context]:
    """The program itself, then each command, then each one's own commands."""
    yield from _from(cli, NAME, None)


def _from(command: click.Command, name: str, parent: click.Context | None) -> Iterator[click.Context]:
    context = click.Context(command, info_name=name, parent=parent, terminal_width=100, max_content_width=100)
    yield context
    if isinstance(command, click.Group):
        for inner in command.list_commands(context):
            found = command.get_command(context, inner)
            if found and not found.hidden:
                yield from _from(found, inner, context)


def paragraphs(command: click.Command) -> Iterator[tuple[bool, str]]:
    r"""A command's help in paragraphs; whether each is an example (behind ``\b``), to be kept line by line."""
    for part in inspect.cleandoc(command.help or "").split("\n\n"):
        kept = part.startswith("\b\n")
        yield kept, part.removeprefix("\b\n") if kept else " ".join(part.split())


def options(context: click.Context) -> list[tuple[str, str]]:
    """Each option of the command as its help shows it: how it is written, what it does."""
    params = [param for param in context.command.get_params(context) if isinstance(param, click.Option)]
    records = (record for param in params if (record := param.get_help_record(context)))
    return [(written, " ".join(does.split())) for written, does in records]


def synopsis(context: click.Context) -> str:
    """What is typed behind the command's name."""
    return " ".join(context.command.collect_usage_pieces(context))
