"""A [Service] that systemd would not run as it is written is refused in one sentence; any other is let through."""

from __future__ import annotations

import time

import pytest

from deployster_cli.domain.templates.systemd_rules import check
from deployster_cli.domain.units.names import UnitName
from deployster_cli.domain.units.unitfile import UnitFile
from deployster_cli.errors import TemplateFault
from tests.templates.unit_lines import REFUSED, TAKEN, service


def checked(lines: str) -> str:
    """The sentence that refuses these lines; empty where they are let through."""
    try:
        check(UnitFile.parse(UnitName("carousel", "9f88701", 1), service(lines)))
    except TemplateFault as error:
        return error.message
    return ""


@pytest.mark.parametrize("lines", REFUSED)
def test_what_systemd_would_not_run_is_refused_with_what_is_right(lines: str) -> None:
    assert checked(lines) == REFUSED[lines]


@pytest.mark.parametrize("lines", TAKEN)
def test_what_systemd_takes_is_let_through(lines: str) -> None:
    assert checked(lines) == ""


@pytest.mark.parametrize("lines", ["Type=notify-reload", "KillMode=none", r"ExecStart=/bin/sed s/\./,/"])
def test_what_newer_systemd_knows_or_only_warns_about_is_let_through(lines: str) -> None:
    assert checked(lines) == ""


def test_a_value_with_a_backslash_for_its_program_is_left_to_systemd() -> None:
    assert checked(r"ExecStart=\x2fbin/echo") == ""


def test_other_sections_are_none_of_its_business() -> None:
    assert checked("[X-Fleet]\nType=nosuch") == ""


def test_commands_that_were_taken_back_are_nothing_to_run() -> None:
    assert checked("ExecStart=/bin/echo\nExecStart=") == "its [Service] has no ExecStart, so there is nothing to run."


@pytest.mark.parametrize(
    "value", ['"' * 1999, "1 " * 990 + "x", "\\" * 1998 + "a", "a=" * 990 + "'", "; " * 990 + "a/"]
)
@pytest.mark.parametrize("name", ["ExecStart", "RestartSec", "Environment", "WorkingDirectory"])
def test_the_longest_line_is_read_at_once(name: str, value: str) -> None:
    began = time.perf_counter()
    checked(f"{name}={value}")
    assert time.perf_counter() - began < 1


@pytest.mark.parametrize(
    ("starts", "refused"),
    [
        (["/bin/a", "", "/bin/b", "", "/bin/c"], ""),
        (["/bin/a", "/bin/b", "", "", "/bin/c"], ""),
        (
            ["/bin/a", "", "/bin/b", "/bin/c"],
            "its [Service] has 2 ExecStart, and only Type=oneshot may have more than one.",
        ),
        (["", "/bin/a", ""], "its [Service] has no ExecStart, so there is nothing to run."),
    ],
)
def test_only_what_stands_behind_the_last_reset_is_run(starts: list[str], refused: str) -> None:
    lines = "".join(f"ExecStart={start}\n" for start in starts)
    unit = UnitFile.parse(UnitName("carousel", "9f88701", 1), f"[Service]\n{lines}")
    try:
        check(unit)
    except TemplateFault as error:
        assert error.message == refused
    else:
        assert refused == ""
