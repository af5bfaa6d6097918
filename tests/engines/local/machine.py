"""A machine that systemd runs, as a container: systemd as PID 1, no network, and nothing of it left afterwards.

Its root is a Debian of debootstrap's in the folder that DEPLOYSTER_TEST_ROOTFS names, made there once (a minute).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import textwrap
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
ROOT = "DEPLOYSTER_TEST_ROOTFS"
PACKAGES = "systemd,systemd-sysv,dbus,dbus-user-session,libpam-systemd,python3,openssh-client,openssh-server,sudo"
DEBIAN = ("debootstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm")

# Puts into /debs what the lines in it would install, and the index that apt reads of a folder.
FETCH = r"""
apt-get update
while read -r install; do
  apt-get -y --no-install-recommends --download-only -o Dir::Cache::archives=/debs install $install </dev/null
done <<'END'
{installs}
END
cd /debs
rm -rf partial lock
for deb in *.deb; do
  dpkg-deb -f "$deb"
  printf 'Filename: ./%s\nSize: %s\n' "$deb" "$(stat -c %s "$deb")"
  printf 'SHA256: %s\n\n' "$(sha256sum "$deb" | cut -d ' ' -f 1)"
done >Packages
"""

SSH_CONFIG = """\
Host *
  IdentityFile /root/.ssh/key
  IdentitiesOnly yes
  UserKnownHostsFile /root/.ssh/known
  StrictHostKeyChecking accept-new
  LogLevel ERROR
"""


_AND_EMPTY = """
def empty():
    names = [found.name for found in engine.units()]
    engine.stop(names)
    engine.destroy(names)
    wait(lambda now: not now)
def main():
{body}
try:
    main()
finally:
    empty()
"""


def emptying(prelude: str, *lines: str) -> str:
    """Python that runs these lines and takes the units away that they leave. ``prelude`` makes ``engine`` and ``wait``,
    which waits until a test of the units' conditions holds.
    """
    return prelude + _AND_EMPTY.replace("{body}", textwrap.indent("\n".join(lines), "    "))


def missing() -> str:
    """Why no machine can be had here; empty where one can."""
    if os.geteuid() != 0:
        return "only root can boot a container"
    if not shutil.which("systemd-nspawn"):
        return "systemd-nspawn (Debian's systemd-container) is missing"
    if not os.environ.get(ROOT):
        return f"{ROOT} names no folder for the container's root"
    if not _made(Path(os.environ[ROOT])) and not shutil.which("debootstrap"):
        return f"{os.environ[ROOT]} holds no Debian and debootstrap is missing"
    return ""


@contextlib.contextmanager
def booted(
    console: Path, network: tuple[str, str] | None = None, name: str = "", options: Sequence[str] = ()
) -> Iterator[Machine]:
    """A machine that has come up; what it says while it does goes to ``console``.

    ``network`` is the bridge that it is on, with the network namespace that has it; it is on none where that is None.
    ``options`` are systemd-nspawn's.
    """
    root = Path(os.environ[ROOT])
    make(root)
    argv = ["systemd-nspawn", "-q", "-D", str(root), "--volatile=overlay", "-b"]
    argv += ["-M", name or f"deployster-{os.getpid()}", "--register=no", "--keep-unit", "--console=pipe"]
    argv += [f"--network-bridge={network[1]}"] if network else ["--private-network"]
    argv = ["nsenter", f"--net=/run/netns/{network[0]}", *argv] if network else argv
    with console.open("w") as said:
        nspawn = subprocess.Popen(
            [*argv, f"--bind-ro={REPOSITORY}:/opt/deployster", *options],
            stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True,
        )  # fmt: skip
    try:
        yield Machine(_first_child(nspawn))
    finally:
        for child in _children(nspawn.pid):
            os.kill(child, signal.SIGKILL)
        try:
            nspawn.wait(timeout=20)
        except subprocess.TimeoutExpired:
            nspawn.kill()
            nspawn.wait(timeout=5)


class Machine:
    """A booted machine, known by its PID 1 as seen from here: ``init``."""

    def __init__(self, init: int) -> None:
        self.init = init
        self._enter = ("nsenter", "-t", str(init), "-a", "--")
        for _ in range(300):
            if self.tried("systemctl", "is-system-running").stdout.strip() in {"running", "degraded"}:
                return
            time.sleep(0.1)
        raise AssertionError("the machine did not come up")

    def run(self, *argv: str) -> str:
        """What a command there prints; it has to succeed."""
        done = self.tried(*argv)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def python(self, code: str, *, user: str = "root") -> str:
        """What Python there prints, with the package and these tests to import."""
        env = ("env", "-i", "PATH=/usr/bin:/bin", "PYTHONPATH=/opt/deployster")
        return self.run("runuser", "-u", user, "--", *env, f"HOME=/home/{user}", "python3", "-B", "-c", code)

    def lets_itself_in(self) -> str:
        """The ssh_config with which root logs in here by ssh; the test is skipped where the container has no sshd."""
        config = "/root/.ssh/config_of_tests"
        if not self.path("/usr/sbin/sshd").exists():
            pytest.skip(f"the Debian in {os.environ[ROOT]} has no sshd: remove it, and it is made anew")
        if not self.path(config).exists():
            self.run("mkdir", "-p", "-m", "700", "/root/.ssh")
            self.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/root/.ssh/key")
            self.run("cp", "/root/.ssh/key.pub", "/root/.ssh/authorized_keys")
            self.run("systemctl", "start", "ssh.service")
            self.path(config).write_text(SSH_CONFIG)
        return config

    def path(self, path: str) -> Path:
        """A file of the machine as seen from here."""
        return Path(f"/proc/{self.init}/root{path}")

    def tried(self, *argv: str) -> subprocess.CompletedProcess[str]:
        """What a command there ended with."""
        return subprocess.run([*self._enter, *argv], check=False, capture_output=True, text=True, timeout=300)


def make(root: Path) -> None:
    """Make the container's root where it is not there yet."""
    _once(root, lambda: _made(root), lambda half: [*DEBIAN, str(half)])


