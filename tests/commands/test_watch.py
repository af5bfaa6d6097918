"""units --watch and services --watch."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from deployster_cli.domain.units.model import Machine
from deployster_cli.domain.units.names import UnitName
from deployster_cli.engines.base import Silent
from deployster_cli.errors import EngineMissing, EngineUnreachable
from tests.commands.conftest import Shell

ONE, TWO = UnitName("carousel", "v1", 1), UnitName("carousel", "v1", 2)

Happening = dict[int, Callable[[], object]]


@pytest.fixture
def watched(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str, str]]:
    """Runs a command line over six seconds in which things happen; then Ctrl-C."""

    def run(line: str, happening: Happening) -> tuple[int, str, str]:
        shell.engine.add_running(ONE)
        slept: list[float] = []

        def sleep(seconds: float) -> None:
            slept.append(seconds)
            if len(slept) > 6:
                raise KeyboardInterrupt
            shell.engine.clock.at += seconds
            happening.get(len(slept), lambda: None)()

        monkeypatch.setattr(shell.engine.clock, "sleep", sleep)
        return shell(line)

    return run


Watched = Callable[..., tuple[int, str, str]]


def test_a_block_is_printed_only_when_something_has_changed(watched: Watched, shell: Shell) -> None:
    code, out, err = watched("units --watch --interval 1s", {3: lambda: shell.engine.add_running(TWO)})
    assert (code, err) == (130, "\nInterrupted.\n")
    assert [line for line in out.splitlines() if line.endswith("Z")] == ["2026-01-01T00:00:00Z", "2026-01-01T00:00:03Z"]


def test_json_is_one_value_a_change_on_one_line(watched: Watched, shell: Shell) -> None:
    _, out, _ = watched("units --watch -o json", {2: lambda: shell.engine.add_running(TWO)})
    assert [len(json.loads(line)["units"]) for line in out.splitlines()] == [1, 2]


def test_json_is_what_one_look_gives(watched: Watched, shell: Shell) -> None:
    _, out, _ = watched("services --watch -o json", {})
    assert json.loads(out) == json.loads(shell("services -o json")[1])


def test_plain_rows_have_an_empty_line_behind_them(watched: Watched) -> None:
    _, out, _ = watched("services --watch -o plain", {})
    assert out == "carousel\tv1\t1\t1\trunning\t10.0.0.1\n\n"


def test_a_machine_that_falls_silent_is_named_and_so_is_its_return(watched: Watched, shell: Shell) -> None:
    def silent(*machines: Silent) -> None:
        shell.engine.silent = machines

    away = Silent(Machine("2", "m2"), "m2 does not answer: no route.", True)
    _, out, err = watched("units --watch --interval 1s", {2: lambda: silent(away), 4: silent})
    assert out.count("carousel") == 1
    assert err.splitlines()[:2] == [
        "2026-01-01T00:00:02Z m2 does not answer: no route. What runs there is not known.",
        "2026-01-01T00:00:04Z m2 answers again.",
    ]


def test_units_that_are_all_gone_are_a_change(watched: Watched, shell: Shell) -> None:
    _, out, _ = watched("units carousel --watch", {1: shell.engine.lives.clear})
    assert out.endswith("No units of carousel found.\n\n")


def test_an_engine_that_is_away_is_told_of_once_and_its_return_too(
    watched: Watched, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    units = shell.engine.units

    def away() -> None:
        def silent() -> None:
            raise EngineUnreachable("no answer")

        monkeypatch.setattr(shell.engine, "units", silent)

    _, out, err = watched(
        "units --watch --interval 1s", {2: away, 4: lambda: monkeypatch.setattr(shell.engine, "units", units)}
    )
    assert (out.count("running"), err.splitlines()[:2]) == (
        1,
        ["2026-01-01T00:00:02Z no answer", "2026-01-01T00:00:04Z The engine answers again."],
    )


@pytest.mark.parametrize("kind", [EngineUnreachable, EngineMissing])
def test_an_engine_that_is_away_from_the_beginning_ends_it(
    watched: Watched, shell: Shell, monkeypatch: pytest.MonkeyPatch, kind: type[EngineUnreachable]
) -> None:
    def silent() -> None:
        raise kind("no answer")

    monkeypatch.setattr(shell.engine, "units", silent)
    assert watched("units --watch", {}) == (4, "", "Error: no answer\n")


def test_more_than_one_look_a_second_is_refused(shell: Shell) -> None:
    assert shell("units --watch --interval 0.5s")[0] == 2


def test_a_service_that_is_not_there_is_told_with_the_nearest_that_is(shell: Shell) -> None:
    shell.engine.add_running(ONE)
    assert shell("units carosel") == (0, "", "No units of carosel found. Did you mean carousel?\n")


@pytest.mark.parametrize("line", ["history carosel", "destroy carosel v1 --yes", "rollback carosel", "restart carosel"])
def test_every_command_names_the_service_that_may_have_been_meant(shell: Shell, line: str) -> None:
    shell.engine.add_running(ONE)
    code, _, err = shell(line)
    assert (code, "Did you mean carousel?" in err) == (6, True)
