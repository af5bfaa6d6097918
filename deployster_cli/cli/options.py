"""The options of everything that rolls out: what it puts in, and how it waits and fails."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click

from deployster_cli.cli.context import KEY, Run
from deployster_cli.domain.durations import parse_duration
from deployster_cli.domain.limits import MOST_AT_ONCE
from deployster_cli.domain.units.model import OnFailure, Order
from deployster_cli.domain.units.names import quoted
from deployster_cli.engines.declaration import DEFAULT, TABLE, declared
from deployster_cli.errors import InvalidInput

if TYPE_CHECKING:
    from deployster_cli.domain.change import Policy


ENGINE_FLAGS = tuple(flag for engine in declared().values() for flag in engine.flags)

F = TypeVar("F", bound=Callable[..., object])


def duration(text: str) -> float:
    """``90s``, ``5m``, ``1h30m`` as seconds."""
    try:
        return parse_duration(text)
    except InvalidInput as error:
        raise click.BadParameter(error.message) from error


def number(low: int, high: int) -> Callable[[str], int]:
    """Return a type that takes a whole number from ``low`` to ``high``."""

    def convert(given: str | int) -> int:
        text = str(given)
        if not (re.fullmatch("0|[1-9][0-9]{0,8}", text) and low <= int(text) <= high):
            raise click.BadParameter(f"{quoted(text)} is not a whole number from {low} to {high}.")
        return int(text)

    return convert


INSTANCES = click.option(
    "--instances",
    type=number(1, MOST_AT_ONCE),
    metavar="N",
    help="Number of instances (default: as its settings say, else as before).",
)

VALUES = (
    click.option("--template", metavar="T", help="Unit template to use (see deployster templates list)."),
    click.option("--set", "sets", multiple=True, metavar="K=V", help="A setting of the service or its template."),
    click.option("--env", "envs", multiple=True, metavar="K=V", help="A variable of the service's environment."),
)

ADOPT = click.option("--adopt", is_flag=True, help="Take over units with such names that Deployster did not create.")

WAITING = (
    click.option(
        "--timeout", type=duration, default="5m", show_default=True, metavar="TIME", help="Time limit without progress."
    ),
    click.option(
        "--lock-wait",
        type=duration,
        default="0s",
        show_default=True,
        metavar="TIME",
        help="How long to wait while another run is changing the service.",
    ),
)

YES = click.option("--yes", is_flag=True, help="Don't ask for confirmation, even on a protected cluster.")


def _batch_size(default: str) -> Callable[[F], F]:
    return click.option(
        "--batch-size", type=number(1, MOST_AT_ONCE), metavar="B", help=f"Start B at a time (default: {default})."
    )


_HOW = (
    click.option(
        "--settle",
        type=duration,
        default="3s",
        show_default=True,
        metavar="TIME",
        help="How long an instance must have stayed running.",
    ),
    click.option(
        "--order",
        type=click.Choice([order.value for order in Order]),
        default=Order.START_FIRST.value,
        show_default=True,
        help="Start new instances before the old ones stop, or after.",
    ),
    click.option(
        "--on-failure",
        type=click.Choice([kind.value for kind in OnFailure]),
        default=OnFailure.ROLLBACK.value,
        show_default=True,
        help="Remove failed new instances, or keep them for inspection.",
    ),
    *WAITING,
    click.option("--dry-run", is_flag=True, help="Show the plan, without changing anything."),
)

ROLLING = (_batch_size("all"), *_HOW)

ROLLING_ONE_BY_ONE = (_batch_size("1"), *_HOW)


def policy_of(given: Mapping[str, Any]) -> Policy:
    """Return the policy that ROLLING's options describe; InvalidInput where they contradict one another."""
    from deployster_cli.domain.change import Policy  # most commands roll nothing out

    if given["settle"] >= given["timeout"]:
        raise InvalidInput("--settle must be shorter than --timeout, or no deploy could ever succeed.")
    return Policy(
        settle=given["settle"],
        timeout=given["timeout"],
        order=Order(given["order"]),
        on_failure=OnFailure(given["on_failure"]),
    )


def _remember(ctx: click.Context, param: click.Parameter, value: object) -> None:
    """Note an option's value for the whole run; the one behind the command's name counts before the one ahead of it."""
    flags = ctx.find_root().meta.setdefault(KEY, {})
    if isinstance(value, tuple):
        value = ",".join(value) or None
    if value not in (None, False):
        flags[param.name] = value


def _listen(ctx: click.Context, param: click.Parameter, value: object) -> None:
    """Tell of every call that an engine makes, until this run ends."""
    _remember(ctx, param, value)
    if value and not ctx.resilient_parsing:
        from deployster_cli.engines.process import observed  # only with -v

        root = ctx.find_root()  # click knows the context in this thread only, and a lock is given back in another
        told = observed(lambda done: Run(root.meta[KEY]).output.call(done.argv, done.code, done.seconds))
        root.with_resource(told)


def _option(*names: str, **facts: Any) -> Callable[[F], F]:
    return click.option(*names, expose_value=False, callback=_remember, **facts)


def with_options(*options: Callable[[F], F]) -> Callable[[F], F]:
    """All of these on one command, in this order in its help."""

    def add(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def shared_options(command: F) -> F:
    """Return the options that are accepted before COMMAND and after it."""
    options = (
        _option("--cluster", metavar="NAME", help="A cluster from deployster.toml."),
        _option("--engine", type=click.Choice(list(TABLE)), help=f"What runs the units (default: {DEFAULT})."),
        *(_option(flag.name, metavar=flag.metavar, help=flag.help, multiple=flag.many) for flag in ENGINE_FLAGS),
        _option("--server", metavar="URL", help="Use the deployster serve at this address, not an engine."),
        _option("--server-ca", metavar="FILE", help="Trust the certificates in this file for --server."),
        _option("--config", metavar="FILE", help="Use this file, not the deployster.toml found upwards from here."),
        _option("-o", "--output", type=click.Choice(["table", "plain", "json", "wide"]), help="Output format."),
        _option("-q", "--quiet", is_flag=True, default=None, help="Show no progress."),
        click.option(
            "-v",
            "--verbose",
            is_flag=True,
            expose_value=False,
            callback=_listen,
            help="Show every call of fleetctl, systemctl or ssh, with its exit code and time.",
        ),
        _option("--no-color", is_flag=True, default=None, help="No colour (also: NO_COLOR)."),
    )
    return with_options(*options)(command)
