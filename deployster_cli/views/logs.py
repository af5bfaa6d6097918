"""Journals on the screen: each line behind its instance, in a colour of its own where somebody looks."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Generator
from datetime import UTC, datetime

from deployster_cli.domain.payloads import log_line_shape
from deployster_cli.errors import EXIT_DONE, EXIT_INTERRUPTED
from deployster_cli.operations.logs import LogLine, LogNote
from deployster_cli.views.output import Output, emit, is_terminal
from deployster_cli.views.text import for_terminal, lines

# ECMA-48 foreground colours that are told apart on dark and on light; red is for what is wrong.
_COLORS = (36, 33, 32, 35, 34, 96, 93, 92, 95, 94)

Shown = Callable[[LogLine], str]


def show_logs(output: Output, found: Generator[LogLine | LogNote, None, None]) -> int:
    """Show them as they come until there are no more, nobody reads them, or Ctrl-C; the exit code."""
    shown = _form(output)
    try:
        for line in found:
            if isinstance(line, LogNote):
                output.note(line.text)
            elif not _written(shown(line)):
                break
    except BrokenPipeError:
        emit("", sys.stdout)
    except KeyboardInterrupt as signal:
        if getattr(signal, "signal", None):
            raise
        return EXIT_INTERRUPTED
    finally:
        found.close()
    return EXIT_DONE


def _form(output: Output) -> Shown:
    if not is_terminal(sys.stdout):
        return as_json if output.form == "json" else as_text
    if output.form == "json":
        return lambda line: lines(as_json(line))
    return InColor(output.color)


def as_json(line: LogLine) -> str:
    """One JSON object, on a line of its own."""
    at = None if line.at is None else datetime.fromtimestamp(line.at, UTC).isoformat(timespec="microseconds")
    return json.dumps(log_line_shape(line.name, at, line.machine, line.text), ensure_ascii=False) + "\n"


def as_text(line: LogLine) -> str:
    """``carousel-9f88701@1 | line``."""
    return f"{_source(line)} | {line.text}\n"


def _source(line: LogLine) -> str:
    """Whose line it is: ``carousel-9f88701@1``, and for a copy of a global unit ``agent-v1@1 10.0.0.7``."""
    return f"{line.name.text.removesuffix('.service')} {line.machine}".rstrip()


class InColor:
    """For a terminal: each instance's lines behind its name, in one of a few colours, handed out in turn."""

    def __init__(self, color: bool) -> None:
        self._color = color
        self._given: dict[str, int] = {}

    def __call__(self, line: LogLine) -> str:
        """Return the line, with nothing in it that moves the cursor."""
        name = _source(line)
        text = for_terminal(line.text, color=self._color)
        if not self._color:
            return f"{name} | {text}\n"
        code = self._given.setdefault(name, _COLORS[len(self._given) % len(_COLORS)])
        return f"\x1b[{code}m{name} |\x1b[0m {text}\n"


def _written(text: str) -> bool:
    """Whether somebody reads it: a reader that goes away has read what it wanted, and following would never end."""
    if sys.stdout is None:
        return False
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        emit("", sys.stdout)
        return False
    except UnicodeEncodeError:
        emit(text, sys.stdout)
    return True
