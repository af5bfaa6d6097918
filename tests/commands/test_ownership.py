"""What Deployster didn't make: shown as foreign and changed by no verb, unless it is adopted by name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deployster_cli.backends.local import LocalChange
from deployster_cli.cli import change
from deployster_cli.commands import destroy
from deployster_cli.domain.units.model import State
from deployster_cli.domain.units.names import UnitName
from deployster_cli.domain.units.unitfile import UnitFile
from deployster_cli.errors import EngineError, EngineUnreachable
from deployster_cli.operations.deploy import PlannedChange
from tests.commands.conftest import PROJECT, Shell
from tests.simulation import Fate, stamped, unstamped

V1, V2, V3 = "v1", "v2", "v3"
BESIDE = (UnitName("carousel", "worker", 1), UnitName("carousel", "worker", 2))
WITHIN = (UnitName("carousel", V2, 3), UnitName("carousel", V1, 3))
GO = tuple(UnitName("carousel", "9f88701", n, made) for n in (1, 2) for made in ("", "2015.03.02-00.31.45"))
TWIN = UnitName("carousel", V2, 3)
VERBS = (
    "deploy carousel v3 --destroy-previous --instances 3",
    "deploy carousel v2 --destroy-previous --instances 4 --recreate",
    "deploy carousel v3 --destroy-previous --batch-size 1 --order stop-first --instances 3",
    "rollback carousel v1",
    "scale carousel 1 --accept-changes --yes",
    "scale carousel 4 --accept-changes",
    "restart carousel --accept-changes",
    "destroy carousel v1 --yes",
    "destroy carousel v2 --yes",
    "task carousel v2 -- true",
)


@pytest.fixture
def ours(shell: Shell) -> Shell:
    """Two releases of two instances, deployed by the shell itself."""
    assert shell("deploy carousel v1 --instances 2")[0] == 0
    assert shell("deploy carousel v2 --instances 2")[0] == 0
    shell.engine.calls.clear()
    shell.engine.settlings.clear()
    return shell


def changed(shell: Shell) -> set[UnitName]:
    return {name for _, names in shell.engine.calls for name in names}


# --- every verb


@pytest.mark.parametrize(
    ("foreign", "put"),
    [(names, put) for names in (BESIDE, GO, WITHIN) for put in ("add_foreign", "add_forged", "copied", "retitled")],
)
@pytest.mark.parametrize("verb", VERBS)
def test_no_verb_changes_what_deployster_did_not_make(
    ours: Shell, verb: str, foreign: tuple[UnitName, ...], put: str
) -> None:
    strangers = set(foreign) - set(ours.engine.lives)
    if put in {"copied", "retitled"}:
        ours.engine.add_copied(*strangers, of=UnitName("carousel", V1, 1), retitled=put == "retitled")
    else:
        getattr(ours.engine, put)(*strangers)
    code, _, err = ours(verb)
    assert code == 0, err
    assert strangers
    assert changed(ours).isdisjoint(strangers)
    assert strangers <= set(ours.engine.lives)
    assert ours.engine.running("carousel", foreign[0].version) >= 1


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ("scale carousel 3", 3),
        ("scale carousel 1 --yes", 1),
        ("restart carousel", 2),
        ("deploy carousel v2", 2),
        ("deploy carousel v2 --destroy-previous --instances 3", 3),
    ],
)
def test_what_only_passes_for_an_instance_counts_as_none(ours: Shell, line: str, left: int) -> None:
    ours.engine.add_copied(TWIN, of=UnitName("carousel", V2, 1), retitled=True)
    code, _, err = ours(line)
    assert code == 0, err
    assert TWIN not in changed(ours)
    assert ours.engine.running("carousel", V2) == left + 1
    assert "carousel v2 @3 was not created by Deployster, and is left alone." in err


def test_a_plan_shows_what_passes_for_ours_as_left_alone(ours: Shell) -> None:
    ours.engine.add_copied(TWIN, of=UnitName("carousel", V2, 1), retitled=True)
    plan = json.loads(ours("plan carousel v3 --destroy-previous -o json")[1])["plan"]
    assert (plan["beside"], ours.engine.calls) == ([TWIN.text], [])
    assert TWIN.text not in {name for step in plan["steps"] for name in step["retire"]}


def test_what_passes_for_ours_is_not_destroyed_by_its_number_but_by_adopting_it(ours: Shell) -> None:
    ours.engine.add_copied(TWIN, of=UnitName("carousel", V2, 1), retitled=True)
    code, _, err = ours("destroy carousel v2 --instance 3 --yes")
    assert (code, ours.engine.calls) == (6, [])
    assert "carousel v2 @3 was not created by Deployster; --adopt takes it over." in err
    assert ours("destroy carousel v2 --instance 3 --adopt --yes")[0] == 0
    assert TWIN not in ours.engine.lives


def test_what_passes_for_ours_is_taken_over_as_all_foreign_units_are(ours: Shell) -> None:
    ours.engine.add_forged(TWIN)
    _, _, err = ours("deploy carousel v3 --destroy-previous --adopt")
    assert "carousel-v2@3.service" in err
    assert ours("deploy carousel v3 --destroy-previous --adopt --yes")[0] == 0
    assert {name.version for name in ours.engine.lives} == {V3}


def test_only_what_is_to_be_changed_is_judged_by_its_own_file(ours: Shell) -> None:
    ours("deploy carousel v3")
    assert {name.version for name in ours.engine.settlings} == {V3}
    ours.engine.settlings.clear()
    ours("destroy carousel v1 --instance 1 --yes")
    assert set(ours.engine.settlings) == {UnitName("carousel", V1, 1)}


@pytest.mark.parametrize("put", ["add_foreign", "add_forged"])
@pytest.mark.parametrize("verb", [verb for verb in VERBS if not verb.startswith(("deploy", "task"))])
def test_a_verb_that_meets_nothing_of_ours_changes_nothing(shell: Shell, verb: str, put: str) -> None:
    getattr(shell.engine, put)(*(UnitName("carousel", version, n) for version in (V1, V2) for n in (1, 2)))
    code, out, err = shell(verb)
    assert (code, out, shell.engine.calls) == (6, "", [])
    assert "not created by Deployster" in err
    assert "--adopt" in err


def test_a_first_deploy_beside_foreign_units_takes_other_names(shell: Shell) -> None:
    shell.engine.add_foreign(UnitName("carousel", V1, 1), *BESIDE)
    code, out, err = shell("deploy carousel v1 --destroy-previous --instances 2")
    assert (code, [name.instance for name in shell.engine.calls[0][1]]) == (0, [2, 3])
    assert "(2 instances)" in out
    told = "carousel v1 @1, carousel worker @1 @2 were not created by Deployster, and are left alone."
    assert err.count(told) == 1


def test_they_are_no_instances_of_anything(ours: Shell) -> None:
    ours.engine.add_foreign(*BESIDE, *WITHIN[:1])
    assert ours("deploy carousel v3 --destroy-previous")[0] == 0
    assert ours.engine.running("carousel", V3) == 2


def test_a_task_that_somebody_else_runs_is_left_to_it(shell: Shell) -> None:
    other = UnitName("carousel.task", V1, 1)
    shell.engine.add_foreign(other)
    shell("task carousel v1 -- true")
    assert other not in changed(shell)


@pytest.mark.parametrize("verb", ["destroy carousel v1 --yes", "deploy carousel v3 --destroy-previous"])
def test_what_cant_be_read_is_left_alone(ours: Shell, verb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cat, hidden = ours.engine.cat, UnitName("carousel", V1, 1)

    def unreadable(name: UnitName) -> UnitFile | None:
        if name == hidden:
            raise EngineError("no unit file")
        return cat(name)

    monkeypatch.setattr(ours.engine, "cat", unreadable)
    assert ours(verb)[0] == 0
    assert hidden not in changed(ours)


def test_while_the_engine_is_away_nothing_is_decided(ours: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_: UnitName) -> UnitFile | None:
        raise EngineUnreachable("The engine does not answer.")

    monkeypatch.setattr(ours.engine, "cat", away)
    code, _, err = ours("deploy carousel v3 --destroy-previous")
    assert (code, ours.engine.calls) == (4, [])
    assert "The engine does not answer." in err


def lost_at_the_start(ours: Shell, put: str, taken: UnitName) -> None:
    """As soon as units are started somebody else's is there under this name."""
    start = ours.engine.start

    def start_and_lose(files: list[UnitFile]) -> None:
        start(files)
        getattr(ours.engine, put)(taken)

    ours.engine.start = start_and_lose  # type: ignore[method-assign, assignment]


