"""Every question that Deployster asks, on a real terminal, over the local engine's real processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from tests.projects import LOCAL
from tests.terminals import interrupt

pytestmark = pytest.mark.process

CONFIG = f"""{LOCAL}
[clusters.live]
protected = true
"""


class Terminal:
    """A person in a project's folder, where v1 of carousel runs twice."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environ = {"HOME": str(folder), "PATH": os.environ["PATH"], "TERM": "xterm", "NO_COLOR": "1"}

    def type(self, line: str, columns: int = 200) -> pexpect.spawn[str]:
        """A command line whose questions are to be answered."""
        argv, size = ["-P", "-m", "deployster_cli", *line.split()], (24, columns)
        return pexpect.spawn(
            sys.executable, argv, cwd=self.folder, env=self.environ, encoding="utf-8", dimensions=size, timeout=30
        )

    def run(self, line: str) -> str:
        """What a command line prints that asks nothing."""
        argv = [sys.executable, "-P", "-m", "deployster_cli", *line.split()]
        done = subprocess.run(
            argv, cwd=self.folder, env=self.environ, capture_output=True, text=True, timeout=60, check=False
        )
        return done.stdout

    @property
    def instances(self) -> int:
        """How many run."""
        return sum(unit["state"] == "running" for unit in json.loads(self.run("units -o json"))["units"])


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    (tmp_path / "deployster.toml").write_text(CONFIG)
    person = Terminal(tmp_path)
    person.run("deploy carousel v1 --instances 2 --settle 0s -q")
    yield person
    person.run("destroy carousel v1 --yes -q")


def ended(child: pexpect.spawn[str]) -> int | None:
    """The exit code, once it has said all."""
    child.expect(pexpect.EOF)
    child.wait()
    return child.exitstatus


def test_destroy_asks_and_a_no_changes_nothing(terminal: Terminal) -> None:
    child = terminal.type("destroy carousel v1")
    child.expect_exact("Destroy carousel v1 @1 @2? [y/N]: ")
    child.sendline("")
    child.expect_exact("Not destroyed.")
    assert (ended(child), terminal.instances) == (1, 2)


def test_destroy_goes_on_with_a_yes(terminal: Terminal) -> None:
    child = terminal.type("destroy carousel v1")
    child.expect_exact("[y/N]: ")
    child.sendline("y")
    child.expect_exact("Done: carousel v1 @1 @2 destroyed.")
    assert (ended(child), terminal.instances) == (0, 0)


def test_ctrl_c_at_a_question_changes_nothing(terminal: Terminal) -> None:
    child = terminal.type("destroy carousel v1")
    child.expect_exact("[y/N]: ")
    interrupt(child, "\r\nInterrupted.")
    assert (ended(child), terminal.instances) == (130, 2)


def test_scaling_down_shows_what_goes_and_asks(terminal: Terminal) -> None:
    child = terminal.type("scale carousel 1")
    child.expect("retire +carousel-v1@[12].service")
    child.expect_exact("Continue? [y/N]: ")
    child.sendline("n")
    child.expect_exact("Not scaled.")
    assert (ended(child), terminal.instances) == (1, 2)


def test_what_goes_is_shown_in_a_narrow_window_too(terminal: Terminal) -> None:
    child = terminal.type("scale carousel 1", columns=36)
    child.expect(r"DOES.*retire .*UNIT.*carousel-v1@[12].service")
    child.expect_exact("Continue? [y/N]: ")
    child.sendline("n")
    assert ended(child) == 1


def test_a_question_that_is_too_long_goes_on_below(terminal: Terminal) -> None:
    child = terminal.type("destroy carousel v1", columns=24)
    child.expect_exact("Destroy carousel v1 @1\r\n  @2? [y/N]: ")
    child.sendline("n")
    child.expect_exact("Error: Not destroyed.\r\n  Nothing was changed.")
    assert ended(child) == 1


def test_so_does_that_for_a_cluster_s_name(terminal: Terminal) -> None:
    child = terminal.type("deploy carousel v2 --cluster live", columns=40)
    child.expect_exact("carousel: deploying v2 on live, a\r\n  protected cluster. Type its name to\r\n  confirm: ")
    child.sendline("")
    assert ended(child) == 1


def test_scaling_up_asks_nothing(terminal: Terminal) -> None:
    child = terminal.type("scale carousel 3 --settle 0s")
    child.expect_exact("Done: carousel v1 runs (3 instances).")
    assert ended(child) == 0


def test_a_protected_cluster_wants_its_name(terminal: Terminal) -> None:
    child = terminal.type("deploy carousel v2 --cluster live")
    child.expect_exact("carousel: deploying v2 on live, a protected cluster. Type its name to confirm: ")
    child.sendline("life")
    child.expect_exact("Not confirmed. Nothing was changed.")
    assert (ended(child), "v2" in terminal.run("units -o plain")) == (1, False)


def test_its_name_goes_on(terminal: Terminal) -> None:
    child = terminal.type("restart carousel --cluster live --settle 0s")
    child.expect_exact("Type its name to confirm: ")
    child.sendline("live")
    child.expect_exact("Done: carousel v1 runs")
    assert ended(child) == 0


def test_a_server_s_password_is_asked_for_and_not_shown(terminal: Terminal) -> None:
    child = terminal.type("units --server http://127.0.0.1:1")
    child.expect_exact("Username for http://127.0.0.1:1 [deployster]: ")
    child.sendline("")
    child.expect_exact("Password: ")
    child.sendline("not-to-be-seen")
    assert ended(child) == 4
    assert "not-to-be-seen" not in (child.before or "")


def test_init_asks_what_is_to_run_it_and_where(terminal: Terminal) -> None:
    terminal.folder = terminal.folder / "shop"
    terminal.folder.mkdir()
    child = terminal.type("init")
    child.expect_exact("What is to run it? (fleet, local, ssh) [fleet]: ")
    child.sendline("ssh")
    child.expect_exact("Which machines? As ssh takes them, a space between: ")
    child.sendline("web1 -x")
    child.expect_exact("Error: --machine must be a list of machines as ssh takes them")
    child.expect_exact("Which machines? As ssh takes them, a space between: ")
    child.sendline("web1, deploy@web2")
    child.expect_exact("then deployster setup, and deployster deploy shop VERSION")
    assert ended(child) == 0
    assert 'machines = ["web1", "deploy@web2"]' in (terminal.folder / "deployster.toml").read_text()
    terminal.folder = terminal.folder.parent


def test_ctrl_c_at_a_question_of_init_writes_nothing(terminal: Terminal) -> None:
    terminal.folder = terminal.folder / "shop"
    terminal.folder.mkdir()
    child = terminal.type("init --engine ssh")
    child.expect_exact("Which machines?")
    interrupt(child, "\r\nInterrupted.")
    assert (ended(child), list(terminal.folder.iterdir())) == (130, [])
    terminal.folder = terminal.folder.parent
