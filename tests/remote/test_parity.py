"""The same command line against an engine, and against a server over one: the same screen and the same exit code."""

from __future__ import annotations

import pytest

from deployster_cli.cli import change
from deployster_cli.commands import destroy
from deployster_cli.domain.units.names import UnitName
from tests.remote.conftest import Both
from tests.simulation import Fate

FORMS = ["table", "plain", "json", "wide"]

LOOKS = ["units", "units carousel", "units nothing", "units a/b", "services", "history carousel", "history nothing"]

STORY = [
    "deploy carousel v1 --instances 2",
    "deploy carousel v1 --instances 2",
    "deploy carousel bad",
    "deploy carousel bad --on-failure keep --instances 1",
    "destroy carousel bad --yes",
    "deploy carousel v2 --destroy-previous --dry-run",
    "deploy carousel v2 --destroy-previous --batch-size 1 -o json",
    "plan carousel v2 --destroy-previous -o json",
    "deploy carousel v3 --destroy-previous --order stop-first -o plain",
    "rollback carousel nosuch",
    "rollback carousel --env TOKEN=1",
    "rollback carousel",
    "scale carousel 3 -q",
    "scale carousel 1",
    "scale carousel 1 --yes",
    "restart carousel --dry-run",
    "restart carousel",
    "destroy carousel v9 --yes",
    "destroy carousel v2",
    "destroy carousel v2 --yes --instance 7",
    "destroy carousel v2 --yes --timeout 1m --lock-wait 5s -o json",
    "rollback carousel",
    "deploy carousel v1 --template nope",
    "deploy carousel v1 --settle 5m",
    "deploy carousel.task v1",
    "deploy carousel a:b",
]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("line", LOOKS)
def test_what_there_is_looks_the_same(both: Both, line: str, form: str) -> None:
    both.here("deploy carousel v1 --instances 2")
    both.here("deploy carousel v2-b_x --destroy-previous")
    assert both.there(f"{line} -o {form}") == both.here(f"{line} -o {form}")


def test_a_whole_story_reads_the_same(both: Both) -> None:
    both.engine.fates[UnitName("carousel", "bad", 1)] = Fate.FAILS
    here = [both.here(line) for line in STORY]
    both.afresh()
    there = [both.there(line) for line in STORY]
    differing = {line: (a, b) for line, a, b in zip(STORY, here, there, strict=True) if a != b}
    assert differing == {}


@pytest.mark.parametrize("option", ["--env 1A=hunter2", "--set port=x", "--set nope", "--batch-size 1 --before x\x07"])
def test_what_the_server_refuses_exits_2_too_in_words_of_its_own(both: Both, option: str) -> None:
    code, out, err = both.there(f"deploy carousel v1 {option}")
    assert (code, out, both.engine.calls, "hunter2" in err) == (2, "", [], False)


@pytest.mark.parametrize("line", ["deploy carousel v2 --destroy-previous --adopt", "destroy carousel worker --adopt"])
def test_what_comes_while_the_question_stands_is_taken_over_by_neither(
    both: Both, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked_about, late = UnitName("carousel", "worker", 1), UnitName("carousel", "worker", 2)

    def asked(_: str, **__: bool) -> bool:
        both.engine.add_foreign(late)
        return True

    for module in (change, destroy):
        monkeypatch.setattr(module, "confirmed", asked)
    for run in (both.here, both.there):
        both.afresh()
        both.engine.add_foreign(asked_about)
        code, _, err = run(line)
        assert (code, {name for name in both.engine.lives if name.version == "worker"}) == (0, {late}), err
        assert err.count("carousel worker @2 was not created by Deployster, and is left alone.") == 1
