"""Units run under systemctl3 as an ordinary process would want it: every argument and variable to the letter."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deployster_cli.domain.model import Service
from deployster_cli.domain.unitfile import UnitFile
from tests.templates.cases import HOSTILE, NAME, rendered

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(not importlib.util.find_spec("systemctl3"), reason="docker-systemctl-replacement is missing"),
]

SHOW = """
import json, os, sys, time
with open(sys.argv[1] + ".part", "w") as file:
    json.dump([sys.argv[2:], dict(os.environ), os.getcwd()], file)
os.rename(sys.argv[1] + ".part", sys.argv[1])
time.sleep(60)
"""

Seen = tuple[list[str], dict[str, str], str]
Run = Callable[[UnitFile], Seen]


@pytest.fixture
def show(tmp_path: Path) -> list[str]:
    """The command that writes down what it was given, and then stays."""
    (tmp_path / "show.py").write_text(SHOW)
    return [sys.executable, str(tmp_path / "show.py"), str(tmp_path / "seen.json")]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """Starts a unit under systemctl3 and gives the arguments, environment and folder that its process saw."""
    units = tmp_path / "etc/systemd/system"
    units.mkdir(parents=True)

    def systemctl(verb: str) -> None:
        argv = [sys.executable, "-m", "systemctl3", f"--root={tmp_path}", verb, NAME.text]
        subprocess.run(argv, capture_output=True, check=False, timeout=60)

    def start(unit: UnitFile) -> Seen:
        (units / NAME.text).write_text(unit.text)
        systemctl("start")
        seen = tmp_path / "seen.json"
        until = time.monotonic() + 10
        while not seen.exists() and time.monotonic() < until:
            time.sleep(0.05)
        argv, env, cwd = json.loads(seen.read_text())
        return argv, env, cwd

    yield start
    systemctl("stop")


def test_arguments_come_through_whole(run: Run, show: list[str]) -> None:
    words = " ".join(f"{{{{ {json.dumps(word)}|arg }}}}" for word in show)
    template = (
        f"[Service]\nExecStart={words}{{% for _, value in env|dictsort(true) %}} {{{{ value|arg }}}}{{% endfor %}}"
    )
    unit = rendered(Service("carousel", template="own", env=HOSTILE), {"own.service.j2": template})
    assert run(unit)[0] == [value for _, value in sorted(HOSTILE.items())]


def test_a_script_keeps_its_own_variables_and_gets_its_values_whole(run: Run, show: list[str]) -> None:
    words = " ".join(f"{{{{ {json.dumps(word)}|sh }}}}" for word in show)
    template = (
        f'[Service]\n{{% set script %}}for i in 1 2; do x=$i; done; exec {words} "$i" "${{x}}" "$(echo a$i)"'
        "{% for _, value in env|dictsort(true) %} {{ value|sh }}{% endfor %}{% endset %}\n"
        "ExecStart=/bin/sh -c {{ script|arg }}"
    )
    unit = rendered(Service("carousel", template="own", env=HOSTILE), {"own.service.j2": template})
    assert run(unit)[0] == ["2", "2", "a2", *(value for _, value in sorted(HOSTILE.items()))]


@pytest.fixture
def process(tmp_path: Path, show: list[str]) -> Service:
    """A service of the process template in a folder of its own, with a hostile environment."""
    (tmp_path / "9f88701").mkdir()
    return Service(
        "carousel",
        template="process",
        command=" ".join(show) + ' "$PORT" "$DOLLAR_NAME" ${NONE:-none}',
        directory=f"{tmp_path}/{{version}}",
        env=HOSTILE,
    )


def test_a_process_reads_its_port_and_variables_in_its_command(run: Run, process: Service) -> None:
    assert run(rendered(process))[0] == ["20001", HOSTILE["DOLLAR_NAME"], "none"]


def test_a_process_gets_its_environment_whole(run: Run, process: Service) -> None:
    env = run(rendered(process))[1]
    assert {name: env.get(name) for name in HOSTILE} == HOSTILE


def test_a_process_is_told_what_it_is(run: Run, process: Service) -> None:
    env = run(rendered(process))[1]

    wanted = {"DEPLOYSTER_SERVICE": "carousel", "DEPLOYSTER_VERSION": "9f88701", "DEPLOYSTER_INSTANCE": "1"}
    assert wanted.items() <= env.items()


def test_a_process_runs_in_its_releases_folder(run: Run, process: Service, tmp_path: Path) -> None:
    assert run(rendered(process))[2] == str(tmp_path / "9f88701")
