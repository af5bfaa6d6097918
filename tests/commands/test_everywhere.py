"""Global services from the command line: one unit, a row a machine, and what is refused."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from deployster_cli.domain.units.model import Machine
from deployster_cli.domain.units.names import UnitName
from deployster_cli.operations.logs import LogLine, Wanted, logs
from tests.commands.conftest import Shell
from tests.simulation import Fate

TEMPLATE = """[Service]
ExecStart=/srv/carousel/serve {{ version }}

[X-Fleet]
Global=true
"""

HOSTS = tuple(Machine(f"m{n}", f"10.0.0.{n}") for n in (1, 2, 3))


@pytest.fixture
def everywhere(shell: Shell, tmp_path: Path) -> Shell:
    """A shell in a project whose one service has a template of its own that makes it global; three machines."""
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "global.service.j2").write_text(TEMPLATE)
    (tmp_path / "deployster.toml").write_text('templates = "templates"\n[services.carousel]\ntemplate = "global"\n')
    shell.engine.hosts = HOSTS
    return shell


def there(shell: Shell) -> list[str]:
    """The units that are there."""
    return sorted(name.short for name in shell.engine.lives)


def test_a_deploy_starts_one_unit_which_runs_on_every_machine(everywhere: Shell) -> None:
    code, _, err = everywhere("deploy carousel v1")
    assert (code, there(everywhere)) == (0, ["carousel v1 @1"])
    assert "carousel v1 @1  ready on 3 machines" in err


def test_units_has_a_row_a_machine(everywhere: Shell) -> None:
    everywhere("deploy carousel v1")
    _, out, _ = everywhere("units -o json")
    shown = [(unit["instance"], unit["machine_id"], unit["state"]) for unit in json.loads(out)["units"]]
    assert shown == [("1", "m1", "running"), ("1", "m2", "running"), ("1", "m3", "running")]


def test_services_counts_every_machine(everywhere: Shell) -> None:
    everywhere("deploy carousel v1")
    _, out, _ = everywhere("services -o json")
    (service,) = json.loads(out)["services"]
    assert (service["running"], service["machines"]) == (3, ["m1", "m2", "m3"])


def test_the_next_version_retires_the_one_before(everywhere: Shell) -> None:
    everywhere("deploy carousel v1")
    code, _, _ = everywhere("deploy carousel v2 --destroy-previous")
    assert (code, there(everywhere)) == (0, ["carousel v2 @1"])


def test_the_same_version_again_is_nothing_to_do(everywhere: Shell) -> None:
    everywhere("deploy carousel v1")
    assert everywhere("deploy carousel v1")[1].startswith("Nothing to do")


def test_the_same_version_again_waits_for_a_machine_that_is_late(everywhere: Shell) -> None:
    everywhere("deploy carousel v1")
    everywhere.engine.lag["m3"] = 500
    _, out, _ = everywhere("deploy carousel v1 --dry-run -o json")
    assert json.loads(out)["plan"]["steps"] == [{"start": [], "watch": ["carousel-v1@1.service"], "retire": []}]


def test_where_deployster_says_what_runs_where_a_machine_that_has_none_of_it_gets_it_by_another_unit(
    everywhere: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    everywhere.engine.places = True
    everywhere("deploy carousel v1")
    assert everywhere("deploy carousel v1")[1].startswith("Nothing to do")
    listed = [unit._replace(copies=unit.copies[:2]) for unit in everywhere.engine.units()]
    monkeypatch.setattr(everywhere.engine, "units", lambda: tuple(listed))
    _, out, _ = everywhere("deploy carousel v1 --dry-run -o json")
    (step,) = json.loads(out)["plan"]["steps"]
    assert (step["start"], step["retire"]) == (["carousel-v1@2.service"], ["carousel-v1@1.service"])


def test_rolling_back_goes_to_the_release_before(everywhere: Shell) -> None:
    everywhere("deploy carousel v1")
    everywhere("deploy carousel v2 --destroy-previous")
    assert (everywhere("rollback carousel")[0], there(everywhere)) == (0, ["carousel v1 @1"])


def test_a_restart_replaces_the_unit(everywhere: Shell) -> None:
    everywhere("deploy carousel v1")
    assert (everywhere("restart carousel")[0], there(everywhere)) == (0, ["carousel v1 @2"])


def test_destroy_takes_it_from_every_machine(everywhere: Shell) -> None:
    everywhere("deploy carousel v1")
    assert (everywhere("destroy carousel v1 --yes")[0], there(everywhere)) == (0, [])


NO_NUMBER = "Error: carousel runs once on every machine that fits (Global=true): it has no number of instances."


@pytest.mark.parametrize("line", ["deploy carousel v1 --instances 3", "scale carousel 3", "scale carousel 1"])
def test_a_number_of_instances_is_refused(everywhere: Shell, line: str) -> None:
    code, _, err = everywhere(line)
    assert (code, err.splitlines()[0], everywhere.engine.looks) == (2, NO_NUMBER, 0)


def test_scaling_what_runs_everywhere_is_refused_whatever_the_settings_of_now(everywhere: Shell) -> None:
    everywhere("deploy carousel v1")
    code, _, err = everywhere(
        "scale carousel 3 --accept-changes --template process --set command=x --set directory=/srv"
    )
    assert (code, err.splitlines()[0], there(everywhere)) == (2, NO_NUMBER, ["carousel v1 @1"])


def test_going_back_from_three_instances_to_a_global_service_starts_one(everywhere: Shell) -> None:
    ordinary = "--template process --set command=x --set directory=/srv"
    everywhere("deploy carousel v1")
    everywhere(f"deploy carousel v2 --instances 3 --destroy-previous {ordinary}")
    assert (everywhere("rollback carousel --accept-changes")[0], there(everywhere)) == (0, ["carousel v1 @1"])


def test_conflicts_with_its_own_releases_are_refused(everywhere: Shell, tmp_path: Path) -> None:
    (tmp_path / "templates" / "global.service.j2").write_text(TEMPLATE + "Conflicts={{ service }}-*@*.service\n")
    code, _, err = everywhere("deploy carousel v1")
    assert (code, everywhere.engine.looks) == (2, 0)
    assert "conflicts with its own releases: fleet would never start the next one." in err


def test_a_fixed_port_asks_for_stop_first(everywhere: Shell, tmp_path: Path) -> None:
    (tmp_path / "templates" / "global.service.j2").write_text(
        TEMPLATE + "[Service]\nEnvironment=PORT={{ machine_port }}\n"
    )
    everywhere("deploy carousel v1 --set port=3000")
    code, _, err = everywhere("deploy carousel v2 --destroy-previous --set port=3000")
    assert code == 2
    assert "keep them apart with --order stop-first." in err
    assert everywhere("deploy carousel v2 --destroy-previous --set port=3000 --order stop-first")[0] == 0


def test_logs_ask_every_machine_and_say_which_wrote_a_line(everywhere: Shell) -> None:
    everywhere("deploy carousel v1")
    assert everywhere("logs carousel")[1].splitlines() == [
        f"carousel-v1@1 10.0.0.{n} | a last word of carousel v1 @1 on m{n}" for n in (1, 2, 3)
    ]


def test_logs_as_json_name_the_machine(everywhere: Shell) -> None:
    everywhere("deploy carousel v1")
    _, out, _ = everywhere("logs carousel -o json")
    assert [json.loads(line)["machine"] for line in out.splitlines()] == ["10.0.0.1", "10.0.0.2", "10.0.0.3"]


def test_following_tells_of_every_machine_and_takes_in_one_that_joins(
    everywhere: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    everywhere.engine.hosts = HOSTS[:2]
    everywhere("deploy carousel v1")
    sleep = everywhere.engine.clock.sleep
    found: set[str] = set()
    lines = logs(everywhere.engine, Wanted("carousel"), everywhere.engine.clock, follow=True)

    def both(length: float) -> None:
        sleep(length)
        time.sleep(0.01)
        everywhere.engine.hosts = HOSTS
        if len(found) == len(HOSTS):
            raise KeyboardInterrupt

    monkeypatch.setattr(everywhere.engine.clock, "sleep", both)
    with pytest.raises(KeyboardInterrupt):
        for line in lines:
            found.add(line.machine if isinstance(line, LogLine) else line.text)
    assert found == {"10.0.0.1", "10.0.0.2", "10.0.0.3"}


def test_ssh_goes_to_a_machine_where_it_runs(everywhere: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    everywhere.engine.fates_on[UnitName("carousel", "v1", 1), "m1"] = Fate.FAILS
    everywhere("deploy carousel v1 --on-failure keep")
    monkeypatch.setattr(everywhere.engine, "exec", lambda _name, _argv, at: int(at.id.removeprefix("m")))
    code, _, err = everywhere("ssh carousel -- true")
    assert (code, "On 10.0.0.2, where carousel v1 @1 is." in err) == (2, True)
