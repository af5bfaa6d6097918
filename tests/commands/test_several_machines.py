"""Command lines where the engine decides which machine gets what, and where machines are silent or left out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deployster_cli.domain.units.model import Machine, State, Unit
from deployster_cli.domain.units.names import UnitName
from deployster_cli.engines.base import Silent, Trouble
from deployster_cli.operations.hooks import HookResult, LocalCommands
from tests.commands.conftest import Shell

ON_M2 = Machine("2", "m2", {"name": "m2"})
ASIDE = Unit(UnitName("carousel", "v1", 2), State.LAUNCHED, State.LAUNCHED, machine=ON_M2, foreign=True, aside=True)


@pytest.fixture
def spread(shell: Shell, tmp_path: Path) -> Shell:
    file = tmp_path / "deployster.toml"
    file.write_text(f'engine = "ssh"\n{file.read_text()}')
    shell.engine.places = True
    shell.engine.hosts = (Machine("1", "m1", {"name": "m1"}), ON_M2)
    return shell


@pytest.fixture
def without_m2(spread: Shell, monkeypatch: pytest.MonkeyPatch) -> Shell:
    look = spread.engine.units
    monkeypatch.setattr(spread.engine, "units", lambda: (*look(), ASIDE))
    return spread


def test_a_plan_shows_where_each_instance_will_run(spread: Shell) -> None:
    code, out, _ = spread("plan carousel v1 --instances 3")
    rows = [line.split() for line in out.splitlines()[1:]]
    assert code == 0
    assert [(unit, machine) for _, _, unit, _, machine in rows] == [
        ("carousel-v1@1.service", "m1"),
        ("carousel-v1@2.service", "m2"),
        ("carousel-v1@3.service", "m1"),
    ]
    _, out, _ = spread("plan carousel v1 --instances 2 -o json")
    seats = json.loads(out)["plan"]["seats"]
    assert seats[1] == {"name": "carousel-v1@2.service", "machines": ["m2"]}


def silent_m2(spread: Shell, why: str = "m2 does not answer.", *, passable: bool = True) -> None:
    spread.engine.silent = (Silent(ON_M2._replace(id=""), why, passable),)


@pytest.fixture
def held_by_m2(spread: Shell, monkeypatch: pytest.MonkeyPatch) -> Shell:
    look, there = spread.engine.units, ASIDE._replace(foreign=False, aside=False)
    monkeypatch.setattr(spread.engine, "units", lambda: (*look(), there))
    return spread


def test_while_a_machine_is_silent_that_has_units_of_a_service_nothing_of_it_is_changed(held_by_m2: Shell) -> None:
    held_by_m2("deploy carousel v1 -q --instances 1")
    silent_m2(held_by_m2)
    refused(held_by_m2)


def test_nor_where_it_is_none_to_pass_over(spread: Shell) -> None:
    spread("deploy carousel v1 -q --instances 1")
    silent_m2(spread, passable=False)
    refused(spread)


def refused(spread: Shell) -> None:
    for line in ("deploy carousel v2", "destroy carousel v1 --yes", "scale carousel 3", "plan carousel v2"):
        code, _, err = spread(f"{line} -q")
        assert (code, err.splitlines()[-2:]) == (
            4,
            [
                "Error: m2 does not answer. What runs of carousel on m2 is not known, so nothing was changed.",
                "Bring it back; or leave it out: --without m2. What it runs then is left as it is.",
            ],
        )
    assert list(spread.engine.lives) == [UnitName("carousel", "v1", 1)]


def test_a_silent_machine_that_has_nothing_of_a_service_stops_no_change_of_it(spread: Shell) -> None:
    silent_m2(spread)
    code, _, err = spread("deploy carousel v1 --instances 1")
    assert (code, "m2 does not answer; carousel has nothing there, and goes on without.\n" in err) == (0, True)
    for line in ("scale carousel 2", "destroy carousel v1 --yes"):
        assert spread(f"{line} -q")[0] == 0


@pytest.mark.parametrize(("zone", "code"), [("z1", 0), ("z2", 4)])
def test_what_runs_everywhere_waits_for_a_silent_machine_where_it_belongs(spread: Shell, zone: str, code: int) -> None:
    near = Machine("1", "m1", {"name": "m1", "zone": "z1"})
    spread.engine.hosts = (near,)
    spread.engine.silent = (Silent(ON_M2._replace(id="", metadata={"name": "m2", "zone": "z2"}), "m2 is off.", True),)
    assert spread(f"deploy carousel v1 -q --set global=true --set machine_metadata=zone={zone}")[0] == code


def test_a_listing_names_the_machines_that_are_silent(spread: Shell) -> None:
    silent_m2(spread, "m2 does not answer: no route.")
    for line in ("units", "services"):
        assert "m2 does not answer: no route. What runs there is not known.\n" in spread(line)[2]
    found = json.loads(spread("units -o json")[1])
    assert found == {"units": [], "silent": [{"machine": "m2", "why": "m2 does not answer: no route."}]}


def test_a_history_names_them_too(spread: Shell) -> None:
    spread("deploy carousel v1 -q")
    silent_m2(spread)
    assert spread("history carousel")[2] == "m2 does not answer. What runs there is not known.\n"
    assert json.loads(spread("history carousel -o json")[1])["silent"] == [
        {"machine": "m2", "why": "m2 does not answer."}
    ]


def test_what_a_machine_that_is_left_out_may_run_is_told_and_its_name_is_not_used_again(without_m2: Shell) -> None:
    code, _, err = without_m2("deploy carousel v1 --instances 2")
    assert code == 0
    assert "carousel v1 @2 may still run on a machine that is left out: it is left alone." in err
    assert [name.instance for name in without_m2.engine.lives] == [1, 3]
    assert "left out" in without_m2("units carousel")[1]
    assert "left out" in without_m2("plan carousel v2 --destroy-previous")[2]


def test_it_can_not_be_adopted(without_m2: Shell) -> None:
    without_m2("deploy carousel v1 --instances 1 -q")
    plan = json.loads(without_m2("plan carousel v2 --destroy-previous --adopt -o json")[1])["plan"]
    assert (plan["adopted"], plan["aside"]) == ([], ["carousel-v1@2.service"])


def test_what_is_wrong_with_one_machine_is_a_fault_with_its_cure(spread: Shell) -> None:
    spread.engine.troubled = (Trouble("m2", "m2 lacks awk.", "Install it."),)
    code, out, _ = spread("check -o json")
    found = [one for one in json.loads(out)["findings"] if one["subject"] == "machine m2"]
    assert code == 4
    assert [(one["state"], one["cure"]) for one in found] == [("fault", "Install it.")]


FOLDER = "/srv/carousel/v1"


def test_a_change_looks_for_what_its_units_need_once_where_no_hook_ran(spread: Shell) -> None:
    spread.engine.lacking = {}
    assert spread("deploy carousel v1 -q --instances 2")[0] == 0
    assert spread.engine.looked_for == [(FOLDER, FOLDER)]


def test_what_needs_no_folder_is_not_looked_for(spread: Shell) -> None:
    spread.engine.lacking = {}
    assert spread("deploy carousel v1 -q --set template=docker")[0] == 0
    assert spread.engine.looked_for == []


def test_a_folder_that_machines_lack_is_told_and_nothing_starts(spread: Shell) -> None:
    spread.engine.lacking = {FOLDER: ["m1", "m2"]}
    lacks = "m1 and m2 have no folder /srv/carousel/v1."
    code, _, err = spread("plan carousel v1")
    assert (code, lacks in err) == (0, True)
    for does in ("deploy carousel v1", "task carousel v1 true"):
        code, _, err = spread(does)
        assert (code, f"Error: {lacks} Nothing was started." in err, spread.engine.calls) == (6, True, [])


def test_a_hook_may_bring_it(spread: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    spread.engine.lacking = lacking = {FOLDER: ["m2"]}

    def bring(*_: object) -> HookResult:
        lacking.clear()
        return HookResult(0, 1.0)

    monkeypatch.setattr(LocalCommands, "run", bring)
    file = Path("deployster.toml")
    file.write_text(f'{file.read_text()}[hooks]\npre_deploy = "copy"\n')
    assert spread("deploy carousel v1 -q")[0] == 0
    assert len(spread.engine.looked_for) == 2


def test_a_machine_that_falls_silent_in_mid_deploy_is_named_and_so_is_its_return(
    spread: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks, units = 0, spread.engine.units

    def seen() -> tuple[Unit, ...]:
        nonlocal looks
        looks += 1
        away = 14 <= looks < 16  # it has been put there by then
        silent_m2(spread, "m2 does not answer: no route.") if away else setattr(spread.engine, "silent", ())
        at = ON_M2._replace(silent=away)
        return tuple(unit._replace(machine=at) if unit.machine else unit for unit in units())

    monkeypatch.setattr(spread.engine, "units", seen)
    code, _, err = spread("deploy carousel v1 --instances 1")
    told = [line.partition(" ")[2] for line in err.splitlines() if "m2" in line]
    assert code == 0
    assert [line for line in told if "answer" in line] == [
        "m2 does not answer: no route. It is waited for.",
        "m2 answers again.",
    ]
