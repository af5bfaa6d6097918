"""What a rollout is shown of global units, and what finding it out costs."""

from __future__ import annotations

from deployster_cli.domain.units.model import Condition, Machine, State, Unit
from deployster_cli.domain.units.names import UnitName
from deployster_cli.domain.units.unitfile import UnitFile
from deployster_cli.operations.rollout import Spreading
from tests.simulation import SimClock, SimEngine

NAME = UnitName("carousel", "v1", 1)
FILE = UnitFile(NAME, (("X-Fleet", "Global", "true"),))
GLOBAL = Unit(NAME, State.LAUNCHED, everywhere=True)
HOSTS = (Machine("m1"), Machine("m2"))


class Counting(SimEngine):
    """Counts what it is asked."""

    asked: int = 0

    def machines(self) -> tuple[Machine, ...]:
        self.asked += 1
        return super().machines()

    def cat(self, name: UnitName) -> UnitFile | None:
        self.asked += 1
        return FILE if self.lives else None


def engine(*, holds: bool = True) -> Counting:
    found = Counting(SimClock(), hosts=HOSTS)
    if holds:
        found.add_everywhere(FILE)
    return found


def test_a_global_unit_has_a_copy_on_every_machine() -> None:
    (unit,) = Spreading(engine(), {NAME: FILE}).over([GLOBAL], [NAME])
    assert [(copy.machine, copy.condition) for copy in unit.copies] == [
        (Machine("m1"), Condition.STARTING),
        (Machine("m2"), Condition.STARTING),
    ]


def test_rules_that_nobody_handed_over_are_asked_for_once() -> None:
    cluster = engine()
    spreading = Spreading(cluster, {})
    looks = [spreading.over([GLOBAL], [NAME]) for _ in range(3)]
    assert (len(looks[-1][0].copies), cluster.asked) == (2, 3 + 1)


def test_a_unit_whose_file_is_gone_is_left_as_it_is() -> None:
    assert Spreading(engine(holds=False), {}).over([GLOBAL], [NAME]) == (GLOBAL,)


def test_others_cost_nothing() -> None:
    cluster = engine()
    ordinary = Unit(NAME, State.LAUNCHED)
    stopped = Unit(NAME, State.LOADED, everywhere=True)
    spreading = Spreading(cluster, {})
    seen = [spreading.over([ordinary], [NAME]), spreading.over([stopped], [NAME]), spreading.over([GLOBAL], [])]
    assert (seen, cluster.asked) == ([(ordinary,), (stopped,), (GLOBAL,)], 0)
