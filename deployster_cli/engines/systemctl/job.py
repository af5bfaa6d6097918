"""The runner of one start or stop through systemctl3: ``python -m … VERB UNIT STATE-FOLDER LOCK``.

It holds the unit's job file locked until it ends (jobs.py) and runs systemctl3 in this very process, so that nothing
goes on once it is killed. Around that it does what systemd does and systemctl3 leaves out: a clean environment, a
failing ExecStartPost that fails the start, and after a stop no process of the unit left.
"""

from __future__ import annotations

import contextlib
import logging
import math
import os
import runpy
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from deployster_cli.domain.names import UnitName
from deployster_cli.domain.unitfile import UnitFile
from deployster_cli.engines.systemctl import args, output, translate
from deployster_cli.engines.systemctl.jobs import read_record, write_record
from deployster_cli.engines.systemctl.layout import Layout
from deployster_cli.engines.systemctl.output import Record
from deployster_cli.errors import DeploysterError

_LOG = logging.getLogger("deployster")

_KEPT = ("HOME", "LANG", "LOGNAME", "PATH", "SHELL", "TZ", "USER")
"""What a unit inherits of our environment, about as much as systemd gives one. Never our settings or passwords."""

_RUN = "INVOCATION_ID"
"""systemd's variable (systemd.exec(5)): each process of one start has it, which finds them again without cgroups."""

_SIGNALLED = 128

_PAUSE = 0.05
_AFTER_KILL = 1.0
"""Seconds between looks at processes that shall end, and for those that SIGKILL was sent to."""

_QUICK = ("MinimumYield=0.1", "MinimumTimeoutStopSec=0", "MaxLockWait=30")
"""systemctl3's own waits, in seconds, where they are longer than of use: after ExecStart, without a main process."""


class Job:
    """One start or stop: the unit, its file, and how systemctl3 is called for it. ``run`` is its INVOCATION_ID."""

    def __init__(self, name: UnitName, layout: Layout, run: str) -> None:
        self._name = name
        self._layout = layout
        self._run = run
        self._file = UnitFile.parse(name, (layout.units / name.text).read_text())

    def prepare(self) -> None:
        """Take the unit's environment for ours: systemctl3 hands it on."""
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        unit = translate.environment(self._file, kept, _read)
        os.environ.clear()
        os.environ.update({**kept, **unit, _RUN: self._run, **translate.VARIABLES})

    def start(self) -> bool:
        """Whether the unit started: all its commands before and after too."""
        self._override()
        if self._layout.status(self._name).exists():
            self._systemctl3("reset-failed")
        log = self._layout.log(self._name)
        said = log.stat().st_size
        code = self._in_time(lambda: self._systemctl3("start"))
        text = log.read_bytes()[said:].decode(errors="replace")
        failed = output.failed_control(text, self._commands("ExecStartPre"), self._commands("ExecStartPost"))
        if failed:
            _LOG.error("%s failed, so the unit is ended", failed)
        if code and (how := output.ended_at_once(text)):
            _LOG.error("the unit's process ended at once, %s", how)
        if failed or code is None:
            self._finish()
        killed = (output.oneshot_ended(text) or 0) > _SIGNALLED  # which systemctl3 takes for success
        return code == 0 and not failed and not killed

    def stop(self) -> bool:
        """Whether the unit stopped and left nothing behind: ExecStop, then signals, then ExecStopPost.

        systemctl3 would wait up to TimeoutStopSec for ExecStop to end the service, and leave it running where it
        didn't; systemd sends its signal as soon as ExecStop is through.
        """
        if self._commands("ExecStop"):
            self._override("ExecStopPost")
            self._systemctl3("stop", longest=0)
        return self._finish()

    def _in_time(self, work: Callable[[], int]) -> int | None:
        """What ``work`` returns, None when it took longer than TimeoutStartSec; systemctl3 knows no such limit."""
        limit = translate.seconds(self._file.last("Service", "TimeoutStartSec"), default=90.0)

        def give_up(*_: object) -> NoReturn:
            raise TimeoutError

        signal.signal(signal.SIGALRM, give_up)
        signal.setitimer(signal.ITIMER_REAL, 0 if math.isinf(limit) else limit)
        try:
            return work()
        except TimeoutError:
            _LOG.error("the start took longer than TimeoutStartSec, %g s, so the unit is ended", limit)
            return None
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _finish(self) -> bool:
        """Whether nothing is left, after the signals and ExecStopPost; systemctl3 then notes the unit as inactive."""
        mode = self._file.last("Service", "KillMode", "control-group")
        if mode == "control-group":
            self._end_all()
        self._override("ExecStop")
        self._systemctl3("stop")
        return mode in {"none", "process"} or self._end_all()

    def _end_all(self) -> bool:
        """Whether no process of this run is left, after KillSignal and, past TimeoutStopSec, SIGKILL."""
        patience = translate.seconds(self._file.last("Service", "TimeoutStopSec"), default=90.0)
        gentle = signal.Signals.__members__.get(self._file.last("Service", "KillSignal"), signal.SIGTERM)
        started, asked = time.monotonic(), set[int]()
        while left := _alive(self._run):
            late = time.monotonic() - started
            if late > patience + _AFTER_KILL:
                return False
            for pid in left if late > patience else left - asked:
                _signal(pid, signal.SIGKILL if late > patience else gentle)
            asked |= left
            time.sleep(_PAUSE)
        return True

    def _commands(self, option: str) -> tuple[str, ...]:
        return self._file.values("Service", option)

    def _override(self, *without: str) -> None:
        path = self._layout.overrides(self._name)
        path.parent.mkdir(exist_ok=True, mode=0o700)
        path.write_text(translate.overrides(self._file, without, os.environ))

    def _systemctl3(self, verb: str, longest: int = 200) -> int:
        """systemctl3's exit code. ``-q`` spares its checks, which only sleep; ``-vvv`` has it say what ended how."""
        tree = str(self._layout.tree)
        quick = (word for setting in _QUICK for word in ("-c", setting))
        sys.argv = ["systemctl3", f"--root={tree}", "-q", "-vvv", f"--maxtimeout={longest}", *quick]
        sys.argv += [*args.locks_below(tree), verb, self._name.text]
        return _exit_code(lambda: runpy.run_module("systemctl3", run_name="__main__"))


