"""Real units on a machine that a real systemd runs."""

from __future__ import annotations

import pytest

from tests.engines.local.machine import Machine, emptying

pytestmark = pytest.mark.systemd

PRELUDE = r"""
import sys, time
from deployster_cli.engines.local.declaration import LocalOptions
from deployster_cli.engines.local.engine import LocalEngine
from tests.engines.local.units import unit
engine = LocalEngine(LocalOptions())
LONG = "ExecStart=/bin/sleep 300"
def conditions():
    return {found.name.version: str(found.condition) for found in engine.units() if found.name.service == "carousel"}
def wait(done):
    for _ in range(200):
        now = conditions()
        if done(now):
            return now
        time.sleep(0.05)
    sys.exit(f"still {now}")
def settled(*files):
    engine.start(files)
    return wait(lambda now: "starting" not in now.values() and "stopping" not in now.values())
"""


def told(machine: Machine, *lines: str, user: str = "root") -> str:
    """What these lines print on the machine; the units that they leave are taken away."""
    return machine.python(emptying(PRELUDE, *lines), user=user)


@pytest.mark.parametrize(
    ("service", "condition"),
    [
        (["ExecStart=/bin/sleep 300"], "running"),
        (["ExecStartPre=/bin/sleep 1", "ExecStart=/bin/sleep 300"], "running"),
        (["ExecStartPre=/bin/false", "ExecStart=/bin/sleep 300"], "failed"),
        (["ExecStart=/bin/sleep 300", "ExecStartPost=/bin/false"], "failed"),
        (["Type=oneshot", "ExecStart=/bin/true"], "exited"),
        (["Type=oneshot", "RemainAfterExit=yes", "ExecStart=/bin/true"], "completed"),
        (["Restart=always", "RestartSec=60", "ExecStart=/bin/false"], "restarting"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else value,
)
def test_a_started_units_condition(machine: Machine, service: list[str], condition: str) -> None:
    assert told(
        machine, f"settled(unit('9f8-701', *{service!r}))", "time.sleep(0.3)", "print(*conditions().values())"
    ) == (condition)


def test_the_engine_can_be_used(machine: Machine) -> None:
    assert told(machine, "print([engine.check(), type(engine.manager).__name__])") == "['', 'Systemd']"


def test_starting_waits_for_nothing(machine: Machine) -> None:
    start = "engine.start([unit('9f8', 'ExecStartPre=/bin/sleep 30', LONG)])"
    assert told(machine, start, "print(*conditions().values())") == "starting"


def test_a_started_unit_is_enabled_and_a_stopped_one_is_not(machine: Machine) -> None:
    lines = [
        "import subprocess",
        "file = unit('9f8-701', LONG)",
        "argv = ['systemctl', 'is-enabled', file.name.text]",
        "settled(file)",
        "one = subprocess.run(argv, capture_output=True, text=True).stdout.strip()",
        "engine.stop([file.name])",
        "print(one, subprocess.run(argv, capture_output=True, text=True).stdout.strip())",
    ]
    assert told(machine, *lines) == "enabled static"


def test_a_unit_that_systemd_refuses_is_an_error_with_its_words(machine: Machine) -> None:
    lines = ["try: engine.start([unit('9f8', 'Type=simple')])", "except Exception as error: print(error.code, error)"]
    assert "has a bad unit file setting" in told(machine, *lines)


def test_a_refused_unit_has_failed(machine: Machine) -> None:
    lines = ["try: engine.start([unit('9f8', 'Type=simple')])", "except Exception: print(*conditions().values())"]
    assert told(machine, *lines) == "failed"


def test_restarts_are_counted(machine: Machine) -> None:
    lines = [
        "engine.start([unit('9f8', 'Restart=always', 'RestartSec=100ms', 'ExecStart=/bin/false')])",
        "time.sleep(0.5)",
        "print(engine.units()[0].restarts > 0)",
    ]
    assert told(machine, *lines) == "True"


def test_a_stop_runs_to_its_end_though_the_unit_was_destroyed_meanwhile(machine: Machine) -> None:
    lines = [
        "file = unit('9f8-701', LONG, 'ExecStop=/bin/sleep 1', 'ExecStop=/bin/touch /run/second')",
        "settled(file)",
        "engine.stop([file.name])",
        "engine.destroy([file.name])",
        "print(*conditions().values())",
        "wait(lambda now: not now)",
        "import os; print(os.path.exists('/run/second'))",
    ]
    assert told(machine, *lines).split() == ["removing", "True"]


def test_a_destroyed_unit_leaves_nothing(machine: Machine) -> None:
    told(machine, "settled(unit('9f8-701', LONG))")
    assert machine.run("find", "/etc/systemd/system", "-name", "*carousel*") == ""


def test_the_journal_has_what_the_unit_wrote(machine: Machine) -> None:
    lines = ["file = unit('9f8-701', 'ExecStart=/bin/echo tick')", "settled(file)", "time.sleep(0.5)"]
    assert "tick" in told(machine, *lines, "print(list(engine.journal(file.name)))")


def test_an_ordinary_users_units_run_with_their_own_manager(machine: Machine) -> None:
    machine.run("useradd", "--create-home", "--uid", "1500", "ada")
    machine.run("install", "-d", "-o", "ada", "-m", "700", "/run/user/1500")
    manager = ["systemd-run", "-q", "-p", "User=ada", "-p", "Delegate=yes", "-p", "Type=notify"]
    machine.run(*manager, "-E", "XDG_RUNTIME_DIR=/run/user/1500", "/lib/systemd/systemd", "--user")
    lines = ["settled(unit('9f8-701', LONG))", "print(engine.manager.folder.path, *conditions().values())"]
    assert told(machine, *lines, user="ada") == "/home/ada/.config/systemd/user running"
