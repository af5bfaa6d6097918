"""What is kept of a service's changes: nothing that was asked for or ran is forgotten, however they follow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployster_cli.domain.change import Policy, Verb
from deployster_cli.domain.events import Event, Failure
from deployster_cli.domain.moments import after
from deployster_cli.domain.record import Record
from deployster_cli.domain.rollout.instances import decide
from deployster_cli.domain.rollout.plan import Plan, Step, newest, plan_deploy, previous_of
from deployster_cli.domain.rollout.state import Phase, Rollout
from deployster_cli.domain.rollout.tracking import Reason
from deployster_cli.domain.units.model import OnFailure, Release, State, Unit
from deployster_cli.domain.units.names import UnitName
from deployster_cli.domain.units.unitfile import MOST_PREVIOUS, Stamp
from deployster_cli.errors import EngineUnreachable, Locked
from deployster_cli.operations.failure import RolloutFailed
from deployster_cli.operations.records import TRIES, Keeping, Known, Memory, forgetting, known, memory_of
from tests.domain.driving import Wish, wanted
from tests.simulation import SimClock, SimEngine, SimRecords

RECORD = Record("carousel", "v1", 3, "scale", "ann@laptop", "2026-03-01T00:00:00Z")
NOTHING = Plan("carousel", "v1", ())


@dataclass
class World:
    """A service's units, each with its stamp, and its record: all that any laptop finds."""

    stamps: dict[UnitName, Stamp] = field(default_factory=dict)
    engine: SimEngine = field(default_factory=lambda: SimEngine(SimClock()))

    @property
    def releases(self) -> list[Release]:
        units = [Unit(name, State.LAUNCHED, State.LAUNCHED, "loaded", "active", "running") for name in self.stamps]
        by_version: dict[str, list[Unit]] = {}
        for unit in sorted(units, key=lambda unit: unit.name):
            by_version.setdefault(unit.name.version, []).append(unit)
        return [Release("carousel", version, tuple(of)) for version, of in sorted(by_version.items())]

    def first_stamps(self) -> dict[str, Stamp]:
        """As a look finds them: one a release, of its first unit."""
        return {release.version: self.stamps[release.units[0].name] for release in self.releases}

    @property
    def newest(self) -> str:
        found = newest(self.releases, self.first_stamps())
        assert found is not None
        return found.version

    @property
    def before(self) -> tuple[str, ...]:
        stamps = known(self.engine, "carousel", self.first_stamps()).stamps
        return stamps[self.newest].previous

    def change(self, wish: Wish, clock: str, cut: int | None = None) -> int:
        """Carry a change out as the operations do; ``cut``: only so many of its units come and go before kill -9."""
        found, what = self.releases, known(self.engine, "carousel", self.first_stamps())
        number = decide(wish.change, wish.setting, found, what.stamps, what.record).number
        change = wanted("carousel", wish.version, number, wish.retires, recreate=wish.verb is Verb.RESTART)
        units = [unit for release in found for unit in release.units]
        plan = plan_deploy(change, units, self.stamps)
        previous, at = previous_of(wish.version, what.stamps), after(clock, [what.latest])
        memory = memory_of(
            Record("carousel", wish.version, number, wish.verb.value, "ann", at, previous), plan, what, units
        )
        if memory.now and memory.needed:
            self.engine.records.write(memory.now)
        doing = [(True, name) for name in plan.start] + [(False, name) for name in plan.retire]
        for comes, name in doing[:cut]:
            if comes:
                stamp = Stamp("carousel", name.version, name.instance, at, "ann", "docker", number, None, previous)
                self.stamps[name] = stamp
            else:
                del self.stamps[name]
        return number


VERSIONS = ("v0", "v1", "v2", "v3")
CLOCKS = st.sampled_from(["2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z", "2025-12-31T23:00:00Z"])
STEPS = st.lists(
    st.tuples(st.sampled_from(Verb), st.sampled_from(VERSIONS), st.none() | st.integers(1, 4), st.booleans(), CLOCKS),
    min_size=1,
    max_size=12,
)


def wish_of(world: World, verb: Verb, version: str, number: int | None, retires: bool) -> Wish | None:
    """The wish as a command makes it; None where it refuses, or changes nothing that matters here."""
    if verb is Verb.DESTROY or (verb is not Verb.DEPLOY and not world.stamps):
        return None
    if verb is Verb.DEPLOY:
        return Wish(verb, version, number, retires=retires)
    if verb is Verb.ROLLBACK:
        target = next(iter(world.before), None)
        return Wish(verb, target, number, retires=True) if target else None
    return Wish(verb, world.newest, (number or 2) if verb is Verb.SCALE else None)


