"""What the TAB key offers: click knows the commands and options, this adds names by what a parameter is called.

A new command whose parameters are called ``service``, ``version`` and the like is completed without a line of its own.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem, ShellComplete

from deployster_cli.cli.context import KEY
from deployster_cli.domain.units.names import printable
from deployster_cli.engines.declaration import declared

if TYPE_CHECKING:
    from pathlib import Path

    from deployster_cli.config.load import Settings
    from deployster_cli.domain.units.names import UnitName

# A value, and what is said of it beside it.
Offer = tuple[str, str]

Source = Callable[[click.Context], Iterable[Offer]]

# The shared options that say where to look.
WHERE = ("cluster", "engine", "config", *(key for engine in declared().values() for key in engine.address))


def _here() -> Path:
    from pathlib import Path  # commands and options are completed without

    return Path.cwd()


def _settings(ctx: click.Context) -> tuple[Settings, dict[str, str]]:
    from deployster_cli.config.load import load  # commands and options are completed without

    given = ctx.find_root().meta.get(KEY, {})
    flags = {name: str(given[name]) for name in WHERE if name in given}
    return load(flags, os.environ, _here()), flags


def _units(ctx: click.Context) -> Sequence[UnitName]:
    from deployster_cli.cli.completion.cache import live_names

    return live_names(*_settings(ctx), os.environ)


def _services(ctx: click.Context) -> Iterator[Offer]:
    """Those of deployster.toml and those that have units, with their versions."""
    versions: dict[str, dict[str, None]] = {name: {} for name in _settings(ctx)[0].services}
    for name in _units(ctx):
        versions.setdefault(name.service, {})[name.version] = None
    return ((service, ", ".join(versions[service])) for service in sorted(versions))


def _versions(ctx: click.Context) -> Iterator[Offer]:
    """Those that the service has units of, with the instances' numbers."""
    instances: dict[str, list[str]] = {}
    for name in _units(ctx):
        if name.service == ctx.params.get("service"):
            instances.setdefault(name.version, []).append(f"@{name.instance}")
    return ((version, " ".join(of)) for version, of in instances.items())


def _releases(ctx: click.Context) -> Iterator[Offer]:
    """Those of the service's history, newest first."""
    from deployster_cli.cli.completion.cache import live_names

    return ((name.version, "") for name in live_names(*_settings(ctx), os.environ, ctx.params["service"]))


def _templates(ctx: click.Context) -> Iterable[Offer]:
    from deployster_cli.operations.templates import names

    return names(_settings(ctx)[0].templates_dir).items()


def _machines(ctx: click.Context) -> Iterator[Offer]:
    """Those that the engine's settings name."""
    settings = _settings(ctx)[0]
    key = settings.declared.machines
    return ((str(machine), "") for machine in (getattr(settings.engines[settings.engine], key) if key else ()))


def _clusters(ctx: click.Context) -> Iterator[Offer]:
    from deployster_cli.config.load import clusters

    given = ctx.find_root().meta.get(KEY, {})
    return ((name, "") for name in clusters({"config": given.get("config")}, os.environ, _here()))


# Argument or long option, or a command and one of its own → where its values come from.
SOURCES: Mapping[str, Source] = {
    "service": _services,
    "target": _services,
    "version": _versions,
    "template": _templates,
    "cluster": _clusters,
    "without": _machines,
    "rollback version": _releases,
    "show name": _templates,
}

# Parameters that name a file: the shell completes those itself.
FILES = {"config"}


class _Offered(click.types.StringParamType):
    """Any text, completed from a source."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def shell_complete(
        self,
        ctx: click.Context,
        param: click.Parameter,  # noqa: ARG002 - click's signature
        incomplete: str,
    ) -> list[CompletionItem]:
        """Return the source's values that begin like this."""
        return [CompletionItem(value, help=said) for value, said in self._source(ctx) if value.startswith(incomplete)]


class _File(click.types.StringParamType):
    """A path."""

    def shell_complete(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        param: click.Parameter,  # noqa: ARG002
        incomplete: str,
    ) -> list[CompletionItem]:
        """Whatever the shell finds."""
        return [CompletionItem(incomplete, type="file")]


def with_names(command: click.Command) -> None:
    """Have the command's parameters, and those of the commands in it, completed by what they are called."""
    for param in command.params:
        name = max(param.opts, key=len).lstrip("-")
        source = SOURCES.get(f"{command.name} {name}") or SOURCES.get(name)
        if getattr(param, "is_flag", False):
            continue
        if source:
            param.type = _Offered(source)
        elif name in FILES:
            param.type = _File()
    for inner in getattr(command, "commands", {}).values():
        with_names(inner)


class Completer(ShellComplete):
    """Answers one TAB. The scripts hand over the words (bash: the line) up to the cursor, and read back lines
    TYPE, TAB, VALUE, TAB, HELP.
    """

    name = "deployster"

    def __init__(self, cli: click.Command, shell: str, argv: Sequence[str]) -> None:
        super().__init__(cli, {}, "deployster", "_DEPLOYSTER_COMPLETE")
        self._shell = shell
        self._words = split(argv[0])[1:] if shell == "bash" else list(argv)

    def get_completion_args(self) -> tuple[list[str], str]:
        """Return the words before the cursor, and the one at it."""
        return self._words[:-1], self._words[-1]

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem]:
        """As click finds them. zsh and fish take ``--order=st`` for one word and want it back so; bash doesn't."""
        option, equals, _ = incomplete.partition("=")
        found = super().get_completions(args, incomplete)
        if equals and option.startswith("--") and self._shell != "bash":
            for item in found:
                item.value = f"{option}={item.value}"
        return found

    def format_completion(self, item: CompletionItem) -> str:
        """One line for the script. Nothing in it can end the line or begin another field."""
        fields = (item.type, item.value, item.help or "")
        return "\t".join(printable(str(field), " ") for field in fields)


def split(line: str) -> list[str]:
    """Return the words of a command line that may end in the middle of a quoted one; the last is what the
    cursor is at.
    """
    lexer = shlex.shlex(line, posix=True)
    lexer.whitespace_split, lexer.commenters = True, ""
    words: list[str] = []
    try:
        words.extend(lexer)
    except ValueError:
        return [*words, lexer.token]
    return [*words, ""] if line[-1:].isspace() else words


def answer(cli: click.Command, shell: str, argv: Sequence[str]) -> None:
    """Print what TAB offers there. Whatever is wrong, nothing is said of it: somebody is typing on that line."""
    with contextlib.suppress(Exception):
        with_names(cli)
        text = Completer(cli, shell, argv).complete()
        print(text, end="\n" if text else "", file=sys.stdout, flush=True)  # noqa: T201 - for the script
