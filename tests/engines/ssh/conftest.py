"""Three machines for all tests over ssh, and Python and command lines in their network."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.engines.local.machine import missing
from tests.engines.ssh.machines import Machines, several

PRELUDE = r"""
import subprocess, sys, time
from dataclasses import replace
from deployster_cli.domain.lock import Note
from deployster_cli.domain.record import Record
from deployster_cli.engines.ssh.declaration import SshOptions
from deployster_cli.engines.ssh.engine import SshEngine
from deployster_cli.engines.ssh.hosts import host
from deployster_cli.errors import EngineError, EngineUnreachable
from tests.engines.local.units import unit
def made(*without, names=("m1", "m2", "m3")):
    return SshEngine(SshOptions(tuple(host(name) for name in names), config=CONFIG, without=without))
engine = made()
LONG = "ExecStart=/bin/sleep 300"
files = [unit("3m", LONG, instance=number) for number in (1, 2, 3)]
names = [file.name for file in files]
def seen(by=engine):
    return {one.name.instance: f"{one.machine.label} {one.condition}" for one in by.units()}
def until(done):
    end = time.monotonic() + 40
    while not done():
        if time.monotonic() > end:
            sys.exit(f"still {seen()}")
        time.sleep(0.1)
def cable(number, state):
    subprocess.run(["ip", "link", "set", "vb-" + NAMES[number], state], check=True)
def all_back():
    engine.units()
    return not engine.silent
def note(token, beat=0):
    return Note("carousel", "ann", "laptop", "home", 1, token, 0, beat)
def record(version):
    return Record("carousel", version, 3, "scale", "ann", "2026-01-02T03:04:05Z")
"""


@pytest.fixture(scope="session")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    if why := missing():
        pytest.skip(why)
    with several(tmp_path_factory.mktemp("machines")) as found:
        yield found


Told = Callable[..., str]


@pytest.fixture
def told(machines: Machines) -> Iterator[Told]:
    """What these lines of Python print; what they leave is taken away."""

    def tell(*lines: str) -> str:
        containers = {number: machines.name(number) for number in (1, 2, 3)}
        prelude = PRELUDE.replace("CONFIG", repr(str(machines.config))).replace("NAMES", repr(containers))
        return machines.python("\n".join((prelude, *lines)))

    yield tell
    tell(
        "engine.stop([one.name for one in engine.units()])",
        "engine.destroy([one.name for one in engine.units()])",
        "until(lambda: not engine.units())",
        "engine.locks.drop('carousel')",
        "engine.records.drop('carousel')",
    )