@settings(deadline=None)
@given(STEPS)
def test_no_change_forgets_the_release_that_it_left(steps: list[tuple[Verb, str, int | None, bool, str]]) -> None:
    world, ran = World(), set[str]()
    for verb, version, number, retires, clock in steps:
        wish = wish_of(world, verb, version, number, retires)
        if wish is None:
            continue
        left = world.newest if world.stamps else None
        world.change(wish, clock)
        ran.add(wish.version)
        there = {release.version for release in world.releases}
        assert ran <= there | set(world.before)
        if verb is Verb.ROLLBACK or (verb is Verb.DEPLOY and retires):
            assert there == {wish.version}
            assert not left or left == wish.version or world.before[0] == left


@settings(deadline=None)
@given(STEPS, st.integers(0, 6))
def test_what_was_asked_for_last_is_known_wherever_a_change_was_killed(
    steps: list[tuple[Verb, str, int | None, bool, str]], cut: int
) -> None:
    """The same command again, from a laptop with another clock, means the same number; so does the next deploy."""
    world = World()
    for verb, version, number, retires, clock in steps:
        wish = wish_of(world, verb, version, number, retires)
        if wish is None:
            continue
        meant = world.change(wish, clock, cut)
        began = any(name.version == wish.version for name in world.stamps)
        again = wish_of(world, verb, version, number, retires)
        if again and again.version == wish.version:
            assert world.change(again, "2026-01-01T00:00:00Z") == meant
        elif began:  # the other one was gone already, so this rollback had come to its end
            assert verb is Verb.ROLLBACK
    if world.stamps:
        last = world.change(Wish(Verb.RESTART, world.newest), "2026-01-01T00:00:00Z")
        assert last == world.change(Wish(Verb.DEPLOY, "v9", retires=True), "2026-01-01T00:00:00Z")


def test_of_many_releases_the_last_ten_are_known() -> None:
    world = World()
    for number in range(15):
        world.change(Wish(Verb.DEPLOY, f"v{number}", retires=True), "2026-01-01T00:00:00Z")
    assert world.before == tuple(f"v{number}" for number in range(13, 13 - MOST_PREVIOUS, -1))


def run(keeper: Keeping, act: Callable[[], None] = lambda: None) -> list[Event]:
    """Keep what is to be kept while this is done; what was told."""
    told: list[Event] = []
    with keeper.kept(told.append):
        act()
    return told


class Failing(SimRecords):
    """Does not answer so many times."""

    left = 0

    def write(self, record: Record) -> None:
        if self.left:
            self.left -= 1
            raise EngineUnreachable("no answer")
        super().write(record)


@pytest.mark.parametrize(("failures", "written"), [(0, True), (TRIES - 1, True), (TRIES, False)])
def test_an_engine_that_does_not_answer_is_asked_again(failures: int, written: bool) -> None:
    records = Failing()
    records.left = failures
    engine = SimEngine(SimClock(), records=records)
    keeper = Keeping(engine, NOTHING, Memory("carousel", RECORD), engine.clock)
    if written:
        assert run(keeper) == []
    else:
        with pytest.raises(EngineUnreachable):
            run(keeper)
    assert (records.kept == {"carousel": RECORD}) is written


def test_nothing_is_kept_of_a_change_whose_lock_was_lost() -> None:
    engine = SimEngine(SimClock())

    def lost() -> None:
        raise Locked("taken over")

    with pytest.raises(Locked):
        run(Keeping(engine, NOTHING, Memory("carousel", RECORD), engine.clock, lost))
    assert engine.records.read("carousel") is None


def test_what_is_left_of_a_record_at_the_end_stays_where_the_lock_was_lost() -> None:
    engine = SimEngine(SimClock())
    engine.records.write(RECORD)

    def lost() -> None:
        raise Locked("taken over")

    assert run(Keeping(engine, NOTHING, Memory("carousel"), engine.clock, lost)) == []
    assert engine.records.read("carousel") == RECORD


def test_what_another_version_put_into_the_record_stays_there() -> None:
    engine = SimEngine(SimClock())
    more = (("X-Deployster", "Note", "first of the month"),)
    engine.records.write(replace(RECORD, more=more))
    stamp = Stamp("carousel", "v1", 1, "2026-01-01T00:00:00Z", "ann", "docker")
    assert known(engine, "carousel", {"v1": stamp}).record == replace(RECORD, more=more)


OLD = tuple(UnitName("carousel", "v0", number) for number in (1, 2))
NEW = UnitName("carousel", "v1", 1)
DEPLOY = replace(RECORD, verb="deploy")
REPLACES = Plan("carousel", "v1", (Step((NEW,), (), OLD),), policy=Policy(on_failure=OnFailure.KEEP))
UNNEEDED = Memory("carousel", DEPLOY, needed=False)


