"""Real units with supervisors of our own, below a folder with a space in its name. See test_contract.py too."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deployster_cli.domain.units.model import Condition
from deployster_cli.domain.units.names import UnitName
from deployster_cli.domain.units.unitfile import UnitFile
from deployster_cli.engines.local.declaration import LocalOptions
from deployster_cli.engines.local.engine import LocalEngine
from deployster_cli.engines.local.parse import State, parse_state
from deployster_cli.engines.local.supervisor.children import KEPT
from deployster_cli.engines.local.supervisor.layout import Layout
from deployster_cli.engines.process import kin
from deployster_cli.errors import EngineError, EngineMissing
from tests.engines.local.test_contract import CHAIN
from tests.engines.local.units import unit

LONG = "ExecStart=/bin/sleep 300"
REPOSITORY = Path(__file__).parents[3]
NOBODY = 65534


class Box:
    """A local engine of its own, with what tests ask it again and again."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.engine = LocalEngine(LocalOptions(manager="supervisor", root=str(root)))

    def conditions(self) -> dict[str, Condition]:
        return {found.name.version: found.condition for found in self.engine.units()}

    def wait(self, done: Callable[[dict[str, Condition]], bool]) -> dict[str, Condition]:
        for _ in range(200):
            now = self.conditions()
            if done(now):
                return now
            time.sleep(0.05)
        raise AssertionError(f"still {now}")

    def settled(self, *files: UnitFile) -> dict[str, Condition]:
        self.engine.start(files)
        return self.wait(lambda now: not {Condition.STARTING, Condition.STOPPING} & set(now.values()))

    def empty(self) -> None:
        names = [found.name for found in self.engine.units()]
        self.engine.stop(names)
        self.engine.destroy(names)
        self.wait(lambda now: not now)

    def state(self, name: UnitName) -> State:
        """What its supervisor has noted, once that has begun."""
        path = Layout(self.root).state(name)
        until(lambda: parse_state(path.read_text()).pid > 0)
        return parse_state(path.read_text())

    def supervisor(self, name: UnitName) -> int:
        return self.state(name).pid

    def keeper(self, name: UnitName) -> int:
        """Its supervisor's parent, which goes on where that is killed."""
        return kin.parents()[self.supervisor(name)]


def until(done: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    box = Box(tmp_path / "a state")
    yield box
    box.empty()


@pytest.fixture
def everybodys() -> Iterator[Path]:
    """A folder of this test's own that every user may write to; pytest's are for their owner alone."""
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o777)
        yield Path(made)


