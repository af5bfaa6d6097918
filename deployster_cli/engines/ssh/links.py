"""Scripts on machines, on all of them at the same time, over connections and shells that stay for the next call."""

from __future__ import annotations

import contextlib
import contextvars
import os
import stat
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from deployster_cli.engines import process
from deployster_cli.engines.ssh import commands, parse, scripts
from deployster_cli.engines.ssh.commands import MOST_SESSIONS
from deployster_cli.engines.ssh.declaration import SshOptions
from deployster_cli.engines.ssh.hosts import Host
from deployster_cli.engines.ssh.results import Answer, answer
from deployster_cli.errors import EngineError, EngineMissing

Outcome = Answer | EngineError

# Characters of a socket's path, to which ssh adds 17: 104 is where macOS ends, and Linux at 108.
_LONGEST_SOCKET = 80

# Seconds after which a shell that waits is not used again: its connection may have been cut off unnoticed.
_FRESH = 60.0


# Seconds within which a connection that broke was a stale one, of a run before or of this one, and not a machine's end.
_AT_ONCE = 1.0

# What scripts that change nothing do: they may be run once more.
_READS = frozenset({"list", "read", "look", "cat", "show", "ports"})


class _Shell(NamedTuple):
    """A shell that waits for a script, on the connection ``slot``, since ``at``. ``used``: it has run one before."""

    dialogue: process.Dialogue
    slot: int
    at: float
    used: bool = False


# One a machine: a second one was needed for a moment.
_Idle = dict[str, _Shell]


class Links:
    """The ways to the machines. Any thread may use it."""

    def __init__(self, options: SshOptions) -> None:
        self._options = options
        self._folder: Path | None = None
        self._lock = threading.Lock()
        self._busy: dict[tuple[str, int], int] = {}
        self._idle: _Idle = {}
        weakref.finalize(self, _end_all, self._idle)

    def each(self, bodies: Mapping[Host, str], limit: float, what: str) -> dict[Host, Outcome]:
        """Return what each machine answers to its script, or the error that says why it doesn't."""
        found: dict[Host, Outcome] = {}
        faults: list[BaseException] = []

        def run(to: Host, body: str) -> None:
            try:
                found[to] = self._run(to, body, limit, what)
            except EngineError as error:
                found[to] = error
            except BaseException as fault:
                faults.append(fault)
                if threading.current_thread() is threading.main_thread():
                    raise

        self._folder = self._folder or sockets_folder()
        first, *others = bodies.items() if bodies else ((None, ""),)
        threads = [
            threading.Thread(target=contextvars.copy_context().run, args=(run, to, body), daemon=True)
            for to, body in others
            if to
        ]
        for thread in threads:
            thread.start()
        if first[0]:
            run(first[0], first[1])
        for thread in threads:
            thread.join()
        if faults:
            raise faults[0]
        return {to: found[to] for to in bodies}

    def stream(self, to: Host, body: str, limit: float | None) -> process.Stream:
        """Return what a script prints, as it comes; it has no end mark. Its session ends with the stream."""
        self._folder = self._folder or sockets_folder()
        slot = self._take(to)
        try:
            argv = commands.ssh(self._options, to, self._socket(to, slot), "journal")
            text = scripts.script(body, _token(), user=self._options.user, marked=False)
            with _started():
                return _Held(argv, given=text, limit=limit, release=lambda: self._release(to, slot))
        except BaseException:
            self._release(to, slot)
            raise

    def attach(self, to: Host, argv: tuple[str, ...]) -> int:
        """Run a command of the user's there on this terminal; its exit code, 255 also where ssh itself failed."""
        self._folder = self._folder or sockets_folder()
        terminal = os.isatty(0)
        with _started():
            return process.attach(commands.attached(self._options, to, self._socket(to, 0), argv, terminal=terminal))

    def ask_for_key(self, to: Host) -> None:
        """Have ssh ask on this terminal whether the machine's host key is the right one, and note it."""
        with _started():
            process.attach(commands.known(self._options, to))

    def _run(self, to: Host, body: str, limit: float, what: str) -> Answer:
        token = _token()
        given = scripts.script(body, token, user=self._options.user)
        done, again = self._asked(to, given, token, limit, what)
        if again and what in _READS:
            done, _ = self._asked(to, given, token, limit, what)
        return answer(done._replace(err=parse.said(done.err, token)), token, to.name)

    def _asked(self, to: Host, given: str, token: str, limit: float, what: str) -> tuple[process.Completed, bool]:
        """Return (what came of a script; whether the connection broke that was open from before: a new one may do).

        A shell that is new may have been made over the connection of an earlier run.
        """
        shell = self._shell(to)
        try:
            argv = commands.ssh(self._options, to, self._socket(to, shell.slot), what)
            done = shell.dialogue.ask(given, lambda out, err: parse.is_ending(out, err, token), limit=limit, argv=argv)
        finally:
            self._put_back(to, shell)
        return done, bool(done.code) and (shell.used or done.seconds < _AT_ONCE)

    def _shell(self, to: Host) -> _Shell:
        """Return a shell on the machine that is ready for a script: one that waits, or another."""
        while True:
            with self._lock:
                shell = self._idle.pop(to.text, None)
            if shell is None:
                break
            if shell.dialogue.alive and time.monotonic() - shell.at < _FRESH:
                return shell
            shell.dialogue.close()
            self._release(to, shell.slot)
        slot = self._take(to)
        try:
            with _started():
                argv = commands.ssh(self._options, to, self._socket(to, slot), "scripts")
                return _Shell(process.Dialogue(argv, env=_env()), slot, time.monotonic())
        except BaseException:
            self._release(to, slot)
            raise

    def _put_back(self, to: Host, shell: _Shell) -> None:
        with self._lock:
            if shell.dialogue.alive and to.text not in self._idle:
                self._idle[to.text] = shell._replace(at=time.monotonic(), used=True)
                return
        shell.dialogue.close()
        self._release(to, shell.slot)

    def _take(self, to: Host) -> int:
        """Return the first connection with a session to spare, from now on with one less."""
        with self._lock:
            slot = 0
            while self._busy.get((to.text, slot), 0) >= MOST_SESSIONS:
                slot += 1
            self._busy[to.text, slot] = self._busy.get((to.text, slot), 0) + 1
            return slot

    def _release(self, to: Host, slot: int) -> None:
        with self._lock:
            self._busy[to.text, slot] -= 1

    def _socket(self, to: Host, slot: int) -> str:
        assert self._folder is not None  # noqa: S101 - every way here has seen to it  # nosec B101
        return str(self._folder / commands.control_name(self._options, to, slot))


