"""The number of instances from the command line: no verb makes a service smaller unasked, and every change is said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deployster_cli.domain.units.model import State
from deployster_cli.domain.units.names import UnitName
from tests.commands.conftest import PROJECT, Shell
from tests.simulation import Fate


def there(shell: Shell) -> dict[str, int]:
    """Version → units of it that are wanted to run."""
    found: dict[str, int] = {}
    for name, life in shell.engine.lives.items():
        if life.desired is State.LAUNCHED:
            found[name.version] = found.get(name.version, 0) + 1
    return found


def doomed(shell: Shell, version: str, fate: Fate = Fate.FAILS) -> None:
    for instance in range(1, 10):
        shell.engine.fates[UnitName("carousel", version, instance)] = fate


def setting(number: int) -> None:
    Path("deployster.toml").write_text(f"{PROJECT}instances = {number}\n")


def stopped_by_hand(shell: Shell, version: str, instance: int) -> None:
    shell.engine.stop([UnitName("carousel", version, instance)])
    shell.engine.clock.sleep(10)


def interrupted(shell: Shell, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    """The command, and Ctrl-C as soon as something starts."""

    def stop(_: float) -> None:
        if any(verb == "start" for verb, _ in shell.engine.calls):
            raise KeyboardInterrupt
        shell.engine.clock.at += 1

    shell.engine.calls.clear()
    with monkeypatch.context() as patched:
        patched.setattr(shell.engine.clock, "sleep", stop)
        assert shell(line)[0] == 130


def test_rollback_from_a_failed_release_brings_the_setting_back(shell: Shell) -> None:
    setting(2)
    shell("deploy carousel g1")
    doomed(shell, "bad")
    assert shell("deploy carousel bad --destroy-previous --on-failure keep")[0] == 1
    code, out, err = shell("rollback carousel")
    assert (code, there(shell)) == (0, {"g1": 2})
    assert "carousel g1 runs (2 instances)" in out
    assert "→" not in err


def test_rollback_from_a_failed_release_keeps_what_was_asked_for(shell: Shell) -> None:
    shell("deploy carousel g1 --instances 3")
    doomed(shell, "bad")
    assert shell("deploy carousel bad --destroy-previous --on-failure keep")[0] == 1
    assert shell("rollback carousel")[0] == 0
    assert there(shell) == {"g1": 3}


@pytest.mark.parametrize("of", ["as many", "of a number"])
def test_the_fix_for_a_release_that_half_failed_has_as_many_as_before_it(shell: Shell, of: str) -> None:
    shell("deploy carousel g1 --instances 3")
    shell.engine.fates[UnitName("carousel", "half", 1)] = Fate.FAILS
    number = "" if of == "as many" else " --instances 3"
    assert shell(f"deploy carousel half --on-failure keep{number}")[0] == 1
    assert shell("deploy carousel fix --destroy-previous")[0] == 0
    assert there(shell) == {"fix": 3}


@pytest.mark.parametrize("batch", ["", " --batch-size 1"])
@pytest.mark.parametrize("line", ["deploy carousel v3 --destroy-previous", "rollback carousel v1", "restart carousel"])
def test_what_follows_an_interrupted_deploy_has_as_many_as_it_was_after(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, line: str, batch: str
) -> None:
    shell("deploy carousel v1 --instances 3")
    shell.engine.start_delay = 20
    interrupted(shell, monkeypatch, f"deploy carousel v2 --destroy-previous{batch}")
    assert shell(line)[0] == 0
    version = {"deploy": "v3", "rollback": "v1", "restart": "v2"}[line.split(maxsplit=1)[0]]
    assert there(shell)[version] == 3


def test_instances_whose_machine_was_lost_count(shell: Shell) -> None:
    shell("deploy carousel v1 --instances 4")
    for instance in (1, 3):
        shell.engine.lives[UnitName("carousel", "v1", instance)].placed = 10**6
    assert shell("deploy carousel v2 --destroy-previous")[0] == 0
    assert there(shell) == {"v2": 4}


@pytest.mark.parametrize("line", ["restart carousel", "deploy carousel v1", "deploy carousel v2 --destroy-previous"])
@pytest.mark.parametrize("source", ["the setting", "the last deploy"])
def test_one_that_was_stopped_by_hand_counts(shell: Shell, source: str, line: str) -> None:
    if source == "the setting":
        setting(2)
    shell("deploy carousel v1 --instances 2")
    stopped_by_hand(shell, "v1", 2)
    assert shell(line)[0] == 0
    assert list(there(shell).values()) == [2]


def test_a_crash_loop_is_restarted_whole(shell: Shell) -> None:
    doomed(shell, "v1", Fate.LOOPS)
    shell("deploy carousel v1 --instances 3 --on-failure keep")
    shell.engine.clock.at += 3 - shell.engine.clock.at % 3
    for life in shell.engine.lives.values():
        life.up = shell.engine.clock.at - 2  # all of them wait for their restart at this moment
    _, out, _ = shell("restart carousel --dry-run -o json")
    steps = json.loads(out)["plan"]["steps"]
    assert sum(len(step["start"]) for step in steps) == 3
    assert json.loads(out)["plan"]["instances"]["number"] == 3


def test_a_rollback_takes_no_instance_of_its_target_that_is_up(shell: Shell) -> None:
    shell("deploy carousel v1 --instances 3")
    shell("deploy carousel v2 --instances 1")
    code, _, err = shell("rollback carousel")
    assert (code, there(shell)) == (0, {"v1": 3})
    assert "1 → 3 instances: v1 has 3\n" in err


def test_a_rollback_with_a_number_takes_it(shell: Shell) -> None:
    shell("deploy carousel v1 --instances 3")
    shell("deploy carousel v2 --instances 1")
    assert shell("rollback carousel --instances 2")[0] == 0
    assert there(shell) == {"v1": 2}


def test_a_scale_outlives_an_instance_that_is_stopped_by_hand(shell: Shell) -> None:
    shell("deploy carousel v1 --instances 5")
    shell("scale carousel 2 --yes")
    stopped_by_hand(shell, "v1", 2)
    _, _, err = shell("deploy carousel v2 --destroy-previous")
    assert there(shell) == {"v2": 2}
    assert "→" not in err


def test_a_scale_up_does_too(shell: Shell) -> None:
    shell("deploy carousel v1 --instances 1")
    shell("scale carousel 3")
    for instance in (2, 3):
        stopped_by_hand(shell, "v1", instance)
    shell("restart carousel")
    assert there(shell) == {"v1": 3}


def test_a_scale_to_what_runs_already_is_asked_for_all_the_same(shell: Shell) -> None:
    shell("deploy carousel v1 --instances 3")
    shell("destroy carousel v1 --instance 3 --yes")
    assert "Nothing to do" in shell("scale carousel 2")[1]
    shell("deploy carousel v2 --destroy-previous")
    assert there(shell) == {"v2": 2}


@pytest.mark.parametrize(("line", "told"), [("scale carousel 5", True), ("scale carousel 2", False)])
def test_a_scale_says_that_the_setting_comes_back(shell: Shell, line: str, told: bool) -> None:
    setting(2)
    shell("deploy carousel v1 -q")
    said = "deployster.toml says instances = 2: the next deploy or restart goes back to that."
    assert (said in shell(line)[2]) is told


def test_without_a_setting_in_the_file_a_scale_stays(shell: Shell) -> None:
    shell("deploy carousel v1 -q")
    assert "goes back" not in shell("scale carousel 5 --set instances=3 --accept-changes")[2]


def test_the_setting_is_stronger_than_a_scale_and_says_so(shell: Shell) -> None:
    setting(2)
    shell("deploy carousel v1")
    shell("scale carousel 5")
    _, _, err = shell("deploy carousel v2 --destroy-previous")
    assert there(shell) == {"v2": 2}
    assert "5 → 2 instances: deployster.toml\n" in err


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("deploy carousel v2 --destroy-previous --instances 1", "3 → 1 instance: --instances"),
        ("deploy carousel v1 --instances 4", "3 → 4 instances: --instances"),
        ("deploy carousel v2 --set instances=2", "3 → 2 instances: --set instances"),
        ("scale carousel 5", "3 → 5 instances: scale"),
        ("scale carousel 1 --yes", "3 → 1 instance: scale"),
    ],
)
def test_a_change_is_said_in_the_plan_while_it_is_made_and_as_json(shell: Shell, line: str, said: str) -> None:
    shell("deploy carousel v1 --instances 3")
    assert f"{said}\n" in shell(f"{line} --dry-run")[2]
    code, out, err = shell(f"{line} -o json")
    assert code == 0
    assert err.count(f" {said}\n") == 1
    size = json.loads(out)["deploy"]["instances"]
    after, why = said.split(" → ")[1].split(": ")
    assert size == {"number": int(after.split()[0]), "reason": why, "before": 3}


@pytest.mark.parametrize("line", ["deploy carousel v2 --destroy-previous", "restart carousel", "deploy carousel v1"])
def test_the_same_number_is_in_json_only(shell: Shell, line: str) -> None:
    shell("deploy carousel v1 --instances 3")
    assert "→" not in shell(f"{line} --dry-run")[2]
    _, out, err = shell(f"{line} -o json")
    assert "→" not in err
    assert json.loads(out)["deploy"]["instances"] == {
        "number": 3,
        "reason": "as asked for by the last deploy (v1)",
        "before": 3,
    }


def test_a_first_deploy_changes_no_number(shell: Shell) -> None:
    _, out, err = shell("deploy carousel v1 --instances 3 -o json")
    assert "→" not in err
    assert json.loads(out)["deploy"]["instances"] == {"number": 3, "reason": "--instances", "before": None}


def test_what_is_destroyed_has_no_number(shell: Shell) -> None:
    shell("deploy carousel v1")
    _, out, _ = shell("destroy carousel v1 --yes -o json")
    assert json.loads(out)["destroy"]["instances"] is None


def test_a_fresh_deploy_has_a_record_only_while_it_replaces_others(shell: Shell) -> None:
    shell("deploy carousel v1 --instances 3")
    shell("deploy carousel v2")
    assert shell.engine.records.calls == []
    shell("deploy carousel v3 --destroy-previous")
    shell("rollback carousel")
    shell("restart carousel")
    assert shell.engine.records.calls == ["write", "drop"] * 3


def test_nothing_to_do_writes_none(shell: Shell) -> None:
    shell("deploy carousel v1")
    shell("deploy carousel v2")
    assert "Nothing to do" in shell("deploy carousel v1")[1]
    assert shell.engine.records.calls == []


def test_a_plan_writes_none(shell: Shell) -> None:
    shell("deploy carousel v1 --instances 3")
    shell("scale carousel 1 --dry-run")
    assert shell.engine.records.kept == {}


def test_a_scale_writes_one_and_the_same_again_does_not(shell: Shell) -> None:
    shell("deploy carousel v1 --instances 3")
    shell("scale carousel 1 --yes")
    record = shell.engine.records.kept["carousel"]
    assert (record.version, record.instances, record.verb) == ("v1", 1, "scale")
    shell("scale carousel 1 --yes")
    assert shell.engine.records.calls.count("write") == 1


def test_an_interrupted_scale_counts_as_asked_for(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell("deploy carousel v1 --instances 2")
    shell.engine.start_delay = 20
    interrupted(shell, monkeypatch, "scale carousel 4")
    assert shell("deploy carousel v2 --destroy-previous")[0] == 0
    assert there(shell) == {"v2": 4}


@pytest.mark.parametrize("before", [None, 3])
def test_a_scale_that_failed_and_was_undone_is_forgotten(shell: Shell, before: int | None) -> None:
    shell("deploy carousel v1 --instances 2")
    if before:
        shell(f"scale carousel {before}")
    kept = dict(shell.engine.records.kept)
    doomed(shell, "v1")
    assert shell("scale carousel 5")[0] == 1
    assert shell.engine.records.kept == kept
    assert shell("deploy carousel v2 --destroy-previous")[0] == 0
    assert there(shell) == {"v2": before or 2}


def test_a_scale_that_failed_and_was_kept_is_not(shell: Shell) -> None:
    shell("deploy carousel v1 --instances 2")
    doomed(shell, "v1")
    assert shell("scale carousel 5 --on-failure keep")[0] == 1
    assert shell("deploy carousel v2 --destroy-previous")[0] == 0
    assert there(shell) == {"v2": 5}


def test_what_destroys_the_last_of_a_service_destroys_its_record(shell: Shell) -> None:
    shell("deploy carousel v1 --instances 2")
    shell("scale carousel 1 --yes")
    shell("destroy carousel v1 --yes")
    assert shell.engine.records.kept == {}


def test_what_destroys_another_release_leaves_the_record(shell: Shell) -> None:
    shell("deploy carousel v1")
    shell("deploy carousel v2 --instances 2")
    shell("scale carousel 1 --yes")
    shell("destroy carousel v1 --yes")
    assert shell.engine.records.kept.keys() == {"carousel"}


@pytest.mark.parametrize("times", [1, 2, 5, 6])
def test_a_rollback_between_releases_side_by_side_forgets_neither(shell: Shell, times: int) -> None:
    shell("deploy carousel v1 --instances 2")
    shell("deploy carousel v2")
    for _ in range(times):
        assert shell("rollback carousel")[0] == 0
    now, other = ("v1", "v2") if times % 2 else ("v2", "v1")
    _, out, _ = shell("history carousel -o plain")
    assert [line.split("\t")[:2] for line in out.splitlines()] == [[now, "2"], [other, "0"]]
    assert shell(f"rollback carousel {other}")[0] == 0
    assert there(shell) == {other: 2}


def test_a_laptop_whose_clock_is_behind_deploys_the_newest(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.engine.clock.at = 7200
    shell("deploy carousel v1 --instances 2")
    monkeypatch.setattr(shell.engine.clock, "utc", lambda: "2026-01-01T01:00:00Z")
    shell("deploy carousel v2 --instances 3")
    _, out, _ = shell("history carousel -o plain")
    assert [line.split("\t")[0] for line in out.splitlines()] == ["v2", "v1"]
    shell("deploy carousel v3 --destroy-previous")
    assert there(shell) == {"v3": 3}


def test_of_two_deploys_in_one_second_the_later_is_the_newest(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shell.engine.clock, "utc", lambda: "2026-01-01T00:00:00Z")
    for version in ("v9", "v1", "v5"):
        shell(f"deploy carousel {version}")
    _, out, _ = shell("history carousel -o json")
    found = [(entry["version"], entry["deployed_at"][-3:]) for entry in json.loads(out)["history"]]
    assert found == [("v5", "02Z"), ("v1", "01Z"), ("v9", "00Z")]


def test_a_scale_from_a_laptop_whose_clock_is_behind_counts(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.engine.clock.at = 7200
    shell("deploy carousel v1 --instances 5")
    monkeypatch.setattr(shell.engine.clock, "utc", lambda: "2026-01-01T01:00:00Z")
    shell("scale carousel 2 --yes")
    stopped_by_hand(shell, "v1", 1)
    shell("restart carousel")
    assert there(shell) == {"v1": 2}


def test_a_rollback_that_was_interrupted_is_finished_by_the_same_command(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell("deploy carousel v1 --instances 2")
    shell("deploy carousel v2 --destroy-previous")
    interrupted(shell, monkeypatch, "rollback carousel")
    assert shell("rollback carousel")[0] == 0
    assert there(shell) == {"v1": 2}


def test_a_rollback_that_starts_nothing_and_was_interrupted_is_finished_too(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell("deploy carousel v1")
    shell("deploy carousel v2")

    def stop(_: float) -> None:
        if any(verb == "stop" for verb, _ in shell.engine.calls):
            raise KeyboardInterrupt
        shell.engine.clock.at += 1

    shell.engine.calls.clear()
    with monkeypatch.context() as patched:
        patched.setattr(shell.engine.clock, "sleep", stop)
        assert shell("rollback carousel")[0] == 130
    assert shell("rollback carousel")[0] == 0
    assert there(shell) == {"v1": 1}


def test_a_rollback_after_one_that_is_done_goes_back_again(shell: Shell) -> None:
    shell("deploy carousel v1")
    shell("deploy carousel v2 --destroy-previous")
    shell("rollback carousel")
    shell("rollback carousel")
    assert there(shell) == {"v2": 1}


def test_a_rollback_counts_instances_of_its_target_that_are_down(shell: Shell) -> None:
    shell("deploy carousel r1 --instances 4")
    shell("deploy carousel r2 --instances 1")
    for name in [name for name in shell.engine.lives if name.version == "r1"]:
        shell.engine.lives[name].fate = Fate.FAILS
    assert shell("rollback carousel")[0] == 0
    assert there(shell) == {"r1": 4}
