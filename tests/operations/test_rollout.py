"""The loop that drives a rollout: when it looks, and that it asks for nothing without its lock."""

from __future__ import annotations

from itertools import pairwise

import pytest

from deployster_cli.domain.events import Parking, Retiring
from deployster_cli.domain.rollout.plan import plan_deploy, plan_destroy
from deployster_cli.domain.rollout.tracking import SELDOM
from deployster_cli.domain.units.model import Unit
from deployster_cli.domain.units.names import UnitName
from deployster_cli.errors import Locked
from deployster_cli.operations.rollout import NoLock, RolloutSpec, drive
from tests.domain.driving import wanted
from tests.simulation import SimClock, SimEngine, stamped


def test_the_look_behind_a_request_comes_soon_though_looks_take_long(monkeypatch: pytest.MonkeyPatch) -> None:
    engine, at = SimEngine(SimClock()), list[float]()
    engine.add_running(UnitName("carousel", "v1", 1))
    units = engine.units

    def listed() -> tuple[Unit, ...]:
        at.append(engine.clock.now())
        engine.clock.sleep(0.875)
        return units()

    monkeypatch.setattr(engine, "units", listed)
    drive(engine, RolloutSpec(plan_destroy("carousel", "v1", units())), engine.clock, NoLock(), lambda _: None)
    pauses = [later - sooner - 0.875 for sooner, later in pairwise(at)]
    assert pauses == [engine.soon, SELDOM, engine.soon, SELDOM, SELDOM]


class Losing:
    """A lock that is lost at some moment, as is seen before a request only."""

    shown = None
    lost = False

    def keep(self) -> None:
        """Not due yet."""

    def ensure(self) -> None:
        if self.lost:
            raise Locked("It was taken over.")


@pytest.mark.parametrize(("at", "asked"), [(None, []), (Parking, ["start"]), (Retiring, ["start", "stop"])])
def test_nothing_is_asked_for_once_the_lock_is_lost(at: type[object] | None, asked: list[str]) -> None:
    engine, hold = SimEngine(SimClock()), Losing()
    engine.add_running(UnitName("carousel", "v1", 1))
    plan = plan_deploy(wanted("carousel", "v2", 1, True), engine.units(), ())

    def tell(event: object) -> None:
        if at is None or isinstance(event, at):
            hold.lost = True

    with pytest.raises(Locked):
        drive(engine, RolloutSpec(plan, {name: stamped(name) for name in plan.start}), engine.clock, hold, tell)
    assert [verb for verb, _ in engine.calls] == asked
