from __future__ import annotations

from deployster_cli.domain.names import UnitName
from deployster_cli.engines.systemctl import args

BASE = args.systemd(user=False)
ONE = UnitName("carousel", "9f8-701", 1)
TWO = UnitName("carousel", "9f8-701", 2)


def test_the_users_systemctl_is_asked_for_as_such() -> None:
    assert args.systemd(user=True) == ("systemctl", "--user", "--no-ask-password", "--no-pager")


def test_systemctl3_is_run_by_this_python_and_never_out_of_the_current_folder() -> None:
    assert args.systemctl3("/usr/bin/python3", "/s/a b")[:5] == (
        "/usr/bin/python3",
        "-P",
        "-m",
        "systemctl3",
        "--root=/s/a b",
    )


def test_the_locks_of_systemctl3_lie_below_its_root() -> None:
    assert args.locks_below("/s/a b") == ("-c", "_notify_socket_folder=/s/a b/run/systemd")


def test_one_show_asks_for_all_units() -> None:
    assert args.show(("systemctl",))[:4] == ("systemctl", "show", "--all", "-p")


def test_the_pattern_for_all_units_comes_last() -> None:
    assert args.show(("systemctl",))[-1] == "*-*@*.service"


def test_starting_waits_for_nothing_and_names_every_unit() -> None:
    assert args.start(("systemctl",), [ONE, TWO]) == (
        "systemctl",
        "start",
        "--no-block",
        "carousel-9f8\\x2d701@1.service",
        "carousel-9f8\\x2d701@2.service",
    )


def test_stopping_waits_for_nothing() -> None:
    assert args.stop(("systemctl",), [ONE]) == ("systemctl", "stop", "--no-block", ONE.text)


def test_reloading_has_systemd_read_its_files() -> None:
    assert args.reload(("systemctl",)) == ("systemctl", "daemon-reload")


def test_a_removed_unit_is_forgotten_by_name() -> None:
    assert args.reset_failed(("systemctl",), [ONE]) == ("systemctl", "reset-failed", ONE.text)


def test_the_journal_of_a_system_unit() -> None:
    assert args.journal(ONE, 7, user=False) == ("journalctl", "--no-pager", f"--unit={ONE.text}", "--lines=7")


def test_the_entries_of_a_user_unit_that_is_followed() -> None:
    assert args.entries(ONE, 7, user=True, follow=True, after="") == (
        "journalctl",
        "--no-pager",
        f"--user-unit={ONE.text}",
        "--lines=7",
        "--output=export",
        "--follow",
    )


def test_how_a_unit_ended() -> None:
    assert args.ended(("systemctl",), ONE) == (
        "systemctl",
        "show",
        "-p",
        "ExecMainCode",
        "-p",
        "ExecMainStatus",
        ONE.text,
    )


def test_the_end_of_a_log() -> None:
    assert args.tail("/s/x.log", 3) == ("tail", "-n", "3", "--", "/s/x.log")


def test_a_job_is_told_its_unit_its_folder_and_its_lock() -> None:
    assert args.job("python3", "stop", ONE, "/s/a b", 9)[-4:] == ("stop", ONE.text, "/s/a b", "9")