def main(argv: list[str]) -> None:
    """Run the job that ``argv`` names and write down how it ended; killed before that, the file says it never did."""
    verb, text, state, lock = argv[0], argv[1], argv[2], int(argv[3])
    os.set_inheritable(lock, False)
    name, known = UnitName.parse(text), read_record(lock)
    if name is None or known is None:
        sys.exit(f"no job is known for {text}")
    layout = Layout(Path(state))
    _log_to(layout.log(name))
    write_record(lock, Record(verb, os.getpid(), "", known.run))
    well = _did(verb, name, layout, known.run)
    write_record(lock, Record(verb, os.getpid(), "done" if well else "failed", known.run))


def _did(verb: str, name: UnitName, layout: Layout, run: str) -> bool:
    try:
        job = Job(name, layout, run)
        job.prepare()
    except (DeploysterError, OSError) as error:
        _LOG.error("%s", error)
        return False
    return job.start() if verb == "start" else job.stop()


def _log_to(path: Path) -> None:
    """Everything that is logged to ``path``; errors to stderr too, which a child that can't run its program has made
    the unit's journal by then. systemctl3's own set-up does nothing once this is done.
    """
    errors = logging.StreamHandler()
    errors.setLevel(logging.ERROR)
    errors.setFormatter(logging.Formatter("%(message)s"))
    everything = logging.FileHandler(path)
    everything.setFormatter(logging.Formatter(logging.BASIC_FORMAT))
    logging.basicConfig(handlers=[errors, everything])


def _exit_code(work: Callable[[], object]) -> int:
    """The code with which ``work`` exits. In a child that it forked, exiting is what is meant, and an error is of what
    the unit asks for (a user that is not there): its words are enough for the unit's journal.
    """
    own = os.getpid()
    try:
        work()
    except SystemExit as end:
        if os.getpid() != own:
            os._exit(end.code if isinstance(end.code, int) else 1)
        return end.code if isinstance(end.code, int) else int(bool(end.code))
    except Exception as error:
        if os.getpid() == own:
            raise
        os.write(sys.stderr.fileno(), f"the unit's process can't be started: {_words(error)}\n".encode())
        os._exit(1)
    return 0


def _words(error: Exception) -> str:
    """What an error says; a KeyError's text is that of its key, in quotes."""
    return str(error.args[0] if isinstance(error, KeyError) and error.args else error)


def _alive(run: str) -> set[int]:
    """The processes that carry this run's INVOCATION_ID, but for ourselves."""
    mark = f"{_RUN}={run}".encode()
    pids = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return {pid for pid in pids if pid != os.getpid() and mark in _environ(pid).split(b"\0")}


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def _environ(pid: int) -> bytes:
    """A process's environment; nothing for a stranger's, a dead one and a zombie."""
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return b""


def _read(path: str) -> str | None:
    try:
        return Path(path).read_text(errors="surrogateescape")
    except OSError:
        return None


if __name__ == "__main__":
    main(sys.argv[1:])
