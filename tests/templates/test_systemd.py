"""Real systemd reads every golden unit without a word, and takes from it exactly the arguments that were meant."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import string
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployster_cli.domain.templates.systemd_rules import check
from deployster_cli.domain.units.model import Service
from deployster_cli.domain.units.unitfile import UnitFile
from deployster_cli.errors import TemplateFault
from tests.templates.cases import GOLDEN, HOSTILE, NAME, NASTY, SERVICES, rendered
from tests.templates.unit_lines import REFUSED, TAKEN, service

SYSTEMD = Path("/lib/systemd/systemd")
NOBODY = 65534

pytestmark = [
    pytest.mark.systemd_analyze,
    pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed"),
    pytest.mark.skipif(not os.access("/tmp", os.W_OK), reason="systemd-analyze can't work in /tmp"),
]

needs_systemd = pytest.mark.skipif(not SYSTEMD.exists(), reason=f"{SYSTEMD} is not installed")


@pytest.fixture
def tmp_is_everybodys() -> None:
    """systemd, tested as an ordinary user, makes folders in /tmp itself, whatever TMPDIR says."""
    if not Path("/tmp").stat().st_mode & 0o002:
        pytest.skip("/tmp can't be written to by every user")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that another user may read too, as pytest's own may not be."""
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o755)
        yield Path(made)


def installed(text: str) -> str:
    """The unit with programs that every machine has in the place of docker and etcdctl."""
    return text.replace("/usr/bin/docker ", "/bin/true ").replace("/usr/bin/etcdctl ", "/bin/true ")


def verify(file: Path) -> tuple[int, str]:
    """systemd-analyze's exit code and what it has to say about a unit file."""
    argv = ["systemd-analyze", "verify", "--man=no", str(file)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("case", SERVICES)
def test_systemd_has_no_complaint(case: str, folder: Path) -> None:
    file = folder / NAME.text
    file.write_text(installed((GOLDEN / f"{case}.service").read_text()))
    assert verify(file) == (0, "")


def test_systemd_would_have_complained(folder: Path) -> None:
    file = folder / NAME.text
    file.write_text((GOLDEN / "docker-plain.service").read_text().replace("RestartSec=3", "RestartSec=soon"))
    assert "Failed to parse sec value" in verify(file)[1]


def command_lines(text: str, folder: Path) -> list[list[str]]:
    """The argv of each command of a unit as systemd holds it in memory, ``$$`` read as it does when it runs them."""
    (folder / NAME.text).write_text(text)
    runtime = folder / "run"
    runtime.mkdir()
    if os.geteuid() == 0:
        os.chown(runtime, NOBODY, NOBODY)
    env = {"PATH": os.environ["PATH"], "HOME": str(runtime), "XDG_RUNTIME_DIR": str(runtime)}
    done = subprocess.run(
        [SYSTEMD, "--test", "--user", "--no-pager", f"--unit={NAME.text}"],
        env=env | {"SYSTEMD_UNIT_PATH": f"{folder}:"},
        cwd=folder,
        user=NOBODY if os.geteuid() == 0 else None,  # systemd refuses to be tested by root
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    ours = done.stdout.partition(f"-> Unit {NAME.text}:")[2].partition("-> Unit ")[0]
    return [words(line) for line in re.findall("Command Line: (.*)", ours)]


def words(line: str) -> list[str]:
    """The words of a command line as systemd prints it, in double quotes with \" \\ $ ` escaped where it has to."""
    found = re.findall(r'"((?:[^"\\]|\\.)*)"|(\S+)', line)
    meant = (re.sub(r"\\(.)", r"\1", quoted) or bare for quoted, bare in found)
    return [_dollars(word) for word in meant]


def _dollars(word: str) -> str:
    assert "$" not in word.replace("$$", ""), "systemd would look for a variable"
    return word.replace("$$", "$")


@needs_systemd
@pytest.mark.usefixtures("tmp_is_everybodys")
def test_systemd_gives_docker_every_hostile_value_whole(folder: Path) -> None:
    run = command_lines(installed(rendered(NASTY).text), folder)[2]
    assert run[4:] == [
        *("/bin/true", "run", "--rm", "--name", NAME.container, "-p", "8080"),
        *("--volume=/with space:/data", "--volume=--privileged:/x", "--volume=/%i/$HOME:/x"),
        *("--env-file=/dev/stdin", "registry.example.com:5000/team/carousel:9f88701"),
    ]


@needs_systemd
@pytest.mark.usefixtures("tmp_is_everybodys")
def test_systemd_gives_a_script_its_text_and_its_values(folder: Path) -> None:
    template = (
        "[Service]\n{% set script %}for i in 1 2; do echo $i ${i} $$; done{% for name, value in env|dictsort(true) %}"
        " {{ value|sh }}{% endfor %}{% endset %}\nExecStart=/bin/sh -c {{ script|arg }}"
    )
    service = Service("carousel")._replace(template="loop", env=HOSTILE)
    unit = rendered(service, {"loop.service.j2": template})
    values = "".join(f" {shlex.quote(value)}" for _, value in sorted(HOSTILE.items()))
    assert command_lines(unit.text, folder) == [
        ["/bin/sh", "-c", "for i in 1 2; do echo $i ${i} $$; done" + values],
    ]


@pytest.fixture
def systemd_252() -> None:
    """What is refused and how is a matter of the release."""
    argv = ["systemd-analyze", "--version"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    if not done.stdout.startswith("systemd 252 "):
        pytest.skip(f"the lines were read off systemd 252, and this is {done.stdout.partition('(')[0]}")


@pytest.mark.usefixtures("systemd_252")
@pytest.mark.parametrize("lines", REFUSED)
def test_systemd_complains_about_what_is_refused(lines: str, folder: Path) -> None:
    file = folder / NAME.text
    file.write_text(service(lines))
    assert verify(file)[1]


@pytest.mark.usefixtures("systemd_252")
@pytest.mark.parametrize("lines", TAKEN)
def test_systemd_has_no_complaint_about_what_is_let_through(lines: str, folder: Path) -> None:
    file = folder / NAME.text
    file.write_text(service(lines))
    assert verify(file) == (0, "")


@pytest.mark.usefixtures("systemd_252")
def test_systemd_refuses_the_specifiers_that_are_refused(folder: Path) -> None:
    characters = string.ascii_letters + string.digits
    lines = "".join(f"ExecStartPre=-/bin/echo %{character}\n" for character in characters)
    (folder / NAME.text).write_text(service(lines))
    refused = re.findall(r"Failed to resolve unit specifiers in %(.),", verify(folder / NAME.text)[1])
    assert refused == [character for character in characters if character == "D" or unknown(character)]


def unknown(specifier: str) -> bool:
    """Whether a unit that says this after a % is refused."""
    try:
        check(UnitFile.parse(NAME, service(f"ExecStart=/bin/echo %{specifier}")))
    except TemplateFault:
        return True
    return False
