"""rollback, history, scale, restart, diff and unlock from the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from deployster_cli.cli.completion import cache
from deployster_cli.commands import unlock
from deployster_cli.config.load import load
from deployster_cli.domain.lock import Note
from deployster_cli.domain.units.names import UnitName
from tests.commands.conftest import Shell

STRANGER = Note("carousel", "bob", "ci", "elsewhere", 1, "bob's", 0, 10_000, "deploying v9")


def versions(shell: Shell) -> set[tuple[str, int]]:
    return {(name.version, name.instance) for name in shell.engine.lives}


@pytest.fixture
def two(shell: Shell) -> Shell:
    """v2 runs with two instances, and v1 was before it."""
    shell("deploy carousel v1 --instances 2 -q")
    shell("deploy carousel v2 --destroy-previous -q")
    return shell


def test_rollback_goes_to_the_release_before(two: Shell) -> None:
    code, out, _ = two("rollback carousel")
    assert (code, out.split(",")[0], versions(two)) == (
        0,
        "Done: carousel v1 runs (2 instances)",
        {("v1", 1), ("v1", 2)},
    )


def test_rollback_twice_comes_back(two: Shell) -> None:
    two("rollback carousel")
    two("rollback carousel")
    assert versions(two) == {("v2", 1), ("v2", 2)}


def test_rollback_takes_a_version_that_the_service_has_run(two: Shell) -> None:
    two("deploy carousel v3 --destroy-previous")
    assert two("rollback carousel v1")[0] == 0
    assert versions(two) == {("v1", 1), ("v1", 2)}


@pytest.mark.parametrize("before", [1, 2])
def test_a_rollback_that_was_cut_short_goes_on_to_where_it_was_going(
    two: Shell, monkeypatch: pytest.MonkeyPatch, before: int
) -> None:
    def cut(_: object) -> None:
        raise KeyboardInterrupt

    if before == 2:
        two("deploy carousel v3")
    with monkeypatch.context() as short:
        short.setattr(two.engine, "stop", cut)
        assert two("rollback carousel")[0] == 130
    back = "v1" if before == 1 else "v2"
    assert {version for version, _ in versions(two)} == {"v1", "v2", "v3"} - ({"v3"} if before == 1 else {"v1"})
    assert two("rollback carousel")[0] == 0
    assert {version for version, _ in versions(two)} == {back}


def test_rollback_to_a_version_that_was_never_there_exits_6_and_changes_nothing(two: Shell) -> None:
    code, _, err = two("rollback carousel nosuch")
    assert (code, versions(two)) == (6, {("v2", 1), ("v2", 2)})
    assert "carousel is not known to have run nosuch.\nIt has run v2, v1." in err


@pytest.mark.parametrize("line", ["rollback nope", "scale nope 3", "restart nope", "history nope"])
def test_a_service_that_is_not_there_is_called_one(two: Shell, line: str) -> None:
    code, _, err = two(line)
    assert (code, "No service nope found." in err) == (6, True)


@pytest.mark.parametrize("line", ["rollback carousel", "scale carousel 3", "restart carousel"])
def test_what_runs_with_other_settings_is_not_silently_changed(shell: Shell, line: str) -> None:
    shell("deploy carousel v1 -q --env TOKEN=1")
    shell("deploy carousel v2 -q --env TOKEN=1 --destroy-previous")
    code, _, err = shell(line)
    assert (code, versions(shell)) == (2, {("v2", 1)})
    assert "carousel v2 runs with other settings than the current ones.\nSee deployster diff carousel v2." in err


@pytest.mark.parametrize("settings", ["--env TOKEN=1", "--accept-changes"])
def test_the_same_settings_or_accepted_ones_go_ahead(shell: Shell, settings: str) -> None:
    shell("deploy carousel v1 -q --env TOKEN=1")
    assert shell(f"scale carousel 2 {settings}")[0] == 0
    assert versions(shell) == {("v1", 1), ("v1", 2)}


def test_rollback_of_a_first_release_exits_6_and_changes_nothing(shell: Shell) -> None:
    shell("deploy carousel v1 -q")
    code, _, err = shell("rollback carousel")
    assert (code, versions(shell)) == (6, {("v1", 1)})
    assert "carousel v1 was deployed with no release before it: there is nothing to go back to." in err


@pytest.mark.parametrize("command", ["rollback", "history", "restart"])
def test_a_service_that_is_not_there_exits_6(shell: Shell, command: str) -> None:
    assert shell(f"{command} carousel")[0] == 6


def test_history_shows_what_runs_and_what_was_before(two: Shell) -> None:
    _, out, _ = two("history carousel -o plain")
    assert [line.split("\t")[:2] for line in out.splitlines()] == [["v2", "2"], ["v1", "0"]]


def test_tab_has_the_versions_of_the_history(two: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "open_engine", lambda _: two.engine)
    environ = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    cache.refresh({}, environ, tmp_path, "carousel")
    found = cache.live_names(load({}, environ, tmp_path), {}, environ, "carousel")
    assert [name.version for name in found] == ["v2", "v1"]


def test_history_as_json(two: Shell) -> None:
    _, out, _ = two("history carousel -o json")
    assert [entry["version"] for entry in json.loads(out)["history"]] == ["v2", "v1"]


def test_what_was_asked_for_last_is_recorded(two: Shell) -> None:
    two("scale carousel 3")
    record = two.engine.records.kept["carousel"]
    assert (record.version, record.instances, record.verb, record.previous) == ("v2", 3, "scale", ("v1",))


def test_scale_up_starts_what_is_missing(two: Shell) -> None:
    assert two("scale carousel 4")[0] == 0
    assert versions(two) == {("v2", n) for n in (1, 2, 3, 4)}


def test_scale_down_off_a_terminal_wants_yes_and_shows_what_would_go(two: Shell) -> None:
    code, _, err = two("scale carousel 1")
    assert (code, len(versions(two))) == (2, 2)
    assert "retire  carousel-v2@2.service" in err


def test_scale_down_retires_the_highest(two: Shell) -> None:
    assert two("scale carousel 1 --yes")[0] == 0
    assert versions(two) == {("v2", 1)}


@pytest.mark.parametrize(
    ("line", "looks"),
    [("scale carousel 4", 2), ("scale carousel 4 --yes", 1), ("rollback carousel", 1), ("restart carousel", 1)],
)
def test_one_look_says_what_to_do_and_what_there_is(two: Shell, line: str, looks: int) -> None:
    two.engine.looks = 0
    two.engine.looks_before.clear()
    two(line)
    assert two.engine.looks_before["start"] == looks


def test_destroy_with_yes_looks_under_its_lock_only(two: Shell) -> None:
    two.engine.looks = 0
    two.engine.looks_before.clear()
    assert (two("destroy carousel v2 --yes -q")[0], two.engine.looks_before["stop"]) == (0, 1)


def test_scale_leaves_running_instances_alone_whatever_is_rendered_now(two: Shell) -> None:
    two("scale carousel 3 --env NEW=1 --accept-changes")
    assert versions(two) == {("v2", 1), ("v2", 2), ("v2", 3)}


@pytest.mark.parametrize(("verb", "default"), [("restart", "1"), ("deploy", "all"), ("scale", "all")])
def test_help_says_how_many_are_started_at_a_time(shell: Shell, verb: str, default: str) -> None:
    assert f"Start B at a time (default: {default})." in shell(f"{verb} --help")[1]


def test_restart_replaces_every_instance_one_at_a_time(two: Shell) -> None:
    code, _, err = two("restart carousel")
    assert (code, versions(two)) == (0, {("v2", 3), ("v2", 4)})
    assert "(batch 2 of 2)" in err


def test_diff_shows_what_would_change(two: Shell) -> None:
    _, out, _ = two("diff carousel v3")
    assert "-Environment=DEPLOYSTER_VERSION=v2\n+Environment=DEPLOYSTER_VERSION=v3\n" in out


def test_diff_of_what_runs_is_no_difference(two: Shell) -> None:
    assert two("diff carousel v2") == (0, "", "No difference.\n")


def test_a_locked_service_exits_5_at_once_with_the_owner(two: Shell) -> None:
    two.engine.locks.notes["carousel"] = STRANGER
    code, _, err = two("deploy carousel v3")
    assert (code, versions(two)) == (5, {("v2", 1), ("v2", 2)})
    assert "carousel is locked by bob on ci (process 1)" in err


@pytest.mark.parametrize(
    "line", ["destroy carousel v2 --yes", "rollback carousel", "scale carousel 5", "restart carousel"]
)
def test_every_command_that_changes_a_service_takes_its_lock(two: Shell, line: str) -> None:
    two.engine.locks.notes["carousel"] = STRANGER
    assert two(line)[0] == 5


def test_a_dry_run_takes_no_lock(two: Shell) -> None:
    two.engine.locks.notes["carousel"] = STRANGER
    assert two("deploy carousel v3 --dry-run")[0] == 0


def test_waiting_for_the_lock_is_told(two: Shell) -> None:
    two.engine.locks.notes["carousel"] = STRANGER
    code, _, err = two("deploy carousel v3 --lock-wait 3m")
    assert code == 0
    assert "Waiting for the lock held by bob on ci" in err


def test_the_lock_is_given_back_after_a_deploy(two: Shell) -> None:
    assert two.engine.locks.notes == {}


def test_unlock_off_a_terminal_wants_yes(two: Shell) -> None:
    two.engine.locks.notes["carousel"] = STRANGER
    assert two("unlock carousel")[0] == 2
    assert two.engine.locks.notes == {"carousel": STRANGER}


def test_unlock_takes_the_lock_away(two: Shell) -> None:
    two.engine.locks.notes["carousel"] = STRANGER
    code, out, _ = two("unlock carousel --yes")
    assert (code, two.engine.locks.notes) == (0, {})
    assert "it was locked by bob on ci" in out


def test_unlock_leaves_a_lock_alone_that_another_run_has_taken_while_it_asked(
    two: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    two.engine.locks.notes["carousel"] = STRANGER
    seen = iter([STRANGER, Note("carousel", "eve", "ci", "elsewhere", 1, "eve's", 0)])
    monkeypatch.setattr(two.engine.locks, "read", lambda _: next(seen))
    code, _, err = two("unlock carousel --yes")
    assert (code, two.engine.locks.notes) == (1, {"carousel": STRANGER})
    assert "carousel is locked by another run by now: eve on ci" in err


def later(shell: Shell, monkeypatch: pytest.MonkeyPatch, seconds: float, does: Callable[[], object]) -> None:
    """Have it done at the first sleep that ends so much later."""
    clock = shell.engine.clock
    at, sleep = clock.at + seconds, clock.sleep

    def slept(pause: float) -> None:
        sleep(pause)
        if clock.at >= at:
            monkeypatch.setattr(clock, "sleep", sleep)
            does()

    monkeypatch.setattr(clock, "sleep", slept)


def test_unlock_says_where_a_run_that_is_alive_takes_its_lock_back(two: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    locks = two.engine.locks
    locks.notes["carousel"] = STRANGER
    later(two, monkeypatch, 4, lambda: locks.put(STRANGER.renewed(), replace=True))
    code, out, err = two("unlock carousel --yes")
    assert (code, out) == (5, "")
    assert "carousel is locked again, by the same run, which is alive: bob on ci (process 1)" in err
    assert "deploying v9.\nEnd that run" in err


def test_unlock_says_who_has_come_after_it(two: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    locks = two.engine.locks
    locks.notes["carousel"] = STRANGER
    later(two, monkeypatch, 4, lambda: locks.put(Note("carousel", "eve", "ci", "elsewhere", 1, "eve's", 0)))
    code, out, _ = two("unlock carousel --yes")
    assert (code, "Unlocked carousel; it was" in out, "Another run holds it now: eve on ci" in out) == (0, True, True)


@pytest.mark.parametrize(
    ("beats", "said"), [(True, "alive: it would take the lock right back"), (False, "no sign of life for 25 s")]
)
def test_on_a_terminal_unlock_asks_with_what_is_known_of_the_run(
    two: Shell, monkeypatch: pytest.MonkeyPatch, beats: bool, said: str
) -> None:
    asked: list[str] = []

    def refused(question: str, **_: object) -> bool:
        asked.append(question)
        return False

    monkeypatch.setattr(unlock, "on_terminal", lambda: True)
    monkeypatch.setattr(unlock, "confirmed", refused)
    locks = two.engine.locks
    locks.notes["carousel"] = STRANGER
    if beats:
        later(two, monkeypatch, 20, lambda: locks.put(STRANGER.renewed(), replace=True))
    assert (two("unlock carousel")[0], said in asked[0], locks.notes != {}) == (1, True, True)


def test_the_lock_of_a_dead_process_of_this_machine_is_taken_away_at_once(
    two: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deployster_cli.operations.unlock.dead", lambda _: True)
    two.engine.locks.notes["carousel"] = STRANGER
    before = two.engine.clock.now()
    assert (two("unlock carousel --yes")[0], two.engine.clock.now()) == (0, before)


def test_unlock_of_what_is_not_locked_is_fine(two: Shell) -> None:
    assert two("unlock carousel --yes") == (0, "", "carousel is not locked.\n")


def test_a_lock_taken_over_in_mid_deploy_stops_it_where_it_stands(two: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    start = two.engine.start

    def and_lose(files: object) -> None:
        start(files)  # type: ignore[arg-type]
        two.engine.locks.notes["carousel"] = STRANGER

    monkeypatch.setattr(two.engine, "start", and_lose)
    code, _, err = two("deploy carousel v3 --destroy-previous")
    assert code == 5
    assert "carousel was taken over by bob on ci" in err
    assert UnitName("carousel", "v2", 1) in two.engine.lives


def leaving(shell: Shell, version: str, instance: int) -> None:
    """The instance is destroyed, and its machine lists it for long."""
    shell.engine.leave_delay = 1000
    shell.engine.destroy([UnitName("carousel", version, instance)])


@pytest.mark.parametrize("instance", [1, 2])
@pytest.mark.parametrize("line", ["rollback carousel", "scale carousel 3", "restart carousel"])
def test_other_settings_are_seen_on_a_release_that_is_partly_leaving(shell: Shell, line: str, instance: int) -> None:
    shell("deploy carousel v1 -q --env TOKEN=1 --instances 2")
    leaving(shell, "v1", instance)
    code, _, err = shell(line)
    assert code == 2
    assert "carousel v1 runs with other settings than the current ones." in err


@pytest.mark.parametrize("instance", [1, 2])
def test_who_deployed_a_release_that_is_partly_leaving_is_known(two: Shell, instance: int) -> None:
    leaving(two, "v2", instance)
    _, out, _ = two("history carousel -o json")
    newest, before = json.loads(out)["history"]
    assert (newest["version"], newest["running"], bool(newest["deployed_by"])) == ("v2", 1, True)
    assert before["version"] == "v1"


def test_a_release_that_is_only_leaving_has_no_stamp_left(two: Shell) -> None:
    for instance in (1, 2):
        leaving(two, "v2", instance)
    _, out, _ = two("history carousel -o json")
    assert [entry["deployed_by"] for entry in json.loads(out)["history"]] == [None]


@pytest.mark.parametrize(("gone", "known"), [((), True), ((1,), True), ((2,), True), ((1, 2), False)])
def test_a_release_of_another_tool_is_known_until_all_of_it_is_leaving(
    shell: Shell, gone: tuple[int, ...], known: bool
) -> None:
    shell.engine.add_foreign(*(UnitName("carousel", "v0", instance) for instance in (1, 2)))
    for instance in gone:
        leaving(shell, "v0", instance)
    shell("deploy carousel v1 --destroy-previous --adopt --yes")
    file = shell.engine.cat(UnitName("carousel", "v1", 1))
    assert file is not None
    assert file.values("X-Deployster", "Previous") == (("v0",) if known else ())


@pytest.mark.parametrize(
    "line", ["deploy carousel v1", "plan carousel v1", "rollback carousel", "restart carousel", "init"]
)
def test_the_flag_of_version_1_is_refused_with_those_that_took_its_place(shell: Shell, line: str) -> None:
    code, _, err = shell(f"{line} --force")
    assert code == 2
    assert err.splitlines()[1].startswith("Since 2.0 it is --recreate, --accept-changes or --overwrite. See deployster")


def test_diff_reads_another_instance_where_the_first_one_can_not_be_read(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell("deploy carousel v1 --instances 2")
    cat, first = shell.engine.cat, UnitName("carousel", "v1", 1)
    monkeypatch.setattr(shell.engine, "cat", lambda name: None if name == first else cat(name))
    code, out, _ = shell("diff carousel v2")
    assert (code, "--- carousel-v1@2.service" in out) == (0, True)
