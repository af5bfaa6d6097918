"""GitHub Actions: what its runner is told, and what hostile text can't tell it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from deployster_cli.domain import events
from deployster_cli.domain.events import Event, Failure
from deployster_cli.domain.rollout.tracking import Reason
from deployster_cli.domain.units.model import Machine, State, Unit
from deployster_cli.domain.units.names import UnitName
from deployster_cli.views.output import Output
from deployster_cli.views.progress import command, harmless, progress

Saying = Callable[..., list[str]]

NAME = UnitName("carousel", "v2", 1)
UNIT = Unit(NAME, State.LAUNCHED, State.LAUNCHED, "loaded", "failed", "failed", Machine("m1", "10.0.0.1"))


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Saying:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")

    def say(*told: Event) -> list[str]:
        lines = progress(Output())
        for event in told:
            lines.tell(event)
        lines.close()
        return capsys.readouterr().err.splitlines()

    return say


def test_a_command_is_one_line_whatever_its_text_holds() -> None:
    assert command("error", "50 % off\r\n::set-env::x") == "::error::50 %25 off%0D%0A::set-env::x"


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("::add-mask::x", ". ::add-mask::x"),
        ("  ::error::x", ".   ::error::x"),
        ("a ##[error]x", "a # #[error]x"),
        ("a\n::error::x", "a ::error::x"),
        ("a plain line", "a plain line"),
    ],
)
def test_a_line_is_only_shown(line: str, shown: str) -> None:
    assert harmless(line) == shown


def test_each_turn_of_a_rollout_is_a_group(said: Saying) -> None:
    lines = said(events.Starting(1, 1, (NAME,)), events.Ready(UNIT, 2), events.Retiring((NAME,)))
    assert [line for line in lines if line.startswith("::")] == [
        "::group::Starting carousel v2 @1",
        "::endgroup::",
        "::group::Retiring carousel v2 @1",
        "::endgroup::",
    ]


def test_a_failure_and_its_journal_are_in_no_group(said: Saying) -> None:
    failed = events.Failed(Failure(Reason.FAILED, (NAME,), UNIT))
    lines = said(events.Starting(1, 1, (NAME,)), failed, events.Journal(NAME, ("##[error]boo",)))
    assert [line[line.find(" ") :] for line in lines[2:]] == [
        " carousel v2 @1 failed on 10.0.0.1",
        "   | # #[error]boo",
    ]


def test_a_warning_is_an_annotation(said: Saying) -> None:
    assert said(events.EngineAway("100 %")) == ["::warning::Waiting for the engine: 100 %25"]