def keeping(engine: SimEngine, memory: Memory = UNNEEDED, plan: Plan = REPLACES) -> Keeping:
    return Keeping(engine, plan, memory, engine.clock)


def stopping(keeper: Keeping, end: BaseException | None = None) -> Callable[[], None]:
    """Stops the earlier instances, then ends well or with this."""

    def stop() -> None:
        keeper.stops(OLD)
        if end:
            raise end

    return stop


def ending(end: BaseException) -> Callable[[], None]:
    """Ends with this."""

    def fail() -> None:
        raise end

    return fail


def failure(
    *, left: bool, on_failure: OnFailure = OnFailure.KEEP, plan: Plan = REPLACES, serving: Sequence[UnitName] = OLD[:1]
) -> RolloutFailed:
    what = Failure(Reason.FAILED, (NEW,))
    plan = replace(plan, policy=Policy(on_failure=on_failure))
    served, up = frozenset(OLD), frozenset(serving)
    end = Rollout(plan, phase=Phase.FAILED, started=(NEW,), failure=what, served=served, serving=up)
    return RolloutFailed(replace(end, left=(NEW,) if left else ()), what)


def test_which_instances_were_up_is_kept_from_before_they_are_stopped_until_the_end() -> None:
    engine = SimEngine(SimClock())
    keeper = keeping(engine)

    def stop() -> None:
        keeper.stops(OLD)
        assert engine.records.kept["carousel"].stopped == OLD

    assert run(keeper, stop) == []
    assert engine.records.kept == {}


def test_what_is_needed_stays_at_the_end_without_them() -> None:
    engine = SimEngine(SimClock())
    keeper = keeping(engine, replace(UNNEEDED, needed=True))
    assert run(keeper, stopping(keeper)) == []
    assert engine.records.kept == {"carousel": DEPLOY}


def test_a_run_that_is_interrupted_leaves_them() -> None:
    engine = SimEngine(SimClock())
    keeper = keeping(engine)
    with pytest.raises(KeyboardInterrupt):
        run(keeper, stopping(keeper, KeyboardInterrupt()))
    assert engine.records.kept["carousel"].stopped == OLD


def test_an_undone_change_leaves_what_was_before_it_and_of_the_stopped_those_that_are_still_off() -> None:
    before = replace(RECORD, version="v0", stopped=OLD)
    still = replace(before, stopped=OLD[1:])
    for memory, kept in ((replace(UNNEEDED, before=before), still), (UNNEEDED, replace(DEPLOY, stopped=OLD[1:]))):
        engine = SimEngine(SimClock())
        keeper = keeping(engine, memory)
        with pytest.raises(RolloutFailed):
            run(keeper, stopping(keeper, failure(left=False, on_failure=OnFailure.ROLLBACK)))
        assert engine.records.kept == {"carousel": kept}


def test_an_undone_change_after_which_all_are_up_again_leaves_none() -> None:
    engine = SimEngine(SimClock())
    keeper = keeping(engine)
    ended = failure(left=False, on_failure=OnFailure.ROLLBACK, serving=OLD)
    with pytest.raises(RolloutFailed):
        run(keeper, stopping(keeper, ended))
    assert engine.records.kept == {}


def test_a_failed_change_that_nothing_was_kept_of_costs_no_call() -> None:
    engine = SimEngine(SimClock())
    with pytest.raises(RolloutFailed):
        run(keeping(engine), ending(failure(left=False, on_failure=OnFailure.ROLLBACK, serving=OLD)))
    assert engine.records.calls == []


def test_a_release_that_never_came_up_and_is_kept_is_noted_with_those_before_it_and_what_is_still_off() -> None:
    engine = SimEngine(SimClock())
    keeper = keeping(engine, replace(UNNEEDED, before=replace(RECORD, failed=("v9",)), failed=("v9",)))
    with pytest.raises(RolloutFailed):
        run(keeper, stopping(keeper, failure(left=True)))
    assert engine.records.kept == {"carousel": replace(DEPLOY, stopped=OLD[1:], failed=("v1", "v9"))}


@pytest.mark.parametrize("plan", [replace(REPLACES, keep=(NEW,)), Plan("carousel", "v1", (Step((NEW,), (), (NEW,)),))])
def test_one_that_had_been_up_is_not(plan: Plan) -> None:
    engine = SimEngine(SimClock())
    keeper = keeping(engine, plan=plan)
    with pytest.raises(RolloutFailed):
        run(keeper, stopping(keeper, failure(left=True, plan=plan)))
    assert not any(record.failed for record in engine.records.kept.values())


