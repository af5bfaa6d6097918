"""Disks that are full: the temporary folder, the local engine's state, the jobs of a server."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.faults.given import Cluster, Shell
from tests.faults.serving import served
from tests.faults.trials import OLD, ROWS
from tests.projects import LOCAL

pytestmark = pytest.mark.process

# Put a small disk over a folder and fill it.
FULL = 'mount -t tmpfs -o size=1m,mode=700 tmpfs "$0" && {{ cat /dev/zero >"$0/fill" 2>/dev/null; {then}; exec "$@"; }}'


def on_a_full_disk(folder: Path, then: str = ":") -> list[str]:
    """What goes before an argv so that this folder lies on a full disk there, and nowhere else."""
    unshare = shutil.which("unshare")
    if unshare is None:
        pytest.skip("the program unshare is not installed")
    alone = [unshare, "--mount"] if os.geteuid() == 0 else [unshare, "--mount", "--map-root-user"]
    if subprocess.run([*alone, "true"], capture_output=True, check=False).returncode:
        pytest.skip("unshare may not make a namespace of mounts here")
    return [*alone, "/bin/sh", "-c", FULL.format(then=then), str(folder)]


def run(cluster: Cluster, line: str) -> subprocess.CompletedProcess[str]:
    """A command line as a process."""
    argv, env = cluster.argv(line), {**cluster.environ, **_runtime()}
    return subprocess.run(argv, cwd=cluster.project, env=env, capture_output=True, text=True, timeout=60, check=False)


def _runtime() -> dict[str, str]:
    """The folder that a test has chosen for what is handed to fleetctl."""
    return {name: os.environ[name] for name in ("XDG_RUNTIME_DIR",) if name in os.environ}


@pytest.mark.parametrize("name", ["deploy", "destroy", "task"])
def test_a_full_folder_for_the_unit_files_is_told_and_nothing_is_changed(
    shell: Shell, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shell.cluster.temporary
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    shell.cluster.before = on_a_full_disk(folder)
    done = run(shell.cluster, ROWS[name].line)
    assert (done.returncode, shell.cluster.launched) == (1, OLD)
    assert re.search(r"No space left on device\. Nothing was started\.", done.stderr)


@pytest.mark.parametrize("name", ["deploy", "units"])
def test_where_the_folder_for_temporary_files_is_full_another_is_taken(shell: Shell, name: str) -> None:
    shell.cluster.before = on_a_full_disk(shell.cluster.temporary)
    assert run(shell.cluster, ROWS[name].line).returncode == 0


@pytest.mark.parametrize(
    ("line", "code", "says"),
    [
        ("deploy carousel v1", 4, "No space left on device. Make room there."),
        ("units", 0, "No units found"),
        ("check", 0, ""),
    ],
)
def test_a_full_state_folder_is_told_in_one_sentence(cluster: Cluster, line: str, code: int, says: str) -> None:
    (cluster.project / "deployster.toml").write_text(LOCAL)
    (cluster.project / "state").mkdir()
    cluster.before = on_a_full_disk(cluster.project / "state")
    done = run(cluster, line)
    told = done.stderr.replace("\n", " ")
    assert (done.returncode, says in told, "Traceback" in told) == (code, True, False), (done, done.stdout)


def test_a_server_whose_jobs_have_no_room_takes_none_and_goes_on_answering(shell: Shell) -> None:
    state = shell.cluster.project / "jobs"
    state.mkdir()
    shell.cluster.before = on_a_full_disk(state, then='rm "$0/fill"')
    with served(shell.cluster, f"--state {state}") as server:
        fill = Path(f"/proc/{server.process.pid}/root{state}/fill")
        if os.geteuid():
            pytest.skip("only root can get to another namespace's disk")
        with fill.open("wb", buffering=0) as disk:
            while True:
                try:
                    disk.write(bytes(1024))
                except OSError:
                    break
        refused = server.post("deploys", {"deploy": {"version": "v2"}})
        assert (refused.status_code, refused.headers["content-type"]) == (503, "application/problem+json"), refused.text
        assert server.get("units").status_code == 200
        fill.unlink()
        assert server.post("deploys", {"deploy": {"version": "v2"}}).status_code == 201
