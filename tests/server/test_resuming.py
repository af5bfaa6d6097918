"""What a job does after it was cut off: what is left, and nothing twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployster_cli.config.load import load
from deployster_cli.domain.change import Change, Verb
from deployster_cli.domain.events import Event, Gone, HookDone, HookStarted, Starting, TaskDone, TaskStarted
from deployster_cli.domain.rollout.plan import Plan, Step
from deployster_cli.domain.units.names import UnitName
from deployster_cli.server.jobs.resuming import MOST_STARTS, obstacle, rest, rest_of_settings

ONE, TWO, THREE = (UnitName("carousel", "v2", n) for n in (1, 2, 3))
STARTING = Starting(1, 1, (ONE,))
PLAN = Plan("carousel", "v2", (Step(start=(ONE,), watch=(TWO,)),), keep=(THREE,))

DEPLOY = Change(Verb.DEPLOY, "carousel", "v2", before=("rake a", "rake b", "rake a"))
RESTART = Change(Verb.RESTART, "carousel")
RECREATING = Change(Verb.DEPLOY, "carousel", "v2", recreate=True)

CUT: tuple[tuple[Change | None, int, tuple[Event, ...], str], ...] = (
    (None, 1, (), "can't read what was asked for"),
    (DEPLOY, MOST_STARTS, (), "cut off 5 times"),
    (DEPLOY, 1, (TaskStarted("rake a"),), "cut off while rake a ran"),
    (DEPLOY, 1, (TaskStarted("rake a"), TaskDone("rake a", 1), TaskStarted("rake b")), "cut off while rake b ran"),
    (DEPLOY, 1, (HookStarted("pre_deploy", "./ask"),), "cut off while ./ask ran"),
    (DEPLOY, 1, (TaskStarted("rake a"), TaskDone("rake a", 1, code=2)), "rake a failed"),
    (DEPLOY, 1, (STARTING, HookStarted("on_failure", "./tell")), "its hook on_failure"),
    (RESTART, 1, (STARTING,), "some instances were replaced"),
    (RECREATING, 1, (STARTING, Gone(ONE, 1)), "some instances were replaced"),
)

GOES_ON: tuple[tuple[Change, tuple[Event, ...]], ...] = (
    (DEPLOY, ()),
    (DEPLOY, (STARTING, Gone(ONE, 1))),
    (DEPLOY, (TaskStarted("rake a"), TaskDone("rake a", 1), STARTING)),
    (DEPLOY, (HookStarted("pre_deploy", "./ask"), HookDone("pre_deploy", 1), STARTING)),
    (DEPLOY, (STARTING, HookStarted("post_deploy", "./tell"))),
    (RESTART, ()),
    (RECREATING, (TaskStarted("rake"), STARTING, Gone(ONE, 1), TaskDone("rake", 1))),
)


@pytest.mark.parametrize(("intent", "starts", "told", "why"), CUT)
def test_what_can_not_go_on_says_why(intent: Change | None, starts: int, told: tuple[Event, ...], why: str) -> None:
    assert why in obstacle(intent, starts, told)


@pytest.mark.parametrize(("intent", "told"), GOES_ON)
def test_what_can_go_on_does(intent: Change, told: tuple[Event, ...]) -> None:
    assert obstacle(intent, 1, told) == ""


def test_a_job_that_was_cut_off_four_times_goes_on_once_more() -> None:
    assert obstacle(DEPLOY, MOST_STARTS - 1, ()) == ""


def test_tasks_that_ran_are_left_out_as_often_as_they_ran() -> None:
    assert rest(DEPLOY, None, (TaskDone("rake a", 1), TaskDone("rake b", 1))).before == ("rake a",)


def test_as_many_instances_are_deployed_as_were_planned() -> None:
    assert rest(DEPLOY, PLAN, ()).instances == 3


def test_a_rollback_goes_on_to_the_version_that_was_planned() -> None:
    left = rest(Change(Verb.ROLLBACK, "carousel"), PLAN, ())
    assert (left.version, left.instances) == ("v2", 3)


def test_a_rollback_that_had_planned_nothing_finds_its_version_afresh() -> None:
    assert rest(Change(Verb.ROLLBACK, "carousel"), None, ()).version is None


def test_tasks_and_hooks_of_the_settings_that_ran_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "deployster.toml").write_text(
        '[services.carousel]\nbefore_deploy = ["rake a", "rake c"]\n[hooks]\npre_deploy = ["./ask", "./look"]\n'
    )
    settings = load({}, {}, tmp_path)
    told = (HookStarted("pre_deploy", "./ask"), HookDone("pre_deploy", 1), TaskDone("rake c", 1))
    left = rest_of_settings(settings, DEPLOY, told)
    assert (left.before_deploy("carousel"), left.hooks.pre_deploy) == (("rake a",), ("./look",))
