from __future__ import annotations

from deployster_cli.domain.units.names import UnitName
from deployster_cli.engines.local import commands

BASE = commands.systemd(user=False)
ONE = UnitName("carousel", "9f8-701", 1)
TWO = UnitName("carousel", "9f8-701", 2)


def test_the_users_systemctl_is_asked_for_as_such() -> None:
    assert commands.systemd(user=True) == ("systemctl", "--user", "--no-ask-password", "--no-pager")


def test_one_show_asks_for_all_units() -> None:
    assert commands.show(("systemctl",))[:4] == ("systemctl", "show", "--all", "-p")


def test_the_pattern_for_all_units_comes_last() -> None:
    assert commands.show(("systemctl",))[-1] == "*-*@*.service"


def test_starting_waits_for_nothing_and_names_every_unit() -> None:
    assert commands.start(("systemctl",), [ONE, TWO]) == (
        "systemctl",
        "start",
        "--no-block",
        "carousel-9f8\\x2d701@1.service",
        "carousel-9f8\\x2d701@2.service",
    )


def test_stopping_waits_for_nothing() -> None:
    assert commands.stop(("systemctl",), [ONE]) == ("systemctl", "stop", "--no-block", ONE.text)


def test_reloading_has_systemd_read_its_files() -> None:
    assert commands.reload(("systemctl",)) == ("systemctl", "daemon-reload")


def test_a_removed_unit_is_forgotten_by_name() -> None:
    assert commands.reset_failed(("systemctl",), [ONE]) == ("systemctl", "reset-failed", ONE.text)


def test_the_journal_of_a_system_unit() -> None:
    assert commands.journal(ONE, 7, user=False) == ("journalctl", "--no-pager", f"--unit={ONE.text}", "--lines=7")


def test_the_entries_of_a_user_unit_that_is_followed() -> None:
    assert commands.entries(ONE, 7, user=True, follow=True, after="") == (
        "journalctl",
        "--no-pager",
        f"--user-unit={ONE.text}",
        "--lines=7",
        "--output=export",
        "--follow",
    )


def test_how_a_unit_ended() -> None:
    assert commands.ended(("systemctl",), ONE) == (
        "systemctl",
        "show",
        "-p",
        "ExecMainCode",
        "-p",
        "ExecMainStatus",
        ONE.text,
    )


def test_a_supervisor_is_run_by_this_python_and_never_out_of_the_current_folder() -> None:
    module = "deployster_cli.engines.local.supervisor.runner"
    assert commands.supervisor("python3", "stop", ONE, "/s/a b", 9) == (
        *("python3", "-P", "-m", module),
        *("stop", ONE.text, "/s/a b", "9"),
    )
