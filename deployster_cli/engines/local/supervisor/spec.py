"""A unit file's [Service] as the supervisor runs it. Pure: how systemd takes each option (systemd.service(5))."""

from __future__ import annotations

import math
import os
import re
import signal
from collections.abc import Mapping
from typing import NamedTuple

from deployster_cli.domain.durations import parse_span
from deployster_cli.domain.units.names import UnitName
from deployster_cli.domain.units.unitfile import UnitFile
from deployster_cli.engines.local.supervisor.exec_lines import expanded, specified, words

# What can be run here. The others tell systemd when they have started, by a fork, on its bus or on its socket.
TYPES = ("simple", "exec", "oneshot", "idle")

_TRUTHS = {"1", "yes", "y", "true", "t", "on"}

# A service that ends by one of these has ended well; a command that is meant to end has not.
_CLEAN_SIGNALS = {signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGPIPE}


class End(NamedTuple):
    """How a process ended: its exit status, or (``killed``) by which signal."""

    status: int = 0
    killed: bool = False

    @classmethod
    def of(cls, waited: int) -> End:
        """As waitpid told it."""
        return cls(os.WTERMSIG(waited), True) if os.WIFSIGNALED(waited) else cls(os.WEXITSTATUS(waited))

    @property
    def words(self) -> str:
        """For a person."""
        return f"by signal {self.status}" if self.killed else f"with exit code {self.status}"


class Command(NamedTuple):
    """One command of an Exec option, its variables not yet filled in."""

    program: str
    argv: tuple[str, ...]
    flags: str = ""

    def words(self, known: Mapping[str, str]) -> list[str]:
        """Its argv with this environment."""
        if ":" in self.flags:
            return list(self.argv)
        return [self.argv[0], *(part for word in self.argv[1:] for part in expanded(word, known))]


class Spec:
    """What is to be run, and how: the unit file's, with specifiers that say who ``base`` is the environment of."""

    def __init__(self, file: UnitFile, base: Mapping[str, str]) -> None:
        self._name: UnitName = file.name
        self._base = base
        self._given: dict[str, tuple[str, ...]] = {}
        for section, option, value in file.options:
            if section in {"Unit", "Service"}:  # an empty value takes back all before it
                self._given[option] = (*self._given.get(option, ()), value) if value else ()
        self.type = self.last("Type", "simple")
        self.oneshot = self.type == "oneshot"
        self.remains = self.last("RemainAfterExit").lower() in _TRUTHS
        self.start_limit = self.span(math.inf if self.oneshot else 90.0, "TimeoutStartSec", "TimeoutSec") or math.inf
        self.stop_limit = self.span(90.0, "TimeoutStopSec", "TimeoutSec") or math.inf
        self.kill_mode = self.last("KillMode", "control-group")
        self.kill_signal = signal_of(self.last("KillSignal")) or signal.SIGTERM
        burst = self.last("StartLimitBurst")
        self.burst = int(burst) if re.fullmatch("[0-9]{1,9}", burst) else 5
        self.burst_within = self.span(10.0, "StartLimitIntervalSec", "StartLimitInterval")

    def values(self, option: str) -> list[str]:
        """Return what the unit file gives an option."""
        return [self.specified(value) for value in self._given.get(option, ())]

    def last(self, option: str, default: str = "") -> str:
        """Return the value that counts where there is but one."""
        return (self.values(option) or [default])[-1]

    def span(self, default: float, *options: str) -> float:
        """Seconds, by the last of ``options`` that is given."""
        found = [self.last(option) for option in self._given if option in options]
        seconds = parse_span(found[-1]) if found else None
        return default if seconds is None else seconds

    def specified(self, text: str) -> str:
        """With systemd's specifiers filled in."""
        return specified(text, self._name, self._base)

    def commands(self, option: str) -> list[Command]:
        """Return an Exec option's commands, of which a ``;`` that stands alone begins another."""
        parts: list[list[str]] = []
        for value in self._given.get(option, ()):
            parts.append([])
            for raw, word in words(value):
                if raw == ";":
                    parts.append([])
                else:
                    parts[-1].append(word)
        return [self._command(part) for part in parts if part]

    def _command(self, part: list[str]) -> Command:
        bare = part[0].lstrip("-+!@:|")
        flags = part[0].removesuffix(bare)
        program, *rest = map(self.specified, (bare, *part[1:]))
        return Command(program, tuple(rest if "@" in flags and rest else [program, *rest]), flags)

    def environment(self) -> dict[str, str]:
        """Environment's variables."""
        given = (self.specified(word) for value in self._given.get("Environment", ()) for _, word in words(value))
        return {name: text for name, equals, text in (word.partition("=") for word in given) if equals}

    @property
    def refusal(self) -> str:
        """Why this can't be run; empty where it can."""
        count = len(self.commands("ExecStart"))
        if self.type not in TYPES:
            return f"Type={self.type} needs systemd; without it Type is one of {', '.join(TYPES)}"
        if not count:
            return "the unit has no ExecStart, so there is nothing to run"
        return "only Type=oneshot may have more than one ExecStart" if count > 1 and not self.oneshot else ""

    def fails(self, end: End, command: Command, *, main: bool) -> str:
        """Return the reason for which this end is a failure, in systemd's word; empty where it is none."""
        clean = end.status in _CLEAN_SIGNALS and main and not self.oneshot if end.killed else not end.status
        well = clean or "-" in command.flags or self._lists("SuccessExitStatus", end)
        return "" if well else "signal" if end.killed else "exit-code"

    def again(self, result: str, end: End | None) -> bool:
        """Whether the unit is started again after this, where nobody asked for its stop."""
        if end and self._lists("RestartPreventExitStatus", end):
            return False
        by_setting = {
            "always": True,
            "on-success": result == "success",
            "on-failure": result != "success",
            "on-abnormal": result not in {"success", "exit-code"},
            "on-abort": result == "signal",
        }.get(self.last("Restart"), False)
        return by_setting or bool(end and self._lists("RestartForceExitStatus", end))

    def _lists(self, option: str, end: End) -> bool:
        listed = " ".join(self.values(option)).split()
        return any(signal_of(word) == end.status if end.killed else word == str(end.status) for word in listed)


def signal_of(text: str) -> int | None:
    """Return a signal's number by its name, with or without SIG, or by itself; None for what is none."""
    counted = re.fullmatch(r"(?:(?:SIG)?RTMIN\+)?([0-9]{1,2})", text)
    if counted:
        return int(counted[1]) + (signal.SIGRTMIN if "+" in text else 0)
    return signal.Signals.__members__.get(f"SIG{text.removeprefix('SIG')}")
