"""The loop that drives a rollout: when it looks."""

from __future__ import annotations

from itertools import pairwise

import pytest

from deployster_cli.domain.rollout.plan import plan_destroy
from deployster_cli.domain.rollout.tracking import SELDOM
from deployster_cli.domain.units.model import Unit
from deployster_cli.domain.units.names import UnitName
from deployster_cli.operations.rollout import NoLock, RolloutSpec, drive
from tests.simulation import SimClock, SimEngine


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
