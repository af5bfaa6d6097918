"""Private folders: where they are made, and which leftovers of killed runs are removed."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from deployster_cli.engines.fleet import tempfolders
from deployster_cli.engines.fleet.tempfolders import folder

# A process number that no system gives out.
NOBODY = 999_999_999


@pytest.fixture
def temp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The temporary folder, where there is no better one."""
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def runtime(temp: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's runtime folder."""
    made = temp / "run"
    made.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(made))
    return made


def leftover(at: Path, pid: int = NOBODY, namespace: str = "", mode: int = 0o700) -> Path:
    path = at / f"deployster-{pid}-{namespace or tempfolders._namespace()}-abc_1xyz"
    path.mkdir()
    (path / "carousel-1@1.service").write_text("[Service]\nEnvironment=SECRET=1\n")
    path.chmod(mode)
    return path


# --- where


@pytest.mark.usefixtures("temp")
def test_it_is_private_and_says_whose_it_is() -> None:
    with folder() as at:
        assert stat.S_IMODE(at.stat().st_mode) == 0o700
        assert at.name.startswith(f"deployster-{os.getpid()}-")


@pytest.mark.usefixtures("temp")
def test_it_is_gone_afterwards() -> None:
    with folder() as at:
        (at / "file").touch()
    assert not at.exists()


def test_it_is_in_the_runtime_folder(runtime: Path) -> None:
    with folder() as at:
        assert at.parent == runtime


@pytest.mark.parametrize("mode", [0o755, 0o777, 0o1777, 0o750])
def test_a_runtime_folder_that_others_can_look_into_is_not_used(runtime: Path, temp: Path, mode: int) -> None:
    runtime.chmod(mode)
    with folder() as at:
        assert at.parent == temp


@pytest.mark.parametrize("named", ["", "run", "/missing/folder", "/dev/null"])
def test_a_runtime_folder_that_is_none_is_not_used(temp: Path, monkeypatch: pytest.MonkeyPatch, named: str) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", named)
    with folder() as at:
        assert at.parent == temp


def test_a_link_to_a_runtime_folder_is_not_used(runtime: Path, temp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (temp / "link").symlink_to(runtime)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(temp / "link"))
    with folder() as at:
        assert at.parent == temp


# --- leftovers


def test_a_dead_process_leaves_nothing_for_long(temp: Path) -> None:
    left = leftover(temp)
    with folder():
        assert not left.exists()


def test_the_runtime_folder_is_tidied_too(runtime: Path) -> None:
    left = leftover(runtime)
    with folder():
        assert not left.exists()


@pytest.mark.parametrize("pid", [1, os.getpid(), os.getppid()], ids=["init", "this one", "its parent"])
def test_a_folder_of_a_live_process_stays(temp: Path, pid: int) -> None:
    left = leftover(temp, pid)
    with folder():
        assert left.exists()


def test_a_folder_of_another_process_namespace_stays(temp: Path) -> None:
    left = leftover(temp, namespace="1")
    with folder():
        assert left.exists()


def test_a_folder_that_is_not_private_stays(temp: Path) -> None:
    left = leftover(temp, mode=0o755)
    with folder():
        assert left.exists()


def test_another_users_folder_stays(temp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left = leftover(temp)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with folder():
        assert left.exists()


def test_a_link_is_not_followed(temp: Path) -> None:
    target = temp / "precious"
    target.mkdir(mode=0o700)
    (target / "file").touch()
    (temp / f"deployster-{NOBODY}-{tempfolders._namespace()}-abc").symlink_to(target)
    with folder():
        assert (target / "file").exists()


def test_a_link_inside_is_removed_and_not_followed(temp: Path) -> None:
    (temp / "precious").touch()
    left = leftover(temp)
    (left / "link").symlink_to(temp / "precious")
    with folder():
        assert (left.exists(), (temp / "precious").exists()) == (False, True)


@pytest.mark.parametrize("name", ["deployster-1-2", "deployster-x", f"deployster-{NOBODY}-abc", "deployster-0-0-a"])
def test_folders_of_other_names_stay(temp: Path, name: str) -> None:
    (temp / name).mkdir(mode=0o700)
    with folder():
        assert (temp / name).exists()


def test_a_folder_that_can_not_be_listed_can_still_be_used(temp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refused)
    with folder() as at:
        assert at.parent == temp


@pytest.mark.process
def test_what_a_killed_run_leaves_is_removed_by_the_next(temp: Path) -> None:
    script = (
        "import os\n"
        "from deployster_cli.engines.fleet.tempfolders import folder\n"
        "with folder() as at:\n"
        "    (at / 'secret').touch()\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", script], env={**os.environ, "TMPDIR": str(temp)}, timeout=30, check=False)
    (left,) = temp.glob("deployster-*")
    with folder():
        assert not left.exists()