@pytest.mark.process
@pytest.mark.parametrize(
    ("service", "condition"),
    [
        ([LONG], Condition.RUNNING),
        (["ExecStartPre=/bin/false", LONG], Condition.FAILED),
        ([LONG, "ExecStartPost=/bin/false"], Condition.FAILED),
        ([LONG, "ExecStartPost=-/bin/false"], Condition.RUNNING),
        (["ExecStart=/bin/nonesuch"], Condition.FAILED),
        (["Type=oneshot", "ExecStart=/bin/true"], Condition.EXITED),
        (["Type=oneshot", "RemainAfterExit=yes", "ExecStart=/bin/true"], Condition.COMPLETED),
        (["Type=oneshot", "ExecStart=/bin/false"], Condition.FAILED),
        (["Type=simple"], Condition.FAILED),
        (["EnvironmentFile=/nonesuch", LONG], Condition.FAILED),
        (["TimeoutStartSec=500ms", "ExecStartPre=/bin/sleep 300", LONG], Condition.FAILED),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else value,
)
def test_a_units_start_ends_as_it_would_with_systemd(box: Box, service: list[str], condition: Condition) -> None:
    assert box.settled(unit("9f8-701", *service)) == {"9f8-701": condition}


@pytest.mark.process
def test_starting_waits_for_nothing(box: Box) -> None:
    began = time.monotonic()
    box.engine.start([unit("9f8", "ExecStartPre=/bin/sleep 300", LONG)])
    assert time.monotonic() - began < 2


@pytest.mark.process
def test_a_unit_starts_until_its_gate_has_opened(box: Box, tmp_path: Path) -> None:
    gate = f"/bin/sh -c 'until [ -e \"{tmp_path}/open\" ]; do sleep 0.05; done'"
    box.engine.start([unit("9f8", LONG, f"ExecStartPost={gate}")])
    box.supervisor(unit("9f8").name)
    before = box.conditions()
    (tmp_path / "open").touch()
    assert (before["9f8"], box.settled()["9f8"]) == (Condition.STARTING, Condition.RUNNING)


@pytest.mark.process
def test_a_process_that_dies_has_failed(box: Box) -> None:
    box.settled(unit("9f8", "ExecStart=/bin/sh -c 'sleep 0.5; exit 3'"))
    box.wait(lambda now: now["9f8"] is Condition.FAILED)
    assert box.engine.units()[0].active == "failed"


@pytest.mark.process
def test_a_unit_can_be_stopped_while_it_starts(box: Box) -> None:
    file = unit("9f8", "ExecStartPre=/bin/sleep 300", LONG)
    box.engine.start([file])
    box.engine.stop([file.name])
    assert box.wait(lambda now: now["9f8"] is not Condition.STOPPING) == {"9f8": Condition.STOPPED}


@pytest.mark.process
def test_stopping_runs_every_command_before_the_process_ends(box: Box, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    post = f"ExecStopPost=/bin/sh -c 'echo post >> \"{seen}\"'"
    stop = f"ExecStop=/bin/sh -c 'kill -0 $MAINPID && echo stop >> \"{seen}\"'"
    file = unit("9f8", LONG, stop, post)
    box.settled(file)
    box.engine.stop([file.name])
    box.wait(lambda now: now["9f8"] is Condition.STOPPED)
    assert seen.read_text().split() == ["stop", "post"]


@pytest.mark.process
def test_a_destroyed_unit_leaves_no_process_behind(box: Box, tmp_path: Path) -> None:
    file = unit("9f8", f"ExecStart=/bin/sh -c 'setsid sleep 300 & echo $$! > \"{tmp_path}/child\"; exec sleep 300'")
    box.settled(file)
    box.empty()
    status = Path(f"/proc/{(tmp_path / 'child').read_text().strip()}/status")
    assert not status.exists() or "State:\tZ" in status.read_text()


@pytest.mark.process
def test_a_destroyed_unit_leaves_no_file_behind(box: Box) -> None:
    box.settled(unit("9f8-701", LONG, "ExecStop=/bin/true"))
    box.empty()
    assert [path for path in box.root.rglob("*") if path.is_file()] == []


@pytest.mark.process
def test_a_stopped_unit_runs_again_when_resumed(box: Box) -> None:
    file = unit("9f8", LONG)
    box.settled(file)
    box.engine.stop([file.name])
    box.wait(lambda now: now["9f8"] is Condition.STOPPED)
    box.engine.resume([file.name])
    assert box.settled() == {"9f8": Condition.RUNNING}


@pytest.mark.process
def test_a_failed_unit_runs_when_resumed_and_nothing_hinders_it(box: Box, tmp_path: Path) -> None:
    file = unit("9f8", f"ExecStartPre=/usr/bin/test -e '{tmp_path}/ready'", LONG)
    box.settled(file)
    (tmp_path / "ready").touch()
    box.engine.resume([file.name])
    assert box.settled() == {"9f8": Condition.RUNNING}


@pytest.mark.process
def test_a_stopping_unit_is_not_started(box: Box) -> None:
    file = unit("9f8", LONG, "ExecStop=/bin/sleep 2")
    box.settled(file)
    box.engine.stop([file.name])
    manager = box.engine.manager
    with pytest.raises(EngineError, match="still stopping"):
        manager.start([file.name])


@pytest.mark.process
def test_a_python_that_vanished_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python3"))
    with pytest.raises(EngineMissing, match=r"python3 can't be run: No such file"):
        Box(tmp_path / "state").engine.start([unit("9f8", LONG)])


@pytest.mark.process
def test_a_command_gets_what_systemd_would_give_it(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEPLOYSTER_PASSWORD", "secret")
    written = (
        r"""ExecStart=/bin/sh -c 'printf "%%s\n" "$A" "$$B" "${C}" %i "[$DEPLOYSTER_PASSWORD]"; pwd; exec sleep 300'"""
    )
    variables = r"""Environment="A=one \"two\" $HOME" B=100%% C=a\\b"""
    box.settled(unit("9f8", "WorkingDirectory=/usr", variables, written))
    assert list(box.engine.journal(unit("9f8").name)) == ['one "two" $HOME', "100%", r"a\b", "1", "[]", "/usr"]


@pytest.mark.process
def test_the_journal_of_a_program_that_is_missing_says_so(box: Box) -> None:
    box.settled(unit("9f8", "ExecStart=/bin/nonesuch"))
    assert "No such file or directory" in "\n".join(box.engine.journal(unit("9f8").name))


@pytest.mark.process
def test_the_journal_of_a_refused_unit_says_why(box: Box) -> None:
    box.settled(unit("9f8", "Type=simple"))
    assert "has no ExecStart" in "\n".join(box.engine.journal(unit("9f8").name))


@pytest.mark.process
@pytest.mark.parametrize(
    ("command", "how"),
    [
        ("/bin/false", "with exit code 1"),
        ("/bin/true", "with exit code 0"),
        ("/bin/sh -c 'kill -9 $$$$'", "by signal 9"),
    ],
)
def test_the_journal_of_a_process_that_ends_at_once_says_how(box: Box, command: str, how: str) -> None:
    box.settled(unit("9f8", f"ExecStart={command}"))
    assert list(box.engine.journal(unit("9f8").name)) == [f"the unit's process ended {how}"]


@pytest.mark.process
def test_it_says_so_behind_what_the_process_wrote(box: Box) -> None:
    box.settled(unit("9f8", "ExecStart=/bin/sh -c 'echo one; echo two; exit 7'"))
    assert list(box.engine.journal(unit("9f8").name, 2)) == [
        "two",
        "the unit's process ended with exit code 7",
    ]


@pytest.mark.process
def test_a_start_that_took_too_long_says_so_behind_what_it_wrote(box: Box) -> None:
    box.settled(unit("9f8", "TimeoutStartSec=500ms", "ExecStartPre=/bin/sh -c 'echo one; exec sleep 300'", LONG))
    assert next(reversed(list(box.engine.journal(unit("9f8").name)))).startswith("ExecStartPre took longer than ")


@pytest.mark.process
def test_a_user_that_is_not_there_is_told_in_a_line(box: Box) -> None:
    box.settled(unit("9f8", "User=nonesuch", LONG))
    assert next(box.engine.journal(unit("9f8").name)) == (
        "/bin/sleep can't be run: getpwnam(): name not found: 'nonesuch'"
    )


@pytest.mark.process
def test_an_empty_journal_says_that_it_is(box: Box) -> None:
    box.settled(unit("9f8", LONG))
    assert list(box.engine.journal(unit("9f8").name)) == ["-- carousel-9f8@1.service has written nothing --"]


@pytest.mark.process
def test_a_journal_can_be_followed(box: Box) -> None:
    box.settled(unit("9f8", "ExecStart=/bin/sh -c 'while :; do echo tick; sleep 0.2; done'"))
    entries = iter(box.engine.entries(unit("9f8").name, 1, follow=True))
    assert [next(entries).text for _ in range(3)] == ["tick"] * 3


@pytest.mark.process
@pytest.mark.parametrize(("line", "code"), [("exit 0", 0), ("exit 7", 7), ("kill -9 $$", 137)])
def test_how_a_oneshot_ended_is_known(box: Box, line: str, code: int) -> None:
    command = f"ExecStart=/bin/sh -c '{line.replace('$', '$$')}'"
    box.settled(unit("9f8", "Type=oneshot", "RemainAfterExit=yes", command))
    assert box.engine.exit_code(unit("9f8").name) == code


@pytest.mark.process
def test_a_oneshot_that_was_killed_has_failed(box: Box) -> None:
    box.settled(unit("9f8", "Type=oneshot", "RemainAfterExit=yes", "ExecStart=/bin/sh -c 'kill -9 $$$$'"))
    assert list(box.conditions().values()) == [Condition.FAILED]


@pytest.mark.process
def test_two_folders_know_nothing_of_one_another(box: Box, tmp_path: Path) -> None:
    other = Box(tmp_path / "other")
    box.settled(unit("9f8", LONG))
    assert other.conditions() == {}


@pytest.mark.process
def test_an_ordinary_user_runs_units_just_so(everybodys: Path) -> None:
    done = _nobody_runs(
        everybodys,
        "print(box.engine.check(), *box.settled(unit('9f8', LONG)).values()); box.empty(); print(box.conditions())",
    )
    assert (done.stdout.split(), done.stderr) == (["running", "{}"], "")


READ_ONLY = (
    "box.settled(unit('9f8', LONG))\n"
    "folders = [path for path in (box.root, *box.root.rglob('*')) if path.is_dir()]\n"
    "for path in folders: path.chmod(0o500)\n"
    "try: {do}\n"
    "except EngineMissing as error: print(error)\n"
    "for path in folders: path.chmod(0o700)\n"
    "box.empty()"
)


@pytest.mark.process
def test_a_state_folder_that_can_only_be_read_is_listed(everybodys: Path) -> None:
    done = _nobody_runs(everybodys, READ_ONLY.format(do="print(*box.conditions().values())"))
    assert (done.stdout, done.stderr) == ("running\n", "")


@pytest.mark.process
def test_a_start_in_a_state_folder_that_can_only_be_read_says_where_it_can_not_write(everybodys: Path) -> None:
    done = _nobody_runs(everybodys, READ_ONLY.format(do="box.engine.start([unit('9f8', LONG, instance=2)])"))
    assert (done.stdout.endswith(" can't be used: Permission denied.\n"), done.stderr) == (True, "")


ROOTS = """
box.settled(unit('9f8', 'TimeoutStopSec=500ms', f'ExecStart={box.root.parent}/setpriv --reuid=0 /bin/sleep 6'))
box.engine.destroy([unit('9f8').name])
until(lambda: 'SIGKILL' in next(box.engine.journal(unit('9f8').name, 1)))
print(*box.conditions().values(), next(box.engine.journal(unit('9f8').name, 1)).rstrip('0123456789'))
"""


@pytest.mark.process
def test_a_process_that_can_not_be_ended_is_named_and_its_unit_is_not_gone_before_it(everybodys: Path) -> None:
    """It is root's, and its supervisor is not."""
    shutil.copy("/usr/bin/setpriv", everybodys)
    (everybodys / "setpriv").chmod(0o4755)
    done = _nobody_runs(everybodys, ROOTS + "box.empty(); print(box.conditions())")
    assert (done.stdout, done.stderr) == ("removing SIGKILL does not end process \n{}\n", "")


def _nobody_runs(folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    """What Python says of ``code`` as an ordinary user, with a ``box`` below ``folder``."""
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else; every other test has run as an ordinary user")
    python = next((p for p in (sys.executable, "/usr/bin/python3") if _usable(p)), None)
    if python is None:
        pytest.skip("no Python here that an ordinary user can run and that has the packages")
    if _as_nobody(["/usr/bin/test", "-w", str(folder)]).returncode != 0:
        pytest.skip(f"an ordinary user can't get to {folder}")
    begin = f"from tests.engines.local.test_supervisors import *; box = Box(Path({str(folder / 'state')!r}))"
    return _as_nobody([python, "-c", f"{begin}\n{code}"], folder)


def _usable(python: str) -> bool:
    return (
        _as_nobody(
            [python, "-c", "import pytest, pytest_subprocess, sys; assert sys.version_info >= (3, 11)"]
        ).returncode
        == 0
    )


def _as_nobody(argv: list[str], cwd: Path = Path("/")) -> subprocess.CompletedProcess[str]:
    packages = [str(REPOSITORY), *(path for path in sys.path if path.endswith("site-packages"))]
    env = {"PATH": "/usr/bin:/bin", "HOME": "/tmp", "PYTHONPATH": ":".join(packages), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        return subprocess.run(
            argv,
            user=NOBODY,
            group=NOBODY,
            extra_groups=[],
            env=env,
            cwd=cwd,
            check=False,
            capture_output=True,
            text=True,
        )
    except OSError as error:
        return subprocess.CompletedProcess(argv, 126, "", str(error))


def test_a_state_folder_that_can_not_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    assert f"{tmp_path}/taken can't be written to" in Box(tmp_path / "taken").engine.check()


@pytest.mark.process
def test_a_state_folder_may_have_any_name(tmp_path: Path) -> None:
    box = Box(tmp_path / "100% {a} %n")
    assert box.settled(unit("9f8", LONG)) == {"9f8": Condition.RUNNING}
    box.empty()


def test_a_state_folder_that_can_not_be_looked_at_is_missing(tmp_path: Path) -> None:
    with pytest.raises(EngineMissing, match=r"can't be written to \(File name too long\)"):
        Box(tmp_path / ("x" * 300)).engine.units()


def test_nothing_is_started_in_a_state_folder_that_can_not_be(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(EngineError, match="Not a directory"):
        Box(tmp_path / "taken").engine.start([unit("9f8", LONG)])


def test_an_engine_that_never_ran_has_no_units(tmp_path: Path) -> None:
    assert Box(tmp_path / "new").engine.units() == ()


def test_the_state_folder_is_the_users_own_unless_one_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    local = LocalEngine(LocalOptions(manager="supervisor"))
    assert local.manager.folder.path.is_relative_to(tmp_path / "deployster" / "local")


def test_a_manager_may_be_called_by_its_former_name(tmp_path: Path) -> None:
    assert LocalEngine(LocalOptions(manager="systemctl3", root=str(tmp_path))).check() == ""


def test_units_of_an_earlier_version_are_not_passed_over(tmp_path: Path) -> None:
    former = Layout(tmp_path).former
    former.mkdir(parents=True)
    (former / unit("9f8").name.text).write_text("")
    with pytest.raises(EngineMissing, match=r"has units of an earlier Deployster, .* remove .*/systemctl3\.$"):
        Box(tmp_path).engine.units()


# A unit that leaves a process which nothing but its ancestry tells of.
ESCAPED = "(setsid env -i /bin/sh -c 'echo $$$$ > \"{seen}\"; exec sleep 300' &); exec sleep 300"


@pytest.fixture
def escaped(box: Box, tmp_path: Path) -> Iterator[int]:
    """Such a unit's such process, which runs."""
    seen = tmp_path / "seen"
    script = ESCAPED.format(seen=seen).replace('"', '\\"')
    box.settled(unit("9f8", "RestartSec=60", f'ExecStart=/bin/sh -c "{script}"'))
    until(lambda: seen.exists() and bool(seen.read_text().strip()))
    yield int(seen.read_text())
    kin.tell(int(seen.read_text()), signal.SIGKILL)


@pytest.mark.process
def test_a_killed_supervisor_is_like_a_killed_process_and_leaves_nothing(box: Box, escaped: int) -> None:
    main = box.state(unit("9f8").name).main_pid
    os.kill(box.supervisor(unit("9f8").name), signal.SIGKILL)
    box.wait(lambda now: now["9f8"] is Condition.FAILED)
    assert not {main, escaped} & set(kin.parents())


@pytest.mark.process
def test_no_chain_of_processes_outruns_the_end_of_a_killed_supervisor(box: Box, tmp_path: Path) -> None:
    (tmp_path / "chain").write_text(CHAIN.format(step="os.setsid()"))
    seen = tmp_path / "seen"
    box.settled(unit("9f8", f"ExecStart=/bin/sh -c 'python3 {tmp_path}/chain {seen} & exec sleep 300'"))
    until(seen.exists)
    os.kill(box.supervisor(unit("9f8").name), signal.SIGKILL)
    box.wait(lambda now: now["9f8"] is Condition.FAILED)
    last = seen.read_text()
    time.sleep(0.5)
    assert seen.read_text() == last


@pytest.mark.process
def test_a_killed_supervisors_unit_is_started_again_where_it_should_be(box: Box) -> None:
    box.settled(unit("9f8", "Restart=always", "RestartSec=100ms", LONG))
    before = box.state(unit("9f8").name)
    os.kill(before.pid, signal.SIGKILL)
    until(lambda: box.state(unit("9f8").name).restarts == 1 and box.state(unit("9f8").name).sub == "running")
    assert before.main_pid not in kin.parents()


@pytest.mark.process
def test_a_supervisor_without_its_keeper_goes_on(box: Box, escaped: int) -> None:
    os.kill(box.keeper(unit("9f8").name), signal.SIGKILL)
    time.sleep(0.2)
    assert box.conditions() == {"9f8": Condition.RUNNING}
    box.empty()
    assert escaped not in kin.parents()


@pytest.mark.process
def test_a_unit_without_supervisor_and_keeper_has_failed_and_is_destroyed_whole(box: Box, escaped: int) -> None:
    name = unit("9f8").name
    main, pids = box.state(name).main_pid, (box.keeper(name), box.supervisor(name))
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    until(lambda: not set(pids) & set(kin.parents()))
    assert (box.conditions(), box.engine.units()[0].stopped) == ({"9f8": Condition.FAILED}, False)
    assert [line for line in box.engine.journal(name) if line.startswith("its supervisor is gone: it was killed")]
    box.empty()
    assert not {main, escaped} & set(kin.parents())


@pytest.mark.process
def test_what_a_killed_supervisor_left_is_ended_by_a_stop(box: Box) -> None:
    file = unit("9f8", LONG)
    box.settled(file)
    main, pids = box.state(file.name).main_pid, (box.keeper(file.name), box.supervisor(file.name))
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    until(lambda: not set(pids) & set(kin.parents()))
    box.engine.stop([file.name])
    box.wait(lambda now: now["9f8"] is Condition.STOPPED)
    assert main not in kin.parents()
    box.engine.resume([file.name])
    assert box.settled() == {"9f8": Condition.RUNNING}


@pytest.mark.process
def test_what_ran_before_the_machine_was_started_anew_has_failed_and_nobody_is_killed_for_it(box: Box) -> None:
    file = unit("9f8", LONG)
    box.settled(file)
    supervisor = box.keeper(file.name)
    box.engine.stop([file.name])
    until(lambda: supervisor not in kin.parents())
    own = os.getpid()
    old = State("active", "running", "ab" * 16, "another boot", main_pid=own, pid=own)
    Layout(box.root).state(file.name).write_text(old.text)
    box.engine.manager.folder.want(file.name)
    assert box.conditions() == {"9f8": Condition.FAILED}
    box.engine.resume([file.name])
    assert box.settled() == {"9f8": Condition.RUNNING}


@pytest.mark.process
def test_a_stop_that_comes_before_the_supervisor_has_begun_counts(box: Box) -> None:
    file = unit("9f8", LONG)
    box.engine.start([file])
    box.engine.stop([file.name])
    assert box.wait(lambda now: now["9f8"] is Condition.STOPPED) == {"9f8": Condition.STOPPED}


@pytest.mark.process
@pytest.mark.parametrize("killed", [False, True], ids=["looked after", "its supervisors killed"])
def test_a_unit_that_a_unit_started_is_no_part_of_it(box: Box, tmp_path: Path, killed: bool) -> None:
    code = (
        f"import sys; sys.path[:0] = {[str(REPOSITORY), *sys.path]}\n"
        "from tests.engines.local.test_supervisors import *\n"
        f"Box(Path({str(box.root)!r})).settled(unit('inner', LONG))\n"
    )
    script = tmp_path / "outer.py"
    script.write_text(code + "\ntime.sleep(300)\n")
    outer = unit("outer", f'ExecStart="{sys.executable}" -B "{script}"')
    box.settled(outer)
    box.wait(lambda now: now.get("inner") is Condition.RUNNING)
    pids = (box.keeper(outer.name), box.supervisor(outer.name)) if killed else ()
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    until(lambda: not set(pids) & set(kin.parents()))
    box.engine.stop([outer.name])
    box.engine.destroy([outer.name])
    assert box.wait(lambda now: "outer" not in now) == {"inner": Condition.RUNNING}


@pytest.mark.process
@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("A=1".encode("utf-16"), "it has a NUL character in it, as UTF-16 text does"),
        (b"A=\xe9", "it is not UTF-8 text"),
    ],
)
def test_the_journal_says_why_a_file_of_variables_is_refused(
    box: Box, tmp_path: Path, content: bytes, why: str
) -> None:
    (tmp_path / "env").write_bytes(content)
    box.settled(unit("9f8", f"EnvironmentFile={tmp_path}/env", LONG))
    assert list(box.engine.journal(unit("9f8").name)) == [f"the environment file {tmp_path}/env can't be read: {why}"]


@pytest.mark.process
def test_the_journal_names_what_was_left_out_of_a_file_of_variables_but_not_its_value(box: Box, tmp_path: Path) -> None:
    (tmp_path / "env").write_text("export A=secret\nB=2\n")
    box.settled(unit("9f8", f"EnvironmentFile={tmp_path}/env", LONG))
    assert list(box.engine.journal(unit("9f8").name)) == [
        f"the environment file {tmp_path}/env: 'export A' can't name a variable, so it is left out"
    ]


@pytest.mark.process
def test_units_run_on_a_disk_without_room(box: Box, tmp_path: Path) -> None:
    """Their supervisors note what becomes of them in the place of what they noted first."""
    file = unit("9f8", LONG)
    box.settled(file)
    draft = Layout(box.root).state(file.name).with_suffix(".draft")
    draft.mkdir()  # what no draft can be written to
    box.engine.stop([file.name])
    assert box.wait(lambda now: now["9f8"] is Condition.STOPPED) == {"9f8": Condition.STOPPED}
    draft.rmdir()


@pytest.mark.process
def test_a_supervisor_has_no_settings_of_ours_to_hand_on(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEPLOYSTER_PASSWORD", "secret")
    box.settled(unit("9f8", "ExecStart=/bin/sh -c 'env; exec sleep 300'"))
    until(lambda: "INVOCATION_ID" in "".join(box.engine.journal(unit("9f8").name, 50)))
    names = {line.partition("=")[0] for line in box.engine.journal(unit("9f8").name, 50)}
    assert names <= {*KEPT, "INVOCATION_ID", "PWD", "SHLVL", "_", "OLDPWD"}


def test_an_empty_note_is_none(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    layout.units.mkdir(parents=True)
    layout.prepare(unit("9f8").name)
    layout.state(unit("9f8").name).touch()
    assert Box(tmp_path).engine.units() == ()
