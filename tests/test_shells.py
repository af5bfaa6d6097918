"""The TAB key in the real shells: each is driven on a terminal, with a stand-in for fleetctl behind deployster."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pexpect
import pytest

pytestmark = pytest.mark.process

ROOT = Path(__file__).parent.parent
HASH = "3a07abc3f14e013a66c825eb161688e393bac544"
MACHINE = "7f1e9eef1c243090b388367bf9800de2/10.77.0.11"

FLEETCTL = rf"""#!/bin/sh
[ ! -e "$HOME/hang" ] || sleep 60
[ ! -e "$HOME/fail" ] || {{ echo 'Error: the cluster is on fire' >&2; exit 1; }}
for row in 'carousel-9f88701@1|carousel 9f88701 instance 1' 'carousel-a41c9e2@2|carousel a41c9e2 instance 2' \
    'other-v1\x2drc@1|other v1-rc instance 1'; do
    unit=${{row%|*}}
    case "$*" in
    *list-unit-files*) printf '%s.service\t{HASH}\tlaunched\tlaunched\t{MACHINE}\t%s\n' "$unit" "${{row#*|}}" ;;
    *list-units*) printf '%s.service\t{MACHINE}\tloaded\tactive\trunning\t{HASH}\n' "$unit" ;;
    esac
done
"""

PROJECT = """
[clusters.production]
[clusters.staging]
[services.banner]
"""

START = {
    "bash": (["--norc", "--noprofile", "-i"], "PS1='> '; source {script}"),
    "zsh": (["-f", "-i"], "PS1='> '; bindkey -e; autoload -Uz compinit; compinit -u; source {script}"),
    "fish": (["--no-config", "-i"], "function fish_prompt; echo -n '> '; end; source {script}"),
}

TAB, LINE_BEGIN, LINE_END, KILL_LINE = "\t", "\x01", "\x05", "\x05\x15"


@dataclass
class Terminal:
    """A shell on a terminal, in a project. ``answered`` gets a line each time that deployster has answered a TAB."""

    child: pexpect.spawn[str]
    home: Path

    def type(self, text: str) -> str:
        """Type something that may end in a TAB, and wait until that is answered; what the screen got."""
        before = self._answers()
        self.child.send(text)
        until = time.monotonic() + 15
        while self._answers() < before + (TAB in text) and time.monotonic() < until:
            time.sleep(0.02)
        return self.read(0.2)

    def _answers(self) -> int:
        log = self.home / "answered"
        return len(log.read_text().splitlines()) if log.exists() else 0

    def read(self, quiet: float) -> str:
        """What comes until nothing has come for so many seconds."""
        text = ""
        while True:
            try:
                text += self.child.read_nonblocking(65536, timeout=quiet)
            except pexpect.TIMEOUT:
                return text

    def completed(self, *parts: str) -> str:
        """The words on the line after typing this, with a TAB behind each part."""
        self.child.send(KILL_LINE)
        for part in parts:
            self.type(part + TAB)
        self.type(f"{LINE_BEGIN}echo {LINE_END} >line\r")
        return (self.home / "line").read_text().strip()


def project(home: Path) -> None:
    """deployster, fleetctl and a deployster.toml in a folder that is a shell's home too."""
    programs = home / "bin"
    programs.mkdir()
    ours = f'#!/bin/sh\n{shlex.quote(sys.executable)} -P -m deployster_cli "$@"\necho >>"$HOME/answered"\n'
    for name, text in {"deployster": ours, "fleetctl": FLEETCTL}.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    (home / "deployster.toml").write_text(PROJECT)


@contextlib.contextmanager
def opened(shell: str, home: Path) -> Iterator[Terminal]:
    """The shell on a terminal, with its script read; skips where it is not installed."""
    argv, setup = START[shell]
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    project(home)
    env = {"HOME": str(home), "PATH": f"{home}/bin:{os.environ['PATH']}", "TERM": "xterm", "LC_ALL": "C.UTF-8"}
    child = pexpect.spawn(shell, argv, cwd=str(home), env=env, encoding="utf-8", dimensions=(40, 200))
    try:
        terminal = Terminal(child, home)
        terminal.read(0.5)
        script = shlex.quote(str(ROOT / "completions" / f"deployster.{shell}"))
        child.send(setup.format(script=script) + " && echo rea''dy\r")
        child.expect("ready\r\n", timeout=15)
        terminal.read(0.3)
        yield terminal
    finally:
        child.close(force=True)


@pytest.fixture(scope="module", params=START)
def terminal(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    """Each shell in turn, on an empty line of its own: what a test leaves on it is wiped by the next one."""
    with opened(request.param, tmp_path_factory.mktemp(request.param)) as found:
        yield found


def soon(holds: Callable[[], bool]) -> bool:
    """Whether it holds at the first TAB or, where this machine was too busy to list the units in time, at a later."""
    for pause in (0.5, 2, 10, 0):
        if holds():
            return True
        time.sleep(pause)
    return False


@pytest.mark.parametrize(
    ("parts", "line"),
    [
        (("dep", "ban"), "deploy banner"),
        (("dep", "car", "9f", "--ord", "sta"), "deploy carousel 9f88701 --order start-first"),
        (("destroy oth", "v"), "destroy other v1-rc"),
        (("--clus", "sta", "uni", "car"), "--cluster staging units carousel"),
        (("deploy carousel x --order=stop",), "deploy carousel x --order=stop-first"),
        (("--config deployster.t", "uni"), "--config deployster.toml units"),
        (("--endpoint http://10.0.0.1:49153 uni",), "--endpoint http://10.0.0.1:49153 units"),
        (("templates sh", "docker-v"), "templates show docker-vulcand"),
        (("completion zs",), "completion zsh"),
        (("no-such-command un",), "no-such-command un"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_tab_completes(terminal: Terminal, parts: tuple[str, ...], line: str) -> None:
    first, *rest = parts

    def again() -> bool:
        return terminal.completed(f"deployster {first}", *rest) == f"deployster {line}"

    assert soon(again)


def test_tab_lists_the_versions_that_run(terminal: Terminal) -> None:
    assert soon(lambda: listed(terminal) == (True, True, False))


def listed(terminal: Terminal) -> tuple[bool, ...]:
    """Whether the screen shows each version, the last of which is another service's."""
    screen = terminal.type(KILL_LINE + "deployster deploy carousel " + TAB)
    terminal.child.send(TAB)  # bash lists at the second one
    screen += terminal.read(1)
    return tuple(version in screen for version in ("9f88701", "a41c9e2", "v1-rc"))


def test_tab_completes_behind_a_pipe(terminal: Terminal) -> None:
    assert "units" in terminal.type(KILL_LINE + "true | deployster uni" + TAB)


TROUBLE: dict[str, Callable[[Path], object]] = {
    "an engine that fails": lambda home: (home / "fail").touch(),
    "an engine that hangs": lambda home: (home / "hang").touch(),
    "no fleetctl": lambda home: (home / "bin" / "fleetctl").unlink(),
    "a broken deployster.toml": lambda home: (home / "deployster.toml").write_text("engine = ["),
    "a cache that can't be written": lambda home: (home / ".cache").touch(),
}


@pytest.mark.parametrize("shell", START)
@pytest.mark.parametrize("trouble", TROUBLE)
def test_nothing_is_said_on_the_line_whatever_is_wrong(shell: str, trouble: str, tmp_path: Path) -> None:
    with opened(shell, tmp_path) as terminal:
        TROUBLE[trouble](tmp_path)
        assert terminal.completed("deployster deploy oth", "9f") == "deployster deploy oth9f"
