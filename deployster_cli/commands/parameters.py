"""Types of options: functions from text to a value. click adds the option's name to what they complain of."""

from __future__ import annotations

import re
from collections.abc import Callable

import click

from deployster_cli.domain.durations import parse_duration
from deployster_cli.domain.names import quoted
from deployster_cli.errors import InvalidInput


def duration(text: str) -> float:
    """``90s``, ``5m``, ``1h30m`` as seconds."""
    try:
        return parse_duration(text)
    except InvalidInput as error:
        raise click.BadParameter(error.message) from error


def number(low: int, high: int) -> Callable[[str], int]:
    """A type that takes a whole number from ``low`` to ``high``."""

    def convert(given: str | int) -> int:
        text = str(given)
        if not (re.fullmatch("0|[1-9][0-9]{0,8}", text) and low <= int(text) <= high):
            raise click.BadParameter(f"{quoted(text)} is no whole number from {low} to {high}.")
        return int(text)

    return convert
