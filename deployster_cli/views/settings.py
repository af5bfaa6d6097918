"""The settings on the screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from deployster_cli.views.output import Output

COLUMNS = ("KEY", "FROM", "VALUE")


class Entry(Protocol):
    """One setting: its dotted key, its value as JSON knows it, and who gave it."""

    @property
    def key(self) -> str:
        """The dotted key."""
        ...

    @property
    def value(self) -> object:
        """What it is; None where it isn't set."""
        ...

    @property
    def source(self) -> str:
        """Who gave it."""
        ...


def show_settings(output: Output, entries: Sequence[Entry]) -> None:
    """Each setting with its value and where it came from. In a table the value is last: it may be long."""
    output.show(
        json=lambda: {"settings": [{"key": e.key, "value": e.value, "from": e.source} for e in entries]},
        table=lambda: output.table(COLUMNS, [(e.key, e.source, _text(e.value)) for e in entries]),
        plain=lambda: [(e.key, _text(e.value), e.source) for e in entries],
    )


def _text(value: object) -> str:
    """A value in a cell: one line, ``-`` for none."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def show_written(output: Output, service: str, paths: Sequence[str]) -> None:
    """The files of a new project, and what to type next."""
    wrote = "".join(f"Wrote {path}\n" for path in paths)
    output.show(
        json=lambda: {"service": service, "files": list(paths)},
        table=lambda: output.say(f"{wrote}Next: change deployster.toml to fit, then deployster check\n"),
        plain=lambda: [(path,) for path in paths],
    )
