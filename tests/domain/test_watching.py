"""What one unit's story amounts to, look by look."""

from __future__ import annotations

import pytest

from deployster_cli.domain.rollout.tracking import LOST_FOR, Limits, Reason, Track, Traits, whole
from deployster_cli.domain.units.model import Machine, State, Unit, worst_of
from deployster_cli.domain.units.names import UnitName

UP = Unit(
    UnitName("carousel", "v1", 1),
    State.LAUNCHED,
    State.LAUNCHED,
    "loaded",
    "active",
    "running",
    Machine("m1", "1.1.1.1"),
)
EXITED = UP._replace(sub="exited")
DEAD = UP._replace(active="inactive", sub="dead")
RESTARTING = UP._replace(active="activating", sub="auto-restart")
FAILED = UP._replace(active="failed", sub="failed")
SILENT = UP._replace(load="", active="", sub="")
WAITING = SILENT._replace(current=State.INACTIVE, machine=None)
STOPPED = UP._replace(desired=State.LOADED, current=State.LOADED, active="inactive", sub="dead")


def story(*sights: tuple[float, Unit | None], oneshot: bool = False) -> Track:
    track = Track()
    for at, unit in sights:
        track = track.look(unit, at, Traits(oneshot))
    return track


def fault(*sights: tuple[float, Unit | None], pause: float = 0.1) -> Reason | None:
    return story(*sights).fault(sights[-1][0], Traits(limits=Limits(pause)))


def test_a_unit_settles_when_it_was_running_in_every_look_for_that_long() -> None:
    track = story((0, UP), (1, UP), (3, UP))
    assert (track.settled(3, 3), track.settled(3, 4)) == (True, False)


def test_a_unit_not_yet_seen_is_neither_settled_nor_at_fault() -> None:
    assert (Track().settled(9, 0), Track().fault(9, Traits())) == (False, None)


def test_a_restart_begins_the_settling_anew() -> None:
    assert not story((0, UP), (1, RESTARTING), (2, UP), (3, UP)).settled(3, 3)


def test_one_look_without_its_row_does_not_begin_it_anew() -> None:
    assert story((0, UP), (1, SILENT), (3, UP)).settled(3, 3)


def test_two_looks_without_its_row_do() -> None:
    assert not story((0, UP), (1, SILENT), (2, SILENT), (3, UP)).settled(3, 3)


def test_one_look_that_does_not_list_it_does_not_begin_it_anew_either() -> None:
    assert story((0, UP), (1, None), (3, UP)).settled(3, 3)


@pytest.mark.parametrize("missing", [SILENT, None])
def test_two_looks_without_it_in_the_same_moment_are_one(missing: Unit | None) -> None:
    assert story((0, UP), (1, missing), (1.25, missing), (1.5, missing), (3, UP)).settled(3, 3)


def test_two_looks_that_were_not_answered_in_the_same_moment_are_one() -> None:
    assert story((0, UP)).unlooked(1).unlooked(1.25).look(UP, 3, Traits()).settled(3, 3)


def test_a_unit_that_is_hidden_is_not_called_settled() -> None:
    assert not story((0, UP), (5, None)).settled(5, 3)


def test_nor_is_one_that_was_not_listed_and_a_moment_later_not_reported() -> None:
    assert not story((0, UP), (5, None), (5.25, SILENT)).settled(5.25, 3)


def test_what_happened_while_the_engine_was_away_is_not_known() -> None:
    once, twice = story((0, UP)).unlooked(1), story((0, UP)).unlooked(1).unlooked(2)
    assert once.look(UP, 3, Traits()).settled(3, 3)
    assert not twice.look(UP, 3, Traits()).settled(3, 3)


def test_an_exited_oneshot_is_up() -> None:
    assert story((0, EXITED), oneshot=True).settled(0, 0)


def test_an_exited_server_has_ended() -> None:
    assert fault((0, EXITED), (1, EXITED)) is Reason.ENDED


def test_a_failed_unit_is_at_fault_at_once() -> None:
    assert fault((0, FAILED)) is Reason.FAILED


