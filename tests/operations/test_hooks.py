"""Hooks round a deed: what stops it, what is only told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pytest

from deployster_cli.domain.events import Event, HookDone, HookSaid, HookStarted, HookWarned
from deployster_cli.domain.hooks import Facts, Hooks
from deployster_cli.operations.hooks import HookFailed, HookResult, Pulse, run_post, run_pre

FACTS = Facts("deploy", "carousel", "v2", "ann@host", "fleet", plan='{"plan": 1}')
HOOKS = Hooks(pre_deploy=("first", "second"), post_deploy=("third", "fourth"), on_failure=("page",))
FINE = HookResult(0, 1.5)


@dataclass
class Runner:
    """Ends each line as it is told to; each says its own name."""

    ends: Mapping[str, HookResult] = field(default_factory=dict)
    ran: list[tuple[str, str, str]] = field(default_factory=list)

    def __call__(
        self, line: str, variables: Mapping[str, str], stdin: str, pulse: Pulse, said: Callable[[str], None]
    ) -> HookResult:
        self.ran.append((line, variables["DEPLOYSTER_VERSION"], stdin))
        pulse()
        said(f"{line} speaking")
        return self.ends.get(line, FINE)


def before(runner: Runner, hooks: Hooks = HOOKS) -> list[Event]:
    """What the hook before it told."""
    told: list[Event] = []
    run_pre(hooks, runner, FACTS, told.append)
    return told


def after(runner: Runner, result: str) -> list[Event]:
    """What the hook after it told, or that of a failure."""
    told: list[Event] = []
    run_post(HOOKS, runner, FACTS._replace(result=result), told.append)
    return told


def test_a_line_is_told_of_as_it_runs() -> None:
    told = before(Runner(), HOOKS._replace(pre_deploy=("first",)))
    assert told == [HookStarted("pre_deploy", "first"), HookSaid("first speaking"), HookDone("pre_deploy", 1.5)]


def test_lines_run_in_their_order_with_the_facts_and_the_plan() -> None:
    runner = Runner()
    before(runner)
    assert runner.ran == [("first", "v2", '{"plan": 1}'), ("second", "v2", '{"plan": 1}')]


@pytest.mark.parametrize(
    ("result", "why"),
    [
        (HookResult(3, 1.0), "'first' exited with 3."),
        (HookResult(-9, 1.0), "'first' was ended by signal 9."),
        (HookResult(None, 603.5), "'first' did not end within 10m00s and was stopped."),
        (HookResult(None, 0.0, "can't be run in /x: No such file"), "'first' can't be run in /x: No such file."),
    ],
)
def test_a_pre_hook_that_fails_stops_everything(result: HookResult, why: str) -> None:
    with pytest.raises(HookFailed) as caught:
        before(Runner({"first": result}))
    assert caught.value.message == f"The hook pre_deploy failed: {why} No unit was changed; what hooks did stays."


def test_that_is_exit_code_1() -> None:
    assert HookFailed("x").exit_code == 1


def test_after_a_failed_line_no_other_runs() -> None:
    runner = Runner({"first": HookResult(1, 0.0)})
    with pytest.raises(HookFailed):
        before(runner)
    assert [line for line, _, _ in runner.ran] == ["first"]


def test_a_post_hook_that_fails_is_told_and_the_next_one_runs() -> None:
    told = after(Runner({"third": HookResult(7, 0.0)}), "done")
    assert [event for event in told if not isinstance(event, HookSaid)] == [
        HookStarted("post_deploy", "third"),
        HookWarned("The hook post_deploy failed: 'third' exited with 7."),
        HookStarted("post_deploy", "fourth"),
        HookDone("post_deploy", 1.5),
    ]


def test_a_failure_calls_its_own_hook() -> None:
    runner = Runner()
    after(runner, "failed")
    assert [line for line, _, _ in runner.ran] == ["page"]


def test_without_hooks_nothing_runs() -> None:
    assert before(Runner(), Hooks()) == []