@pytest.mark.parametrize("put", ["add_foreign", "add_forged"])
def test_a_name_that_somebody_else_uses_again_meanwhile_is_theirs(ours: Shell, put: str) -> None:
    taken = UnitName("carousel", V1, 1)
    lost_at_the_start(ours, put, taken)
    code, _, err = ours("deploy carousel v3 --destroy-previous")
    assert code == 0, err
    assert taken not in changed(ours)


@pytest.mark.parametrize("put", ["add_foreign", "add_forged"])
def test_what_somebody_else_puts_in_the_place_of_a_new_one_is_not_undone(ours: Shell, put: str) -> None:
    taken = UnitName("carousel", V3, 1)
    lost_at_the_start(ours, put, taken)
    code, _, err = ours("deploy carousel v3 --destroy-previous --instances 2")
    assert (code, "was replaced by somebody else" in err) == (1, True)
    assert [verb for verb, names in ours.engine.calls if taken in names] == ["start"]
    assert {name.version for name in ours.engine.lives} == {V1, V2, V3}


@pytest.mark.parametrize("put", ["add_foreign", "add_forged"])
def test_what_somebody_else_puts_in_the_place_of_a_stopped_one_is_not_started_again(ours: Shell, put: str) -> None:
    taken, last = UnitName("carousel", V1, 1), UnitName("carousel", V3, 4)
    stop = ours.engine.stop

    def stop_and_lose(names: list[UnitName]) -> None:
        stop(names)
        if taken in names:
            getattr(ours.engine, put)(taken)
            ours.engine.lives[taken].desired = State.INACTIVE

    ours.engine.stop = stop_and_lose  # type: ignore[method-assign, assignment]
    ours.engine.fates[last] = Fate.FAILS
    code, _, err = ours("deploy carousel v3 --destroy-previous --instances 4 --batch-size 1")
    assert code == 1, err
    assert [verb for verb, names in ours.engine.calls if taken in names] == ["stop"]


