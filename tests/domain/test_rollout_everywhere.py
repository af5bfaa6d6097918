"""A rollout of a global unit, which runs on every machine that fits: it is up when it is up on all of them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployster_cli.domain import events
from deployster_cli.domain.change import Policy
from deployster_cli.domain.events import headline
from deployster_cli.domain.rollout.plan import plan_deploy, plan_destroy
from deployster_cli.domain.rollout.state import Phase
from deployster_cli.domain.rollout.tracking import Reason
from deployster_cli.domain.units.model import Machine, Order, State
from deployster_cli.domain.units.names import UnitName
from deployster_cli.domain.units.unitfile import UnitFile
from deployster_cli.domain.wording import where
from deployster_cli.operations.rollout import RolloutSpec
from tests.domain.driving import Run, go, wanted
from tests.simulation import Fate, SimClock, SimEngine, stamped

OLD, NEW = UnitName("carousel", "v1", 1), UnitName("carousel", "v2", 1)
HOSTS = tuple(Machine(f"m{n}", f"10.0.0.{n}", {"zone": f"z{n % 2}"}) for n in (1, 2, 3))


def file(name: UnitName, *more: tuple[str, str, str]) -> UnitFile:
    return stamped(name, ("Service", "ExecStart", "/bin/true"), ("X-Fleet", "Global", "true"), *more)


ZONE_1 = ("X-Fleet", "MachineMetadata", '"zone=z1"')


class PlugPuller(SimClock):
    """Takes the third machine away after 20 s."""

    engine: SimEngine

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if self.at > 20:
            self.engine.hosts = HOSTS[:2]


def sim(*old: UnitFile, **changes: object) -> SimEngine:
    engine = SimEngine(**{"clock": SimClock(), "hosts": HOSTS, **changes})  # type: ignore[arg-type]
    engine.add_everywhere(*old)
    return engine


def deploy(engine: SimEngine, new: UnitFile | None = None, policy: Policy | None = None) -> Run:
    plan = plan_deploy(wanted("carousel", "v2", 1, True, policy=policy or Policy()), engine.units(), [NEW])
    return go(engine, RolloutSpec(plan, {NEW: new or file(NEW)}))


def up_on(engine: SimEngine, name: UnitName) -> list[str]:
    """The machines where the unit truly runs."""
    engine.lost_rows = engine.outages = ()
    copies = (copy for unit in engine.units() if unit.name == name for copy in unit.copies)
    return [copy.machine.id for copy in copies if copy.machine and copy.active == "active"]


def test_it_is_up_when_it_has_stayed_running_on_every_machine() -> None:
    engine = sim(lag={"m2": 20})
    run = deploy(engine)
    (ready,) = (event for event in run.told if isinstance(event, events.Ready))
    assert (run.end.phase, ready.seconds >= 23, up_on(engine, NEW)) == (Phase.DONE, True, ["m1", "m2", "m3"])


def test_only_machines_that_fit_are_waited_for() -> None:
    engine = sim(fates_on={(NEW, "m2"): Fate.FAILS})
    run = deploy(engine, file(NEW, ZONE_1))
    assert (run.end.phase, up_on(engine, NEW)) == (Phase.DONE, ["m1", "m3"])


@pytest.mark.parametrize(
    ("fate", "reason"),
    [(Fate.FAILS, Reason.FAILED), (Fate.LOOPS, Reason.CRASH_LOOP), (Fate.ENDS, Reason.ENDED)],
)
def test_failed_on_one_machine_is_failed(fate: Fate, reason: Reason) -> None:
    engine = sim(file(OLD), fates_on={(NEW, "m2"): fate})
    run = deploy(engine, policy=Policy(settle=30))
    assert (run.end.phase, run.reason) == (Phase.FAILED, reason)
    assert (up_on(engine, OLD), list(engine.lives)) == (["m1", "m2", "m3"], [OLD])


def test_the_failure_says_on_which_machine() -> None:
    end = deploy(sim(fates_on={(NEW, "m2"): Fate.FAILS})).end
    assert end.failure is not None
    assert headline(end.failure) == "carousel v2 @1 failed on 10.0.0.2"


def test_the_journal_is_that_of_the_machine_where_it_failed() -> None:
    engine = sim(fates_on={(NEW, "m2"): Fate.FAILS}, answers="died on {machine}")
    journals = [event.lines for event in deploy(engine).told if isinstance(event, events.Journal)]
    assert journals == [("died on m2",)]


def test_one_crash_on_each_machine_is_no_crash_loop() -> None:
    engine = sim(fates_on={(NEW, host.id): Fate.RECOVERS for host in HOSTS}, lag={"m2": 3, "m3": 6})
    assert deploy(engine, policy=Policy(settle=5)).end.phase is Phase.DONE


def test_a_machine_that_is_late_is_named_when_the_time_is_up() -> None:
    end = deploy(sim(lag={"m3": 500}), policy=Policy(timeout=20)).end
    assert end.failure is not None
    assert headline(end.failure) == "carousel v2 @1 did not come up in time on 10.0.0.3"


def test_no_machine_that_fits_is_a_failure_at_the_time_limit() -> None:
    run = deploy(sim(), file(NEW, ("X-Fleet", "MachineMetadata", '"zone=z9"')), Policy(timeout=20))
    assert (run.reason, [type(event) for event in run.told].count(events.NoMachineYet)) == (Reason.NO_MACHINE, 1)


def test_the_earlier_release_goes_once_the_new_one_runs_everywhere() -> None:
    engine = sim(file(OLD), lag={"m2": 20})
    run = deploy(engine)
    assert [verb for verb, _ in engine.calls] == ["start", "stop", "destroy"]
    assert (run.end.phase, list(engine.lives)) == (Phase.DONE, [NEW])


def test_destroying_waits_until_it_is_gone_everywhere() -> None:
    engine = sim(file(OLD))
    run = go(engine, RolloutSpec(plan_destroy("carousel", "v1", engine.units())))
    assert (run.end.phase, [verb for verb, _ in engine.calls], engine.leaving) == (
        Phase.DONE,
        ["stop", "destroy"],
        {},
    )


def test_a_failed_stop_first_waits_for_the_old_one_on_every_machine() -> None:
    engine = sim(file(OLD), fates_on={(NEW, "m2"): Fate.FAILS}, lag={"m3": 15})
    run = deploy(engine, policy=Policy(order=Order.STOP_FIRST))
    assert (run.end.phase, up_on(engine, OLD)) == (Phase.FAILED, ["m1", "m2", "m3"])


def test_an_old_one_that_had_failed_on_one_machine_comes_back_on_the_others() -> None:
    engine = sim(file(OLD), fates_on={(NEW, "m2"): Fate.FAILS, (OLD, "m1"): Fate.FAILS})
    deploy(engine, policy=Policy(order=Order.STOP_FIRST))
    engine.clock.sleep(5)
    assert up_on(engine, OLD) == ["m2", "m3"]


def test_a_machine_that_goes_away_is_not_waited_for() -> None:
    engine = sim(clock=PlugPuller(), lag={"m3": 500})
    assert isinstance(engine.clock, PlugPuller)
    engine.clock.engine = engine
    assert (deploy(engine).end.phase, up_on(engine, NEW)) == (Phase.DONE, ["m1", "m2"])


def test_each_machine_is_told_of_and_then_all_of_them() -> None:
    run = deploy(sim(lag={"m2": 4}))
    ready = [where(event.unit) for event in run.told if isinstance(event, events.Ready)]
    seen = [
        where(event.unit) for event in run.told if isinstance(event, events.Changed) and event.unit.sub == "running"
    ]
    assert (seen, ready) == (["10.0.0.1", "10.0.0.3", "10.0.0.2"], ["3 machines"])


def test_what_an_earlier_run_started_is_waited_for_on_every_machine() -> None:
    engine = sim(lag={"m2": 30})
    engine.start([file(NEW)])
    engine.clock.at = 3.5
    plan = plan_deploy(wanted("carousel", "v2", 1), engine.units(), [NEW])
    run = go(engine, RolloutSpec(plan))
    assert (plan.watch, run.end.phase, up_on(engine, NEW)) == ((NEW,), Phase.DONE, ["m1", "m2", "m3"])


fates = st.sampled_from([Fate.RUNS] * 8 + [Fate.FAILS, Fate.LOOPS, Fate.RECOVERS, Fate.ENDS])
delays = st.floats(0.1, 12)
single = st.frozensets(st.integers(2, 90), max_size=40)
stretch = st.builds(lambda first, many: frozenset(range(first, first + many)), st.integers(2, 60), st.integers(0, 30))
looks = st.one_of(single, stretch, st.builds(frozenset.union, single, stretch))


@st.composite
def troubles(draw: st.DrawFn) -> SimEngine:
    """An engine with an old release on every machine, and trouble ahead for the new one on some."""
    hosts = HOSTS[: draw(st.integers(1, 3))]
    return sim(
        file(OLD),
        hosts=hosts,
        fates_on={(NEW, host.id): draw(fates) for host in hosts},
        lag={host.id: draw(delays) for host in hosts},
        place_delay=draw(delays),
        start_delay=draw(delays),
        stop_delay=draw(delays),
        leave_delay=draw(delays),
        lost_rows=draw(looks),
        outages=draw(looks),
    )


@settings(max_examples=300, deadline=None)
@given(troubles(), st.sampled_from(Order))
def test_whatever_goes_wrong_where_it_ends_in_all_new_or_all_old(engine: SimEngine, order: Order) -> None:
    outages, lost, engine.outages, engine.lost_rows = engine.outages, engine.lost_rows, (), ()
    plan = plan_deploy(wanted("carousel", "v2", 1, True, policy=Policy(5, 120, order)), engine.units(), ())
    engine.outages, engine.lost_rows = outages, lost
    end = go(engine, RolloutSpec(plan, {NEW: file(NEW)})).end
    everywhere = [host.id for host in engine.hosts]
    done = end.phase is Phase.DONE
    assert (up_on(engine, OLD), up_on(engine, NEW)) == (([], everywhere) if done else (everywhere, []))


def test_a_stopped_global_unit_is_stopped_only_when_every_copy_is() -> None:
    engine = sim(file(OLD))
    engine.lives[OLD].desired = State.LOADED
    (unit,) = engine.units()
    assert not unit.stopped
