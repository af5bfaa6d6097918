"""A task's output: every line once and in order, however much it is and whenever the unit ends."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from deployster_cli.domain.events import Changed, Event, Journal, Noticed, TaskOutput
from deployster_cli.domain.units.journal import Entry
from deployster_cli.domain.units.model import Machine, State, Unit
from deployster_cli.domain.units.names import UnitName
from deployster_cli.engines.local.declaration import LocalOptions
from deployster_cli.engines.local.engine import LocalEngine
from deployster_cli.errors import EngineUnreachable
from deployster_cli.operations.clock import SystemClock
from deployster_cli.operations.task import Task, run_task
from deployster_cli.operations.task_journal import TaskJournal
from tests.engines.local.machine import Machine as Booted
from tests.fleet_cluster import Cluster, cluster, fleet_options
from tests.simulation import SimClock, SimEngine
from tests.templates.cases import rendered_task, stamp

__all__ = ["cluster", "fleet_options"]

NAME = UnitName("carousel.task", "v1", 1)
RUNS = Changed(Unit(NAME, State.LAUNCHED, State.LAUNCHED, "loaded", "active", "running", Machine("m1")), 0.0)
COUNT = 30_000


def entries(first: int, last: int) -> list[Entry]:
    return [Entry(str(n), (n, n), cursor=str(n)) for n in range(first, last + 1)]


class Stalling:
    """A journal whose stream stops short, though it has more; asked again it gives all behind a cursor."""

    def __init__(self, journal: list[Entry], brings: int) -> None:
        self.journal = journal
        self.brings = brings
        self.over = threading.Event()
        self.asked: list[tuple[str, bool]] = []

    def entries(self, name: UnitName, lines: int | None, *, follow: bool, at: object, after: str) -> Stream:
        self.asked.append((after, follow))
        found = self.journal[int(after or 0) :]
        return Stream(found[: self.brings], self.over) if follow else Stream(found, None)


class Stream:
    def __init__(self, found: list[Entry], wait: threading.Event | None) -> None:
        self.found, self.wait = found, wait

    def __iter__(self) -> Iterator[Entry]:
        yield from self.found
        if self.wait:
            self.wait.wait()

    def close(self) -> None:
        if self.wait:
            self.wait.set()


def watching(engine: object, clock: SimClock | None = None) -> tuple[TaskJournal, list[Event]]:
    """A watch over the unit's journal, and what it tells."""
    told: list[Event] = []
    return TaskJournal(engine, NAME, clock or SimClock(), told.append), told  # type: ignore[arg-type]


def lines(events: Iterable[Event]) -> list[str]:
    return [line for event in events if isinstance(event, TaskOutput) for line in event.lines]


@pytest.mark.parametrize("brings", [0, 1, 999, 1000, 1001, 5000, COUNT])
def test_what_the_stream_has_not_brought_by_the_end_comes_behind_it(brings: int) -> None:
    engine = Stalling(entries(1, COUNT), brings)
    watch, told = watching(engine)
    watch.see(RUNS)
    watch.rest()
    assert lines(told) == [str(n) for n in range(1, COUNT + 1)]


def test_one_that_ended_before_it_was_followed_is_read_from_its_beginning() -> None:
    engine = Stalling(entries(1, COUNT), 0)
    watch, told = watching(engine)
    watch.rest()
    assert lines(told) == [str(n) for n in range(1, COUNT + 1)]
    assert engine.asked == [("", False), (str(COUNT), False), (str(COUNT), False)]


def test_what_journald_takes_in_late_is_waited_for() -> None:
    clock, engine = SimClock(), Stalling(entries(1, 3), 0)
    told: list[Event] = []

    def tell(event: Event) -> None:
        told.append(event)
        if len(told) == 1:
            engine.journal += entries(4, 5)

    TaskJournal(engine, NAME, clock, tell).rest()  # type: ignore[arg-type]
    assert lines(told) == ["1", "2", "3", "4", "5"]


def test_one_event_holds_a_thousand_lines_at_most() -> None:
    watch, told = watching(Stalling(entries(1, 2500), 0))
    watch.rest()
    assert [len(event.lines) for event in told if isinstance(event, TaskOutput)] == [1000, 1000, 500]


def test_a_line_that_never_ended_is_told_at_the_end() -> None:
    journal = [Entry("a", (1, 1), cursor="1", end=""), Entry("b", (2, 2), cursor="2", end="")]
    watch, told = watching(Stalling(journal, 0))
    watch.rest()
    assert lines(told) == ["ab"]


def test_what_journald_did_not_keep_is_told_with_its_number() -> None:
    journal = [*entries(1, 1), Entry("Suppressed 7 messages", (2, 2), own=False, cursor="2", dropped=7)]
    watch, told = watching(Stalling(journal, 0))
    watch.rest()
    assert told[-1] == Noticed("journald suppressed 7 messages of it: they are lost.")


