"""What systemctl and journalctl are asked about a unit, and how the answer reads. Pure: every engine needs it, some of
them on other machines.
"""

from __future__ import annotations

EXIT_PROPERTIES = ("ExecMainCode", "ExecMainStatus")

# CLD_EXITED, CLD_KILLED and CLD_DUMPED of waitid(2), which ExecMainCode is.
_EXITED, _KILLED, _DUMPED = "1", "2", "3"

# Digits of an exit status or a signal's number.
_LONGEST = 3

# What a shell adds to a signal's number to make an exit code of it.
_SIGNALLED = 128


def exit_code(shown: str) -> int | None:
    """Return the exit code in ``Name=value`` lines of EXIT_PROPERTIES, 128 and the number for a signal.

    None where the main process never ran (an ExecStartPre failed) or the lines don't tell.
    """
    found = dict(line.strip().partition("=")[::2] for line in shown.split("\n"))
    code, status = (found.get(name, "") for name in EXIT_PROPERTIES)
    if not (status.isascii() and status.isdigit() and len(status) <= _LONGEST):
        return None
    return {_EXITED: int(status), _KILLED: _SIGNALLED + int(status), _DUMPED: _SIGNALLED + int(status)}.get(code)


def journal_flags(lines: int | None, *, follow: bool, after: str) -> tuple[str, ...]:
    """Return flags of journalctl for the last ``lines`` entries (None: all) or all behind the cursor ``after``, in
    journald's export format.

    While it follows, journalctl shows no more than ten that were there before, unless it is told. A cursor that is
    known no more stands for its moment.
    """
    if lines is not None and not after:
        extent: tuple[str, ...] = (f"--lines={lines}",)
    else:
        extent = (*((f"--after-cursor={after}",) if after else ()), *(("--no-tail",) if follow else ()))
    return (*extent, "--output=export", *(("--follow",) if follow else ()))
