"""What became of a script."""

from __future__ import annotations

import pytest

from deployster_cli.engines.process import Completed
from deployster_cli.engines.ssh import results
from deployster_cli.engines.ssh.parse import Part
from deployster_cli.engines.ssh.results import Answer
from deployster_cli.errors import EngineError, EngineMissing, EngineUnreachable, OutputUnreadable

MARK = "0123456789abcdef"


def done(out: str = "", err: str = "", code: int | None = 0, *, flooded: bool = False) -> Completed:
    return Completed(("ssh", "web1"), code, out, err, 1.25, flooded)


def test_a_script_that_came_to_its_end_has_an_answer_whatever_ssh_says() -> None:
    found = results.answer(done(f"one\n\n{MARK} file\na\nb\n\n{MARK} 4\n", code=255), MARK, "web1")
    assert (found.code, found.text, found.parts[1].named) == (4, "one\n", ("a", "b\n"))


@pytest.mark.parametrize(
    ("err", "code", "kind", "said"),
    [
        ("ssh: connect to host web1 port 22: Connection refused", 255, EngineUnreachable, "Connection refused."),
        ("", None, EngineUnreachable, "web1 gave no answer within 1.2 s."),
        ("", 255, EngineUnreachable, "web1 does not answer: the connection broke off."),
        ("@@@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @@@\nHost key verification failed.", 255,
         EngineUnreachable, "HAS CHANGED"),
        ("No ED25519 host key is known for web1\nHost key verification failed.", 255, EngineUnreachable, "not known"),
        ("Banner\nu@web1: Permission denied (publickey).", 255, EngineMissing, "Permission denied (publickey)."),
        ("sudo: a password is required", 1, EngineMissing, "may not become root without a password"),
        ("ssh: Could not resolve hostname web1: Name not known", 255, EngineUnreachable, "no machine called"),
        ("/c: line 3: Bad configuration option: x\n/c: terminating, 1 bad configuration options", 255, EngineMissing,
         "terminating, 1 bad"),
    ],
)  # fmt: skip
def test_one_that_did_not_says_why(err: str, code: int | None, kind: type[EngineError], said: str) -> None:
    with pytest.raises(kind) as raised:
        results.answer(done("half an ans", err, code), MARK, "web1")
    assert said in raised.value.message


@pytest.mark.parametrize(
    ("out", "err", "code", "said"),
    [
        ("This account is currently not available.\n", "", 1, "This account is currently not available."),
        ("", "sh: not found", 127, "sh: not found."),
        ("", "", 0, "exit code 0 and not a word."),
    ],
)
def test_a_login_that_runs_something_else_is_told(out: str, err: str, code: int, said: str) -> None:
    with pytest.raises(EngineMissing) as raised:
        results.answer(done(out, err, code), MARK, "web1")
    assert raised.value.message == f"The login on web1 runs no commands: {said}"
    assert results.cure(raised.value) == raised.value.hint


def test_one_that_prints_without_end_is_unreadable() -> None:
    with pytest.raises(OutputUnreadable):
        results.answer(done(code=None, flooded=True), MARK, "web1")


def test_a_failure_is_told_in_the_machines_words() -> None:
    found = Answer(1, (Part("", ""),), done(err="x\ncp: Read-only file system\n"))
    assert results.refused("web1", "start", found).message == "Starting units failed on web1: cp: Read-only file system"
    bus = Answer(1, (Part("", ""),), done(err="Failed to connect to bus: No medium found"))
    assert isinstance(results.refused("web1", "start", bus), EngineMissing)
    mute = Answer(7, (Part("", ""),), done())
    assert "exit code 7 and not a word" in results.refused("web1", "stop", mute).message


SUDO_WARNS = "sudo: unable to resolve host web1: Temporary failure in name resolution\n"


@pytest.mark.parametrize(("said", "told"), [("E: " + 297 * "x", "E: " + 297 * "x"), (301 * "y", 300 * "y" + "…")])
def test_the_machines_words_are_whole_up_to_their_limit(said: str, told: str) -> None:
    error = results.refused("web3", "setup", Answer(1, (Part("", ""),), done(err=said, code=1)))
    assert error.message == f"Setting up failed on web3: {told}"


def test_a_warning_of_sudo_s_is_not_taken_for_what_went_wrong() -> None:
    found = Answer(1, (Part("", ""),), done(err=f"{SUDO_WARNS}ln: Read-only file system\n"))
    error = results.refused("web1", "start", found)
    assert (type(error), error.message) == (EngineError, "Starting units failed on web1: ln: Read-only file system")
    with pytest.raises(EngineUnreachable, match="Connection to web1 closed"):
        results.answer(done("", f"{SUDO_WARNS}Connection to web1 closed by remote host.\n", 255), MARK, "web1")
    with pytest.raises(EngineMissing, match="a password is required"):
        results.answer(done("", f"{SUDO_WARNS}sudo: a password is required\n", 1), MARK, "web1")


@pytest.mark.parametrize("said", ["sh: 9: flock: not found", "bash: line 9: awk: command not found"])
def test_a_program_that_is_missing_is_told_with_its_cure(said: str) -> None:
    error = results.refused("web1", "lock", Answer(127, (Part("", ""),), done(err=f"{said}\n")))
    assert (type(error), error.message) == (EngineMissing, f"A program is missing on web1: {said}.")
    assert error.hint == "deployster setup installs what machines lack."


@pytest.mark.parametrize(
    "said",
    ["sh: 15: printf: printf: I/O error", "sh: printf: write error: No space left on device", "Disk quota exceeded"],
)
def test_a_disk_that_is_full_is_told_in_plain_words(said: str) -> None:
    error = results.refused("web1", "start", Answer(1, (Part("", ""),), done(err=f"{said}\n")))
    assert (type(error), error.message) == (EngineError, f"A disk of web1 is full, or broken: {said}.")
    assert "df" in error.hint


def test_what_only_a_person_can_mend_has_its_cure() -> None:
    with pytest.raises(EngineMissing) as rooted:
        results.answer(done("", "sudo: a password is required", 1), MARK, "web1")
    assert "NOPASSWD" in results.cure(rooted.value)
    with pytest.raises(EngineUnreachable) as away:
        results.answer(done("", "", 255), MARK, "web1")
    assert results.cure(away.value) == ""


def test_an_unknown_key_is_another_matter_than_a_changed_one() -> None:
    unknown = EngineUnreachable("", err="Host key verification failed.")
    changed = EngineUnreachable("", err="REMOTE HOST IDENTIFICATION HAS CHANGED\nHost key verification failed.")
    assert (results.is_unknown_key(unknown), results.is_unknown_key(changed)) == (True, False)


def test_a_journal_that_ended_well_or_is_empty_is_no_error() -> None:
    results.judge_stream(done(code=0, err="a banner"), "web1")
    results.judge_stream(done(code=1), "web1")
    with pytest.raises(EngineUnreachable):
        results.judge_stream(done(code=255, err="Connection closed"), "web1")