class _Held(process.Stream):
    """A stream that gives its session back when it has ended."""

    def __init__(self, argv: tuple[str, ...], *, given: str, limit: float | None, release: Callable[[], None]) -> None:
        super().__init__(argv, given=given, limit=limit, env=_env())
        self._give_back = release

    def _end(self) -> None:
        super()._end()
        release, self._give_back = self._give_back, lambda: None
        release()


def sockets_folder() -> Path:
    """Where the connections' sockets are: a folder that nobody else can enter, with a short path.

    The same for every run, so that one finds the connections of the one before; where somebody else has put something
    in its place, one of this run's own.
    """
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    places = [Path(runtime) / "deployster"] if runtime.startswith("/") and len(runtime) < _LONGEST_SOCKET // 2 else []
    for place in [*places, Path("/tmp") / f"deployster-{os.geteuid()}"]:  # noqa: S108 - looked at  # nosec B108
        with contextlib.suppress(OSError):
            place.mkdir(mode=0o700, exist_ok=True)
            found = place.lstat()
            if stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not stat.S_IMODE(found.st_mode) & 0o077:
                return place
    from tempfile import mkdtemp  # slow to import, and rarely needed

    return Path(mkdtemp(prefix="deployster-", dir="/tmp"))  # macOS's own is too long  # nosec B108


def _end_all(idle: _Idle) -> None:
    for shell in idle.values():
        shell.dialogue.close()


@contextlib.contextmanager
def _started() -> Iterator[None]:
    try:
        yield
    except process.NotStarted as error:
        raise EngineMissing(f"ssh can't be run: {error.reason}.", "Install OpenSSH's client.") from error


def _env() -> dict[str, str]:
    """Ours, in plain C words."""
    return {**os.environ, "LC_ALL": "C"}


def _token() -> str:
    """Return a word that nobody can foresee."""
    return os.urandom(8).hex()
