"""Our own supervisors as manager of our units, on a machine without systemd: one process a unit (supervisor.py).

Everything lies below one folder of the user's (layout.py). A unit's supervisor holds the unit's lock file from before
it begins until it ends, however it ends: a unit whose file is locked is looked after, and whose isn't is not.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from deployster_cli.domain.units import asking
from deployster_cli.domain.units.names import UnitName
from deployster_cli.engines import process
from deployster_cli.engines.local import commands, parse
from deployster_cli.engines.local.declaration import LocalOptions
from deployster_cli.engines.local.locks import LocalLocks, locked
from deployster_cli.engines.local.parse import Shown, State
from deployster_cli.engines.local.records import LocalRecords
from deployster_cli.engines.local.supervisor.layout import Layout, state_folder, write_state
from deployster_cli.engines.local.supervisor.logfile import LogFile
from deployster_cli.engines.local.unit_folder import UnitFolder, refusal, told
from deployster_cli.engines.process import kin
from deployster_cli.errors import EngineError, EngineMissing

# The folder that deployster_cli lies in.
_PACKAGES = Path(__file__).parents[3]

# Looks at a lock that is held for a moment, and seconds between them.
_TRIES, _PAUSE = 100, 0.05

# Lines of a supervisor's that stand behind what its unit wrote.
_REMARKS = 3


_GONE = "its supervisor is gone: it was killed, or the machine was started anew"


class Supervisors:
    """The units of one state folder."""

    def __init__(self, options: LocalOptions) -> None:
        self._layout = Layout(Path(options.root or state_folder() / "deployster" / "local").absolute())
        self.folder = UnitFolder(self._layout.units, "multi-user.target")
        self.locks = LocalLocks(self._layout.locks)
        self.records = LocalRecords(self._layout.records)

    def missing(self) -> str:
        """Why nothing can be asked here, in one sentence; empty where it can: to be looked at, a folder that can be
        read is enough.
        """
        former = self._layout.former
        if os.access(former, os.R_OK) and any(UnitName.parse(path.name) for path in former.iterdir()):
            return (
                f"{former} has units of an earlier Deployster, which this one can't stop: destroy them with that, or "
                f"end their processes and remove {self._layout.root / former.relative_to(self._layout.root).parts[0]}."
            )
        return "" if os.access(self._layout.units, os.R_OK | os.X_OK) else self._unwritable()

    def check(self) -> str:
        """Why no units can be run here, in one sentence; empty where they can."""
        return self.missing() or self._unwritable()

    def _unwritable(self) -> str:
        root = self._layout.root
        refused = next(filter(None, map(refusal, self._layout.written)), "")
        if not refused:
            return ""
        return (
            f"The state folder {root} can't be written to ({refused.removeprefix(f'{root}: ')}): "
            "choose another one by root in [local] or XDG_STATE_HOME, or change its owner."
        )

    def states(self) -> dict[str, Shown]:
        """Return what the supervisors noted, and of those that are gone what is left of their units."""
        found: dict[str, Shown] = {}
        with told(self._layout.notes):
            notes = self._layout.notes
            paths = [path for path in notes.iterdir() if path.suffix == ".state"] if notes.is_dir() else []
            for name in filter(None, (UnitName.parse(path.stem) for path in paths)):
                state, busy = self._now(name)
                if state:
                    found[name.text] = self._shown(name, state, busy)
        return found

    def start(self, names: Sequence[UnitName]) -> None:
        """Start these side by side, each in a process of its own that outlives us."""
        if why := self.check():
            raise EngineMissing(why)
        for name in names:
            with told(self._layout.notes):
                self._start(name)

    def stop(self, names: Sequence[UnitName]) -> None:
        """Have these stopped by their supervisors, or what is left of them by a new one."""
        for name in names:
            state, busy = self._now(name)
            with told(self._layout.notes):
                if state and busy:
                    self._ask(name, state)
                elif state and self._shown(name, state, busy).up:
                    with self._claimed(name) as lock:
                        if lock is not None:
                            self._launch("stop", name, lock, replace(state, active="deactivating", sub="stop-sigterm"))

    def remove(self, names: Sequence[UnitName]) -> None:
        """Remove journals and notes, and the unit files last: killed in between, it is done again."""
        for name in names:
            with told(self._layout.root):
                self._layout.clear(name)
            self.folder.remove(name)

    def journal(self, name: UnitName, lines: int) -> Iterator[str]:
        """Yield the end of what the unit wrote and what its supervisor says last, else a line that says there is
        nothing.
        """
        with told(self._layout.journal(name)):
            said = self._remarks(name)
            written = [entry.text for entry in LogFile(self._layout.journal(name), lines, False, tuple)]
            return iter([*written, *said[-_REMARKS:]][-lines:] or [f"-- {name.text} has written nothing --"])

    def entries(self, name: UnitName, lines: int | None, *, follow: bool, after: str) -> LogFile:
        """Return the end of what the unit wrote; where that is nothing, and won't be waited for, what its supervisor
        says.
        """
        return LogFile(self._layout.journal(name), lines, follow, lambda: self._remarks(name), after=after)

    def exit_code(self, name: UnitName) -> int | None:
        """As its supervisor noted it."""
        state, _ = self._now(name)
        return asking.exit_code(state.text) if state else None

    def _remarks(self, name: UnitName) -> list[str]:
        """Return what its supervisor says, each line once, and whether that is gone."""
        log = self._layout.log(name)
        lines = log.read_text(errors="replace").splitlines() if log.is_file() else []
        state, busy = self._now(name)
        gone = [_GONE] if state and not busy and not state.over else []
        return [*list(dict.fromkeys(reversed(lines)))[::-1], *gone]

    def _start(self, name: UnitName) -> None:
        for _ in range(_TRIES):
            with self._claimed(name) as lock:
                if lock is not None:
                    self._layout.stop(name).unlink(missing_ok=True)
                    self._layout.prepare(name)
                    self._layout.log(name).write_bytes(b"")
                    self._launch("start", name, lock, State("activating", "start", os.urandom(16).hex(), kin.boot()))
                    return
            state, busy = self._now(name)
            if busy and state and not state.over:
                if state.active != "deactivating" and not self._layout.stop(name).exists():
                    return  # it is started already
                break
            time.sleep(_PAUSE)
        raise EngineError(f"{name.text} is still stopping; it was not started.", hint="Try again in a while.")

    def _launch(self, verb: str, name: UnitName, lock: int, state: State) -> None:
        if not write_state(self._layout.state(name), state):
            raise EngineError(
                f"{self._layout.notes} can't be written to; {name.text} is as it was.", "Make room there."
            )
        argv = commands.supervisor(sys.executable, verb, name, str(self._layout.root), lock)
        try:
            process.detach(argv, log=str(self._layout.log(name)), env=_env_with_us(), keep=[lock])
        except process.NotStarted as error:
            raise EngineMissing(f"{argv[0]} can't be run: {error.reason}.", argv=argv) from error

    def _ask(self, name: UnitName, state: State) -> None:
        """Ask a supervisor for its unit's stop: by a file, for one that has only been begun, and by a signal."""
        try:
            self._layout.stop(name).touch(mode=0o600)
        except OSError:
            if not state.pid:
                raise
        if kin.supervises(state.pid, name.text, str(self._layout.root)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(state.pid, signal.SIGTERM)
                os.kill(state.pid, signal.SIGCONT)

    def _now(self, name: UnitName) -> tuple[State | None, bool]:
        """Return what was noted of a unit, and whether its supervisor lives: it does so before its last note, and from
        before its first.
        """
        busy, state = self._busy(name), self._noted(name)
        if state and not (busy or state.over):
            busy = self._busy(name)  # it was started in between
        return state, busy

    def _noted(self, name: UnitName) -> State | None:
        try:
            text = self._layout.state(name).read_text(errors="replace")
        except FileNotFoundError:
            return None
        return parse.parse_state(text) if text.strip() else None

    def _busy(self, name: UnitName) -> bool:
        with contextlib.suppress(FileNotFoundError), self._layout.lock(name).open("rb") as file:
            return not locked(file.fileno(), fcntl.LOCK_SH)
        return False

    @contextlib.contextmanager
    def _claimed(self, name: UnitName) -> Iterator[int | None]:
        """Give the unit's lock file, open and locked, for a supervisor to inherit; None where one has it already."""
        self._layout.notes.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(self._layout.lock(name), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            yield lock if locked(lock, fcntl.LOCK_EX) else None
        finally:
            os.close(lock)

    def _shown(self, name: UnitName, state: State, busy: bool) -> Shown:
        """Return a unit as its supervisor noted it; it has failed where that was killed, or the machine was started
        anew.
        """
        active, sub, main = state.active, state.sub, state.main_pid
        if not busy and not state.over:
            active = sub = "failed"
            left = kin.marked(state.run) if state.boot == kin.boot() else ()
            main = min(left, default=0)
        path = self.folder.path / name.text
        return Shown(name.text, "loaded", active, sub, state.restarts, fragment=str(path), main_pid=main or None)


def _env_with_us() -> dict[str, str]:
    """Ours, with the way to our own package, installed or not. No unit inherits it."""
    known = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(_PACKAGES), *([known] if known else [])])}
