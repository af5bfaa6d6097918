"""Ctrl-C on a real terminal while a hook runs: the hook is ended, no unit is changed, and the lock is free."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

import pexpect
import pytest

from tests.projects import LOCAL

pytestmark = pytest.mark.process

CONFIG = f"""{LOCAL}
[hooks]
pre_deploy = "echo $$ > hook; echo begun; sleep 60; echo never"
"""


@pytest.fixture
def interrupted(tmp_path: Path) -> pexpect.spawn[str]:
    """A deploy that was interrupted while its hook slept, at its end."""
    (tmp_path / "deployster.toml").write_text(CONFIG)
    environ = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "TERM": "xterm", "NO_COLOR": "1"}
    argv = ["-P", "-m", "deployster_cli", "deploy", "carousel", "v1"]
    child = pexpect.spawn(sys.executable, argv, cwd=tmp_path, env=environ, encoding="utf-8", timeout=30)
    child.expect_exact("| begun")
    child.sendintr()
    child.expect(pexpect.EOF)
    child.wait()
    return child


def living(group: int) -> list[str]:
    """The states of the processes of a group, as /proc has them, but for those that nobody has waited for."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, of, *_ = stat.read_text().rpartition(")")[2].split()
            found += [state] if int(of) == group and state != "Z" else []
    return found


def test_it_ends_with_one_sentence_and_130(interrupted: pexpect.spawn[str]) -> None:
    said = " ".join((interrupted.before or "").split())
    sentence = "Error: Interrupted while a hook ran; it was cut off. No unit was changed; what hooks did stays."
    assert (said.endswith(sentence), said.count("Interrupted"), interrupted.exitstatus) == (True, 1, 130)


def test_the_hook_and_what_it_started_are_gone(interrupted: pexpect.spawn[str], tmp_path: Path) -> None:
    assert not interrupted.isalive()
    assert living(int((tmp_path / "hook").read_text())) == []


@pytest.mark.usefixtures("interrupted")
def test_nobody_holds_the_lock(tmp_path: Path) -> None:
    assert list((tmp_path / "state").rglob("carousel.lock")) == []
