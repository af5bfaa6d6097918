"""Standard units run by the local engine without systemd: every value comes through whole."""

from __future__ import annotations

import json
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deployster_cli.domain.units.model import Service
from deployster_cli.domain.units.unitfile import UnitFile
from deployster_cli.engines.local.declaration import LocalOptions
from deployster_cli.engines.local.engine import LocalEngine
from tests.templates.cases import HOSTILE, NAME, rendered

pytestmark = pytest.mark.process

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
    """Starts a unit with the local engine and gives the arguments, environment and folder that its process saw."""
    engine = LocalEngine(LocalOptions(manager="supervisor", root=str(tmp_path / "state")))
    seen = tmp_path / "seen.json"

    def start(unit: UnitFile) -> Seen:
        engine.start([unit])
        until(seen.exists)
        argv, env, cwd = json.loads(seen.read_text())
        return argv, env, cwd

    yield start
    engine.destroy([NAME])
    until(lambda: not engine.units())


def until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not done():
        assert time.monotonic() < end
        time.sleep(0.05)


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
        command=shlex.join(show) + ' "$PORT" "$DOLLAR_NAME" ${NONE:-none}',
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


def test_a_process_runs_in_a_folder_with_a_hostile_name(run: Run, process: Service, tmp_path: Path) -> None:
    folder = tmp_path / 'a %n $HOME ${PORT} "x" \\y'
    folder.mkdir()
    assert run(rendered(process._replace(directory=str(folder))))[2] == str(folder)


def test_a_port_wins_over_a_file_of_variables(run: Run, process: Service, tmp_path: Path) -> None:
    assert run(rendered(process._replace(env_file=file(tmp_path))))[0][0] == "20001"


def test_variables_of_the_service_win_over_a_file_of_variables(run: Run, process: Service, tmp_path: Path) -> None:
    env = run(rendered(process._replace(env_file=file(tmp_path))))[1]
    assert {name: env.get(name) for name in HOSTILE} == HOSTILE


def test_a_file_of_variables_gives_the_others(run: Run, process: Service, tmp_path: Path) -> None:
    assert run(rendered(process._replace(env_file=file(tmp_path))))[1]["MORE"] == "$HOME %n 'x'"


def file(folder: Path) -> str:
    """A file of variables, some of which the service has too."""
    path = folder / "a file.env"
    path.write_text("""# ours\nPORT=1\nDOLLARS=x\nMORE="\\$HOME %n 'x'"\n""")
    return str(path)


OWN_WORDS = r"""$A "$A" '$B' $NONE "${NONE}" ${A} x${B}y a$A $$ $$A $${A} $$$$ "$(id)" a$(id) ${A:-x} ${} ${A 100%% %i
 "%%n" \x41\xc3\xa9 "\u00e9" 'sq "dq"' "a\"b\\c" ';' \; "" a'b"c d'e $C $D ${D} ${C} $A/b [$A]""".replace("\n", "")

# What systemd 252 made of those words, in a unit that fleet started.
AS_SYSTEMD_GAVE_THEM = [
    *("one", "two", "one", "two", "its", "", "one two", 'xit"sy', "a$A", "$", "$A", "${A}", "$$", "a$(id)", "${A:-x}"),
    *("", "${A", "100%", "1", "%n", "Aé", "é", 'sq "dq"', 'a"b\\c', ";", ";", "", 'ab"c de', "q", "x y", "z w", "b s"),
    *("%i${A}", "%i${A}", "q 'x y' \"z w\" b\\ s", "[$A]"),
]


def test_words_that_a_person_wrote_mean_what_they_mean_to_systemd(run: Run, show: list[str]) -> None:
    own = (
        r"""Environment="A=one two" 'B=it"s' "C=q 'x y' \"z w\" b\\ s" D=%%i\x24{A}"""
        "\n"
        f"ExecStart={shlex.join(show)} {OWN_WORDS}\n"
    )
    unit = rendered(
        Service("carousel", template="own"), {"own.service.j2": "[Service]\n{% raw %}" + own + "{% endraw %}"}
    )
    assert run(unit)[0] == AS_SYSTEMD_GAVE_THEM
