"""The program's group: every command by name, imported when it runs, and help in groups."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import click

from deployster_cli import __version__
from deployster_cli.cli.options import ENGINE_FLAGS, shared_options

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

COMMAND_GROUPS: Mapping[str, tuple[str, ...]] = {
    "Deploying": ("deploy", "plan", "destroy", "rollback", "scale", "restart", "task"),
    "Looking": ("units", "services", "history", "diff", "logs", "ssh"),
    "Setting up": ("init", "setup", "check", "config", "templates", "render", "completion", "unlock"),
    "Serving": ("serve",),
}

# Heading → long options. What is in none of them stands below "Options".
OPTION_GROUPS: Mapping[str, tuple[str, ...]] = {
    "What runs": ("--instances", "--template", "--set", "--env", "--recreate", "--accept-changes"),
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
        *(flag.name for flag in ENGINE_FLAGS),
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

# Own options that a command has to have for its help to be parted: a heading over two lines helps nobody.
_GROUPED_FROM = 8

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
        """Write the options below their headings; a few own ones below one."""
        options = (param for param in self.get_params(ctx) if isinstance(param, click.Option))
        found = ((max(option.opts, key=len), option.get_help_record(ctx)) for option in options)
        rows = {name: record for name, record in found if record}
        shared = OPTION_GROUPS["Options of every command"]
        own = sum(name not in shared for name in rows)
        groups = OPTION_GROUPS if own >= _GROUPED_FROM else {"Options": (), "Options of every command": shared}
        write_groups(formatter, rows, groups)


def grouped(command: click.Command) -> click.Command:
    """Return the command with its help in groups; one that has a class of its own (a group) as it is."""
    if type(command) is not click.Command:
        return command
    with_groups = Grouped(command.name)
    vars(with_groups).update(vars(command))
    return with_groups


# Command → what it does. Each is ``cli`` in the module deployster_cli.commands.NAME.
COMMANDS = {
    "deploy": "Start a version of a service, and with --destroy-previous retire every earlier one.",
    "plan": "Show what deploy would do, without changing anything.",
    "destroy": "Stop and destroy a version of a service.",
    "rollback": "Go back to the previous release, or to a version.",
    "scale": "Change the number of instances of the newest release.",
    "task": "Run a command once with a release, and exit with its exit code.",
    "restart": "Replace every instance with a fresh one, without downtime.",
    "units": "List units with their version, instance, state and machine.",
    "services": "List releases: how many instances run, and where.",
    "logs": "Show or follow the journals of all instances together.",
    "ssh": "Open a shell, or run a command, on an instance's machine.",
    "history": "List a service's releases, newest first.",
    "diff": "Show how a version's unit file differs from the running one.",
    "render": "Print the unit file that deploy would start.",
    "templates": "List the unit templates, or print one.",
    "serve": "Serve the same operations over HTTP, with a dashboard.",
    "config": "Show every setting and where it came from.",
    "init": "Write a first deployster.toml, template and Makefile fragment.",
    "setup": "Install what machines lack that are reached by ssh.",
    "unlock": "Remove another run's lock on a service.",
    "check": "Check the setup, and say how to fix each fault.",
    "completion": "Set up TAB completion of commands, options and live names.",
}


class Commands(click.Group):
    """Knows every command by name and imports the one that runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """All commands, in the order in which a newcomer meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command, imported now; None where there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(f"deployster_cli.commands.{cmd_name}").cli
        assert isinstance(command, click.Command)  # noqa: S101 - a slip of ours  # nosec B101
        if ctx.resilient_parsing:
            from deployster_cli.cli.completion.complete import with_names  # only for the TAB key

            with_names(command)
        return grouped(command)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the commands from the table: none is imported for it. Then the options."""
        from click.shell_completion import CompletionItem  # only for the TAB key

        names = [CompletionItem(name, help=does) for name, does in COMMANDS.items() if name.startswith(incomplete)]
        return names + click.Command.shell_complete(self, ctx, incomplete)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with the nearest name for an unknown command."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            from deployster_cli.domain.wording import did_you_mean  # only for a wrong name

            ctx.fail(f"No such command {name!a}.{did_you_mean(name, COMMANDS)}")
        return super().resolve_command(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands before the options, which fill a screen."""
        self.format_commands(ctx, formatter)
        click.Command.format_options(self, ctx, formatter)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the list of commands, from the table: no command is imported for it."""
        write_groups(formatter, {name: (name, does) for name, does in COMMANDS.items()}, COMMAND_GROUPS)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="deployster", message="%(prog)s %(version)s")
@shared_options
def cli() -> None:
    """Put a version of a service into production on machines with systemd, or on a fleet cluster.

    \b
    deployster deploy carousel 9f88701 --destroy-previous
    deployster units carousel --watch
    deployster rollback carousel
    """
