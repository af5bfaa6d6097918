"""What a deploy is refused for before the engine is asked: which of its instances is rendered for that."""

from __future__ import annotations

import pytest

from deployster_cli.domain.change import Change, Verb
from deployster_cli.domain.units.model import Service
from deployster_cli.domain.units.names import MOST_INSTANCES, UnitName
from deployster_cli.domain.units.unitfile import Stamp, UnitFile
from deployster_cli.errors import InvalidInput
from deployster_cli.operations.deploy import check_input
from tests.simulation import stamped


class Rendering:
    """A template that takes no port; it remembers for whom it was rendered."""

    takes_port = False
    service = Service("carousel")

    def __init__(self) -> None:
        self.of: list[tuple[UnitName, int | None]] = []

    def __call__(self, name: UnitName, stamp: Stamp) -> UnitFile:
        self.of.append((name, stamp.instances))
        return stamped(name)

    def shown(self, name: UnitName, stamp: Stamp) -> UnitFile:
        return self(name, stamp)


@pytest.mark.parametrize(("instances", "asked"), [(None, 1), (1, 1), (3, 3)])
def test_a_template_is_tried_with_the_first_instance_however_many_are_asked_for(
    instances: int | None, asked: int
) -> None:
    render, first = Rendering(), UnitName("carousel", "v1", 1)
    probe = check_input(Change(Verb.DEPLOY, "carousel", "v1", instances), render, "2026-01-02T03:04:05Z")  # type: ignore[arg-type]
    assert (probe.name, render.of) == (first, [(first, asked)])


def test_the_last_instance_must_have_a_name_too() -> None:
    render = Rendering()
    render.service = Service("carousel", instances=MOST_INSTANCES + 1)
    with pytest.raises(InvalidInput):
        check_input(Change(Verb.DEPLOY, "carousel", "v1"), render, "2026-01-02T03:04:05Z")  # type: ignore[arg-type]
