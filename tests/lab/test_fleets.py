"""What the lab asks of fleet while it breaks things."""

from __future__ import annotations

from pathlib import Path

import fleets
import pytest
from place import Lab
from processes import LabError


@pytest.fixture
def refusing(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A fleetctl that fails as often as the list has an element, and lists two units then."""
    refusals: list[str] = []

    def call(*_: object) -> str:
        if refusals:
            raise LabError(refusals.pop())
        return "a.service\tlaunched\nb.service\t\tinactive\n"

    monkeypatch.setattr(fleets, "call", call)
    monkeypatch.setattr("fleets.time.sleep", lambda _: None)
    return refusals


@pytest.mark.parametrize("often", range(fleets.BUSY + 1))
def test_a_call_of_fleetctl_that_fails_is_made_again(refusing: list[str], often: int, tmp_path: Path) -> None:
    refusing += ["busy"] * often
    listed = fleets.rows(Lab(tmp_path, "no-lab", "10.79.0", fleets.Fleet()), "list-unit-files", "unit,dstate")
    assert listed == [["a.service", "launched"], ["b.service", "inactive"]]


def test_a_call_that_keeps_failing_is_an_error(refusing: list[str], tmp_path: Path) -> None:
    refusing += ["busy"] * (fleets.BUSY + 1)
    with pytest.raises(LabError, match="busy"):
        fleets.rows(Lab(tmp_path, "no-lab", "10.79.0", fleets.Fleet()), "list-unit-files", "unit")
