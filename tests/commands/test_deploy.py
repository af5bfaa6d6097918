"""deployster deploy and plan, from the command line to the exit code."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import pytest

from deployster_cli.domain.events import Changed, Event, Failed, Retiring
from deployster_cli.domain.units.model import State
from deployster_cli.domain.units.names import UnitName
from deployster_cli.domain.units.unitfile import UnitFile
from deployster_cli.views.progress import Progress
from tests.commands.conftest import Shell
from tests.simulation import Fate

BAD_NAMES = ["a/b", "a b", "a\nb", "a%b", "a;b", "$(a)", "a@b", "-a", "a" * 300, "", "../a", "a\x00b", "\uff41"]


def test_a_deploy_says_what_it_did(shell: Shell) -> None:
    code, out, _ = shell("deploy carousel v1 --instances 2")
    assert (code, out) == (0, "Done: carousel v1 runs (2 instances). 6s\n")


def test_every_event_is_one_dated_line_on_stderr_off_a_terminal(shell: Shell) -> None:
    _, _, err = shell("deploy carousel v1")
    assert [line.split(" ", 1)[1].split("  ")[:3] for line in err.splitlines()] == [
        ["Starting carousel v1 @1"],
        ["", "carousel v1 @1", "waiting for a machine"],
        ["", "carousel v1 @1", "starting (start-pre) on 10.0.0.1"],
        ["", "carousel v1 @1", "running on 10.0.0.1"],
        ["", "carousel v1 @1", "ready on 10.0.0.1"],
    ]


@pytest.mark.parametrize("command", ["deploy carosel v1", "plan carosel v1"])
def test_a_name_that_is_nearly_one_of_the_file_s_services_is_refused(shell: Shell, command: str) -> None:
    code, _, err = shell(command)
    assert (code, shell.engine.calls) == (2, [])
    assert err.splitlines()[:2] == [
        "Error: deployster.toml has no section for carosel. Did you mean carousel?",
        "If that is another service, an empty [services.carosel] in deployster.toml says so.",
    ]


def test_one_that_the_file_has_a_section_for_is_meant(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "deployster.toml"
    file.write_text(f"{file.read_text()}\n[services.carosel]\n")
    assert "Did you mean" not in shell("plan carosel v1")[2]


@pytest.mark.parametrize("verb", ["deploy", "plan"])
def test_service_and_version_the_wrong_way_round_are_refused(shell: Shell, tmp_path: Path, verb: str) -> None:
    (tmp_path / "deployster.toml").write_text("[services.carousel]\ninstances = 1\n")
    code, _, err = shell(f"{verb} v2 carousel")
    assert (code, "The service comes first: carousel v2." in err, shell.engine.calls) == (2, True, [])


def test_one_like_none_of_them_is_not(shell: Shell) -> None:
    assert "has no section for" not in shell("deploy database v1")[2]


def test_quiet_says_nothing_but_the_result(shell: Shell) -> None:
    code, out, err = shell("deploy carousel v1 -q")
    assert (code, err) == (0, "")
    assert out.startswith("Done: ")


def test_the_next_version_takes_the_place_of_the_one_before(shell: Shell) -> None:
    shell("deploy carousel v1 --instances 2")
    code, out, _ = shell("deploy carousel v2 --destroy-previous")
    assert (code, out) == (0, "Done: carousel v2 runs (2 instances), carousel v1 @1 @2 retired. 13s\n")
    assert set(shell.engine.lives) == {UnitName("carousel", "v2", 1), UnitName("carousel", "v2", 2)}


def test_done_names_the_releases_that_run_on(shell: Shell) -> None:
    shell("deploy carousel v1 --instances 2")
    assert shell("deploy carousel v2")[1] == "Done: carousel v2 runs (2 instances) beside carousel v1 @1 @2. 6s\n"
    assert json.loads(shell("deploy carousel v3 -o json")[1])["deploy"]["stays"] == [
        *("carousel-v1@1.service", "carousel-v1@2.service"),
        *("carousel-v2@1.service", "carousel-v2@2.service"),
    ]


def test_the_same_version_again_is_nothing_to_do(shell: Shell) -> None:
    shell("deploy carousel v1")
    calls = len(shell.engine.calls)
    code, out, _ = shell("deploy carousel v1 --destroy-previous")
    assert (code, out, len(shell.engine.calls)) == (
        0,
        "Nothing to do: carousel v1 is already running (1 instance).\n",
        calls,
    )


def test_what_is_listed_and_has_no_file_any_more_is_replaced(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell("deploy carousel v1")
    monkeypatch.setattr(shell.engine, "cat", lambda _: None)
    (step,) = json.loads(shell("deploy carousel v1 --dry-run -o json")[1])["plan"]["steps"]
    assert (step["start"], step["retire"]) == (["carousel-v1@2.service"], ["carousel-v1@1.service"])


@pytest.mark.parametrize("places", [False, True])
def test_what_no_machine_tells_of_is_waited_for_and_not_started_anew(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, places: bool
) -> None:
    shell.engine.places = places
    shell("deploy carousel v1")
    untold = tuple(unit._replace(load="", active="", sub="") for unit in shell.engine.units())
    monkeypatch.setattr(shell.engine, "units", lambda: untold)
    (step,) = json.loads(shell("deploy carousel v1 --dry-run -o json")[1])["plan"]["steps"]
    assert step == {"start": [], "watch": ["carousel-v1@1.service"], "retire": []}


def test_a_changed_setting_is_rolled_out_under_the_same_version(shell: Shell) -> None:
    shell("deploy carousel v1")
    code, _, _ = shell("deploy carousel v1 --env A=1")
    assert (code, list(shell.engine.lives)) == (0, [UnitName("carousel", "v1", 2)])


def test_the_result_as_json_is_one_value(shell: Shell) -> None:
    _, out, _ = shell("deploy carousel v1 -o json")
    assert json.loads(out)["deploy"]["result"] == "done"


def test_the_result_as_plain_text_is_one_line_of_cells(shell: Shell) -> None:
    _, out, _ = shell("deploy carousel v1 -o plain")
    assert out == "carousel\tv1\tdone\t1\t6.2\n"


def test_a_failing_version_exits_1_and_says_what_is_there_now(shell: Shell) -> None:
    shell("deploy carousel v1")
    shell.engine.fates[UnitName("carousel", "v2", 1)] = Fate.FAILS
    code, out, err = shell("deploy carousel v2 --destroy-previous")
    assert (code, out) == (1, "")
    assert err.splitlines()[-2:] == [
        "Error: carousel v2 @1 failed on 10.0.0.1. The new instances were removed; carousel v1 is as it was.",
        "To keep the failed instances for inspection, deploy with --on-failure keep.",
    ]


def test_the_failed_units_last_words_are_on_the_screen(shell: Shell) -> None:
    shell.engine.fates[UnitName("carousel", "v2", 1)] = Fate.FAILS
    assert "  | a last word of carousel v2 @1\n" in shell("deploy carousel v2")[2]


def test_what_fits_no_machine_is_told_with_the_machines_beside_the_rules(shell: Shell) -> None:
    shell.engine.fates[UnitName("carousel", "v2", 1)] = Fate.NOWHERE
    code, _, err = shell("deploy carousel v2 --timeout 10s --set machine_metadata=zone=z9")
    assert code == 1
    assert "no machine fits carousel v2 @1. It asks for MachineMetadata=" in err
    assert "The machines: 10.0.0.1 has no metadata." in err


def test_that_no_machine_fits_is_told_long_before_the_time_limit(shell: Shell) -> None:
    shell.engine.fates[UnitName("carousel", "v2", 1)] = Fate.NOWHERE
    _, _, err = shell("deploy carousel v2 --timeout 60s --set machine_metadata=zone=z9")
    assert err.count("  carousel v2 @1  not on a machine yet. It asks for MachineMetadata=") == 1


def test_a_dry_run_shows_the_plan_and_changes_nothing(shell: Shell) -> None:
    shell("deploy carousel v1")
    calls = len(shell.engine.calls)
    code, out, err = shell("deploy carousel v2 --destroy-previous --dry-run")
    assert (code, len(shell.engine.calls)) == (0, calls)
    assert err == "carousel v2: start 1, retire 1 (start-first). Nothing was changed.\n"
    assert out == (
        "BATCH  DOES    UNIT                   NOW      MACHINE\n"
        "1      start   carousel-v2@1.service  -        -\n"
        "1      retire  carousel-v1@1.service  running  10.0.0.1\n"
    )


def test_plan_is_a_dry_run(shell: Shell) -> None:
    assert shell("plan carousel v2") == shell("deploy carousel v2 --dry-run")


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_service_that_can_not_be_named_so_is_refused(shell: Shell, name: str) -> None:
    code, out, err = shell("deploy", "--", name, "v1")
    assert (code, out, len(shell.engine.calls), shell.engine.looks) == (2, "", 0, 0)
    assert "can't name a service" in err or "255 is the most" in err


@pytest.mark.parametrize("name", [*BAD_NAMES, ".a"])
def test_a_version_that_can_not_be_one_is_refused(shell: Shell, name: str) -> None:
    code, out, err = shell("deploy", "--", "carousel", name)
    assert (code, out, len(shell.engine.calls), shell.engine.looks) == (2, "", 0, 0)
    assert "can't be a version" in err


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("--instances 0", "'0' is not a whole number from 1 to 1000"),
        ("--instances -1", "'-1' is not a whole number from 1 to 1000"),
        ("--instances x", "'x' is not a whole number from 1 to 1000"),
        ("--batch-size 0", "'0' is not a whole number from 1 to 1000"),
        ("--timeout soon", "'soon' is not a duration"),
        ("--settle 5m", "--settle must be shorter than --timeout"),
        ("--template nope", "no template has that name"),
        ("--set nope", "--set"),
        ("--set port=x", "port"),
        ("--env nope", "--env"),
        ("--env 1A=x", "1A"),
        ("--order sideways", "--order"),
        ("--frobnicate", "--frobnicate"),
        ("extra", "extra"),
    ],
)
def test_an_option_that_can_not_be_meant_is_refused_before_anything_is_asked(
    shell: Shell, options: str, says: str
) -> None:
    code, out, err = shell(f"deploy carousel v1 {options}")
    assert (code, out, shell.engine.looks) == (2, "", 0)
    assert says in err
    assert len(err.splitlines()) <= 2


@pytest.mark.parametrize(("option", "key"), [("--set", "command"), ("--set", "TOKEN"), ("--env", "TOKEN")])
def test_a_value_with_a_line_break_is_refused(shell: Shell, option: str, key: str) -> None:
    code, _, err = shell("deploy carousel v1", option, f"{key}=secret\nExecStart=/bin/evil")
    assert (code, shell.engine.looks) == (2, 0)
    assert key == "command" or "secret" not in err


def test_a_percent_sign_in_a_value_reaches_the_unit_doubled(shell: Shell) -> None:
    code, _, _ = shell("deploy carousel v1 --env RATE=100%")
    file = shell.engine.lives[UnitName("carousel", "v1", 1)].file
    assert code == 0
    assert file is not None
    assert "RATE=100%%" in file.text


def test_ctrl_c_ends_with_130_and_says_what_runs(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: float) -> None:
        if shell.engine.calls:
            raise KeyboardInterrupt

    monkeypatch.setattr(shell.engine.clock, "sleep", interrupt)
    code, _, err = shell("deploy carousel v1")
    assert code == 130
    assert "Interrupted. Started so far: carousel v1 @1; nothing was undone." in err
    assert set(shell.engine.lives) == {UnitName("carousel", "v1", 1)}


def test_ctrl_c_while_a_line_is_drawn_says_what_runs(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    tell = Progress.tell

    def interrupt_at_running(self: Progress, event: Event) -> None:
        tell(self, event)
        if isinstance(event, Changed):
            raise KeyboardInterrupt

    monkeypatch.setattr(Progress, "tell", interrupt_at_running)
    code, _, err = shell("deploy carousel v1")
    assert (code, shell.engine.locks.notes) == (130, {})
    assert "Interrupted. Started so far: carousel v1 @1; nothing was undone." in err


@pytest.mark.parametrize(
    ("call", "said"),
    [("stop", "asked to stop: carousel v1 @1"), ("destroy", "stopped, and being destroyed: carousel v1 @1")],
)
def test_ctrl_c_while_earlier_instances_go_says_so(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, call: str, said: str
) -> None:
    def interrupt(names: Collection[UnitName]) -> None:
        does(names)
        raise KeyboardInterrupt

    shell("deploy carousel v1 -q")
    shell("deploy carousel v2 -q")
    does = getattr(shell.engine, call)
    monkeypatch.setattr(shell.engine, call, interrupt)
    code, _, err = shell("deploy carousel v2 --destroy-previous")
    assert (code, f"Started so far: nothing; {said}; nothing was undone." in err) == (130, True)


@pytest.mark.parametrize("told", [Failed, Retiring])
def test_ctrl_c_at_the_moment_of_a_failure_does_not_hide_it(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, told: type
) -> None:
    tell = Progress.tell

    def interrupt(self: Progress, event: Event) -> None:
        tell(self, event)
        if isinstance(event, told):
            raise KeyboardInterrupt

    shell.engine.fates[UnitName("carousel", "v1", 1)] = Fate.LOOPS
    monkeypatch.setattr(Progress, "tell", interrupt)
    code, _, err = shell("deploy carousel v1")
    assert code == 130
    assert "carousel v1 @1 keeps crashing" in err.split("Error: ")[1]


def test_ctrl_c_while_it_is_asked_to_undo_does_not_hide_the_failure(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    shell.engine.fates[UnitName("carousel", "v1", 1)] = Fate.LOOPS
    monkeypatch.setattr(shell.engine, "stop", interrupt)
    code, _, err = shell("deploy carousel v1")
    assert code == 130
    assert "carousel v1 @1 keeps crashing" in err.split("Error: ")[1]


@pytest.mark.parametrize("line", ["scale carousel 4", "deploy carousel v1 --instances 4"])
def test_what_is_said_to_remove_a_failed_instance_leaves_the_others(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    shell("deploy carousel v1 --instances 2")
    shell.engine.fates |= {UnitName("carousel", "v1", instance): Fate.LOOPS for instance in (3, 4)}
    with monkeypatch.context() as patched:
        patched.setattr(shell.engine, "stop", interrupt)
        cure = shell(line)[2].rpartition("Remove it with deployster ")[2].partition(";")[0]
    assert shell(f"{cure} --yes")[0] == 0
    assert {name.instance for name in shell.engine.lives} == {1, 2}


@pytest.mark.parametrize("line", ["scale carousel 3", "deploy carousel v1 --instances 3"])
def test_an_instance_that_stays_and_that_somebody_replaces_meanwhile_fails_it(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    start, stays = shell.engine.start, UnitName("carousel", "v1", 1)

    def start_beside(files: Collection[UnitFile]) -> None:
        start(files)
        file = shell.engine.lives[stays].file
        assert file
        shell.engine.lives[stays].file = replace(file, options=(*file.options, ("Service", "User", "eve")))

    shell("deploy carousel v1 --instances 2")
    monkeypatch.setattr(shell.engine, "start", start_beside)
    code, _, err = shell(line)
    assert (code, {name.instance for name in shell.engine.lives}) == (1, {1, 2})
    assert "Error: carousel v1 @1 was replaced by somebody else: its unit file is another one." in err


def test_names_that_belong_to_tasks_can_not_be_deployed(shell: Shell) -> None:
    code, _, err = shell("deploy carousel.task v1")
    assert (code, shell.engine.looks) == (2, 0)
    assert "kept for tasks" in err


def test_each_instance_gets_a_port_of_its_own(shell: Shell) -> None:
    shell("deploy carousel v1 --instances 3")
    ports = {life.file.stamp.port for life in shell.engine.lives.values() if life.file and life.file.stamp}
    assert len(ports) == 3
    assert None not in ports


def test_two_units_with_one_fixed_port_that_could_meet_are_refused(shell: Shell) -> None:
    code, _, err = shell("deploy carousel v1 --instances 2 --set port=4000")
    assert (code, shell.engine.calls) == (2, [])
    assert "carousel has port 4000 set, and 2 units of it could meet on one machine." in err


def test_the_next_version_beside_the_old_one_would_meet_it_too(shell: Shell) -> None:
    shell("deploy carousel v1 --set port=4000")
    code, _, err = shell("deploy carousel v2 --set port=4000 --destroy-previous")
    assert (code, "could meet on one machine" in err) == (2, True)


def test_an_old_one_that_is_stopped_is_not_met(shell: Shell) -> None:
    shell("deploy carousel v1 --set port=4000")
    shell.engine.lives[UnitName("carousel", "v1", 1)].desired = State.INACTIVE
    assert shell("deploy carousel v2 --set port=4000")[0] == 0


def test_where_the_template_takes_no_port_none_is_assigned(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "bare.service.j2").write_text("[Service]\nExecStart=/bin/sleep 600\n")
    assert shell("deploy carousel v1 --template bare")[0] == 0
    assert [life.file.stamp.port for life in shell.engine.lives.values() if life.file and life.file.stamp] == [None]


def test_a_process_that_has_no_command_is_asked_for_that_first(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "deployster.toml").write_text('[services.carousel]\ntemplate = "process"\n')
    code, _, err = shell("deploy carousel v1")
    assert (code, "it needs command" in err) == (2, True)


def test_stop_first_makes_room_for_a_fixed_port(shell: Shell) -> None:
    shell("deploy carousel v1 --set port=4000")
    code, _, _ = shell("deploy carousel v2 --set port=4000 --destroy-previous --order stop-first")
    assert (code, list(shell.engine.lives)) == (0, [UnitName("carousel", "v2", 1)])


def test_conflicts_keep_units_with_a_fixed_port_apart(shell: Shell) -> None:
    assert shell("deploy carousel v1 --instances 2 --set port=4000 --set conflicts=true")[0] == 0


def test_on_one_machine_conflicts_can_not_keep_them_apart(shell: Shell) -> None:
    shell.engine.is_local = True
    assert shell("deploy carousel v1 --instances 2 --set port=4000 --set conflicts=true")[0] == 2