# --- version 1.0


def test_units_of_ours_that_the_listing_does_not_tell_of_are_ours(shell: Shell) -> None:
    old = [UnitName("carousel", V1, n) for n in (1, 2)]
    shell.engine.add_unmarked(*old)
    assert shell("deploy carousel v2 --destroy-previous")[0] == 0
    assert set(shell.engine.lives) == {UnitName("carousel", V2, n) for n in (1, 2)}


def test_other_services_units_are_not_read_for_a_change(ours: Shell) -> None:
    ours.engine.add_foreign(*(UnitName("web", "worker", n) for n in range(1, 50)))
    ours("deploy carousel v3 --destroy-previous")
    assert {name.service for name in ours.engine.settlings} == {"carousel"}


# --- looking


def test_units_shows_them_as_foreign(ours: Shell) -> None:
    ours.engine.add_foreign(BESIDE[0])
    lines = [line.split() for line in ours("units carousel")[1].splitlines()]
    assert [line[-3] for line in lines if "foreign" in line] == ["foreign"]
    found = json.loads(ours("units -o json")[1])["units"]
    assert [unit["unit"] for unit in found if unit["foreign"]] == [BESIDE[0].text]
    plain = [line.split("\t") for line in ours("units -o plain")[1].splitlines()]
    assert [row[-1] for row in plain if row[3] == "foreign"] == [BESIDE[0].text]


