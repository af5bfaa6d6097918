"""logs and ssh."""

from __future__ import annotations

import json
import threading

import pytest

from deployster_cli.domain.units.journal import Entry
from deployster_cli.domain.units.model import Machine
from deployster_cli.domain.units.names import UnitName
from deployster_cli.operations import logs as module
from deployster_cli.operations.logs import LogLine, LogNote, Wanted, logs
from deployster_cli.operations.ssh import parse_target
from tests.commands.conftest import Shell

ONE, TWO, NEXT = UnitName("carousel", "v1", 1), UnitName("carousel", "v1", 2), UnitName("carousel", "v2", 1)


@pytest.fixture
def two(shell: Shell) -> Shell:
    """Two instances that have written by turns."""
    shell.engine.add_running(ONE, TWO)
    shell.engine.journals = {
        ONE: [Entry("one", (1, 1), 1.0), Entry("three", (3, 1), 3.0)],
        TWO: [Entry("two", (2, 1), 2.0), Entry("four\nfive", (4, 1), 4.0)],
    }
    return shell


def test_lines_of_all_instances_come_in_the_order_of_their_times(two: Shell) -> None:
    assert two("logs carousel")[1].splitlines() == [
        "carousel-v1@1 | one",
        "carousel-v1@2 | two",
        "carousel-v1@1 | three",
        "carousel-v1@2 | four",
        "carousel-v1@2 | five",
    ]


def test_the_last_line_of_one_instance(two: Shell) -> None:
    assert two("logs carousel v1 --instance 1 -n 1")[1] == "carousel-v1@1 | three\n"


def test_json_is_one_object_a_line(two: Shell) -> None:
    assert json.loads(two("logs carousel -o json -n 1 --instance 1")[1]) == {
        "service": "carousel",
        "version": "v1",
        "instance": "1",
        "unit": "carousel-v1@1.service",
        "at": "1970-01-01T00:00:03.000000+00:00",
        "line": "three",
    }


@pytest.mark.parametrize(
    "line", ["logs nope", "logs carousel v9", "logs carousel --instance 9", "ssh nope", "ssh carousel@9"]
)
def test_no_such_instance_is_not_found(two: Shell, line: str) -> None:
    assert two(line)[0] == 6


def test_without_ssh_it_is_an_error(two: Shell) -> None:
    two.engine.mute = "no agent"
    code, out, err = two("logs carousel")
    assert (code, out, "Error: no agent" in err) == (4, "", True)


def follow(two: Shell, seconds: float, monkeypatch: pytest.MonkeyPatch) -> list[LogLine | LogNote]:
    """What is told until so many seconds have passed; threads read it, so a little real time passes too."""
    found = []
    sleep = two.engine.clock.sleep
    pause = threading.Event()

    def both(length: float) -> None:
        sleep(length)
        pause.wait(0.01)
        if two.engine.clock.now() > seconds:
            raise KeyboardInterrupt

    monkeypatch.setattr(two.engine.clock, "sleep", both)
    with pytest.raises(KeyboardInterrupt):
        for line in logs(two.engine, Wanted("carousel"), two.engine.clock, follow=True):
            found.append(line)
    return found


def test_following_tells_each_line_once_and_leaves_no_thread(two: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    before = set(threading.enumerate())
    texts = sorted(line.text for line in follow(two, 6, monkeypatch))
    assert texts == ["five", "four", "one", "three", "two"]
    assert set(threading.enumerate()) <= before


def test_a_new_instance_is_taken_in_when_it_comes(two: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    two.engine.journals[NEXT] = [Entry("new", (1, 1))]
    two.engine._launch(NEXT, None)
    assert LogLine(NEXT, "new") in follow(two, 9, monkeypatch)


def test_too_many_are_said_to_be_left_out(two: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 1)
    assert LogNote("1 journals are followed at once; left out: carousel v1 @2.") in follow(two, 6, monkeypatch)


def test_following_where_not_one_journal_is_to_be_had_is_an_error(two: Shell) -> None:
    two.engine.mute = "no agent"
    assert two("logs carousel -f")[0] == 4


@pytest.mark.parametrize(("text", "target"), [("carousel", ("carousel", None)), ("carousel@12", ("carousel", 12))])
def test_a_target_is_a_service_and_perhaps_an_instance(text: str, target: tuple[str, int | None]) -> None:
    assert parse_target(text) == target


@pytest.mark.parametrize("text", ["Carousel", "carousel@", "carousel@0", "carousel@x", "@1"])
def test_any_other_target_is_refused(two: Shell, text: str) -> None:
    assert two("ssh", text)[0] == 2


def test_ssh_runs_the_command_beside_the_first_instance_that_runs(two: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(two.engine, "exec", lambda name, argv, _at: 40 + len(argv) if name == ONE else 1)
    assert two("ssh carousel -- echo a")[0] == 42


@pytest.mark.parametrize(
    ("words", "argv"),
    [
        ((), ()),
        (("--", "df -h | tail -1"), ("/bin/sh", "-c", "df -h | tail -1")),
        (("--", "df", "-h"), ("df", "-h")),
    ],
)
def test_one_word_is_a_shell_line_and_several_are_one_command(
    two: Shell, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], argv: tuple[str, ...]
) -> None:
    ran: list[tuple[str, ...]] = []

    def run_on(_name: UnitName, argv: tuple[str, ...], _at: Machine | None) -> int:
        ran.append(argv)
        return 0

    monkeypatch.setattr(two.engine, "exec", run_on)
    two("ssh carousel", *words)
    assert ran == [argv]


def test_ssh_says_on_which_machine_it_is(two: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(two.engine, "exec", lambda *_: 0)
    machine = next(unit.machine for unit in two.engine.units() if unit.name == UnitName("carousel", "v1", 2))
    assert machine
    assert two("ssh carousel@2 -- true")[2] == f"On {machine.ip}, where carousel v1 @2 is.\n"


def test_where_a_version_is_not_found_those_that_are_there_are_named(two: Shell) -> None:
    said = "No instance of carousel v9 found. There is carousel v1 @1 @2.\n"
    assert said in two("logs carousel v9")[2]


def test_a_slip_in_a_services_name_is_seen(two: Shell) -> None:
    assert "No instance of carosel found. Did you mean carousel?" in two("logs carosel")[2]