def test_an_end_that_can_not_be_had_is_told() -> None:
    engine = SimEngine(SimClock(), journals={NAME: entries(1, 2)})
    told: list[Event] = []

    def tell(event: Event) -> None:
        told.append(event)
        engine.mute = "no agent"

    TaskJournal(engine, NAME, engine.clock, tell).rest()
    assert told == [
        TaskOutput(("1", "2")),
        Journal(NAME, (), "no agent"),
        Noticed("The end of what it wrote is missing: no agent"),
    ]


def test_without_any_output_a_journal_that_can_not_be_had_is_told_once() -> None:
    engine = SimEngine(SimClock(), mute="no agent")
    watch, told = watching(engine, engine.clock)
    watch.rest()
    assert told == [Journal(NAME, (), "no agent")]


def test_the_error_of_a_journal_is_the_engines() -> None:
    with pytest.raises(EngineUnreachable):
        SimEngine(SimClock(), mute="no agent").entries(NAME, None)


HARD = "sleep {pause}; seq {count}; printf 'x%.0s' $(seq 120000); echo; printf '<3>a\\000b\\377\\n'; printf end; exit 3"
HARD_END = ["x" * 120_000, "<3>a\0b\ufffd", "end"]


def ran(engine: object, service: str, line: str) -> tuple[list[str], int]:
    """What a task on a real engine told, and its exit code."""
    task = Task(line, service, "v1", "ann@laptop", lambda name, stamp: rendered_task(name, stamp, line))
    told: list[Event] = []
    code = run_task(engine, task, SystemClock(), told.append)  # type: ignore[arg-type]
    return lines(told), code


@pytest.mark.process
@pytest.mark.parametrize(("pause", "count"), [(0, COUNT), (2, COUNT), (0, 0)])
def test_all_of_it_comes_on_this_machine(tmp_path: Path, pause: int, count: int) -> None:
    engine = LocalEngine(LocalOptions(manager="supervisor", root=str(tmp_path)))
    found, code = ran(engine, "carousel", HARD.format(pause=pause, count=count))
    assert (found, code) == ([*map(str, range(1, count + 1)), *HARD_END], 3)


@pytest.mark.fleet
@pytest.mark.parametrize(("pause", "count"), [(0, COUNT), (4, COUNT), (0, 100_000), (0, 0)])
def test_all_of_it_comes_on_a_cluster(cluster: Cluster, pause: int, count: int) -> None:
    found, code = ran(cluster.engine, cluster.service, HARD.format(pause=pause, count=count))
    assert (found, code) == ([*map(str, range(1, count + 1)), *HARD_END], 3)


PRELUDE = """
from deployster_cli.domain.events import TaskOutput
from deployster_cli.domain.units.unitfile import UnitFile
from deployster_cli.engines.local.declaration import LocalOptions
from deployster_cli.engines.local.engine import LocalEngine
from deployster_cli.operations.clock import SystemClock
from deployster_cli.operations.task import Task, run_task
def told(line, text):
    task = Task(line, "carousel", "v1", "ann@laptop", lambda name, stamp: UnitFile.parse(name, text).stamped(stamp))
    told = []
    code = run_task(LocalEngine(LocalOptions()), task, SystemClock(), told.append)
    return [line for event in told if isinstance(event, TaskOutput) for line in event.lines], code
"""


@pytest.mark.systemd
@pytest.mark.parametrize(("pause", "count"), [(0, COUNT), (4, COUNT), (0, 0)])
def test_all_of_it_comes_where_systemd_runs(machine: Booted, pause: int, count: int) -> None:
    line = HARD.format(pause=pause, count=count)
    text = rendered_task(NAME, stamp(NAME, "task"), line).text
    wanted = f"[*map(str, range(1, {count + 1})), *{HARD_END!r}]"
    assert machine.python(f"{PRELUDE}\nprint(told({line!r}, {text!r}) == ({wanted}, 3))") == "True"


# Many lines, and behind them some of a process that had said nothing before.
BURST = f"seq 100000; {HARD.partition('; ')[2].partition('; ')[2]}"


@pytest.fixture
def limited(machine: Booted) -> Iterator[Booted]:
    """The machine with a journald that takes a thousand lines of a unit in 30 seconds."""
    conf = machine.path("/etc/systemd/journald.conf.d")
    conf.mkdir()
    (conf / "limit.conf").write_text("[Journal]\nRateLimitBurst=1000\n")
    machine.run("systemctl", "restart", "systemd-journald")
    yield machine
    shutil.rmtree(conf)
    machine.run("systemctl", "restart", "systemd-journald")


@pytest.mark.systemd
def test_a_burst_of_lines_is_not_held_back_by_journalds_limit(limited: Booted) -> None:
    text = rendered_task(NAME, stamp(NAME, "task"), BURST).text
    wanted = f"[*map(str, range(1, 100001)), *{HARD_END!r}]"
    assert limited.python(f"{PRELUDE}\nprint(told({BURST!r}, {text!r}) == ({wanted}, 3))") == "True"
