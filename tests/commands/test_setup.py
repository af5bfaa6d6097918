"""setup: what is left to do on machines is shown, asked about, done, and looked at again."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from deployster_cli.cli import prompts
from deployster_cli.engines.base import Step
from deployster_cli.errors import EngineError, EngineUnreachable
from deployster_cli.main import Terminated
from tests.commands.conftest import Shell
from tests.simulation import SimSetup

CURL = Step("m1", "m1 lacks curl.", "apt-get install curl")
DOCKER = Step("m1", "docker.service on m1 is to run.", "systemctl enable docker")
OTHER = Step("m2", "m2 lacks curl.", "dnf install curl")
BY_HAND = Step("m2", "m2 lacks curl.", "install curl", "m2 has neither apt-get nor dnf.")
AWAY = EngineUnreachable("m2 does not answer.", "Bring it back; or leave it out: --without m2.")


@pytest.fixture
def setup(shell: Shell) -> SimSetup:
    shell.engine.setup = SimSetup({"m1": (CURL, DOCKER), "m2": (OTHER,), "m3": ()})
    return shell.engine.setup


def test_off_a_terminal_it_is_shown_and_refused_without_yes(shell: Shell, setup: SimSetup) -> None:
    code, out, err = shell("setup")
    assert (code, out, setup.taken) == (2, "", [])
    assert [line for line in err.splitlines() if "apt-get" in line] != []
    assert "Do this as root on m1, m2? Not a terminal: pass --yes to confirm." in err


def test_on_a_terminal_a_no_changes_nothing(shell: Shell, setup: SimSetup, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prompts, "on_terminal", lambda: True)
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    code, _, err = shell("setup")
    assert (code, setup.taken) == (1, [])
    assert err.endswith("Do this as root on m1, m2? [y/N]: Error: Not set up. Nothing was changed.\n")


def test_each_machine_has_its_steps_done_in_their_order(shell: Shell, setup: SimSetup) -> None:
    code, out, err = shell("setup --yes")
    assert (code, [step for step in setup.taken if step.machine == "m1"]) == (0, [CURL, DOCKER])
    assert OTHER in setup.taken
    rows = [line.split(maxsplit=1) for line in out.splitlines()[1:]]
    assert [row[0] for row in rows] == ["m1", "m2", "m3"]
    assert {"m1: apt-get install curl", "m1: done", "m2: done"} <= set(err.splitlines())
    assert shell("setup") == (0, "Nothing was left to do on 3 machines: nothing was changed.\n", "")


def test_programs_get_all_of_it(shell: Shell, setup: SimSetup) -> None:
    setup.todo = {"m1": (CURL,), "m2": (BY_HAND,)}
    code, out, err = shell("setup --yes -o json -q")
    assert (code, err) == (1, "")
    done = {
        "machine": "m1",
        "ok": True,
        "changed": True,
        "done": [CURL.command],
        "left": [],
        "text": None,
        "cure": None,
    }
    assert json.loads(out)["machines"] == [
        done,
        {
            "machine": "m2",
            "ok": False,
            "changed": False,
            "done": [],
            "left": [BY_HAND.command],
            "text": "m2 lacks curl. m2 has neither apt-get nor dnf.",
            "cure": "As root there: install curl",
        },
    ]
    assert shell("setup -o plain")[1].splitlines()[0] == "m1\tok\tnothing was left to do"


def test_what_is_left_for_hands_alone_is_not_asked_about(shell: Shell, setup: SimSetup) -> None:
    setup.todo = {"m2": (BY_HAND,)}
    code, out, _ = shell("setup")
    assert (code, setup.taken, "m2 has neither" in out) == (1, [], True)


def test_one_machine_s_failure_ends_its_own_steps_only(shell: Shell, setup: SimSetup) -> None:
    setup.fails = {CURL: EngineError("Setting up failed on m1: E: Unable to locate package curl")}
    code, out, _ = shell("setup --yes -o json")
    first, second, _ = json.loads(out)["machines"]
    assert (code, first["text"], first["left"]) == (
        1,
        "Setting up failed on m1: E: Unable to locate package curl",
        [CURL.command, DOCKER.command],
    )
    assert (second["ok"], DOCKER in setup.taken) == (True, False)


def test_what_was_done_in_vain_is_told(shell: Shell, setup: SimSetup) -> None:
    setup.vain = (DOCKER,)
    code, out, _ = shell("setup --yes -o plain")
    assert (code, out.splitlines()[0].split("\t")[:2]) == (1, ["m1", "FAULT"])
    assert "docker.service on m1 is to run. As root there: systemctl enable docker" in out


def test_where_a_machine_does_not_answer_nothing_is_begun(shell: Shell, setup: SimSetup) -> None:
    setup.todo["m2"] = AWAY
    code, _, err = shell("setup --yes")
    assert (code, setup.taken) == (4, [])
    assert err.splitlines() == [
        "Error: m2 does not answer. Nothing was changed.",
        "Bring it back; or leave it out: --without m2.",
    ]


def test_a_service_that_can_not_be_rendered_keeps_no_other_from_being_set_up(
    shell: Shell, setup: SimSetup, tmp_path: Path
) -> None:
    file = tmp_path / "deployster.toml"
    file.write_text(f'{file.read_text()}\n[services.loose]\ntemplate = "process"\ncommand = "x"\n')
    code, _, err = shell("setup --yes")
    assert code == 0, err
    assert "loose runs by a command and names no directory for it: it would run in /. Nothing is set up for it." in err


def test_all_machines_that_can_t_be_asked_are_named_at_once(shell: Shell, setup: SimSetup) -> None:
    setup.todo["m2"] = AWAY
    setup.todo["m3"] = EngineUnreachable("m3 does not answer.", AWAY.hint)
    code, _, err = shell("setup --yes")
    assert (code, setup.taken) == (4, [])
    assert err.splitlines() == ["Error: m2 does not answer. m3 does not answer. Nothing was changed.", AWAY.hint]


def test_a_machine_that_goes_meanwhile_is_told_with_the_others(shell: Shell, setup: SimSetup) -> None:
    setup.fails = {OTHER: AWAY}
    code, out, _ = shell("setup --yes -o json")
    assert (code, [one["ok"] for one in json.loads(out)["machines"]]) == (4, [True, False, True])


def test_what_a_step_waits_for_is_told(shell: Shell, setup: SimSetup) -> None:
    setup.waits = "waits: apt's lock is held"
    assert "m2: waits: apt's lock is held" in shell("setup --yes")[2].splitlines()


@pytest.mark.parametrize(("stop", "ends"), [(KeyboardInterrupt(), 130), (Terminated(), 143)])
def test_a_signal_leaves_what_was_begun(
    shell: Shell, setup: SimSetup, monkeypatch: pytest.MonkeyPatch, stop: BaseException, ends: int
) -> None:
    from deployster_cli.operations import setup as operations

    def stopped(*_: object) -> None:
        raise stop

    monkeypatch.setattr(operations, "_until_all_ended", stopped)
    code, _, err = shell("setup --yes -q")
    assert (code, err.splitlines()[-2:]) == (
        ends,
        [
            "Error: Interrupted. What was begun on m1, m2 goes on there to its end.",
            "Run deployster setup again: it sees what is left.",
        ],
    )


def test_an_engine_that_sets_nothing_up_says_so(shell: Shell) -> None:
    code, _, err = shell("setup --yes")
    assert (code, err.splitlines()) == (
        2,
        [
            "Error: There is nothing to set up with the engine fleet: it leaves its machines to you.",
            "deployster check says what is missing there.",
        ],
    )


def test_what_services_need_is_asked_for(shell: Shell, setup: SimSetup, tmp_path: Path) -> None:
    (tmp_path / "deployster.toml").write_text('[services.web]\ntemplate = "docker"\nhealth = "/up"\n')
    shell("setup")
    assert setup.asked[0].programs == (("/usr/bin/docker",), ("curl", "python3"))


def test_a_service_that_can_not_be_rendered_stops_it(shell: Shell, setup: SimSetup, tmp_path: Path) -> None:
    (tmp_path / "deployster.toml").write_text('[services.web]\ntemplate = "none-such"\n')
    assert (shell("setup --yes")[0], setup.taken) == (2, [])
