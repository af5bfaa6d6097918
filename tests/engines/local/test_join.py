from __future__ import annotations

from dataclasses import replace

import pytest

from deployster_cli.domain.units.model import Condition, Machine, State, Unit
from deployster_cli.engines.local.join import join
from deployster_cli.engines.local.parse import Shown
from deployster_cli.engines.local.unit_folder import Held
from tests.engines.local.units import unit

HERE = Machine("4d1c", "127.0.0.1", {"name": "box"})
FILE = unit("9f8")
HELD = Held(FILE.name, FILE.text, wanted=True, leaving=False)
UP = Shown(FILE.name.text, "loaded", "active", "running", restarts=2, fragment=f"/units/{FILE.name.text}")
DEAD = replace(UP, active="inactive", sub="dead")


def joined(held: Held | None, shown: Shown | None) -> tuple[Unit, ...]:
    units, _ = join([held] if held else [], {shown.id: shown} if shown else {}, HERE, "/units")
    return units


def only(held: Held | None, shown: Shown | None) -> Unit:
    [found] = joined(held, shown)
    return found


@pytest.mark.parametrize(
    ("held", "shown", "condition"),
    [
        (HELD, UP, Condition.RUNNING),
        (HELD, replace(UP, active="activating", sub="start-pre"), Condition.STARTING),
        (HELD, replace(UP, active="activating", sub="auto-restart"), Condition.RESTARTING),
        (HELD, replace(DEAD, job=True), Condition.STARTING),
        (HELD, DEAD, Condition.EXITED),
        (HELD, None, Condition.EXITED),
        (HELD, replace(DEAD, load="bad-setting"), Condition.FAILED),
        (HELD, replace(UP, active="failed", sub="failed"), Condition.FAILED),
        (replace(HELD, wanted=False), replace(UP, active="deactivating", sub="stop"), Condition.STOPPING),
        (replace(HELD, wanted=False), UP, Condition.STOPPING),
        (replace(HELD, wanted=False), None, Condition.STOPPED),
        (replace(HELD, wanted=False), replace(UP, active="failed"), Condition.STOPPED),
        (replace(HELD, leaving=True), UP, Condition.REMOVING),
        (None, UP, Condition.REMOVING),
        (None, replace(UP, load="not-found", fragment=""), Condition.REMOVING),
    ],
)
def test_a_units_condition(held: Held | None, shown: Shown | None, condition: Condition) -> None:
    assert only(held, shown).condition is condition


def test_a_unit_knows_its_file_by_its_hash() -> None:
    assert only(HELD, UP).hash == FILE.hash


def test_a_unit_is_on_this_machine_and_counts_its_restarts() -> None:
    assert (only(HELD, UP).machine, only(HELD, UP).restarts) == (HERE, 2)


def test_a_stopped_unit_that_had_failed_holds_nothing() -> None:
    assert only(replace(HELD, wanted=False), replace(UP, active="failed")).stopped


def test_a_failed_start_whose_process_runs_on_has_not_stopped() -> None:
    left = replace(UP, active="failed", sub="failed", main_pid=7)
    assert only(replace(HELD, wanted=False), left).current is State.LAUNCHED


def test_a_destroyed_unit_that_is_over_is_no_longer_listed_but_named_for_removal() -> None:
    assert join([replace(HELD, leaving=True)], {DEAD.id: DEAD}, HERE, "/units") == ((), (FILE.name,))


def test_another_folders_unit_with_a_name_like_ours_is_not_ours() -> None:
    foreign = replace(
        UP, fragment="/usr/lib/systemd/system/user-runtime-dir@.service", id="user-runtime-dir@1000.service"
    )
    assert joined(None, foreign) == ()


def test_a_name_that_is_not_ours_is_left_out() -> None:
    assert joined(None, replace(UP, id="getty-x@tty1.service", load="not-found")) == ()
