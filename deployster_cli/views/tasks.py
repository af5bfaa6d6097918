"""A task on the screen: its output on stdout as it comes, everything about it on stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from deployster_cli.domain.events import Event, Journal, Noticed, TaskDone, TaskOutput, Tell
from deployster_cli.views.output import Output, emit, is_terminal
from deployster_cli.views.progress import Progress, progress
from deployster_cli.views.text import for_terminal, printable

if TYPE_CHECKING:
    from deployster_cli.domain.change import TaskRequest


def show_task(output: Output, request: TaskRequest, run: Callable[[Tell], int]) -> int:
    """Run the task and show its events as they come; its exit code."""
    shown, screen = progress(output), _Screen(output)

    def tell(event: Event) -> None:
        screen.see(event)
        _tell(event, shown, screen)

    try:
        code = run(tell)
    finally:
        shown.close()
    screen.end(request, code)
    return code


def _tell(event: Event, told: Progress, screen: _Screen) -> None:
    """Stop the spinner: it may only turn until the output begins: both have the same screen, and it writes to stderr
    alone.
    """
    if isinstance(event, TaskOutput):
        told.close()
        screen.write(event.lines)
    elif not screen.begun or isinstance(event, TaskDone | Noticed):
        told.tell(event)


class _Screen:
    """Where the output goes: stdout as it is, or with ``-o json`` into the one value at the end."""

    def __init__(self, output: Output) -> None:
        self.begun = False
        self._output = output
        self._lines: list[str] = []
        self._problem = ""
        self._known = True

    def see(self, event: Event) -> None:
        """Note what is to be said at the end."""
        match event:
            case Journal(problem=problem) if problem:
                self._problem = problem
            case TaskDone(known=known):
                self._known = known

    def write(self, lines: tuple[str, ...]) -> None:
        """Show these lines."""
        self.begun = True
        if self._output.form == "json":
            self._lines += lines
            return
        if is_terminal(sys.stdout):
            lines = tuple(for_terminal(line, color=self._output.color) for line in lines)
        emit("".join(f"{line}\n" for line in lines), sys.stdout)

    def end(self, task: TaskRequest, code: int) -> None:
        """Show the one value of ``-o json``; and, with ``-q`` too, that output was lost."""
        if self._problem and not self.begun:
            code_too = "" if self._known else " Its exit code is unknown."
            emit(f"The output of {printable(task.command)} could not be read: {self._problem}{code_too}\n", sys.stderr)
        if self._output.form == "json":
            about = {"service": task.service, "version": task.version, "command": task.command, "exit_code": code}
            self._output.json({"task": {**about, "output": self._lines}})
