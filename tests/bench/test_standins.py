"""The two stand-ins for fleetctl print what fleetctl prints: our own parsers, which are strict, take it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.modelled_fleetctl import main
from bench.standin import standing_in
from deployster_cli.domain.units.model import Condition, Unit
from deployster_cli.domain.units.unitfile import hash_of
from deployster_cli.engines.fleet import parse

TEXT = "[Unit]\nDescription=carousel v1 port 20000\n\n[Service]\nExecStart=/bin/true\n"
NAME = "carousel-v1@1.service"


@pytest.mark.parametrize(("units", "service"), [(25, ""), (25, "carousel")])
def test_recorded_tables_are_read_as_so_many_running_units(units: int, service: str) -> None:
    with standing_in(units, service) as fleetctl:
        reported, files = ((fleetctl.folder / name).read_text() for name in ("list-units", "list-unit-files"))
    found = parse.join(parse.unit_rows(reported), parse.file_rows(files))
    assert (len(found), {unit.condition for unit in found}) == (units, {Condition.RUNNING})


def test_a_stand_in_leaves_nothing_behind() -> None:
    with standing_in(1) as fleetctl:
        folder = fleetctl.folder
    assert not folder.exists()


class Model:
    """The modelled cluster in a folder, called as a process would be."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.capsys = folder, capsys
        (folder / NAME).write_text(TEXT)

    def call(self, *words: str) -> tuple[int, str]:
        code = main(self.folder, words)
        return code, self.capsys.readouterr().out

    def units(self) -> tuple[Unit, ...]:
        reported, files = self.call("list-units", "--full")[1], self.call("list-unit-files", "--full")[1]
        return parse.join(parse.unit_rows(reported), parse.file_rows(files))


@pytest.fixture
def model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Model:
    return Model(tmp_path, capsys)


def test_a_started_unit_runs_at_once(model: Model) -> None:
    model.call("start", "--no-block", str(model.folder / NAME))
    assert [(unit.condition, unit.port, unit.hash) for unit in model.units()] == [
        (Condition.RUNNING, 20_000, hash_of(TEXT))
    ]


def test_a_stopped_unit_stays_until_it_is_destroyed(model: Model) -> None:
    model.call("start", str(model.folder / NAME))
    model.call("stop", NAME)
    assert [unit.condition for unit in model.units()] == [Condition.STOPPED]
    model.call("destroy", NAME)
    assert model.units() == ()


def test_a_submitted_unit_is_on_no_machine_and_can_be_read(model: Model) -> None:
    model.call("submit", str(model.folder / NAME))
    assert model.call("list-units") == (0, "")
    assert model.call("cat", NAME) == (0, TEXT)


def test_a_unit_that_is_not_there_can_not_be_read(model: Model) -> None:
    assert model.call("cat", NAME) == (1, "")


def test_every_call_is_noted(model: Model) -> None:
    model.call("list-units", "--no-legend")
    model.call("cat", NAME)
    assert (model.folder / "calls").read_text() == "list-units\ncat\n"
