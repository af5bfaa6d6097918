"""The question about an unknown ssh host key, on a real terminal; off one nobody is asked."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import click
import pexpect
import pytest

from deployster_cli.cli.prompts import trusted
from deployster_cli.engines.fleet import results
from deployster_cli.engines.fleet.ssh.host_keys import HostKey
from tests.engines.fleet.asking import Asking, asking
from tests.engines.fleet.recorded import FILES, completed, recording
from tests.terminals import interrupt

__all__ = ["asking"]

pytestmark = pytest.mark.process

ARGV = ["-m", "deployster_cli"]
TUNNEL = ["--tunnel", "127.0.0.1:1"]
CTRL_C = "\x03"
QUESTION = r"Trust it as the key of \[127\.0\.0\.1\]:1 from now on\? \[y/N\]: "


@pytest.fixture
def here(asking: Asking, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Asking:
    """An empty project beside a fleetctl that asks; nothing is set."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "deployster.toml").touch()
    monkeypatch.setenv("COLUMNS", "200")
    return asking


def answered(words: list[str], *answers: str) -> tuple[int | None, str]:
    """(exit code, all that the screen got) of a command line at a terminal, each question answered in turn."""
    child = pexpect.spawn(
        sys.executable, [*ARGV, *words], encoding="utf-8", timeout=30, dimensions=(40, 200), echo=False
    )
    screen = ""
    try:
        for answer in answers:
            child.expect(QUESTION)
            screen += (child.before or "") + str(child.after)
            if answer == CTRL_C:
                screen += interrupt(child, "Interrupted.")
            else:
                child.send(answer)
        child.expect(pexpect.EOF)
        return child.wait(), (screen + (child.before or "")).replace("\r", "")
    finally:
        child.close(force=True)


def test_the_key_is_shown_with_its_fingerprint_and_what_to_compare_it_with(here: Asking) -> None:
    _, screen = answered(["units", *TUNNEL], "n\r")
    assert screen.startswith(
        "The ssh host key of [127.0.0.1]:1 is not known here. Its type is ECDSA:\n"
        "  MD5 b9:82:17:2f:f5:96:ad:44:01:05:fa:cd:c8:bc:9a:3f\n"
        "To compare, run this on that machine: ssh-keygen -E md5 -lf /etc/ssh/ssh_host_ecdsa_key.pub\n"
    )


def test_a_yes_is_passed_on_to_fleetctl_and_the_command_goes_on(here: Asking) -> None:
    code, screen = answered(["units", "-o", "json", *TUNNEL], "y\r")
    assert (code, here.known) == (0, True)
    assert '"units": []' in screen


def test_of_a_runs_many_calls_only_the_first_asks(here: Asking) -> None:
    answered(["units", *TUNNEL], "yes\r")
    assert here.answers.count("yes") == 1


def test_the_next_run_is_asked_nothing(here: Asking) -> None:
    answered(["units", *TUNNEL], "y\r")
    assert answered(["units", *TUNNEL])[0] == 0


@pytest.mark.parametrize("answer", ["n\r", "no\r", "\r"])
def test_a_no_ends_it_with_one_sentence(here: Asking, answer: str) -> None:
    code, screen = answered(["units", *TUNNEL], answer)
    assert code == 4
    assert screen.endswith("Error: The ssh host key of [127.0.0.1]:1 was not taken: nothing was changed.\n")
    assert not here.known


@pytest.mark.parametrize("command", [["units"], ["services"], ["check"], ["deploy", "carousel", "v1"]])
def test_ctrl_c_at_the_question_is_130(here: Asking, command: list[str]) -> None:
    code, screen = answered([*command, *TUNNEL], CTRL_C)
    assert (code, screen.endswith("Interrupted.\n")) == (130, True)
    assert not here.known


def test_a_watch_asks_before_it_takes_the_screen(here: Asking) -> None:
    child = pexpect.spawn(
        sys.executable, [*ARGV, "units", "--watch", *TUNNEL], encoding="utf-8", timeout=30, dimensions=(40, 200)
    )
    try:
        child.expect(QUESTION)
        assert "\x1b[?1049h" not in (child.before or "")
    finally:
        child.close(force=True)


def test_deploy_asks_before_it_does_anything(here: Asking) -> None:
    code, _ = answered(["deploy", "carousel", "v1", *TUNNEL], "n\r")
    assert (code, set(here.answers)) == (4, {"nothing"})


@pytest.mark.parametrize("strict", [["--strict-host-key-checking", "false"], ["--strict-host-key-checking=no"]])
def test_the_options_are_fleetctls_own(here: Asking, strict: list[str]) -> None:
    _, screen = answered(["units", "-v", *TUNNEL, *strict, "--known-hosts-file", "/k"], "n\r")
    assert "--strict-host-key-checking=false --known-hosts-file=/k list-units" in screen


def off_a_terminal(words: list[str], given: str = "") -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, *ARGV, *words]
    return subprocess.run(argv, input=given, capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.parametrize("given", ["", "yes\n", "y\ny\ny\n"])
@pytest.mark.parametrize("command", [["units"], ["deploy", "carousel", "v1"]])
def test_off_a_terminal_nothing_is_answered_whatever_comes_in(here: Asking, command: list[str], given: str) -> None:
    done = off_a_terminal([*command, *TUNNEL], given)
    assert (done.returncode, done.stdout, here.known) == (4, "", False)
    assert re.fullmatch(
        r"Error: The ssh host key of \[127\.0\.0\.1\]:1 is not known here; it shows the fingerprint MD5 .*\n"
        r"Compare it with .*, then run deployster check in a terminal and say yes\.\n",
        done.stderr,
    )


# --- docs/ssh.md

PAGE = Path(__file__).parents[2] / "docs" / "ssh.md"


def test_the_page_shows_the_question_as_it_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(click, "confirm", lambda question, **_: click.echo(f"{question} [y/N]:", err=True))
    sha256 = "arvrMDuxwFUSVzlGg7njsS2W61bQTEqRwTQ2+6QcbkE"
    trusted(HostKey("10.77.0.11", "ECDSA", "b9:82:17:2f:f5:96:ad:44:01:05:fa:cd:c8:bc:9a:3f", sha256))
    assert f"```text\n{capsys.readouterr().err}```\n" in PAGE.read_text()


def told() -> list[str]:
    """What the recorded calls say, and what only an ssh-agent can tell."""
    done = completed(recording("121-tunnel-agent-empty"))
    agents = [results.refused_login(done, "core", keys).message for keys in (0, 1)]
    return [recording(file.stem)["expected"].get("says", "") for file in FILES] + agents


@pytest.mark.parametrize("row", re.findall(r"^\| ([A-Zf].+?) \|", PAGE.read_text(), re.MULTILINE))
def test_every_sentence_of_the_page_is_one_that_is_said(row: str) -> None:
    pattern = ".*".join(re.escape(part) for part in row.split("…"))
    assert any(re.fullmatch(pattern, sentence) for sentence in told())
