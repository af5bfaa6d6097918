"""The ssh engine over three machines: placing, looking, locking, and what becomes of it all where one is cut off."""

from __future__ import annotations

import pytest

from tests.engines.ssh.conftest import Told
from tests.engines.ssh.machines import Machines

pytestmark = [pytest.mark.systemd, pytest.mark.ssh]


def test_units_are_spread_over_the_machines_and_come_back_by_name(told: Told) -> None:
    lines = ["engine.start(files)", "until(lambda: all('running' in one for one in seen().values()))", "print(seen())"]
    assert told(*lines) == "{1: 'm1 running', 2: 'm2 running', 3: 'm3 running'}"
    assert told("print(made().cat(names[1]) == files[1], len(made().files(engine.units())))") == "True 3"


def test_a_unit_is_wanted_after_a_reboot_until_it_is_stopped(told: Told, machines: Machines) -> None:
    wanted = "/etc/systemd/system/multi-user.target.wants/carousel-3m@1.service"
    told("engine.start(files)")
    assert machines.each[0].run("cat", wanted).startswith("[Service]")
    assert machines.each[0].run("stat", "-c", "%a", "/etc/systemd/system/carousel-3m@1.service") == "600"
    told("engine.stop(names)", "until(lambda: all('stopped' in one for one in seen().values()))")
    assert machines.each[0].tried("test", "-e", wanted).returncode == 1


def test_a_name_with_other_content_is_not_taken(told: Told) -> None:
    lines = [
        "engine.start(files)",
        "try: engine.start([unit('3m', 'ExecStart=/bin/sleep 9', instance=1)])",
        "except EngineError as error: print(error.message)",
        "engine.start(files)",
    ]
    assert told(*lines) == "carousel-3m@1.service is on m1 already, with other content; nothing was started."


def test_what_a_shell_reads_as_words_is_kept_as_it_is(told: Told) -> None:
    hostile = r"""Environment='A=$(touch /pwned) `touch /pwned` "; touch /pwned #\' B=\\x2d %%n ü"""
    lines = [f"file = unit('3-m', {hostile!r}, LONG)", "engine.start([file])", "print(made().cat(file.name) == file)"]
    assert told(*lines) == "True"
    assert told("print([engine.run_shell(at, 'ls /pwned || :') for at in engine.machines()])") == "['', '', '']"


def test_units_of_a_machine_that_is_cut_off_are_not_gone(told: Told, machines: Machines) -> None:
    told("engine.start(files)", "until(lambda: all('running' in one for one in seen().values()))")
    with machines.cut_off(2):
        said = told("print(seen(), [each.machine.label for each in engine.silent])")
        assert said == "{1: 'm1 running', 2: 'm2 unknown', 3: 'm3 running'} ['m2']"
        refused = ["try: engine.stop(names)", "except EngineError as error: print(error.message)"]
        assert told(*refused, "print(seen()[3])").splitlines()[0] == (
            "m2 does not answer, and carousel 3m @2 may run there."
        )
        aside = told("print([(one.name.instance, one.aside) for one in made('m2').units()])")
        assert aside == "[(1, False), (2, True), (3, False)]"
    assert told("until(lambda: not engine.units() or not engine.silent)", "print(seen()[2])") == "m2 running"


def test_a_lock_is_held_while_more_than_half_of_the_machines_have_it(told: Told, machines: Machines) -> None:
    told("engine.locks.put(note('a'))")
    with machines.cut_off(1):
        lines = ["other = made()", "other.locks.put(note('b'))", "print(other.locks.read('carousel').token)"]
        assert told(*lines) == "a"
        renewed = ["engine.locks.put(note('a', 1), replace=True)", "print(made().locks.read('carousel').beat)"]
        assert told(*renewed) == "1"
    assert told("engine.units()", "print(engine.locks.shown(note('a', 1)), engine.locks.shown(note('a')))") == (
        "True False"
    )


def test_of_many_that_want_a_lock_one_has_it(told: Told) -> None:
    lines = [
        "import threading",
        "engines = [made() for _ in range(6)]",
        "tries = [threading.Thread(target=one.locks.put, args=(note(f't{at}'),)) for at, one in enumerate(engines)]",
        "[one.start() for one in tries]",
        "[one.join() for one in tries]",
        "found = [made().locks.read('carousel') for _ in range(2)]",
        "print(found[0] == found[1], found[0] is None or found[0].token.startswith('t'))",
    ]
    assert told(*lines) == "True True"


def test_with_most_machines_away_nobody_has_a_lock(told: Told, machines: Machines) -> None:
    with machines.cut_off(1), machines.cut_off(2):
        lines = ["try: engine.locks.read('carousel')", "except EngineUnreachable as error: print(error.message)"]
        assert told(*lines).startswith("Only 1 of 3 machines answers. ")


def test_a_record_that_was_dropped_does_not_come_back_with_a_machine(told: Told, machines: Machines) -> None:
    told("engine.units()", "engine.records.write(record('v1'))")
    with machines.cut_off(3):
        told("engine.units()", "engine.records.drop('carousel')", "print(engine.records.read('carousel'))")
    assert (
        told("engine.units()", "print(made().records.read('carousel'), engine.records.listed('carousel'))")
        == "None False"
    )


def test_of_two_records_the_later_counts(told: Told, machines: Machines) -> None:
    told("engine.units()", "engine.records.write(record('v1'))")
    with machines.cut_off(3):
        told("engine.units()", "engine.records.write(record('v2'))")
    assert told("print(made().records.read('carousel').version)") == "v2"


# The next script's connection breaks before it is answered.
BREAKING = (
    "import os, signal",
    "from deployster_cli.engines.process.dialogue import Dialogue",
    "engine.start(files); engine.units()",
    "ask = Dialogue.ask",
    "def broken(self, *given, **more):",
    "    Dialogue.ask = ask",
    "    os.killpg(self._process.pid, signal.SIGKILL)",
    "    return ask(self, *given, **more)",
    "Dialogue.ask = broken",
)


@pytest.mark.parametrize("by", ["engine", "made()"])
def test_a_connection_that_broke_unnoticed_costs_a_look_no_more_than_another_one(told: Told, by: str) -> None:
    """Be it this run's own, or one that an earlier run left open."""
    assert told(*BREAKING, f"one = {by}; print(len(one.units()), one.silent)") == "3 ()"
