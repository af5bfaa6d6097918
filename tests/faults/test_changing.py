"""Every command that changes something, with a fleetctl that misbehaves from its first call on."""

from __future__ import annotations

import pytest

from tests.faults.given import Shell
from tests.faults.trials import CHANGING, MODES, at_once

pytestmark = pytest.mark.process


@pytest.mark.parametrize("mode", [mode for mode in MODES if mode != "slow"])
@pytest.mark.parametrize("name", CHANGING)
def test_it_ends_soon_with_its_code_and_one_sentence_or_does_its_work(shell: Shell, name: str, mode: str) -> None:
    assert at_once(shell, name, mode) == ""
