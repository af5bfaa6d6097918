"""units --watch on a real terminal: redrawn in place, through an outage, until Ctrl-C."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from tests.test_shells import project

pytestmark = pytest.mark.process

OTHER_SCREEN, USUAL_SCREEN = r"\x1b\[\?1049h", r"\x1b\[\?1049l"
STYLE = r"(?:\x1b\[[\d;]*m)*"


@pytest.fixture
def watching(tmp_path: Path) -> Iterator[pexpect.spawn[str]]:
    """The program at its first table; ``fail`` in its home makes fleetctl fail."""
    project(tmp_path)
    env = {"HOME": str(tmp_path), "PATH": f"{tmp_path}/bin:{os.environ['PATH']}", "TERM": "xterm"}
    argv = ["-P", "-m", "deployster_cli", "units", "--watch", "--interval", "1s"]
    child = pexpect.spawn(
        sys.executable, argv, cwd=str(tmp_path), env=env, encoding="utf-8", dimensions=(24, 80), timeout=20
    )
    child.expect(OTHER_SCREEN)
    child.expect("carousel")
    yield child
    child.close(force=True)


def test_ctrl_c_leaves_the_last_table_and_exits_130(watching: pexpect.spawn[str]) -> None:
    watching.sendintr()
    watching.expect(USUAL_SCREEN)
    watching.expect("a41c9e2.*Interrupted")
    watching.expect(pexpect.EOF)
    watching.wait()
    assert watching.exitstatus == 130


def test_an_outage_is_told_in_place_and_ends(watching: pexpect.spawn[str], tmp_path: Path) -> None:
    (tmp_path / "fail").touch()
    watching.expect("Not updated: .*on fire")
    (tmp_path / "fail").unlink()
    watching.expect(rf"UTC{STYLE}\s+{STYLE}SERVICE")
    assert watching.isalive()


def test_it_is_laid_out_anew_for_another_width(watching: pexpect.spawn[str]) -> None:
    watching.setwinsize(24, 30)
    watching.expect(rf"\n{STYLE}INSTANCE")
    assert watching.isalive()
