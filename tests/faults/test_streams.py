"""Standard streams that are closed, full or read by nobody: a deploy is carried out all the same."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import pytest

from tests.faults.given import Shell
from tests.faults.trials import NEW, QUICKLY

pytestmark = pytest.mark.process

DEPLOY = f"deploy carousel v2 --destroy-previous {QUICKLY}"
LOOKING = [
    "units",
    "units -o json",
    "services -o plain",
    "history carousel",
    "plan carousel v2 -q",
    "logs carousel",
    "check",
]
HELP = ["--help", "--version", "deploy --help", "completion bash"]

# Shell redirections that must make no difference.
CLOSED = {"stdin": "<&-", "stdout": ">&-", "stderr": "2>&-", "all": "<&- >&- 2>&-", "a full stderr": "2>/dev/full"}

MESS = ("Traceback", "Exception ignored", "Error in sys.excepthook", "lost sys.stderr")


def said(
    shell: Shell, line: str, redirected: str = "", streams: Mapping[str, int] = MappingProxyType({})
) -> subprocess.CompletedProcess[str]:
    """A command line as a process, its standard streams redirected by a shell."""
    argv = ["/bin/sh", "-c", f'exec "$@" {redirected}', "sh", *shell.cluster.argv(line)]
    given = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
    return subprocess.run(argv, cwd=shell.cluster.project, text=True, timeout=60, check=False, **given)  # type: ignore[call-overload,no-any-return]


def unread(shell: Shell, line: str, stream: str) -> subprocess.CompletedProcess[str]:
    """The same with a stream that nobody reads any more."""
    read, write = os.pipe()
    os.close(read)
    try:
        return said(shell, line, streams={stream: write})
    finally:
        os.close(write)


def clean(texts: Sequence[str | None]) -> bool:
    """Whether nothing of Python's own insides was shown."""
    return not any(mess in (text or "") for mess in MESS for text in texts)


@pytest.mark.parametrize("redirected", CLOSED.values(), ids=CLOSED)
@pytest.mark.parametrize("line", [LOOKING[0], LOOKING[1], HELP[0]])
def test_a_closed_stream_is_no_error(shell: Shell, line: str, redirected: str) -> None:
    done = said(shell, line, redirected)
    assert (done.returncode, clean([done.stdout, done.stderr])) == (0, True), done


@pytest.mark.parametrize("line", [*LOOKING, *HELP])
def test_a_reader_that_has_gone_is_no_error(shell: Shell, line: str) -> None:
    done = unread(shell, line, "stdout")
    found = line == "check"  # there is no ssh-agent, which it finds
    by_click = line in HELP[:3]  # which prints these itself, and ends with 1 then
    assert (done.returncode, done.stderr) == (int(found or by_click), ""), done


@pytest.mark.parametrize("line", [*LOOKING[:-1], *HELP])
def test_a_full_disk_behind_stdout_is_told_in_one_sentence(shell: Shell, line: str) -> None:
    done = said(shell, line, ">/dev/full")
    assert (done.returncode, done.stderr) == (1, "Error: The output can't be written: No space left on device.\n")


@pytest.mark.parametrize(("line", "code"), [("units --cluster nowhere", 2), (DEPLOY, 0)])
def test_the_exit_code_is_ours_where_stderr_takes_nothing(shell: Shell, line: str, code: int) -> None:
    """Python would end with 120 for what it could not flush."""
    assert said(shell, line, "2>/dev/full").returncode == code


@pytest.mark.parametrize("redirected", [*CLOSED.values(), ">/dev/full 2>/dev/full"])
def test_a_deploy_is_carried_out_whatever_became_of_its_streams(shell: Shell, redirected: str) -> None:
    said(shell, DEPLOY, redirected)
    assert shell.cluster.launched == NEW


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_deploy_is_carried_out_when_nobody_reads(shell: Shell, stream: str) -> None:
    done = unread(shell, DEPLOY, stream)
    assert (shell.cluster.launched, done.returncode, clean([done.stdout, done.stderr])) == (NEW, 0, True)