def packages(*installs: str) -> Path:
    """The folder beside the container's root with what each of these ``apt-get install`` would fetch, for apt's
    ``file:``. They may conflict. What would be installed is verified as always, and the root stays as it is.
    """
    root = Path(os.environ[ROOT])
    make(root)
    folder = Path(f"{root}.packages")
    script = FETCH.format(installs="\n".join(installs))
    nspawn = ["systemd-nspawn", "-q", "-D", str(root), "--volatile=overlay", "-M", f"deployster-{os.getpid()}"]
    nspawn += ["--register=no", "--keep-unit", "--console=pipe"]
    _once(folder, (folder / "Packages").exists, lambda half: [*nspawn, f"--bind={half}:/debs", "sh", "-ec", script])
    return folder


def _once(folder: Path, there: Callable[[], bool], argv: Callable[[Path], Sequence[str]]) -> None:
    """Have a command make a folder that is not there yet: one of several test runs makes it, the others wait."""
    with Path(f"{folder}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if there():
            return
        half = Path(f"{folder}.half")
        for left in (half, folder):
            shutil.rmtree(left, ignore_errors=True)
        half.mkdir()
        done = subprocess.run(
            argv(half), check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=900
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        half.rename(folder)


def _made(root: Path) -> bool:
    return (root / "usr/lib/systemd/systemd").exists() and (root / "usr/bin/python3").exists()


def _first_child(nspawn: subprocess.Popen[bytes]) -> int:
    for _ in range(200):
        children = _children(nspawn.pid)
        if children and Path(f"/proc/{children[0]}/comm").read_text().strip() == "systemd":
            return children[0]
        assert nspawn.poll() is None, "systemd-nspawn gave up"
        time.sleep(0.1)
    raise AssertionError("systemd-nspawn started nothing")


def _children(pid: int) -> list[int]:
    with contextlib.suppress(FileNotFoundError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []
