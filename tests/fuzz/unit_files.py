"""Unit files: what is read is written in a form that reads the same, and no line of it is lost."""

from __future__ import annotations

import math

from deployster_cli.domain.lock import Note
from deployster_cli.domain.rollout import placement
from deployster_cli.domain.templates import systemd_rules
from deployster_cli.domain.units.model import Machine
from deployster_cli.domain.units.names import UnitName
from deployster_cli.domain.units.unitfile import Stamp, UnitFile, parse_options, write_options
from deployster_cli.errors import TemplateFault
from tests.fuzz.target import Target, read, recorded

NAME = UnitName("carousel", "9f88701", 1)
MACHINES = (Machine("m1", metadata={"zone": "z1"}), Machine("m2"))

STAMP = Stamp("carousel", "9f88701", 1, "2026-01-02T03:04:05Z", "ada@laptop", "docker", 2, 20001, ("a41c9e2", "77"))
NOTE = Note("carousel", "ada", "laptop", "boot/pid:[1]", 4711, "ab" * 8, 1_767_323_045, 42, "deploying 1")


def unit_files(data: bytes) -> bool:
    """As the local engine reads one from its folder, where anybody may have written to it."""
    text = data.decode(errors="surrogateescape")
    unit = read(lambda: UnitFile.parse(NAME, text), TemplateFault)
    if unit is None:
        return False
    assert UnitFile.parse(NAME, unit.text) == unit, "it reads back as it was written"
    assert len(unit.hash) == len("da39a3ee5e6b4b0d3255bfef95601890afd80709")
    if "\\" not in text:
        assert sorted(_naively(text)) == sorted(unit.options), "every line of it counts"
    _check_stamp(unit)
    _check_meaning(unit)
    return True


def _naively(text: str) -> list[tuple[str, str, str]]:
    """The options of a text without continued lines, as anybody would read them."""
    found, section = [], ""
    for line in (raw.strip() for raw in text.split("\n")):
        if line.startswith("["):
            section = line[1:-1]
        elif line and line[0] not in "#;":
            name, _, value = line.partition("=")
            found.append((section, name.strip(), value.strip()))
    return found


def _check_stamp(unit: UnitFile) -> None:
    stamp, note = unit.stamp, Note.read(unit.options)
    if stamp:
        assert unit.stamped(stamp).stamp == stamp
        assert UnitName.checked("a", "1", stamp.instance).instance == stamp.instance
    if note:
        assert Note.read(parse_options(write_options(note.options()))) == note
        assert note.told(note.since)


def _check_meaning(unit: UnitFile) -> None:
    """What is made of the options comes to an end, and is refused in a sentence at worst."""
    assert unit.restart_pause > 0
    assert not math.isnan(unit.restart_pause)
    assert all(machine in MACHINES for machine in placement.fitting(unit, MACHINES))
    assert isinstance(placement.is_global(unit) and placement.bars_its_successor(unit), bool)
    read(lambda: systemd_rules.check(unit), TemplateFault)


SAMPLE = """\
# a unit
[Unit]
Description=carousel 9f88701 instance 1 port 20001
After=docker.service

[Service]
Type=oneshot
Environment="A=b c" 'B=\\x20' C=%%
ExecStartPre=-/usr/bin/docker pull acme/carousel:9f88701
ExecStart=/usr/bin/docker run --rm \\
  -e "NAME=a b" \\
  acme/carousel:9f88701 ; /bin/true
RestartSec=1min 30s
TimeoutStartSec=infinity
WorkingDirectory=-/srv/%i
KillSignal=SIGRTMIN+3
Restart=on-failure

[X-Fleet]
MachineMetadata=zone=z1
MachineMetadata="zone=z1" "disk=ssd"
Conflicts=carousel-*@*.service
Global=true
"""


def seeds() -> tuple[bytes, ...]:
    """Our own, and what fleetctl cat printed."""
    stamped = UnitFile.parse(NAME, SAMPLE).stamped(STAMP).text
    cats = tuple(text for text in recorded("fleetctl", "stdout") if text.startswith(b"["))
    return (SAMPLE.encode(), stamped.encode(), write_options(NOTE.options()).encode(), *cats)


WORDS = (
    *(
        b"[Unit]\n",
        b"[Service]\n",
        b"[X-Fleet]\n",
        b"[X-Deployster]\n",
        b"\\\n",
        b"\\",
        b"\\\\\n",
        b"\\ \\\n",
        b"\n#",
        b"\n;",
    ),
    *(b"=", b"ExecStart=", b"Environment=", b"RestartSec=", b"WorkingDirectory=", b"KillSignal=", b"Type=oneshot\n"),
    *(
        b"Instance=",
        b"Port=",
        b"Previous=",
        b"Pid=",
        b"Beat=",
        b"1_0",
        b"+1",
        b"\xd9\xa1",
        b"9" * 25,
        b"MachineMetadata=",
    ),
    *(
        b"Conflicts=",
        b"1min 30s",
        b"infinity",
        b"\r",
        b"\x85",
        b"\xe2\x80\xa8",
        b"\xff",
        b"\x00",
        b"%",
        b"$",
        b"'",
        b'"',
    ),
)

TARGET = Target(unit_files, seeds(), WORDS)