def test_services_shows_them_apart(ours: Shell) -> None:
    ours.engine.add_foreign(*WITHIN)
    found = json.loads(ours("services -o json")[1])["services"]
    assert [(s["version"], s["instances"], s["foreign"]) for s in found] == [
        (V1, 2, False),
        (V1, 1, True),
        (V2, 2, False),
        (V2, 1, True),
    ]
    assert "foreign" in ours("services")[1]


@pytest.mark.parametrize("line", ["history carousel", "diff carousel v3"])
def test_what_is_told_of_releases_is_told_of_ours(ours: Shell, line: str) -> None:
    before = ours(line)
    ours.engine.add_foreign(*BESIDE, *GO)
    assert ours(line) == before


# --- taking over


@pytest.fixture
def go(shell: Shell) -> Shell:
    """The Go service's units, in each form of its names."""
    shell.engine.add_foreign(*GO)
    return shell


def test_a_deploy_takes_them_over(go: Shell) -> None:
    code, out, err = go("deploy carousel v2 --destroy-previous --adopt --yes")
    assert (code, len(go.engine.lives)) == (0, len(GO))
    assert {name.version for name in go.engine.lives} == {V2}
    assert out.startswith("Done: carousel v2 runs (4 instances), ")
    listed, told = err.index("carousel:9f88701:2015.03.02-00.31.45@1.service"), err.index("Takes over")
    assert listed < told


def test_a_deploy_of_the_very_version_takes_them_over(go: Shell) -> None:
    assert go("deploy carousel 9f88701 --destroy-previous --adopt --yes --instances 2")[0] == 0
    assert set(go.engine.lives).isdisjoint(GO)
    assert len(go.engine.lives) == 2


def test_those_that_were_stopped_come_back_when_the_new_ones_fail(go: Shell) -> None:
    new = [UnitName("carousel", V2, n) for n in range(1, 5)]
    go.engine.fates[new[-1]] = Fate.FAILS
    code, _, err = go("deploy carousel v2 --destroy-previous --adopt --yes --instances 4 --batch-size 1")
    assert (code, set(go.engine.lives)) == (1, set(GO)), err
    assert go.engine.running("carousel", "9f88701") == len(GO)


def test_destroy_takes_them_over(go: Shell) -> None:
    code, out, _ = go("destroy carousel 9f88701 --adopt --yes")
    assert (code, go.engine.lives) == (0, {})
    assert out.startswith("Done: carousel 9f88701 @1 @2, carousel 9f88701 @1 @2 (2015.03.02-00.31.45) destroyed.")


def test_destroy_takes_over_one_version_only(go: Shell) -> None:
    go.engine.add_foreign(*BESIDE)
    assert go("destroy carousel 9f88701 --adopt --yes")[0] == 0
    assert set(go.engine.lives) == set(BESIDE)


def test_another_services_units_are_not_taken_over(go: Shell) -> None:
    other = UnitName("carousel.beta", "9f88701", 1)
    go.engine.add_foreign(other)
    assert go("deploy carousel v2 --destroy-previous --adopt --yes")[0] == 0
    assert other in go.engine.lives


@pytest.mark.parametrize("line", ["deploy carousel v2 --destroy-previous --adopt", "destroy carousel 9f88701 --adopt"])
def test_off_a_terminal_it_wants_to_be_told_yes(go: Shell, line: str) -> None:
    code, _, err = go(line)
    assert (code, go.engine.calls) == (2, [])
    assert "carousel-9f88701@1.service" in err
    assert "Not a terminal: pass --yes to confirm." in err


def test_alone_it_is_refused(go: Shell) -> None:
    code, _, err = go("deploy carousel v2 --adopt --yes")
    assert (code, go.engine.calls, go.engine.looks) == (2, [], 0)
    assert "--adopt takes over what --destroy-previous is to retire: alone it would do nothing." in err


def test_where_there_is_nothing_to_take_over_nobody_is_asked(ours: Shell) -> None:
    assert ours("deploy carousel v3 --destroy-previous --adopt")[0] == 0


