"""The supervisor of one unit: ``python -m … VERB UNIT STATE-FOLDER LOCK``. It does for it what systemd would.

VERB is ``start``, or ``stop`` to end what is left of a unit whose supervisor is gone. The unit's lock file is open
under the number LOCK, and locked until the supervisor ends. SIGTERM asks for the unit's stop.
"""

from __future__ import annotations

import contextlib
import math
import os
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from deployster_cli.domain.units.names import UnitName
from deployster_cli.domain.units.unitfile import UnitFile
from deployster_cli.engines.local.parse import State, parse_state
from deployster_cli.engines.local.supervisor.children import KEPT, LATER_LOOK, LOG, Child, Children, Failed, Stopped
from deployster_cli.engines.local.supervisor.layout import Layout, write_state
from deployster_cli.engines.local.supervisor.spec import Command, Spec
from deployster_cli.engines.process import subreaper
from deployster_cli.errors import DeploysterError

# Seconds for the last note, where there is no room for it.
_PATIENCE = 60.0

# Bytes of the supervisor's own log, from which on a restart begins a new one.
_MOST_SAID = 64 * 1024
_MOST_QUOTED = 200


class Supervisor:
    """One unit from a start to where nothing of it is left, with all restarts in between."""

    def __init__(self, name: UnitName, layout: Layout, state: State, *, strays: bool) -> None:
        self._name = name
        self._layout = layout
        self._state = replace(state, pid=os.getpid())
        base = {one: os.environ[one] for one in KEPT if one in os.environ}
        self._spec = Spec(_unit_file(name, layout), base)
        self._command = Command("", ())
        self._written = False
        self._children = Children(self._spec, base, state.run, str(layout.journal(name)))
        self._children.main, self._children.strays = Child(state.main_pid), strays
        self._children.noted = self._noted

    def run(self, *, left_over: bool) -> None:
        """Start the unit and look after it. ``left_over``: first end what another supervisor left of it."""
        self._note(self._state.active, self._state.sub)
        self._children.asked = self._children.strays or self._layout.stop(self._name).exists()
        begun: list[float] = []
        if left_over:
            self._take_over()
        while not (left_over or begun) or self._to_be_restarted(begun):
            begun.append(time.monotonic())
            self._live()
        self._note(*(("inactive", "dead") if self._state.result == "success" else ("failed", "failed")))
        self._children.wait(self._noted, limit=_PATIENCE, heed=False)

    def _take_over(self) -> None:
        """End what a killed supervisor left, as if the main process had been killed."""
        self._state = replace(self._state, result="success" if self._children.asked else "signal")
        with contextlib.suppress(Failed):
            self._children.read_environment()
        self._finish()

    def _to_be_restarted(self, begun: list[float]) -> bool:
        """Whether the unit is to be started again; once it is time for it."""
        spec = self._spec
        if self._children.asked or not spec.again(self._state.result, self._children.main.end):
            return False
        self._note("activating", "auto-restart")
        try:
            self._children.wait(lambda: False, spec.span(0.1, "RestartSec"))
        except Stopped:
            self._state = replace(self._state, result="success")
            return False
        del begun[: -spec.burst]
        if len(begun) == spec.burst > 0 and time.monotonic() - begun[0] < spec.burst_within:
            self._children.say(
                f"it was started {spec.burst} times within {spec.burst_within:g} s, so it stays as it is"
            )
            self._state = replace(self._state, result="start-limit-hit")
            return False
        self._state = replace(self._state, restarts=self._state.restarts + 1)
        if os.fstat(LOG).st_size > _MOST_SAID:
            os.ftruncate(LOG, 0)
        return True

    def _live(self) -> None:
        """One start of the unit, up to where nothing of it is left."""
        self._state = replace(self._state, result="success")
        self._children.main = Child()
        orderly = False
        with self._failing():
            try:
                self._begin()
                self._stay()
                orderly = True
            except Stopped:
                orderly = self._state.active == "active"
        if orderly:
            self._stop_by("ExecStop")
        self._finish()

    def _begin(self) -> None:
        spec = self._spec
        if spec.refusal:
            raise Failed("resources", spec.refusal)
        self._children.read_environment()
        if spec.commands("ExecStartPre"):
            self._note("activating", "start-pre")
            self._commands("ExecStartPre")
        for command in spec.commands("ExecStart"):
            self._command = command
            self._children.run_main(command)
            self._note("activating", "start")
            if spec.oneshot and not self._children.wait(lambda: self._children.main.end is not None, spec.start_limit):
                raise Failed("timeout", f"ExecStart took longer than TimeoutStartSec, {spec.start_limit:g} s")
            if spec.oneshot or not self._children.main.pid:
                self._judge()
        if spec.commands("ExecStartPost"):
            self._note("activating", "start-post")
            self._commands("ExecStartPost")

    def _stay(self) -> None:
        """Until the unit ends by itself."""
        if not self._children.main.end:
            self._note("active", "running")
            self._children.wait(lambda: self._children.main.end is not None)
            if self._children.main.end:
                self._children.say(f"the unit's process ended {self._children.main.end.words}")
        self._judge()
        if self._spec.remains:
            self._note("active", "exited")
            self._children.wait(lambda: False)

    def _judge(self) -> None:
        """Failed where the main process ended as it should not have."""
        if self._children.main.end and (why := self._spec.fails(self._children.main.end, self._command, main=True)):
            raise Failed(why, f"the unit's process ended {self._children.main.end.words}")

    def _commands(self, option: str, *, stopping: bool = False) -> None:
        """Run an option's commands one after the other; a stop that is asked for ends them, unless it is under way."""
        limit = self._spec.stop_limit if stopping else self._spec.start_limit
        for command in self._spec.commands(option):
            end = self._children.run(command, limit, heed=not stopping)
            if not end:
                kind = "Stop" if stopping else "Start"
                raise Failed("timeout", f"{option} took longer than Timeout{kind}Sec, {limit:g} s")
            if why := self._spec.fails(end, command, main=False):
                what = " ".join(command.argv)[:_MOST_QUOTED]
                raise Failed(why, f"{option} failed, {end.words}: {what}")

    def _stop_by(self, option: str) -> None:
        if self._spec.commands(option):
            self._note("deactivating", "stop" if option == "ExecStop" else "stop-post")
            with self._failing():
                self._commands(option, stopping=True)

    def _finish(self) -> None:
        """End every process that is left, with ExecStopPost in between."""
        self._note("deactivating", "stop-sigterm")
        self._end_all()
        if not self._children.main.end:
            self._children.main = Child()
        with self._failing():
            self._judge()
        self._stop_by("ExecStopPost")
        self._note("deactivating", "final-sigterm")
        self._end_all()

    def _end_all(self) -> None:
        """Until none is left of what KillMode means: first asked, and after TimeoutStopSec killed."""
        spec, mode = self._spec, self._spec.kill_mode
        asked = self._children.all if mode == "control-group" else self._children.own
        killed = self._children.own if mode == "process" else self._children.next
        if mode == "none":
            return
        if not self._children.gone(asked, spec.kill_signal, spec.stop_limit):
            self._fail(Failed("timeout", f"it did not end within TimeoutStopSec, {spec.stop_limit:g} s: it is killed"))
        if killed():
            self._note("deactivating", self._state.sub.replace("sigterm", "sigkill"))
            if not self._children.gone(killed, signal.SIGKILL, LATER_LOOK):
                self._children.say(f"SIGKILL does not end process {', '.join(map(str, sorted(killed())))}")
                self._children.gone(killed, signal.SIGKILL, math.inf, LATER_LOOK)

    @contextlib.contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except Failed as failed:
            self._fail(failed)

    def _fail(self, failed: Failed) -> None:
        """Say it; the first reason is the one that counts."""
        why, words = failed.args
        self._children.say(words)
        if self._state.result == "success":
            self._state = replace(self._state, result=why)

    def _note(self, active: str, sub: str) -> None:
        end, main = self._children.main.end, self._children.main.pid
        ended = (2 if end.killed else 1, end.status) if end else (0, 0)
        self._state = replace(self._state, active=active, sub=sub, main_pid=0 if end else main, ended=ended)
        self._written = write_state(self._layout.state(self._name), self._state)

    def _noted(self) -> bool:
        self._written = self._written or write_state(self._layout.state(self._name), self._state)
        return self._written


def _unit_file(name: UnitName, layout: Layout) -> UnitFile:
    """Return the unit's file; an empty one where it can't be read: a stop does without."""
    try:
        return UnitFile.parse(name, (layout.units / name.text).read_text())
    except (DeploysterError, OSError, ValueError) as error:
        os.write(LOG, f"the unit file can't be read: {error}\n".encode())
        return UnitFile(name, ())


def main(argv: list[str]) -> None:
    """Look after the unit that ``argv`` names until nothing of it is left."""
    verb, text, root, lock = argv
    os.set_inheritable(int(lock), False)
    os.chdir("/")
    os.umask(0o077)
    name, layout = UnitName.parse(text), Layout(Path(root))
    if name is None:
        sys.exit(f"{text} is not a unit's name")

    def look_after(killed: bool) -> None:
        state = parse_state(layout.state(name).read_text())
        Supervisor(name, layout, state, strays=verb == "stop").run(left_over=killed or verb == "stop")

    subreaper.guarded(look_after)


if __name__ == "__main__":
    main(sys.argv[1:])