@pytest.mark.parametrize(("retired", "kept"), [("v9", ()), ("v0", ("v9",))])
def test_a_release_that_failed_is_known_as_long_as_it_is_there(retired: str, kept: tuple[str, ...]) -> None:
    engine = SimEngine(SimClock())
    engine.records.write(replace(RECORD, failed=("v9",)))
    plan = replace(REPLACES, steps=(Step((NEW,), (), (UnitName("carousel", retired, 1),)),))
    keeper = keeping(engine, replace(UNNEEDED, before=engine.records.read("carousel"), failed=("v9",)), plan)
    assert run(keeper) == []
    assert engine.records.kept == ({"carousel": replace(DEPLOY, failed=kept)} if kept else {})


def test_a_release_that_failed_and_comes_up_later_has_not_failed() -> None:
    engine = SimEngine(SimClock())
    engine.records.write(replace(RECORD, failed=("v1",)))
    keeper = keeping(engine, replace(UNNEEDED, before=engine.records.read("carousel")))
    assert run(keeper) == []
    assert engine.records.kept == {}


def test_scaling_down_notes_nothing() -> None:
    engine = SimEngine(SimClock())
    keeper = keeping(engine, Memory("carousel", RECORD, needed=False))
    assert run(keeper, stopping(keeper)) == []
    assert engine.records.calls == []


def test_what_can_not_be_noted_is_stopped_all_the_same() -> None:
    records = Failing()
    records.left = 1
    engine = SimEngine(SimClock(), records=records)
    keeper = keeping(engine)
    assert run(keeper, stopping(keeper)) == []
    assert records.kept == {}


def test_what_is_needed_from_the_beginning_forgets_nothing_that_is_known_from_before() -> None:
    engine = SimEngine(SimClock())
    before = replace(RECORD, stopped=OLD, failed=("v9",))
    engine.records.write(before)
    memory = Memory("carousel", DEPLOY, before, needed=True, failed=("v9",))
    with pytest.raises(KeyboardInterrupt):
        run(keeping(engine, memory), ending(KeyboardInterrupt()))
    assert engine.records.kept == {"carousel": replace(DEPLOY, stopped=OLD, failed=("v9",))}


def test_a_release_that_fails_a_second_time_has_failed() -> None:
    engine = SimEngine(SimClock())
    plan = Plan("carousel", "v1", (Step((UnitName("carousel", "v1", 2),), (), (NEW,)),))
    keeper = keeping(engine, replace(UNNEEDED, before=replace(RECORD, failed=("v1",))), plan)
    with pytest.raises(RolloutFailed):
        run(keeper, stopping(keeper, failure(left=True, plan=plan)))
    assert engine.records.kept["carousel"].failed == ("v1",)


def listed_units(*names: UnitName, up: bool = False) -> list[Unit]:
    sub = ("loaded", "active", "running") if up else ("loaded", "failed", "failed")
    return [Unit(name, State.LAUNCHED, State.LAUNCHED, *sub) for name in names]


def test_of_what_is_known_from_before_only_what_is_there_and_down_counts() -> None:
    before = replace(RECORD, stopped=OLD, failed=("v8", "v9", "v7"))
    units = [
        *listed_units(UnitName("carousel", "v8", 1), up=True),
        *listed_units(UnitName("carousel", "v9", 1), OLD[0]),
    ]
    memory = memory_of(DEPLOY, Plan("carousel", "v1", ()), Known({}, before), units)
    assert (memory.stopped, memory.failed) == (OLD[:1], ("v9",))


def test_destroying_a_release_that_failed_forgets_that_it_did() -> None:
    engine = SimEngine(SimClock())
    engine.records.write(replace(RECORD, failed=("v9",)))
    bad, good = UnitName("carousel", "v9", 1), NEW
    plan = Plan("carousel", "v9", (Step(retire=(bad,)),))
    memory = forgetting(engine, plan, listed_units(bad, good))
    assert run(keeping(engine, memory or UNNEEDED, plan)) == []
    assert engine.records.kept["carousel"].failed == ()


def test_what_was_noted_stays_where_the_engine_is_away_in_the_end() -> None:
    engine = SimEngine(SimClock())
    keeper = keeping(engine)
    ended = failure(left=False, serving=OLD)
    away = RolloutFailed(ended.rollout, Failure(Reason.AWAY, text="no answer"))
    with pytest.raises(RolloutFailed):
        run(keeper, stopping(keeper, away))
    assert engine.records.kept["carousel"].stopped == OLD
