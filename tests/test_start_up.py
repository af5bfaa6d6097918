"""What each command imports before it does anything, as Python's own -X importtime tells it.

A library that no table allows is a start-up that got slower. What ``import click`` loads here already costs nothing.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from deployster_cli.cli.completion.cache import cache_of
from deployster_cli.cli.group import COMMANDS
from deployster_cli.config.load import load
from deployster_cli.domain.units.names import UnitName

_ROW = re.compile(r"^import time: *\d+ \| *\d+ \| +(\S+)$", re.MULTILINE)

FLEETCTL = """\
#!/bin/sh
case "$*" in
*list-unit-files*) row='3a07abc3f14e013a66c825eb161688e393bac544 launched launched 7f1e9eef/10.77.0.11 port' ;;
*list-units*) row='7f1e9eef/10.77.0.11 loaded active running 3a07abc3f14e013a66c825eb161688e393bac544' ;;
*) exit 1 ;;
esac
echo "carousel-9f88701@1.service $row" | tr ' ' '\\t' | sed 's/port$/carousel 9f88701 instance 1/'
"""

START = "from deployster_cli.__main__ import start; start()"

TOML = """\
[clusters.staging]

[services.banner]
template = "process"
command = "bin/serve"
directory = "/srv/banner/{version}"
"""


@dataclass(frozen=True)
class Line:
    """A command line, or with ``tab`` one at whose end the TAB key is pressed. ``says`` is seen where it did its job.

    ``may``: what it may import of HEAVY.
    """

    text: str
    says: str
    may: tuple[str, ...] = ()
    tab: bool = False

    def __str__(self) -> str:
        return f"{self.text!r}, TAB" if self.tab else self.text


# What takes a millisecond or more to import, or is the beginning of more: libraries, and parts of our own.
HEAVY = {
    *("rich", "jinja2", "pexpect", "ptyprocess", "pygments"),
    *("fastapi", "starlette", "pydantic", "granian", "prometheus_client", "httpx", "httpx_sse", "anyio"),
    *("asyncio", "concurrent", "email", "http", "logging", "multiprocessing", "queue", "socket", "sqlite3", "ssl"),
    *("argparse", "difflib", "hashlib", "json", "pickle", "random", "secrets", "shlex", "subprocess", "tempfile"),
    *("importlib.metadata", "importlib.resources", "tomllib", "unittest", "urllib.request", "xml"),
    *(
        "deployster_cli.config.load",
        "deployster_cli.domain.rollout.plan",
        "deployster_cli.domain.rollout.machine",
        "deployster_cli.domain.templates.escaping",
        "deployster_cli.engines.base",
        "deployster_cli.engines.process",
    ),
    *("deployster_cli.engines.fleet.ssh.trust", "deployster_cli.engines.local.engine", "deployster_cli.operations"),
    *("deployster_cli.engines.fleet.engine", "deployster_cli.engines.fleet.commands"),
    *("deployster_cli.backends.remote", "deployster_cli.server", "deployster_cli.views"),
}

# Reading deployster.toml.
SETTINGS = ("deployster_cli.config.load", "deployster_cli.domain.templates.escaping", "shlex", "tomllib")

ENGINE = (
    *("deployster_cli.engines.base", "deployster_cli.engines.fleet.commands", "deployster_cli.engines.fleet.engine"),
    *("deployster_cli.engines.process", "subprocess"),
)

LISTING = (*SETTINGS, *ENGINE, "deployster_cli.operations", "deployster_cli.views")

# The words and limits of the options of a rollout.
ROLLING = ("deployster_cli.domain.rollout.plan",)

# Where our own templates are.
PACKAGED = ("importlib.resources", "random", "tempfile")

# Jinja2 as well, and what that imports.
TEMPLATES = (*PACKAGED, "jinja2", "hashlib", "json", "pickle")

# The names that were kept for the TAB key.
LOOKING_UP = ("deployster_cli.engines.process", "hashlib", "json", "subprocess")

# Command → what its --help may import. The others: nothing of HEAVY.
HELP: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("deploy", "plan", "rollback", "scale", "restart", "destroy", "render", "diff"), ROLLING),
    "task": ("shlex",),
}

LINES = (
    Line("--version", "deployster "),
    Line("--help", "Usage: deployster"),
    *(Line(f"{command} --help", f"Usage: deployster {command}", HELP.get(command, ())) for command in COMMANDS),
    Line("units", "carousel  9f88701", LISTING),
    Line("units carousel", "carousel  9f88701", LISTING),
    Line("units --output plain", "carousel\t9f88701", LISTING),
    Line("units --output json", '"carousel"', (*LISTING, "json")),
    Line("services", "carousel  9f88701", LISTING),
    Line("services --output json", '"carousel"', (*LISTING, "json")),
    Line(
        "deploy banner a41c9e2 --dry-run",
        "a41c9e2",
        (
            *(*LISTING, *TEMPLATES, *ROLLING),
            *("deployster_cli.domain.rollout.machine", "http", "queue", "secrets", "socket"),
        ),
    ),
    Line("completion bash", "complete -F _deployster", ("deployster_cli.views",)),
    Line("deployster ", "plain\tdeploy", ("shlex",), tab=True),
    Line("deployster dep", "plain\tdeploy", ("shlex",), tab=True),
    Line("deployster units --", "plain\t--watch", ("shlex",), tab=True),
    Line("deployster --engine ", "plain\tfleet", ("shlex",), tab=True),
    Line("deployster deploy --order ", "plain\tstart-first", (*ROLLING, "shlex"), tab=True),
    Line("deployster --cluster ", "plain\tstaging", SETTINGS, tab=True),
    Line("deployster units ", "plain\tcarousel", (*SETTINGS, *LOOKING_UP), tab=True),
    Line("deployster logs carousel ", "plain\t9f88701", (*SETTINGS, *LOOKING_UP), tab=True),
    Line(
        "deployster templates show ",
        "plain\tdocker",
        (*SETTINGS, "deployster_cli.operations", "importlib.resources", "tempfile", "random"),
        tab=True,
    ),
)


def imported(told: str) -> frozenset[str]:
    """The dotted names of all modules that -X importtime tells of, wherever they are in its tree."""
    return frozenset(_ROW.findall(told))


def heavy(modules: Iterable[str]) -> frozenset[str]:
    """Which of HEAVY these modules are, or are in."""
    return frozenset(name for module in modules for name in HEAVY if f"{module}.".startswith(f"{name}."))


@cache
def for_nothing() -> frozenset[str]:
    """What ``import click`` loads in this environment, and Python itself as it starts."""
    argv = [sys.executable, "-P", "-X", "importtime", "-c", "import click"]
    done = subprocess.run(argv, check=False, capture_output=True, text=True, timeout=60)
    return imported(done.stderr)


@dataclass(frozen=True)
class Project:
    """A folder with a deployster.toml and a fleetctl that lists one unit."""

    folder: Path

    @property
    def environ(self) -> dict[str, str]:
        fleetctl = {"DEPLOYSTER_FLEET_FLEETCTL": str(self.folder / "fleetctl")}
        return {"PATH": os.environ["PATH"], "HOME": str(self.folder), "NO_COLOR": "1", **fleetctl}

    def imports(self, line: Line) -> frozenset[str]:
        """What a run of it imports beyond ``import click``."""
        environ, words = self.environ, line.text.split()
        if line.tab:
            self._keep_names()
            environ, words = {**environ, "_DEPLOYSTER_COMPLETE": "bash"}, [line.text]
        argv = [sys.executable, "-P", "-X", "importtime", "-c", START, *words]
        done = subprocess.run(
            argv, check=False, cwd=self.folder, env=environ, capture_output=True, text=True, timeout=60
        )
        assert (done.returncode, line.says in done.stdout) == (0, True), done.stdout + done.stderr[-1000:]
        return imported(done.stderr) - for_nothing()

    def _keep_names(self) -> None:
        """As if TAB had been pressed a moment ago."""
        kept = cache_of(load({}, self.environ, self.folder), self.environ)
        assert kept is not None
        kept.write([UnitName("carousel", "9f88701", 1)], time.time())


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("project")
    (folder / "deployster.toml").write_text(TOML)
    (folder / "fleetctl").write_text(FLEETCTL)
    (folder / "fleetctl").chmod(0o755)
    return Project(folder)


@pytest.mark.process
@pytest.mark.parametrize("line", LINES, ids=str)
def test_a_line_imports_nothing_that_it_has_no_use_for(project: Project, line: Line) -> None:
    assert heavy(project.imports(line)) <= set(line.may)


def test_every_command_has_a_line() -> None:
    assert set(COMMANDS) <= {line.text.split()[0] for line in LINES}


AT_THE_END = """\
import atexit, gc
from deployster_cli.main import main
atexit.register(lambda: print(bool(gc.get_freeze_count())))
main()
"""


@pytest.mark.process
def test_python_does_not_walk_all_that_was_imported_on_its_way_out() -> None:
    argv = [sys.executable, "-P", "-c", AT_THE_END, "--version"]
    done = subprocess.run(argv, check=True, capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[1:] == ["True"]


# --- how it is seen


TOLD = """\
import time: self [us] | cumulative | imported package
import time:       125 |        125 |   _io
Error: something of the program's own | with | bars
import time:      1092 |       1661 |       rich.table
import time: 20 | 30 | rich
import time:        53 |         53 | encodings.utf_8 and more
"""


def test_modules_are_read_wherever_they_are_in_the_tree() -> None:
    assert imported(TOLD) == {"_io", "rich.table", "rich"}


def test_a_program_that_says_nothing_of_imports_has_none() -> None:
    assert imported("Error: no such thing\n") == frozenset()


@pytest.mark.parametrize(
    ("module", "found"),
    [("rich", {"rich"}), ("rich.table", {"rich"}), ("richer", set()), ("importlib", set()), ("http.client", {"http"})],
)
def test_a_heavy_library_is_known_by_any_of_its_modules(module: str, found: set[str]) -> None:
    assert heavy([module]) == found


@pytest.mark.process
def test_python_tells_of_imports_as_they_are_read_here() -> None:
    assert for_nothing() >= {"click", "click.core", "re"}
