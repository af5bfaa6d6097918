"""The processes of one unit: begun, waited for, told signals. Every one is a descendant of the supervisor (ours),
whatever it does: a child that is left behind by its parent becomes the supervisor's. So no control group is needed to
find them all.
"""

from __future__ import annotations

import contextlib
import grp
import math
import os
import pwd
import select
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import filterfalse
from pathlib import Path

from deployster_cli.domain.env_file import variables
from deployster_cli.domain.limits import VARIABLE
from deployster_cli.engines.local.supervisor.spec import Command, End, Spec
from deployster_cli.engines.process import kin, subreaper
from deployster_cli.engines.process.start import NotStarted
from deployster_cli.engines.process.subreaper import Place

# What a unit inherits of our environment, about as much as systemd gives one. Never our settings or passwords.
KEPT = ("HOME", "LANG", "LOGNAME", "PATH", "SHELL", "TZ", "USER")

# stderr, which is the supervisor's own log.
LOG = 2

# Seconds between looks at processes that are to end, though the end of each wakes us by then; and at what can't be
# ended or noted.
_LOOK, LATER_LOOK = 0.2, 1.0

_LONGEST_SLEEP = 86_400.0

# systemd's exit codes for a process that could not be begun (systemd.exec(5)).
_NO_FOLDER, _NO_PROGRAM, _NO_USER = 200, 203, 217

# Bytes of a file of variables, as to systemd.
_LONGEST_FILE = 64 * 1024 * 1024


class Stopped(Exception):
    """The unit's stop was asked for."""


class Failed(Exception):
    """The unit failed: systemd's word for why, and words for a person."""


@dataclass
class Child:
    """A command's process: its pid, 0 where there is none, and how it ended, once it has."""

    pid: int = 0
    end: End | None = None


