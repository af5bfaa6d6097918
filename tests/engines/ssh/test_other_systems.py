"""Command lines where the command's own system is no Linux: no /proc, no /run, none of GNU's tools, none of Linux's
calls, a long folder for temporary files. The machines are what they are.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.engines.local.machine import REPOSITORY
from tests.engines.ssh.conftest import Told
from tests.engines.ssh.machines import Machines

pytestmark = [pytest.mark.systemd, pytest.mark.ssh]

# Python calls that macOS has not got.
ONLY_LINUX = """\
import os, signal, time
for module, names in (
    (os, "pipe2 sched_getaffinity pidfd_open memfd_create eventfd getresuid sendfile posix_fadvise"),
    (time, "CLOCK_BOOTTIME"),
    (signal, "pidfd_send_signal sigtimedwait"),
):
    for name in names.split():
        if hasattr(module, name):
            delattr(module, name)
"""

BARE = ("unshare", "-m", "sh", "-c", 'mount -t tmpfs none /proc; mount -t tmpfs none /run; PATH=$BARE; exec "$@"', "sh")

HOOKS = """
[hooks]
pre_deploy = "echo before $DEPLOYSTER_SERVICE"
"""

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def project(machines: Machines, told: Told, tmp_path: Path) -> Iterator[Path]:
    machines.project(tmp_path, more=HOOKS)
    yield tmp_path
    told("engine.locks.drop('carousel'); engine.records.drop('carousel')")


@pytest.fixture
def elsewhere(machines: Machines, project: Path) -> tuple[tuple[str, ...], dict[str, str]]:
    """What is put before a command line, and its environment."""
    programs, temporary = project / "bin", project / ("t" * 60) / "T"
    for folder in (programs, temporary):
        folder.mkdir(parents=True)
    for name, program in (("sh", "dash"), ("ssh", "ssh")):
        (programs / name).symlink_to(shutil.which(program) or "")
    (programs / "sitecustomize.py").write_text(ONLY_LINUX)
    path = ":".join((str(programs), str(REPOSITORY), *sys.path))
    env = {
        "PYTHONPATH": path,
        "BARE": str(programs),
        "TMPDIR": str(temporary),
        "SHELL": "/bin/sh",
        "LANG": "en_US.UTF-8",
    }
    return BARE, env


@pytest.fixture
def run(machines: Machines, project: Path, elsewhere: tuple[tuple[str, ...], dict[str, str]]) -> Run:
    enter, env = elsewhere

    def ran(line: str) -> tuple[int, str, str]:
        return machines.deployster(line, project, enter=enter, env=env)

    return ran


def test_all_verbs_do_without_linux_here(run: Run) -> None:
    assert "Traceback" not in run("--version")[2]
    code, out, err = run("check")
    assert code == 0, out + err
    for line in (
        "deploy carousel v1 --settle 0s",
        "deploy carousel v2 --settle 0s --destroy-previous",
        "rollback carousel --settle 0s",
        "scale carousel 2 --settle 0s --yes",
        "restart carousel --settle 0s --yes",
        "history carousel",
        "diff carousel v1",
        "logs carousel",
        "task carousel v1 'echo it was done'",
    ):
        code, out, err = run(line)
        assert (code, "Traceback" in err) == (0, False), line + out + err
    assert "it was done" in out, (out, err)
    rows = [row.split("\t")[:4] for row in run("units -o plain")[1].splitlines()]
    assert sorted(row[1] + row[3] for row in rows) == ["v1running"] * 3
    code, out, err = run("destroy carousel v1 --yes")
    assert code == 0, err


def test_logs_are_followed_without_linux_here(
    machines: Machines, project: Path, run: Run, elsewhere: tuple[tuple[str, ...], dict[str, str]]
) -> None:
    enter, env = elsewhere
    assert run("deploy carousel v1 --settle 0s --set 'command=sh -c \"while :; do echo tick; sleep 1; done\"'")[0] == 0
    with machines.begun("logs carousel -f", project, enter=enter, env=env) as following:
        assert following.stdout
        assert any("tick" in line for line in following.stdout)