def test_a_unit_that_looks_dead_before_it_ever_ran_gets_some_seconds() -> None:
    assert (fault((0, DEAD), (4, DEAD)), fault((0, DEAD), (5, DEAD))) == (None, Reason.ENDED)


def test_where_its_machine_may_be_lost_it_may_look_dead_for_as_long_as_that_takes_to_be_known() -> None:
    track = story((0, DEAD), (39, DEAD))
    assert [track.fault(now, Traits(limits=Limits(dead_for=LOST_FOR))) for now in (39, 40)] == [None, Reason.ENDED]


def test_one_restart_is_forgiven_and_two_are_not() -> None:
    assert fault((0, UP), (1, RESTARTING), (2, UP)) is None
    assert fault((0, UP), (1, RESTARTING), (2, UP), (3, RESTARTING)) is Reason.CRASH_LOOP


def test_an_auto_restart_that_outlasts_its_pause_was_two() -> None:
    assert fault((0, RESTARTING), (2, RESTARTING)) is Reason.CRASH_LOOP
    assert fault((0, RESTARTING), (2, RESTARTING), pause=5) is None


def test_systemds_own_count_of_restarts_decides_where_there_is_one() -> None:
    first, second = UP._replace(restarts=4), UP._replace(restarts=6)
    assert fault((0, first), (1, first)) is None
    assert fault((0, first), (1, second)) is Reason.CRASH_LOOP


def test_a_unit_is_gone_when_three_looks_in_a_row_do_not_list_it() -> None:
    assert fault((0, UP), (1, None), (2, None)) is None
    assert fault((0, UP), (1, None), (2, None), (3, None)) is Reason.GONE


def test_three_looks_in_the_same_second_do_not_make_it_gone() -> None:
    looks = [(1 + at / 4, None) for at in range(8)]
    assert (fault((0, UP), *looks), fault((0, UP), *looks, (3, None))) == (None, Reason.GONE)


def test_a_unit_that_turns_from_silent_to_not_listed_is_absent_at_once() -> None:
    assert story((0, UP), (1, SILENT), (1.25, None), (1.5, None)).absent == 1


def test_a_unit_that_was_up_may_look_dead_for_less_than_a_second() -> None:
    assert (fault((0, UP), (1, DEAD), (1.75, DEAD)), fault((0, UP), (1, DEAD), (2, DEAD))) == (None, Reason.ENDED)


def test_a_unit_that_somebody_stopped_is_gone() -> None:
    assert fault((0, UP), (1, STOPPED)) is Reason.GONE


def test_a_unit_that_was_created_and_not_yet_asked_to_run_is_not_gone() -> None:
    assert fault((0, WAITING._replace(desired=State.INACTIVE))) is None


def test_a_listing_is_whole_when_every_launched_unit_is_reported() -> None:
    assert (whole([UP, WAITING]), whole([UP, SILENT])) == (True, False)


COPY = UP._replace(current=None, everywhere=True)
OTHER_COPY = COPY._replace(machine=Machine("m2", "1.1.1.2"))


def dead(copy: Unit) -> Unit:
    return copy._replace(active="inactive", sub="dead")


def test_a_global_unit_settles_when_it_has_on_each_machine() -> None:
    track = story((0, worst_of([COPY, dead(OTHER_COPY)])), (2, worst_of([COPY, OTHER_COPY])))
    assert (track.settled(4, 3), track.settled(5, 3)) == (False, True)


def test_a_global_unit_that_is_not_listed_has_not_settled() -> None:
    assert not story((0, worst_of([COPY])), (9, None)).settled(9, 3)


def test_an_engine_that_did_not_answer_counts_for_each_copy() -> None:
    track = story((0, worst_of([COPY]))).unlooked(1).unlooked(2).look(worst_of([COPY]), 9, Traits())
    assert (track.settled(9, 3), track.settled(12, 3)) == (False, True)


def test_a_fault_is_that_of_the_machine_that_has_it() -> None:
    failed = OTHER_COPY._replace(active="failed", sub="failed")
    track = story((0, worst_of([COPY, failed])))
    assert (track.fault(0, Traits()), track.culprit(0, Traits())) == (Reason.FAILED, failed)


