"""A rollout whose engine moves nothing by itself, and loses one of its machines in the midst."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import pytest

from deployster_cli.domain.change import Policy
from deployster_cli.domain.rollout.plan import plan_deploy
from deployster_cli.domain.rollout.tracking import Reason
from deployster_cli.domain.units.model import Machine, Order, State, Unit
from deployster_cli.domain.units.names import UnitName
from deployster_cli.operations.failure import RolloutFailed
from deployster_cli.operations.rollout import RolloutSpec
from tests.domain.driving import Run, go, wanted
from tests.simulation import SimClock, SimEngine, stamped

SILENT_AT, LOST_AFTER = 6.0, 20.0


def names(version: str) -> tuple[UnitName, ...]:
    return tuple(UnitName("carousel", version, i) for i in (1, 2))


@dataclass
class Losing(SimEngine):
    """The model, with a machine ``m2`` that has ``held`` and stops answering at SILENT_AT."""

    held: Collection[UnitName] = ()

    def units(self) -> tuple[Unit, ...]:
        age = self.clock.now() - SILENT_AT
        at = Machine("m2", "m2", {"name": "m2"}, silent=age >= 0, lost=age >= LOST_AFTER)
        return tuple(self._seen(unit, at) if unit.name in self.held else unit for unit in super().units())

    @staticmethod
    def _seen(unit: Unit, at: Machine) -> Unit:
        if not at.silent:
            return unit._replace(machine=at)
        return Unit(unit.name, State.LAUNCHED, State.LAUNCHED, machine=at)


def deploy(held: Collection[UnitName], order: Order = Order.START_FIRST, settle: float = 3.0) -> tuple[Run, Losing]:
    engine = Losing(SimClock(), held=held)
    engine.add_running(*names("v1"))
    policy = Policy(settle=settle, timeout=300, order=order)
    plan = plan_deploy(wanted("carousel", "v2", 2, True, policy=policy), engine.units(), names("v2"))
    return go(engine, RolloutSpec(plan, {name: stamped(name) for name in plan.start})), engine


def test_a_new_instance_on_a_lost_machine_fails_it_long_before_its_time_limit() -> None:
    run, engine = deploy([names("v2")[0]], settle=60)
    assert (run.reason, engine.clock.now() < SILENT_AT + LOST_AFTER + 10) == (Reason.LOST, True)
    assert run.end.left == (names("v2")[0],)
    assert engine.running("carousel", "v1") == 2
    failure = run.end.failure
    assert failure
    error = RolloutFailed(run.end, failure)
    assert error.message.startswith("carousel v2 @1 may run on m2, which does not answer any more. ")
    assert error.hint == "Once m2 is back, run the same command again; or leave it out: --without m2."


def test_nothing_is_asked_of_what_a_silent_machine_has() -> None:
    _, engine = deploy([names("v2")[0]], settle=60)
    asked = {name for verb, of in engine.calls if verb in {"stop", "destroy"} for name in of}
    assert asked == {names("v2")[1]}


def test_an_earlier_instance_on_a_lost_machine_leaves_the_new_ones_running() -> None:
    run, engine = deploy([names("v1")[0]], settle=8)
    assert (run.reason, run.end.left) == (Reason.LOST, (names("v1")[0],))
    assert engine.running("carousel", "v2") == 2
    assert engine.clock.now() < SILENT_AT + LOST_AFTER + 10


@pytest.mark.parametrize("order", list(Order))
def test_the_earlier_instances_that_can_be_reached_run_again(order: Order) -> None:
    run, engine = deploy([names("v1")[0], names("v2")[0]], order, settle=40 if order is Order.STOP_FIRST else 3)
    assert run.reason is Reason.LOST
    assert len(set(run.end.left)) == len(run.end.left)
    assert engine.running("carousel", "v1") >= 1
    assert engine.clock.now() < SILENT_AT + LOST_AFTER + 20
