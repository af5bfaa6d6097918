"""What systemctl, the kernel and our supervisors' notes say, as values. Pure; OutputUnreadable for all else."""

from __future__ import annotations

import re
from dataclasses import dataclass

from deployster_cli.domain.units.names import quoted
from deployster_cli.errors import OutputUnreadable

# TCP_LISTEN in the kernel's include/net/tcp_states.h, as /proc/net/tcp writes it.
_LISTENING = "0A"

# A line of /proc/net/tcp: the local port and the state.
_SOCKET = re.compile(r" *[0-9]+: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]+:[0-9A-F]{4} ([0-9A-F]{2}) [^\n]*")

# Digits of the largest that 64 bits hold.
_LONGEST_NUMBER = 20

# Bytes of a supervisor's note.
_NOTED = 512


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
class State:
    """What a unit's supervisor notes. ``ended`` is how its main process did, as systemd's ExecMainCode and -Status.

    ``run`` is the INVOCATION_ID that the processes of the unit's start carry, ``boot`` the machine's boot then.
    ``pid`` is the supervisor's, 0 until it has begun.
    """

    active: str
    sub: str
    run: str
    boot: str
    restarts: int = 0
    main_pid: int = 0
    ended: tuple[int, int] = (0, 0)
    result: str = "success"
    pid: int = 0

    @property
    def over(self) -> bool:
        """Whether nothing of the unit is left and nobody looks after it any more."""
        return self.active in {"inactive", "failed"}

    @property
    def text(self) -> str:
        """In the words of ``systemctl show``. Always as long, so that it can be written over an earlier one's."""
        values = {
            "ActiveState": self.active,
            "SubState": self.sub,
            "Result": self.result,
            "NRestarts": self.restarts,
            "MainPID": self.main_pid,
            "ExecMainCode": self.ended[0],
            "ExecMainStatus": self.ended[1],
            "InvocationID": self.run,
            "BootID": self.boot,
            "SupervisorPID": self.pid,
        }
        text = "".join(f"{name}={value}\n" for name, value in values.items())
        return f"{text:\n<{_NOTED}}"


def parse_show(text: str) -> dict[str, Shown]:
    """Return unit → state, from the blocks that ``show`` prints, one a unit, with an empty line between them."""
    blocks = [block.split("\n") for block in re.split(r"\n{2,}", text.strip("\n")) if block]
    found = [_shown(dict(_pair(line) for line in block)) for block in blocks]
    return {one.id: one for one in found}


def _pair(line: str) -> tuple[str, str]:
    name, equals, value = line.partition("=")
    if not equals:
        raise OutputUnreadable(f"of a unit's state this line is not Name=value: {quoted(line)}", out=line)
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
        raise OutputUnreadable(f"{name} is not a number: {quoted(f'{name}={text}')}", out=f"{name}={text}")
    return int(text)


def parse_state(text: str) -> State:
    """Return what a supervisor noted."""
    values = dict(_pair(line) for line in text.rstrip("\n").split("\n"))
    missing = [name for name in ("ActiveState", "SubState", "InvocationID", "BootID") if name not in values]
    if missing:
        raise OutputUnreadable(f"a supervisor's note has no {missing[0]}: {quoted(text)}", out=text)
    return State(
        active=values["ActiveState"],
        sub=values["SubState"],
        run=values["InvocationID"],
        boot=values["BootID"],
        restarts=_number(values, "NRestarts") or 0,
        main_pid=_number(values, "MainPID") or 0,
        ended=(_number(values, "ExecMainCode") or 0, _number(values, "ExecMainStatus") or 0),
        result=values.get("Result", ""),
        pid=_number(values, "SupervisorPID") or 0,
    )


def parse_listening(text: str) -> frozenset[int]:
    """Return the ports that /proc/net/tcp or tcp6 shows as listened on (the format is proc(5)'s)."""
    lines = text.removesuffix("\n").split("\n")[1:]
    return frozenset(port for line in lines if (port := _listening(line)) is not None)


def _listening(line: str) -> int | None:
    found = _SOCKET.fullmatch(line)
    if not found:
        raise OutputUnreadable(f"/proc/net/tcp has a line that can't be read: {quoted(line)}", out=line)
    port, state = found.groups()
    return int(port, 16) if state == _LISTENING else None