def test_a_global_unit_that_is_well_everywhere_has_no_fault() -> None:
    assert fault((0, worst_of([COPY, OTHER_COPY]))) is None


def test_a_copy_that_was_never_up_may_look_dead_as_long_as_any_unit() -> None:
    track = story((0, worst_of([dead(COPY)])), (39, worst_of([dead(COPY)])))
    assert [track.fault(now, Traits(limits=Limits(dead_for=LOST_FOR))) for now in (39, 40)] == [None, Reason.ENDED]


def test_a_copy_that_was_up_and_is_dead_has_ended() -> None:
    assert fault((0, worst_of([COPY])), (1, worst_of([dead(COPY)])), (2, worst_of([dead(COPY)]))) is Reason.ENDED


def test_a_machine_that_is_gone_is_forgotten() -> None:
    assert list(story((0, worst_of([COPY, OTHER_COPY])), (1, worst_of([COPY]))).copies) == ["m1"]


def test_the_first_restart_of_a_unit_that_was_ready_is_a_fault() -> None:
    ready = story((0, UP), (3, UP)).ready()
    assert ready.look(RESTARTING, 4, Traits()).fault(4, Traits()) is Reason.DIED
    before = story((0, UP), (1, RESTARTING), (2, UP)).ready()
    assert before.look(UP, 3, Traits()).fault(3, Traits()) is None


def test_one_that_was_ready_has_died_when_it_waits_for_a_restart_that_systemd_has_not_counted_yet() -> None:
    ready = story((0, UP._replace(restarts=1))).ready()
    assert ready.look(RESTARTING._replace(restarts=1), 1, Traits()).fault(1, Traits()) is Reason.DIED


def test_restarts_before_it_was_ready_are_not_held_against_it_where_systemd_counts_them() -> None:
    ready = story((0, UP._replace(restarts=4)), (1, UP._replace(restarts=5))).ready()
    looks = [ready.look(UP._replace(restarts=count), 2, Traits()).fault(2, Traits()) for count in (5, 6)]
    assert looks == [None, Reason.DIED]


def test_a_copy_of_a_global_unit_that_was_ready_may_not_die_either() -> None:
    ready = story((0, worst_of([COPY, OTHER_COPY]))).ready()
    died = worst_of([COPY, OTHER_COPY._replace(active="activating", sub="auto-restart")])
    assert ready.look(died, 1, Traits()).fault(1, Traits()) is Reason.DIED


def test_a_global_unit_that_ran_before_may_not_die_on_any_machine_and_may_crash_once_where_it_is_new() -> None:
    kept = Track(known=True, was_begun=True, was_ready=True).look(worst_of([COPY]), 0, Traits())
    crashed = COPY._replace(active="activating", sub="auto-restart")
    assert kept.look(worst_of([crashed]), 1, Traits()).fault(1, Traits()) is Reason.DIED
    elsewhere = OTHER_COPY._replace(active="activating", sub="auto-restart")
    assert kept.look(worst_of([COPY, elsewhere]), 1, Traits()).fault(1, Traits()) is None


def on(machine: str, unit: Unit) -> Unit:
    return unit._replace(machine=Machine(machine))


def test_on_another_machine_a_unit_begins_anew() -> None:
    crashed_once_on_each = story((0, UP), (1, RESTARTING), (2, on("m2", UP)), (3, on("m2", RESTARTING)))
    assert crashed_once_on_each.fault(3, Traits()) is None
    moved = story((0, UP), (3, on("m2", UP)))
    assert (moved.settled(3, 3), moved.settled(6, 3)) == (False, True)
    assert moved.look(on("m2", STOPPED), 4, Traits()).fault(4, Traits()) is Reason.GONE


def test_what_is_on_no_machine_for_a_moment_has_not_moved() -> None:
    assert (
        story((0, UP), (1, RESTARTING), (2, UP), (3, WAITING), (4, RESTARTING)).fault(4, Traits()) is Reason.CRASH_LOOP
    )
