"""Hooks as real processes: what they get, what they say, how they end."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

import deployster_cli
from deployster_cli.engines.fleet.ssh.agent import agent_problem
from deployster_cli.operations.hooks import HookResult, LocalCommands

pytestmark = pytest.mark.process


def nothing() -> None:
    """What need not go on while a hook runs."""


def ran(folder: Path, line: str, *, limit: float = 30.0, stdin: str = "") -> tuple[list[str], HookResult]:
    said: list[str] = []
    result = LocalCommands(folder, limit).run(line, {"DEPLOYSTER_VERSION": "v2"}, stdin, nothing, said.append)
    return said, result


class Enough(Exception):
    """Nobody listens any more."""


def first_line(folder: Path, line: str) -> str:
    """The first line that it says; nobody listens to the others."""
    said: list[str] = []

    def hear(text: str) -> None:
        said.append(text)
        raise Enough

    with pytest.raises(Enough):
        LocalCommands(folder, 30).run(line, {}, "", nothing, hear)
    return said[0]


def test_a_hook_runs_in_its_folder_with_its_variables(tmp_path: Path) -> None:
    assert ran(tmp_path, 'pwd; echo "$DEPLOYSTER_VERSION"; echo loud >&2')[0] == [str(tmp_path), "v2", "loud"]


def test_it_finds_the_plan_on_stdin(tmp_path: Path) -> None:
    assert ran(tmp_path, "wc -c", stdin="x" * 300_000)[0] == ["300000"]


def test_it_need_not_read_it(tmp_path: Path) -> None:
    assert ran(tmp_path, "true", stdin="x" * 300_000)[1].code == 0


@pytest.mark.parametrize(("line", "code"), [("exit 3", 3), ("kill -9 $$", -9), ("no-such-program", 127)])
def test_how_it_ended_is_known(tmp_path: Path, line: str, code: int) -> None:
    assert ran(tmp_path, line)[1].code == code


@pytest.mark.parametrize("environ", [{}, {"PYTHONPATH": "."}])
def test_it_runs_where_the_package_is_found_from_the_working_folder_alone(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    start, hooks = tmp_path / "start", tmp_path / "hooks"
    hooks.mkdir()
    shutil.copytree(Path(deployster_cli.__file__).parent, start / "deployster_cli")
    (start / "resource.py").write_text("raise SystemExit('another resource')")
    (hooks / "deployster_cli.py").write_text("raise SystemExit('another deployster')")
    code = (
        "from pathlib import Path; from deployster_cli.operations.hooks import LocalCommands\n"
        f"LocalCommands(Path({str(hooks)!r}), 30)"
        ".run('echo ran; echo ${PYTHONPATH-none}; pwd', {}, '', lambda: None, print)"
    )
    bare = os.path.realpath(sys.executable)  # the virtual environment would have the package
    argv, before = [bare, "-c", code], {"PATH": os.environ["PATH"]}
    done = subprocess.run(
        argv, cwd=start, env=before | environ, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stdout.split(), done.stderr) == (["ran", environ.get("PYTHONPATH", "none"), str(hooks)], "")


def test_lines_come_while_it_runs(tmp_path: Path) -> None:
    started = time.monotonic()
    assert (first_line(tmp_path, "echo now; sleep 20"), time.monotonic() - started < 10) == ("now", True)


def test_a_line_without_an_end_is_a_line(tmp_path: Path) -> None:
    assert ran(tmp_path, "printf half")[0] == ["half"]


def test_at_its_limit_it_is_killed_with_all_that_it_started(tmp_path: Path) -> None:
    said, result = ran(tmp_path, "sleep 60 & echo $!; wait", limit=1)
    assert (result.code, _runs(int(said[0]))) == (None, False)


def test_so_it_is_when_nobody_listens_any_more(tmp_path: Path) -> None:
    assert not _runs(int(first_line(tmp_path, "sleep 60 & echo $!; wait")))


def test_when_we_are_killed_all_that_it_started_ends(tmp_path: Path) -> None:
    code = (
        "from pathlib import Path; from deployster_cli.operations.hooks import LocalCommands\n"
        f"LocalCommands(Path({str(tmp_path)!r}), 60)"
        ".run('setsid sleep 60 & apart=$!; sleep 60 & echo $apart $! $$; sleep 60; true', {}, '', lambda: None, "
        "lambda line: print(line, flush=True))"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout
        pids = [int(word) for word in run.stdout.readline().split()]
        assert [_is_there(pid) for pid in pids] == [True, True, True]
        run.kill()
    assert [_runs(pid) for pid in pids] == [False, False, False]


# Has a process that leaves the session, and ignores a signal or none.
APART = """setsid sh -c 'trap "" {ignored}; echo $$; exec sleep 60' & {rest}"""


@pytest.mark.parametrize("ignored", ["USR1", "TERM"])
def test_one_that_has_left_the_session_is_ended_at_the_limit(tmp_path: Path, ignored: str) -> None:
    said, result = ran(tmp_path, APART.format(ignored=ignored, rest="sleep 60"), limit=2)
    assert (result.code, _runs(int(said[0]))) == (None, False)


def test_so_it_is_where_its_parent_has_ended_and_its_output_is_closed(tmp_path: Path) -> None:
    line = "(setsid sh -c 'echo $$ > pid; exec sleep 60' > /dev/null 2>&1 &); until [ -s pid ]; do :; done; sleep 60"
    ran(tmp_path, line, limit=2)
    assert not _runs(int((tmp_path / "pid").read_text()))


def test_so_it_is_when_nobody_listens(tmp_path: Path) -> None:
    assert not _runs(int(first_line(tmp_path, APART.format(ignored="USR1", rest="sleep 60"))))


@pytest.mark.parametrize("code", [0, 3])
def test_what_it_leaves_behind_on_purpose_runs_on_and_is_not_waited_for(tmp_path: Path, code: int) -> None:
    said, result = ran(tmp_path, APART.format(ignored="USR1", rest=f"sleep 0.5; exit {code}"))
    apart = int(said[0])
    assert (result.code, result.seconds < 5, _is_there(apart)) == (code, True, True)
    os.kill(apart, 9)


def test_a_limit_lets_it_end_by_itself_first(tmp_path: Path) -> None:
    ran(tmp_path, "trap 'echo ended > told; exit' TERM; while :; do sleep 0.1; done", limit=1)
    assert (tmp_path / "told").read_text() == "ended\n"


def test_who_watches_it_ends_with_it(tmp_path: Path) -> None:
    said, _ = ran(tmp_path, "sleep 20 > /dev/null & echo $$ $!")
    session, left = map(int, said[0].split())
    for _ in range(100):
        if _in_session(session) <= {left}:
            break
        time.sleep(0.05)
    found = _in_session(session)
    os.kill(left, 9)
    assert found == {left}


def _in_session(session: int) -> set[int]:
    """The processes of a session that run."""
    found = set()
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            words = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(words[3]) == session and words[0] != "Z":
                found.add(int(entry.name))
    return found


def test_one_that_closes_its_output_is_still_bounded(tmp_path: Path) -> None:
    assert ran(tmp_path, "exec >&- 2>&-; sleep 60", limit=1)[1].code is None


def test_what_it_leaves_behind_does_not_hold_us_up(tmp_path: Path) -> None:
    said, result = ran(tmp_path, "sleep 8 & echo $!")
    os.kill(int(said[0]), 9)
    assert (result.code, result.seconds < 5) == (0, True)


def test_a_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    result = ran(tmp_path / "gone", "true")[1]
    assert result.problem == f"can't be run in {tmp_path}/gone: No such file or directory"


@pytest.mark.parametrize(
    ("script", "problem"),
    [("exit 0", ""), ("exit 1", "The ssh-agent holds no key."), ("exit 2", "No ssh-agent answers.")],
)
def test_the_agent_is_judged_by_ssh_add(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, problem: str
) -> None:
    (tmp_path / "ssh-add").write_text(f"#!/bin/sh\n{script}\n")
    (tmp_path / "ssh-add").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert agent_problem()[0] == problem


def test_without_ssh_add_nobody_can_tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert agent_problem() == ("", "")


def _runs(pid: int) -> bool:
    """Whether the process is still there in five seconds."""
    end = time.monotonic() + 5
    while time.monotonic() < end:
        if not _is_there(pid):
            return False
        time.sleep(0.05)
    return True


def _is_there(pid: int) -> bool:
    """Whether the process is there and no zombie: who reaps it is init's matter."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # the latter where it goes while it is read
        return False


def test_what_goes_on_meanwhile_goes_on_while_it_is_silent(tmp_path: Path) -> None:
    beats: list[float] = []
    said: list[str] = []
    LocalCommands(tmp_path, 30).run("sleep 0.5", {}, "", lambda: beats.append(time.monotonic()), said.append)
    assert (said, len(beats) >= 4) == ([], True)


def test_what_goes_on_meanwhile_may_end_it(tmp_path: Path) -> None:
    def lost() -> None:
        raise TimeoutError

    started = time.monotonic()
    with pytest.raises(TimeoutError):
        LocalCommands(tmp_path, 30).run("sleep 20", {}, "", lost, lambda _: None)
    assert time.monotonic() - started < 5
