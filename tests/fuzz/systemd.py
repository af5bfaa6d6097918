"""What systemctl prints: every unit and every value of it, as it stands there."""

from __future__ import annotations

import re

from deployster_cli.domain.units import asking
from deployster_cli.engines.local import parse
from deployster_cli.errors import OutputUnreadable
from tests.fuzz.target import Target, read, recorded


def show(data: bytes) -> bool:
    """systemctl show of any number of units."""
    text = data.decode(errors="replace")
    found = read(lambda: parse.parse_show(text), OutputUnreadable)
    if found is None:
        return False
    blocks = [block for block in re.split("\n\n+", text.strip("\n")) if block]
    values = {name: pairs for block in blocks for pairs in [_naively(block)] for name in [pairs.get("Id", "")]}
    assert list(found) == list(values), "every unit is there, and no other"
    for name, shown in found.items():
        _check(shown, values[name])
    return True


def _naively(block: str) -> dict[str, str]:
    return dict(line.partition("=")[::2] for line in block.split("\n"))


def _check(shown: parse.Shown, values: dict[str, str]) -> None:
    assert (shown.id, shown.active, shown.sub) == tuple(values[name] for name in ("Id", "ActiveState", "SubState"))
    assert (shown.load, shown.fragment) == tuple(values.get(name, "") for name in ("LoadState", "FragmentPath"))
    assert values.get("NRestarts", "").lstrip("0") in ("", str(shown.restarts))
    assert values.get("MainPID", "").lstrip("0") in ("", str(shown.main_pid))
    assert isinstance(shown.up, bool)


def local(data: bytes) -> bool:
    """What else the local engine reads: supervisors' notes, /proc/net/tcp, how a unit ended."""
    text = data.decode(errors="replace")
    code = asking.exit_code(text)
    assert code is None or code >= 0
    state = read(lambda: parse.parse_state(text), OutputUnreadable)
    assert state is None or (state.active in text and state.run in text and parse.parse_state(state.text) == state)
    ports = read(lambda: parse.parse_listening(text), OutputUnreadable)
    assert ports is None or all(0 <= port < 1 << 16 for port in ports)
    rows = [line for line in text.split("\n")[1:] if line.split()[3:4] == ["0A"]]
    assert ports is None or len(ports) <= len(rows)
    return state is not None or bool(ports)


SHOWN = (
    b"Id=a-b@1.service\nLoadState=loaded\nActiveState=active\nSubState=running\nNRestarts=2\nJob=0\n"
    b"FragmentPath=/run/a\nMainPID=7\nRemainAfterExit=yes\n"
)
SHOW_WORDS = (
    *(b"Id=", b"ActiveState=", b"SubState=", b"LoadState=", b"NRestarts=", b"MainPID=", b"FragmentPath=", b"Job="),
    *(
        b"\n\n",
        b"=",
        b"\r",
        b"\x0b",
        b"\x0c",
        b"\xc2\x85",
        b"\xe2\x80\xa8",
        b"\xd9\xa1",
        b"9" * 25,
        b"1_0",
        b"\x00",
        b"\xff",
    ),
)
SHOW = Target(show, (SHOWN, SHOWN + b"\n" + SHOWN.replace(b"@1", b"@2"), *recorded("systemctl", "out")), SHOW_WORDS)

TCP = b"""  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 2514 1 0 100 0 0 10 0
"""
LOCAL = Target(
    local,
    (
        parse.State("failed", "failed", "ab" * 16, "a-boot", 3, 0, (1, 7), "exit-code", 4711).text.encode(),
        parse.State("active", "running", "", "").text.encode(),
        TCP,
    ),
    (
        *(
            b"ActiveState=",
            b"SubState=",
            b"InvocationID=",
            b"BootID=",
            b"NRestarts=",
            b"0A",
            b"0x1F",
            b"1_F",
            b"\n",
            b"\r",
            b"\xe2\x80\xa8",
            b" :",
            b"FFFFF",
        ),
        *(b"ExecMainCode=1\n", b"ExecMainStatus=", b"9" * 25, b"\xd9\xa1", b"abc"),
    ),
)
