"""Files of variables on a real systemd: it refuses what we say that it refuses, and takes the others whole."""

from __future__ import annotations

import shlex

import pytest

from deployster_cli.domain.env_file import systemd_fault
from tests.domain.test_env_file import FILES
from tests.engines.local.machine import Machine

pytestmark = pytest.mark.systemd

# In a fault's text: systemd starts nothing. Of other faults it says something in the journal, or nothing at all.
REFUSED = ("UTF-16", "NUL", "UTF-8")

UNIT = """\
[Service]
Type=oneshot
RemainAfterExit=yes
EnvironmentFile=/run/files/{name}.env
ExecStart=/bin/true
"""


@pytest.fixture(scope="module")
def machine(machine: Machine) -> Machine:
    """The machine, with a unit for each file."""
    machine.run("mkdir", "/run/files")
    for number, (_, content, *_) in enumerate(FILES):
        machine.path(f"/run/files/{number}.env").write_bytes(content)
        machine.path(f"/run/systemd/system/file{number}.service").write_text(UNIT.format(name=number))
    machine.run("systemctl", "daemon-reload")
    machine.tried("/bin/sh", "-c", f"systemctl start {shlex.join(f'file{n}' for n in range(len(FILES)))}")
    return machine


@pytest.mark.parametrize("number", range(len(FILES)), ids=[file[0] for file in FILES])
def test_systemd_takes_a_file_as_we_say(machine: Machine, number: int) -> None:
    fault = systemd_fault(FILES[number][1])
    started = machine.tried("systemctl", "is-active", f"file{number}").returncode == 0
    assert started is not (fault is not None and any(word in fault.text for word in REFUSED))


@pytest.mark.parametrize("number", range(len(FILES)), ids=[file[0] for file in FILES])
def test_systemd_passes_over_nothing_of_a_file_that_we_take(machine: Machine, number: int) -> None:
    if systemd_fault(FILES[number][1]) is None:
        said = machine.run("journalctl", "--no-pager", "-o", "cat", "-u", f"file{number}")
        assert "Ignoring" not in said
        assert "Failed" not in said
