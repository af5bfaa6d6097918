"""What a person does at a terminal."""

from __future__ import annotations

import pexpect


def interrupt(child: pexpect.spawn[str], said: str) -> str:
    """Press Ctrl-C until this is said; what the screen got since.

    Once is not enough where it comes between the prompt of Python's ``input`` and its reading, which then goes on.
    """
    for _ in range(10):
        child.sendintr()
        if child.expect_exact([said, pexpect.TIMEOUT], timeout=3) == 0:
            return f"{child.before}{said}"
    raise AssertionError(f"{said!r} is not said: {child}")
