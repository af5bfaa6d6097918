"""The lab: what docs/lab.md shows, on a cluster that this test boots; and what is said where it can't be."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab import apart

REPOSITORY = Path(__file__).parents[2]
PAGE = (REPOSITORY / "docs/lab.md").read_text()


@dataclass(frozen=True)
class Lab:
    """lab/'s scripts, with a folder, a namespace and a network of the test's own."""

    home: Path
    project: Path
    fleet: str = ""
    engine: str = "fleet"

    def __call__(self, script: str, *words: str, limit: float = 300) -> subprocess.CompletedProcess[str]:
        environ = {
            **os.environ,
            "FLEET_BIN": self.fleet,
            "DEPLOYSTER_LAB_ENGINE": self.engine,
            "DEPLOYSTER_LAB": str(self.home),
            "DEPLOYSTER_LAB_NAME": f"lab{os.getpid()}",
            "DEPLOYSTER_LAB_NET": "10.79.0",
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }
        argv = [str(REPOSITORY / "lab" / script), *words]
        return subprocess.run(
            argv, cwd=self.project, env=environ, capture_output=True, text=True, timeout=limit, check=False
        )


def missing(*more: str) -> str:
    """Why there can be no lab here; empty where there can. ``more`` are programs that this one takes."""
    if os.geteuid() != 0:
        return "only root can boot the lab"
    path = f"{os.environ.get('FLEET_BIN', '')}:{os.environ.get('PATH', '')}"
    wanted = ("systemd-nspawn", "debootstrap", "ip", "nsenter", "ssh-keygen", *more)
    lacking = [program for program in wanted if not shutil.which(program, path=path)]
    return f"these programs are not installed: {', '.join(lacking)}" if lacking else ""


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """The lab, down again afterwards. Its Debian is kept where DEPLOYSTER_TEST_LAB says."""
    if why := missing("etcd", "fleetd"):
        pytest.skip(why)
    fleet = shutil.which("fleetd", path=f"{os.environ.get('FLEET_BIN', '')}:{os.environ['PATH']}")
    assert fleet is not None
    home = Path(os.environ.get("DEPLOYSTER_TEST_LAB", tmp_path / "lab"))
    found = Lab(home, tmp_path / "project", str(Path(fleet).parent))
    found.project.mkdir()
    yield found
    found("down")


@pytest.fixture
def plain(tmp_path: Path) -> Iterator[Lab]:
    """The lab of plain machines, down again afterwards. Its Debian is kept beside the other one's."""
    if why := missing("ssh"):
        pytest.skip(why)
    found = Lab(
        Path(os.environ.get("DEPLOYSTER_TEST_LAB", tmp_path / "lab"), "ssh"), tmp_path / "project", engine="ssh"
    )
    found.project.mkdir()
    yield found
    found("down")


def block(language: str, holding: str) -> str:
    """The page's example in that language which has this in it."""
    found: list[str] = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return next(text for text in found if holding in text)


@pytest.mark.fleet
def test_the_page_s_first_deploy_works_on_the_lab(lab: Lab) -> None:
    (lab.project / "deployster.toml").write_text(block("toml", "[services.hello]"))
    up = lab("up", "2", limit=1500)
    assert "2 machines are up" in up.stdout, up.stderr
    for line in block("console", "deployster deploy hello v1").splitlines():
        done = lab(*line.removeprefix("$ lab/").split())
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    assert lab("run", "deployster", "units", "-o", "plain").stdout == ""
    assert lab("unplug", "2").returncode == 0
    assert lab("up", "2").returncode == 0


@pytest.mark.fleet
def test_a_fault_is_tried_on_the_lab_and_told_in_a_table(lab: Lab) -> None:
    done = lab("faults", "hung-endpoint", limit=1800)
    assert (done.returncode, done.stdout.count("| ok ")) == (0, 1), done.stdout + done.stderr


@pytest.mark.systemd
@pytest.mark.ssh
def test_the_page_s_first_deploy_works_over_ssh_and_outlives_a_machine_s_power(plain: Lab) -> None:
    plain.home.parent.mkdir(exist_ok=True)
    up = plain("up", "2", limit=1500)
    assert "2 machines are up" in up.stdout, up.stderr
    head = up.stdout[up.stdout.index("  engine = ") :]
    (plain.project / "deployster.toml").write_text(head + block("toml", "[services.hello]"))
    deployed = plain("run", "deployster", "deploy", "hello", "v1")
    assert deployed.returncode == 0, deployed.stdout + deployed.stderr
    assert (plain("unplug", "2").returncode, plain("up", "2").returncode, plain("cut", "1").returncode) == (0, 0, 0)
    assert "unknown" in plain("run", "deployster", "units", "-o", "plain").stdout
    assert plain("join", "1").returncode == 0
    listed = plain("run", "deployster", "units", "-o", "plain").stdout.splitlines()
    assert ["running" in line for line in listed] == [True] * 3, listed


@pytest.mark.process
def test_whoever_is_not_root_is_told_so(tmp_path: Path) -> None:
    argv = [sys.executable, str(REPOSITORY / "lab/lab.py"), "--home", str(tmp_path), "up"]
    as_nobody = ["setpriv", "--reuid=65534", "--clear-groups"] if os.geteuid() == 0 else []
    if subprocess.run([*as_nobody, sys.executable, "-c", ""], check=False, timeout=30, capture_output=True).returncode:
        pytest.skip(f"nobody may not run {sys.executable}")
    done = subprocess.run([*as_nobody, *argv], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "run it as root" in done.stderr


@pytest.mark.process
def test_a_command_for_a_lab_that_is_down_is_told_so(tmp_path: Path) -> None:
    argv = [
        sys.executable,
        str(REPOSITORY / "lab/lab.py"),
        "--home",
        str(tmp_path),
        "--namespace",
        "no-lab",
        "run",
        "true",
    ]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (1, "lab: It is not up: lab/up boots it.\n")


def test_every_script_of_the_lab_is_on_its_page() -> None:
    scripts = {path.name for path in (REPOSITORY / "lab").iterdir() if os.access(path, os.X_OK) and path.is_file()}
    assert {f"lab/{name}" for name in scripts} <= set(re.findall(r"`(lab/\w+)", PAGE))


@pytest.mark.process
def test_a_machine_has_a_control_group_of_its_own_in_every_tree(tmp_path: Path) -> None:
    for tree in ("systemd", "unified", "memory"):
        (tmp_path / tree).mkdir()
        (tmp_path / tree / "cgroup.procs").touch()
    argv = [*apart("m 1", tmp_path), "sh", "-c", "echo $$"]
    pid = subprocess.run(argv, capture_output=True, text=True, timeout=10, check=True).stdout
    assert [(tmp_path / tree / "m 1/cgroup.procs").read_text() for tree in ("systemd", "unified")] == [pid, pid]
    assert not (tmp_path / "memory/m 1").exists()