class Children:
    """They, of a unit with this spec, among them ``main`` and the command that runs beside it.

    ``run`` is the mark that each gets. ``strays``: no supervisor was left for some, which are looked for by that mark.
    ``noted`` tries again what could not be noted.
    """

    def __init__(self, spec: Spec, base: dict[str, str], run: str, journal: str) -> None:
        self.main, self._control = Child(), Child()
        self.strays = False
        self.asked = False
        self.noted: Callable[[], bool] = lambda: True
        self._spec, self._base, self._run, self._journal = spec, base, run, journal
        self._env: dict[str, str] = {}
        self._keeper = os.getppid()
        kin.put_mark(run)
        self._wakes, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        for number in (signal.SIGCHLD, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: None)
        signal.signal(signal.SIGTERM, self._ask)

    def run(self, command: Command, limit: float, *, heed: bool) -> End | None:
        """How a command beside the main process ended; None where it did not within ``limit`` seconds."""
        self._control = self._begin(command)
        self.wait(lambda: self._control.end is not None, limit, heed=heed)
        return self._control.end

    def run_main(self, command: Command) -> None:
        """Begin the main process."""
        self.main = Child()
        self.main = self._begin(command)

    def gone(self, which: Callable[[], set[int]], number: int, limit: float, look: float = _LOOK) -> bool:
        """Whether they are gone within ``limit``, once told by this signal: SIGKILL again and again."""
        heard = set[int]()

        def none_left() -> bool:
            left = which()
            for pid in left - heard:
                kin.tell(pid, number)
            heard.update(left if number != signal.SIGKILL else ())
            return not left

        return self.wait(none_left, limit, heed=False, look=look)

    def all(self) -> set[int]:
        """Every process of the unit; those that no supervisor was left for too, where there are any."""
        found = kin.below(self._adopters()) | kin.children(self._adopters())
        return found | kin.marked(self._run) if self.strays else found

    def next(self) -> set[int]:
        """Those to be killed first: our children. What they leave behind is ours then, and none outruns us."""
        return kin.children(self._adopters()) or self.all()

    def _adopters(self) -> set[int]:
        return {os.getpid(), self._keeper} if os.getppid() == self._keeper else {os.getpid()}

    def own(self) -> set[int]:
        """Return the main process and the command that runs beside it."""
        return self.all() & {self.main.pid, self._control.pid}

    def _begin(self, command: Command) -> Child:
        """Begin a command; where it can't be run, that is an end like another."""
        about = {kin.RUN: self._run}
        if self.main.pid and not self.main.end:
            about["MAINPID"] = str(self.main.pid)
        why = _NO_USER
        try:
            place = self._place({**self._base, **about}, privileged=bool({"+", "!"} & set(command.flags)))
            why = _NO_PROGRAM if Path(place.folder).is_dir() else _NO_FOLDER
            return Child(subreaper.begin(command.program, command.words(place.env), place, log=self._journal))
        except (NotStarted, LookupError, ValueError) as error:
            self.say(f"{command.program} can't be run: {getattr(error, 'reason', error.args[0])}")
            return Child(end=End(why))

    def _place(self, env: dict[str, str], *, privileged: bool) -> Place:
        """LookupError or ValueError where there is no such user, group or umask."""
        asked, group = self._spec.last("User"), self._spec.last("Group")
        user = pwd.getpwuid(int(asked)) if asked.isdigit() else pwd.getpwnam(asked) if asked else None
        gid = int(group) if group.isdigit() else grp.getgrnam(group).gr_gid if group else user.pw_gid if user else None
        if user:
            env |= {"HOME": user.pw_dir, "LOGNAME": user.pw_name, "USER": user.pw_name, "SHELL": user.pw_shell}
        env |= self._env
        given = self._spec.last("WorkingDirectory", "/")
        folder = env.get("HOME", "/") if given.endswith("~") else given.removeprefix("-")
        place = Place(env, folder if folder is given or Path(folder).is_dir() else "/")
        if privileged or (user and user.pw_uid == os.geteuid() and gid == os.getegid()):
            return place
        groups = os.getgrouplist(user.pw_name, user.pw_gid) if user else None
        return place._replace(user=user.pw_uid if user else None, group=gid, groups=groups)

    def read_environment(self) -> None:
        """Read the variables that the unit sets. Failed where a file of them can't be read that has to be."""
        found = self._spec.environment()
        for given in self._spec.values("EnvironmentFile"):
            path = given.removeprefix("-")
            try:
                with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:  # noqa: PTH123 - a pipe can't hang us
                    read = variables(file.read(_LONGEST_FILE))
            except (OSError, ValueError) as error:
                if path is given:
                    why = error.strerror if isinstance(error, OSError) else error
                    raise Failed("resources", f"the environment file {path} can't be read: {why}") from error
                continue
            for name in filterfalse(VARIABLE.fullmatch, read):
                self.say(f"the environment file {path}: {name!r} can't name a variable, so it is left out")
            found |= read
        self._env = {name: value for name, value in found.items() if VARIABLE.fullmatch(name)}

    def wait(
        self, done: Callable[[], bool], limit: float = math.inf, *, heed: bool = True, look: float = math.inf
    ) -> bool:
        """Whether it was done within ``limit``. Looks at every signal and every ``look`` seconds.

        Stopped where the unit's stop is asked for, and to be heeded.
        """
        until = time.monotonic() + limit
        while True:
            self._reap()
            if done():
                return True
            if heed and self.asked:
                raise Stopped
            left = until - time.monotonic()
            if left <= 0:
                return False
            pause = min(left, look, _LONGEST_SLEEP if self.noted() else LATER_LOOK)
            select.select([self._wakes], [], [], pause)
            with contextlib.suppress(BlockingIOError):
                os.read(self._wakes, 4096)

    def _reap(self) -> None:
        """Take note of every child that has ended."""
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                for child in (self.main, self._control):
                    if child.pid == ended[0]:
                        child.end = End.of(ended[1])

    def say(self, words: str) -> None:
        """Write a line of the supervisor's own log."""
        with contextlib.suppress(OSError):
            os.write(LOG, f"{words}\n".encode())

    def _ask(self, *_: object) -> None:
        self.asked = True
