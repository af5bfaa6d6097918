"""One call, and what counts as its failure."""

from __future__ import annotations

import pytest

from deployster_cli.engines import process
from deployster_cli.engines.local.calls import call
from deployster_cli.engines.process import Completed
from deployster_cli.errors import EngineError, EngineMissing, EngineUnreachable, OutputUnreadable

ARGV = ("systemctl", "show")


def answering(monkeypatch: pytest.MonkeyPatch, **facts: object) -> None:
    done = Completed(**{"argv": ARGV, "code": 0, "out": "", "err": "", "seconds": 0.1, **facts})  # type: ignore[arg-type]
    monkeypatch.setattr(process, "run", lambda *_, **__: done)


def test_what_a_call_printed_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, out="Id=a\n")
    assert call(ARGV, 5) == "Id=a\n"


@pytest.mark.parametrize(
    ("facts", "error", "says"),
    [
        ({"code": None}, EngineUnreachable, "systemctl did not answer within 5 s"),
        ({"code": None, "flooded": True}, OutputUnreadable, "systemctl printed without end and was stopped."),
        ({"code": 1, "err": "No.\nmore"}, EngineError, "systemctl show failed with exit code 1: No."),
        ({"code": 1}, EngineError, "failed with exit code 1: it printed nothing"),
        ({"code": 1, "err": "Traceback (most recent call last):\n x\nOSError: no"}, EngineError, "1: OSError: no"),
    ],
)
def test_a_failed_call_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, facts: dict[str, object], error: type[EngineError], says: str
) -> None:
    answering(monkeypatch, **facts)
    with pytest.raises(error, match=says):
        call(ARGV, 5)


def test_a_program_that_is_not_there_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(*_: object, **__: object) -> Completed:
        raise process.NotStarted(ARGV, "No such file or directory")

    monkeypatch.setattr(process, "run", absent)
    with pytest.raises(EngineMissing, match="systemctl can't be run"):
        call(ARGV, 5)
