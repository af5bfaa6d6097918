"""destroy, units, services, render and templates from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deployster_cli.domain.units.names import UnitName
from deployster_cli.errors import EngineUnreachable
from tests.commands.conftest import Shell

SEED_FIELDS = {
    "service": "carousel",
    "instance": "1",
    "version": "v1",
    "current_state": "launched",
    "desired_state": "launched",
    "machine_id": "m1",
}


@pytest.fixture
def deployed(shell: Shell) -> Shell:
    shell("deploy carousel v1 --instances 2 -q")
    return shell


def test_destroy_off_a_terminal_wants_yes(deployed: Shell) -> None:
    code, _, err = deployed("destroy carousel v1")
    assert (code, len(deployed.engine.lives)) == (2, 2)
    assert "--yes" in err


def test_destroy_waits_until_the_release_is_gone(deployed: Shell) -> None:
    code, out, _ = deployed("destroy carousel v1 --yes")
    assert (code, out, deployed.engine.lives) == (0, "Done: carousel v1 @1 @2 destroyed. 4s\n", {})


def test_destroy_can_take_one_instance(deployed: Shell) -> None:
    assert deployed("destroy carousel v1 --instance 2 --yes")[0] == 0
    assert list(deployed.engine.lives) == [UnitName("carousel", "v1", 1)]


def test_destroy_of_a_release_that_is_not_there_exits_6_and_names_what_is(deployed: Shell) -> None:
    code, _, err = deployed("destroy carousel v9 --yes")
    assert (code, err) == (6, "Error: No carousel v9 found.\nThere is: v1.\n")


def test_destroy_of_an_unknown_service_exits_6(deployed: Shell) -> None:
    assert deployed("destroy nothing v1 --yes")[::2] == (
        6,
        "Error: No nothing v1 found.\nNothing of nothing runs.\n",
    )


def test_destroy_of_an_instance_that_is_not_there_destroys_nothing(deployed: Shell) -> None:
    code, _, err = deployed("destroy carousel v1 --instance 1 --instance 7 --yes")
    assert (code, len(deployed.engine.lives)) == (6, 2)
    assert "No carousel v1 @7 found." in err


def test_destroy_of_one_instance_that_is_not_there_names_it(deployed: Shell) -> None:
    assert "No carousel v1 @9 found." in deployed("destroy carousel v1 --instance 9 --yes")[2]


def test_units_as_json_hold_the_six_fields_of_the_go_service(deployed: Shell) -> None:
    _, out, _ = deployed("units carousel -o json")
    assert json.loads(out)["units"][0].items() >= SEED_FIELDS.items()


def test_units_as_a_table(deployed: Shell) -> None:
    _, out, _ = deployed("units")
    assert out.splitlines()[:2] == [
        "SERVICE   VERSION  INSTANCE  STATE    MACHINE   PORT",
        "carousel  v1       1         running  10.0.0.1  -",
    ]


def test_units_as_plain_text_have_no_header_and_one_tab_between_cells(deployed: Shell) -> None:
    _, out, _ = deployed("units -o plain")
    assert out.splitlines()[0].split("\t")[:5] == ["carousel", "v1", "1", "running", "10.0.0.1"]


def test_options_are_taken_before_the_command_too(deployed: Shell) -> None:
    assert deployed("-o json units")[1] == deployed("units -o json")[1]


def test_units_of_a_service_without_any_say_so_and_succeed(shell: Shell) -> None:
    assert shell("units carousel") == (0, "", "No units of carousel found.\n")


def test_services_show_one_line_a_release(deployed: Shell) -> None:
    _, out, _ = deployed("services")
    assert out.splitlines()[1] == "carousel  v1       2        2          running  10.0.0.1"


def test_an_engine_that_does_not_answer_exits_4(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent() -> None:
        raise EngineUnreachable("fleetctl list-units did not answer in 15s.", "Is fleetd running?")

    monkeypatch.setattr(shell.engine, "units", silent)
    assert shell("units") == (4, "", "Error: fleetctl list-units did not answer in 15s.\nIs fleetd running?\n")


def test_render_prints_the_unit_file_without_asking_an_engine(shell: Shell) -> None:
    code, out, _ = shell("render carousel v1 --instance 2")
    assert (code, shell.engine.looks) == (0, 0)
    assert "[X-Deployster]\nService=carousel\nVersion=v1\nInstance=2\n" in out


def test_templates_list_names_each_and_where_it_is_from(shell: Shell) -> None:
    _, out, _ = shell("templates list -o plain")
    assert {tuple(line.split("\t")) for line in out.splitlines()} >= {("docker", "built-in"), ("process", "built-in")}


def test_a_template_of_ones_own_hides_the_built_in_one(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "process.service.j2").write_text("[Service]\nExecStart=/bin/mine\n")
    assert shell("templates show process")[1] == "[Service]\nExecStart=/bin/mine\n"


def test_an_unknown_template_exits_6_and_names_those_there_are(shell: Shell) -> None:
    code, _, err = shell("templates show nope")
    assert code == 6
    assert "process" in err
