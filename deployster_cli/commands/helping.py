"""Help in groups: the commands by what they are for, a command's options by what they are about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import click

COMMAND_GROUPS: Mapping[str, tuple[str, ...]] = {
    "Deploying": ("deploy", "plan", "destroy", "rollback", "scale", "restart", "task"),
    "Looking": ("units", "services", "history", "diff", "logs", "ssh"),
    "Setting up": ("init", "check", "config", "templates", "render", "completion", "unlock"),
    "Serving": ("serve",),
}

OPTION_GROUPS: Mapping[str, tuple[str, ...]] = {
    "What runs": ("--instances", "--template", "--set", "--env", "--force"),
    "How it rolls out": (
        "--destroy-previous",
        "--adopt",
        "--before",
        "--batch-size",
        "--order",
        "--settle",
        "--timeout",
        "--on-failure",
        "--lock-wait",
        "--dry-run",
        "--yes",
    ),
    "Options": (),
    "Options of every command": (
        "--cluster",
        "--engine",
        "--endpoint",
        "--tunnel",
        "--strict-host-key-checking",
        "--known-hosts-file",
        "--server",
        "--server-ca",
        "--config",
        "--output",
        "--quiet",
        "--verbose",
        "--no-color",
        "--help",
    ),
}
"""Heading → long options. What is in none of them stands below "Options"."""

_GROUPED_FROM = 8
"""Own options that a command has to have for its help to be parted: a heading over two lines helps nobody."""

Row = tuple[str, str]


def write_groups(formatter: click.HelpFormatter, rows: Mapping[str, Row], groups: Mapping[str, Iterable[str]]) -> None:
    """Each group that has rows below its heading; rows of no group below ``Options`` or, without it, ``More``."""
    listed = {name for names in groups.values() for name in names}
    rest = [name for name in rows if name not in listed]
    for heading, names in {"More": (), **groups}.items():
        takes_rest = heading == ("Options" if "Options" in groups else "More")
        found = [rows[name] for name in (rest if takes_rest else names) if name in rows]
        if found:
            with formatter.section(heading):
                formatter.write_dl(found)


class Grouped(click.Command):
    """A command whose help has its options in groups."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The options below their headings; a few own ones below one."""
        options = (param for param in self.get_params(ctx) if isinstance(param, click.Option))
        found = ((max(option.opts, key=len), option.get_help_record(ctx)) for option in options)
        rows = {name: record for name, record in found if record}
        shared = OPTION_GROUPS["Options of every command"]
        own = sum(name not in shared for name in rows)
        groups = OPTION_GROUPS if own >= _GROUPED_FROM else {"Options": (), "Options of every command": shared}
        write_groups(formatter, rows, groups)


def grouped(command: click.Command) -> click.Command:
    """The command with its help in groups; one that has a class of its own (a group) as it is."""
    if type(command) is not click.Command:
        return command
    with_groups = Grouped(command.name)
    vars(with_groups).update(vars(command))
    return with_groups
