"""Every command that changes nothing, with a fleetctl that misbehaves from its first call on."""

from __future__ import annotations

import pytest

from deployster_cli.cli.group import COMMANDS
from tests.faults.given import Shell
from tests.faults.trials import DONE, ELSEWHERE, LOOKING, MODES, ROWS, SILENT, Trial, at_once

pytestmark = pytest.mark.process


def test_every_command_has_a_row() -> None:
    assert ROWS.keys() | ELSEWHERE == COMMANDS.keys()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", LOOKING)
def test_it_ends_soon_with_its_code_and_one_sentence(shell: Shell, name: str, mode: str) -> None:
    assert at_once(shell, name, mode) == ""


@pytest.mark.parametrize("name", SILENT)
def test_a_command_that_needs_no_engine_asks_none(shell: Shell, name: str) -> None:
    trial = Trial(shell, ROWS[name])
    done = trial.run("hang")
    assert (trial.faults, done.code, shell.cluster.calls) == ([], DONE, []), str(trial)