def test_a_plan_shows_them_and_asks_nothing(go: Shell) -> None:
    code, out, err = go("plan carousel v2 --destroy-previous --adopt")
    assert (code, go.engine.calls, out.count("retire")) == (0, [], len(GO))
    assert "Takes over carousel 9f88701 @1 @2" in err
    plan = json.loads(go("plan carousel v2 --destroy-previous --adopt -o json")[1])["plan"]
    assert (sorted(plan["adopted"]), plan["beside"]) == (sorted(name.text for name in GO), [])


def test_a_plan_without_it_names_what_it_leaves_alone(go: Shell) -> None:
    _, out, err = go("plan carousel v2 --destroy-previous")
    assert "retire" not in out
    assert "were not created by Deployster, and are left alone." in err


def test_a_copy_under_another_name_can_be_taken_over(ours: Shell) -> None:
    copy = UnitFile(BESIDE[0], unstamped(BESIDE[0]).stamped(stamped(UnitName("carousel", V1, 1)).stamp).options)  # type: ignore[arg-type]
    ours.engine.add_everywhere(copy)
    assert ours("destroy carousel worker --adopt --yes")[0] == 0
    assert BESIDE[0] not in ours.engine.lives


def test_a_service_of_foreign_units_is_not_suggested_for_itself(shell: Shell) -> None:
    shell.engine.add_foreign(*BESIDE)
    code, _, err = shell("destroy carousel v1 --yes")
    assert (code, "Did you mean" in err) == (6, False)


# --- what comes after it was asked


LATE = UnitName("carousel", "9f88701", 7)


def late(shell: Shell) -> None:
    shell.engine.add_foreign(LATE)


@pytest.mark.parametrize("line", ["deploy carousel v2 --destroy-previous --adopt", "destroy carousel 9f88701 --adopt"])
@pytest.mark.parametrize("yes", ["", " --yes"])
def test_what_comes_while_the_question_stands_is_not_taken_over(
    go: Shell, line: str, yes: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(_: str, **__: bool) -> bool:
        late(go)
        return True

    for module in (change, destroy):
        monkeypatch.setattr(module, "confirmed", asked)
    code, _, err = go(line + yes)
    assert code == 0, err
    assert set(go.engine.lives).intersection({*GO, LATE}) == {LATE}
    assert LATE not in changed(go)
    assert err.count("carousel 9f88701 @7 was not created by Deployster, and is left alone.") == 1


def test_where_nothing_was_to_be_taken_over_what_comes_later_is_not(
    ours: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare = LocalChange.prepare

    def prepared(asked: LocalChange) -> PlannedChange:
        made = prepare(asked)
        late(ours)
        return made

    monkeypatch.setattr(LocalChange, "prepare", prepared)
    code, _, err = ours("deploy carousel v3 --destroy-previous --adopt")
    assert (code, LATE in ours.engine.lives) == (0, True), err
    assert {name.version for name in ours.engine.lives} == {V3, LATE.version}


def test_what_comes_while_a_task_runs_is_not_taken_over(go: Shell) -> None:
    start = go.engine.start

    def start_beside(files: list[UnitFile]) -> None:
        start(files)
        if LATE not in go.engine.lives:
            late(go)

    go.engine.start = start_beside  # type: ignore[method-assign, assignment]
    code, _, err = go("deploy carousel v2 --destroy-previous --adopt --yes --before true")
    assert (code, set(go.engine.lives).intersection({*GO, LATE})) == (0, {LATE}), err
    assert err.count("carousel 9f88701 @7 was not created by Deployster, and is left alone.") == 1


@pytest.mark.parametrize("line", ["restart carousel", "deploy carousel v2", "scale carousel 3", "rollback carousel v2"])
def test_a_stranger_in_a_release_whose_template_needs_a_port_is_no_part_of_it(shell: Shell, line: str) -> None:
    Path("deployster.toml").write_text(f'{PROJECT}health = "/up"\n')
    assert shell("deploy carousel v1 --instances 2")[0] == shell("deploy carousel v2 --instances 2")[0] == 0
    shell.engine.add_forged(TWIN)
    code, _, err = shell(line)
    assert code == 0, err
    assert shell.engine.lives[TWIN].file == unstamped(TWIN)
