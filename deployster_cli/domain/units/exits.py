"""How a unit's main process ended, as ``systemctl show`` tells it."""

from __future__ import annotations

PROPERTIES = ("ExecMainCode", "ExecMainStatus")

_EXITED, _KILLED, _DUMPED = "1", "2", "3"
"""CLD_EXITED, CLD_KILLED and CLD_DUMPED of waitid(2), which ExecMainCode is."""

_LONGEST = 3
"""Digits of an exit status or a signal's number."""

_SIGNALLED = 128
"""What a shell adds to a signal's number to make an exit code of it."""


def exit_code(shown: str) -> int | None:
    """The exit code in ``Name=value`` lines of PROPERTIES, 128 and the number for a signal.

    None where the main process never ran (an ExecStartPre failed) or the lines don't tell.
    """
    found = dict(line.strip().partition("=")[::2] for line in shown.split("\n"))
    code, status = (found.get(name, "") for name in PROPERTIES)
    if not (status.isascii() and status.isdigit() and len(status) <= _LONGEST):
        return None
    return {_EXITED: int(status), _KILLED: _SIGNALLED + int(status), _DUMPED: _SIGNALLED + int(status)}.get(code)
