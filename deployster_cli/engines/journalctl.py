"""How journalctl is asked for a unit's entries whole. Pure: both engines have it, one of them on other machines."""

from __future__ import annotations


def flags(lines: int | None, *, follow: bool, after: str) -> tuple[str, ...]:
    """For the last ``lines`` entries (None: all) or all behind the cursor ``after``, in journald's export format.

    While it follows, journalctl shows no more than ten that were there before, unless it is told. A cursor that is
    known no more stands for its moment.
    """
    if lines is not None and not after:
        extent: tuple[str, ...] = (f"--lines={lines}",)
    else:
        extent = (*((f"--after-cursor={after}",) if after else ()), *(("--no-tail",) if follow else ()))
    return (*extent, "--output=export", *(("--follow",) if follow else ()))
