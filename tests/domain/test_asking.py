"""Exit codes out of systemctl show."""

from __future__ import annotations

import pytest

from deployster_cli.domain.units.asking import exit_code


@pytest.mark.parametrize(
    ("code", "status", "ours"),
    [
        ("1", "0", 0),
        ("1", "7", 7),
        ("2", "9", 137),
        ("3", "11", 139),
        ("0", "0", None),
        ("", "", None),
        ("1", "x", None),
    ],
)
def test_how_a_process_ended_as_an_exit_code(code: str, status: str, ours: int | None) -> None:
    assert exit_code(f"ExecMainStatus={status}\r\nExecMainCode={code}\n") == ours


def test_nothing_tells_nothing() -> None:
    assert exit_code("") is None
