"""What a rollout is at, after its events."""

from __future__ import annotations

from deployster_cli.domain import events
from deployster_cli.domain.events import Event
from deployster_cli.domain.units.model import Machine, State, Unit
from deployster_cli.domain.units.names import UnitName
from deployster_cli.views.board import Board

ONE, TWO = UnitName("carousel", "v2", 1), UnitName("carousel", "v2", 2)
STARTING = Unit(ONE, State.LAUNCHED, State.LAUNCHED, "loaded", "activating", "start-pre", Machine("m1", "10.0.0.1"))
WAITING = Unit(TWO, State.LAUNCHED, State.INACTIVE)
STOPPING = Unit(ONE, State.LOADED, State.LOADED, "loaded", "deactivating", "stop", Machine("m1", "10.0.0.1"))
EXITED = Unit(ONE, State.LAUNCHED, State.LAUNCHED, "loaded", "active", "exited", Machine("m1", "10.0.0.1"))
LEFT = Unit(ONE, None, None, "loaded", "inactive", "dead", Machine("m1", "10.0.0.1"))


def after(*told: Event) -> Board:
    board = Board()
    for event in told:
        board.follow(event, 100.0)
    return board


def test_each_instance_is_a_row_with_what_it_waits_for() -> None:
    board = after(events.Starting(1, 1, (ONE, TWO)), events.Changed(STARTING, 1), events.Changed(WAITING, 1))
    assert board.rows(112.0) == [
        ("@1", "starting", "10.0.0.1", "12s", "until its start commands are done (start-pre)"),
        ("@2", "waiting", "-", "12s", "until a machine takes it"),
    ]


def test_of_several_releases_each_row_names_its_own() -> None:
    old = UnitName("carousel", "v1", 1)
    assert [row[0] for row in after(events.Retiring((ONE, old))).rows(101)] == ["carousel v1 @1", "carousel v2 @1"]


def test_one_that_no_list_has_yet_waits_for_that() -> None:
    assert after(events.Starting(1, 1, (ONE,))).rows(100.4) == [
        ("@1", "requested", "-", "0.4s", "until the engine lists it")
    ]


def test_what_is_ready_is_no_row_any_more() -> None:
    board = after(events.Starting(1, 1, (ONE, TWO)), events.Ready(STARTING, 3))
    assert [row[0] for row in board.rows(101)] == ["@2"]


def test_the_bar_is_about_all_batches() -> None:
    board = after(events.Starting(2, 4, (ONE, TWO)), events.Ready(STARTING, 3))
    assert board.fraction == (1 + 1 / 2) / 4


def test_the_summary_counts_and_names_the_batch() -> None:
    board = after(events.Starting(2, 4, (ONE, TWO)), events.Ready(STARTING, 3))
    assert board.summary(165.0) == "Starting 1 of 2, batch 2 of 4  1m05s  carousel v2"


def test_retiring_begins_a_count_of_its_own() -> None:
    board = after(events.Starting(1, 1, (ONE,)), events.Retiring((ONE, TWO)), events.Gone(TWO, 2))
    assert board.summary(103.0) == "Retiring 1 of 2  3s  carousel v2"


def test_one_that_stops_waits_for_its_stop_commands_and_then_for_its_machine() -> None:
    board = after(events.Retiring((ONE,)), events.Changed(STOPPING, 1))
    stopping = board.rows(101)[0][4]
    board.follow(events.Changed(LEFT, 2), 102)
    assert (stopping, board.rows(102)[0][4]) == ("until its stop commands are done", "until its machine has removed it")


def test_a_task_is_awaited_to_its_end_and_then_for_its_output() -> None:
    board = after(events.TaskStarted("date"), events.Starting(1, 1, (ONE,)), events.Changed(STARTING, 1))
    running = board.rows(101)[0][4]
    board.follow(events.Changed(EXITED, 2), 102)
    assert (running, board.rows(102)[0][4]) == ("until its command ends", "until its output has arrived")


def test_after_a_task_instances_are_awaited_as_ever() -> None:
    told = (events.TaskStarted("date"), events.TaskDone("date", 3), events.Starting(1, 1, (ONE,)))
    assert after(*told, events.Changed(EXITED, 1)).rows(102)[0][4] == "until it has settled"


def test_parking_restoring_and_undoing_are_called_so() -> None:
    told = (events.Parking((ONE,)), events.Restoring((ONE,)), events.Retiring((ONE,), undo=True))
    assert [after(event).doing for event in told] == ["Stopping", "Starting again", "Undoing"]


def test_nothing_yet_is_nothing_done() -> None:
    assert (Board().fraction, Board().rows(1)) == (0, [])


def test_what_was_seen_of_a_unit_is_still_known_in_the_next_turn() -> None:
    board = after(
        events.Starting(1, 1, (ONE,)),
        events.Ready(STARTING._replace(active="active", sub="running"), 3),
        events.Settling((ONE,), 3),
    )
    assert [row[1:3] + row[4:] for row in board.rows(103)] == [("running", "10.0.0.1", "until it has settled")]
