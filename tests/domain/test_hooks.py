"""Which lines a hook has, and what it is told."""

from __future__ import annotations

from typing import Any

import pytest

from deployster_cli.domain.hooks import HOOK_NAMES, VERBS, Facts, Hooks

LINES: dict[str, Any] = {name: (name,) for name in HOOK_NAMES}
HOOKS = Hooks(**LINES)


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_has_a_hook_before_it(verb: str) -> None:
    assert HOOKS.before(verb) == (f"pre_{verb}", (f"pre_{verb}",))


@pytest.mark.parametrize("result", ["done", "unchanged"])
@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_has_a_hook_after_it(verb: str, result: str) -> None:
    assert HOOKS.after(verb, result) == (f"post_{verb}", (f"post_{verb}",))


@pytest.mark.parametrize("verb", [*VERBS, "scale"])
def test_a_failure_has_one_hook_whatever_failed(verb: str) -> None:
    assert HOOKS.after(verb, "failed") == ("on_failure", ("on_failure",))


def test_a_verb_without_hooks_has_no_lines() -> None:
    assert HOOKS.before("scale") == ("pre_scale", ())


def test_every_hook_is_a_field() -> None:
    assert set(Hooks._fields) == {*HOOK_NAMES, "timeout"}


def test_a_hook_is_told_everything_by_variables() -> None:
    facts = Facts(
        "deploy", "carousel", "v2", "ann@host", "ssh", "staging", "v1", 3, "done", "{}", ("web1", "ssh://web2:22")
    )
    assert facts.variables == {
        "DEPLOYSTER_VERB": "deploy",
        "DEPLOYSTER_SERVICE": "carousel",
        "DEPLOYSTER_VERSION": "v2",
        "DEPLOYSTER_PREVIOUS": "v1",
        "DEPLOYSTER_INSTANCES": "3",
        "DEPLOYSTER_RESULT": "done",
        "DEPLOYSTER_ENGINE": "ssh",
        "DEPLOYSTER_CLUSTER": "staging",
        "DEPLOYSTER_MACHINES": "web1 ssh://web2:22",
        "DEPLOYSTER_BY": "ann@host",
    }
