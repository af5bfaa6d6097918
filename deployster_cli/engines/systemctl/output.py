"""What systemctl, the kernel and our own job files say, as values. Pure; what can't be read raises OutputUnreadable."""

from __future__ import annotations

import re
from dataclasses import dataclass

from deployster_cli.domain.names import quoted
from deployster_cli.errors import OutputUnreadable

_LISTENING = "0A"
"""TCP_LISTEN in the kernel's include/net/tcp_states.h, as /proc/net/tcp writes it."""

_CODE = r"\((OK|[0-9]{1,3})\) <-([0-9]{0,3})>"
"""An exit code and a signal, as systemctl3's log has them."""

_CONTROL_DONE = re.compile(f"(pre|post)-start done {_CODE}")

_ENDED = re.compile(f" stopped PID [0-9]+ {_CODE}")

_ONESHOT = re.compile(rf"oneshot start \w+ {_CODE}")

_RECORD = re.compile(r"(start|stop) +([0-9]{1,10}) (-|done|failed) +([0-9a-f]*) *\n")

_SOCKET = re.compile(r" *[0-9]+: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]+:[0-9A-F]{4} ([0-9A-F]{2}) [^\n]*")
"""A line of /proc/net/tcp: the local port and the state."""

_LONGEST_NUMBER = 20
"""Digits of the largest that 64 bits hold."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What ``systemctl show`` says of one unit. ``restarts`` is None and ``fragment`` empty where it doesn't tell."""

    id: str
    load: str
    active: str
    sub: str
    restarts: int | None = None
    job: bool = False
    fragment: str = ""
    main_pid: int | None = None
    remains: bool = False

    @property
    def up(self) -> bool:
        """Whether it holds anything: a process, or a start or a stop under way."""
        return self.active not in {"inactive", "failed", "unknown"} or self.main_pid is not None


@dataclass(frozen=True, slots=True)
class Record:
    """What a job file says: the verb under way or done last, by which process, how it ended, and of which run.

    ``result`` is empty while the job is under way (and for ever where its process was killed), then done or failed.
    ``run`` is the INVOCATION_ID that every process of the unit's last start carries.
    """

    verb: str
    pid: int
    result: str
    run: str

    @property
    def under_way(self) -> bool:
        """Whether its process has begun and not ended, as far as the file knows."""
        return bool(self.pid) and not self.result

    @property
    def text(self) -> str:
        """One line, always as long as any other, so that writing it over the one before needs no truncating."""
        return f"{self.verb:<5} {self.pid:>10} {self.result or '-':<6} {self.run:<32}\n"


def ended_at_once(log: str) -> str:
    """How ExecStart's process ended while ``systemctl3 -vvv start`` (1.7) looked on; nothing where it didn't end."""
    found = _ENDED.search(log)
    if not found:
        return ""
    code, signal = found.groups()
    return f"by signal {signal}" if signal else f"with exit code {0 if code == 'OK' else code}"


def tells_an_end(line: str) -> bool:
    """Whether a runner (job.py) says in this line how a start ended badly, which no output of the unit tells."""
    return line.startswith(("the unit's process ended at once", "the start took longer than"))


def oneshot_ended(log: str) -> int | None:
    """How the last process of a oneshot ended that ``systemctl3 -vvv start`` (1.7) waited for, 128 and the number for
    a signal; None where the log tells of none.
    """
    found = _ONESHOT.findall(log)
    if not found:
        return None
    code, signal = found[-1]
    return 128 + int(signal) if signal else 0 if code == "OK" else int(code)


def parse_show(text: str) -> dict[str, Shown]:
    """Unit → state, from the blocks that ``show`` prints, one a unit, with an empty line between them."""
    blocks = [block.split("\n") for block in re.split(r"\n{2,}", text.strip("\n")) if block]
    found = [_shown(dict(_pair(line) for line in block)) for block in blocks]
    return {one.id: one for one in found}


def _pair(line: str) -> tuple[str, str]:
    name, equals, value = line.partition("=")
    if not equals:
        raise OutputUnreadable(f"systemctl show printed a line that is no Name=value: {quoted(line)}", out=line)
    return name, value


def _shown(values: dict[str, str]) -> Shown:
    missing = [name for name in ("Id", "ActiveState", "SubState") if not values.get(name)]
    if missing:
        block = " ".join(f"{name}={value}" for name, value in values.items())
        raise OutputUnreadable(f"systemctl show printed a unit without {missing[0]}: {quoted(block)}", out=block)
    return Shown(
        id=values["Id"],
        load=values.get("LoadState", ""),
        active=values["ActiveState"],
        sub=values["SubState"],
        restarts=_number(values, "NRestarts"),
        job=values.get("Job", "") not in {"", "0"},
        fragment=values.get("FragmentPath", ""),
        main_pid=_number(values, "MainPID") or None,
        remains=values.get("RemainAfterExit") == "yes",
    )


def _number(values: dict[str, str], name: str) -> int | None:
    text = values.get(name, "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER):
        raise OutputUnreadable(f"systemctl show printed no number: {quoted(f'{name}={text}')}", out=f"{name}={text}")
    return int(text)


def parse_record(text: str) -> Record | None:
    """What a job file says; None for an empty one, whose job was never begun."""
    if not text.strip():
        return None
    found = _RECORD.fullmatch(text)
    record = Record(found[1], int(found[2]), found[3].removeprefix("-"), found[4]) if found else None
    if record is None or record.text != text:
        raise OutputUnreadable(f"a job file holds something that no job wrote: {quoted(text)}", out=text)
    return record


def parse_listening(text: str) -> frozenset[int]:
    """The ports that /proc/net/tcp or tcp6 shows as listened on (the format is proc(5)'s)."""
    lines = text.removesuffix("\n").split("\n")[1:]
    return frozenset(port for line in lines if (port := _listening(line)) is not None)


def _listening(line: str) -> int | None:
    found = _SOCKET.fullmatch(line)
    if not found:
        raise OutputUnreadable(f"/proc/net/tcp has a line that can't be read: {quoted(line)}", out=line)
    port, state = found.groups()
    return int(port, 16) if state == _LISTENING else None


def failed_control(log: str, before: tuple[str, ...], after: tuple[str, ...]) -> str:
    """The first ExecStartPre or ExecStartPost that failed, or nothing. systemctl3 lets the latter pass (1.7).

    ``log`` is what ``systemctl3 -vvv start`` printed: one ``pre-start done (CODE) <-SIGNAL>`` a command, in order.
    ``before`` and ``after`` are the unit's commands, where a leading ``-`` says that failure doesn't matter.
    """
    left = {"pre": list(before), "post": list(after)}
    for kind, code, signal in _CONTROL_DONE.findall(log):
        command = left[kind].pop(0) if left[kind] else ""
        if (code != "OK" or signal) and not command.startswith("-"):
            return command or f"{kind}-start"
    return ""
