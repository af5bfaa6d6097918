"""script/*: what a fresh machine lacks is said in a sentence, and .venv is made, kept and mended.

They run for real, in a folder with a space in its name, with nothing in PATH but the usual small programs and a Python
that plays the part each test needs. script/demo whole, with a real Python, is run by .ci/run.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

SMALL_PROGRAMS = ("sh", "cat", "cksum", "dirname", "env", "grep", "head", "mkdir", "rm", "sed")

pytestmark = pytest.mark.process

MAKES_A_VENV = """\
#!/bin/sh
# A Python that is new enough; the venv it makes has one that notes what pip is asked.
case "$*" in
--version) echo "Python 3.12.1" ;;
"-m venv "*)
    mkdir -p "$3/bin"
    cat >"$3/bin/python" <<'INNER'
#!/bin/sh
case "$*" in
"-m pip "*) echo "$*" >>"${0%/bin/python}/pip.calls"; echo "what pip says"; exit "${PIP_EXIT-0}" ;;
"-m pytest"*) echo "pytest runs in $PWD with $*" ;;
esac
INNER
    chmod +x "$3/bin/python" ;;
esac
"""


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Checkout:
    """A copy of what the scripts need, and the folder that is all of its PATH."""

    root: Path
    path: Path

    def python(self, text: str, name: str = "python3") -> None:
        (self.path / name).write_text(text)
        (self.path / name).chmod(0o755)

    def run(self, script: str, *args: str, environ: Mapping[str, str] | None = None) -> Ran:
        ran = subprocess.run(
            [str(self.path / "sh"), str(self.root / "script" / script), *args],
            env={"PATH": str(self.path), **(environ or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        return Ran(ran.returncode, ran.stdout, ran.stderr)

    @property
    def pip_calls(self) -> int:
        return len((self.root / ".venv" / "pip.calls").read_text().splitlines())


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    made = Checkout(tmp_path / "a checkout", tmp_path / "bin")
    shutil.copytree(ROOT / "script", made.root / "script")
    for name in ("setup.cfg", "pyproject.toml"):
        shutil.copy(ROOT / name, made.root)
    made.path.mkdir()
    for program in (*SMALL_PROGRAMS, "chmod"):
        found = shutil.which(program)
        assert found, f"this machine has no {program}"
        (made.path / program).symlink_to(found)
    return made


# A machine that lacks something


@pytest.mark.parametrize("script", ["demo", "test", "lint"])
def test_without_python_the_script_says_what_to_install(checkout: Checkout, script: str) -> None:
    assert checkout.run(script) == Ran(
        1,
        "",
        "Deployster needs Python 3.11 or later, and there is no python3 here.\n"
        "On Debian 12 or later: apt-get install python3 python3-venv\n",
    )


def test_an_old_python_is_named(checkout: Checkout) -> None:
    checkout.python('#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.9.18"\n')
    assert checkout.run("demo").err == "Deployster needs Python 3.11 or later, and python3 here is Python 3.9.18.\n"


def test_a_later_python_beside_an_old_one_is_taken(checkout: Checkout) -> None:
    checkout.python("#!/bin/sh\nexit 1\n")
    checkout.python(MAKES_A_VENV, "python3.12")
    assert checkout.run("test").code == 0


def test_without_the_venv_module_the_script_says_what_to_install(checkout: Checkout) -> None:
    checkout.python('#!/bin/sh\ncase "$*" in *ensurepip*) exit 1 ;; esac\n', "python3.12")
    assert checkout.run("test").err == (
        "python3.12 can't make a virtual environment: its venv module is not installed.\n"
        "On Debian: apt-get install python3.12-venv\n"
    )


def test_nothing_is_left_behind_where_something_lacks(checkout: Checkout) -> None:
    checkout.run("demo")
    assert not (checkout.root / ".venv").exists()


def test_pips_words_are_shown_where_it_fails(checkout: Checkout) -> None:
    checkout.python(MAKES_A_VENV)
    ran = checkout.run("test", environ={"PIP_EXIT": "1"})
    assert (ran.code, ran.err) == (
        1,
        "what pip says\npip could not install deployster[test]; what it said is above.\n",
    )


# The venv


def test_pytest_gets_the_options_and_runs_in_the_checkout(checkout: Checkout) -> None:
    checkout.python(MAKES_A_VENV)
    out = checkout.run("test", "-k", "a b").out
    assert out.endswith(
        f"pytest runs in {checkout.root} with -m pytest -n 4 --dist loadfile --no-loadscope-reorder -k a b\n"
    )


def test_pip_is_quiet_where_it_succeeds(checkout: Checkout) -> None:
    checkout.python(MAKES_A_VENV)
    assert "what pip says" not in checkout.run("test").out


def test_a_second_run_installs_nothing(checkout: Checkout) -> None:
    checkout.python(MAKES_A_VENV)
    checkout.run("test")
    checkout.run("test")
    assert checkout.pip_calls == 1


def test_changed_packaging_is_installed_again(checkout: Checkout) -> None:
    checkout.python(MAKES_A_VENV)
    checkout.run("test")
    with (checkout.root / "setup.cfg").open("a") as file:
        file.write("# another line\n")
    checkout.run("test")
    assert checkout.pip_calls == 2


def test_an_install_that_failed_is_made_again(checkout: Checkout) -> None:
    checkout.python(MAKES_A_VENV)
    checkout.run("test", environ={"PIP_EXIT": "1"})
    assert checkout.run("test").code == 0


def test_a_half_made_venv_is_made_anew(checkout: Checkout) -> None:
    checkout.python(MAKES_A_VENV)
    (checkout.root / ".venv" / "junk").mkdir(parents=True)
    checkout.run("test")
    assert not (checkout.root / ".venv" / "junk").exists()


def test_a_venv_of_another_folder_is_made_anew(checkout: Checkout, tmp_path: Path) -> None:
    checkout.python(MAKES_A_VENV)
    checkout.run("test")
    moved = Checkout(checkout.root.rename(tmp_path / "elsewhere"), checkout.path)
    assert moved.run("test").out.startswith("Making .venv with Python 3.12.1\n")


# Another Python, and the oldest libraries


def test_a_python_of_ones_choice_has_a_folder_of_its_own(checkout: Checkout) -> None:
    checkout.python(MAKES_A_VENV, "python3.13")
    out = checkout.run("test", environ={"PYTHON": "python3.13"}).out
    assert out.startswith(
        "Making .venv-python3.13 with Python 3.12.1\nInstalling deployster[test] into .venv-python3.13\n"
    )


def test_a_python_of_ones_choice_that_is_not_there_is_named(checkout: Checkout) -> None:
    checkout.python(MAKES_A_VENV)
    ran = checkout.run("test", environ={"PYTHON": "python3.99"})
    assert ran == Ran(1, "", "Deployster needs Python 3.11 or later, and python3.99 is none.\n")


def test_the_oldest_libraries_are_those_of_setup_cfg(checkout: Checkout) -> None:
    checkout.python(MAKES_A_VENV)
    (checkout.root / "setup.cfg").write_text(
        "[options]\ninstall_requires =\n    click>=8.2\n\n[options.extras_require]\nclient =\n    httpx>=0.27\n"
        "test =\n    pytest>=8\n"
    )
    checkout.run("test", environ={"FLOORS": "1"})
    assert (checkout.root / ".venv-floors" / "constraints").read_text() == "click==8.2\nhttpx==0.27\n"


def test_without_floors_nothing_is_held_back(checkout: Checkout) -> None:
    checkout.python(MAKES_A_VENV)
    checkout.run("test")
    assert (checkout.root / ".venv" / "constraints").read_text() == ""


def test_pythons_runs_the_suite_on_each_and_on_the_first_with_the_oldest_libraries(checkout: Checkout) -> None:
    for name in ("python3.11", "python3.13"):
        checkout.python(MAKES_A_VENV, name)
    out = checkout.run("pythons", "-k", "a b").out
    assert [line for line in out.splitlines() if line.startswith(("==", "pytest"))] == [
        "== PYTHON=python3.11",
        f"pytest runs in {checkout.root} with -m pytest -n 4 --dist loadfile --no-loadscope-reorder -k a b",
        "== python3.12 is not here",
        "== PYTHON=python3.13",
        f"pytest runs in {checkout.root} with -m pytest -n 4 --dist loadfile --no-loadscope-reorder -k a b",
        "== PYTHON=python3.11 FLOORS=1",
        f"pytest runs in {checkout.root} with -m pytest -n 4 --dist loadfile --no-loadscope-reorder -k a b",
    ]


def test_pythons_names_each_that_fails_and_goes_on(checkout: Checkout) -> None:
    for name in ("python3.11", "python3.13"):
        checkout.python(MAKES_A_VENV, name)
    ran = checkout.run("pythons", environ={"PIP_EXIT": "1"})
    assert (
        ran.code,
        ran.err.endswith("\nFailed:\nPYTHON=python3.11\nPYTHON=python3.13\nPYTHON=python3.11 FLOORS=1\n"),
    ) == (
        1,
        True,
    )


# All of them


@pytest.mark.parametrize("script", [*sorted((ROOT / "script").iterdir()), ROOT / ".ci" / "run"], ids=lambda at: at.name)
def test_every_script_is_sound_shell(script: Path) -> None:
    shell = "bash" if script.name == "run" else "sh"
    ran = subprocess.run([shell, "-n", str(script)], capture_output=True, text=True, timeout=30, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.parametrize(
    "script", ["script/demo", "script/test", "script/lint", "script/pythons", "script/release", ".ci/run"]
)
def test_every_command_can_be_run(script: str) -> None:
    assert os.access(ROOT / script, os.X_OK)
