"""init: the files of a new project, which work as they are."""

from __future__ import annotations

import json
import shutil
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from deployster_cli.engines.declaration import TABLE
from deployster_cli.engines.fleet.ssh import agent as ssh_agent
from tests.commands.conftest import Shell

Empty = Callable[[str], Path]


@pytest.fixture
def empty(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Empty:
    """``empty("shop")``: an empty folder of that name, which is the working folder from then on."""
    monkeypatch.setattr(ssh_agent, "agent_problem", lambda: ("", ""))

    def made(name: str) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        monkeypatch.chdir(folder)
        return folder

    return made


def written(folder: Path) -> list[str]:
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())


def test_it_writes_three_files_and_names_them(shell: Shell, empty: Empty) -> None:
    folder = empty("shop")
    code, out, _ = shell("init -o plain")
    assert (code, sorted(out.split()), written(folder)) == (0, written(folder), written(folder))


@pytest.mark.parametrize("engine", TABLE)
def test_what_it_writes_is_checked_without_a_fault(shell: Shell, empty: Empty, engine: str) -> None:
    empty("shop")
    shell(f"init --engine {engine}")
    assert shell("check")[0] == 0


@pytest.mark.parametrize("engine", TABLE)
def test_what_it_writes_renders_like_the_built_in_template(shell: Shell, empty: Empty, engine: str) -> None:
    empty("shop")
    shell(f"init --engine {engine}")
    built_in = shell(f"render shop v1 --template {'process' if engine == 'local' else 'docker'}")[1]
    ours = shell("render shop v1")[1]
    assert _unstamped(ours) == _unstamped(built_in)


def _unstamped(unit: str) -> list[str]:
    return [line for line in unit.partition("[X-Deployster]")[0].splitlines() if line]


@pytest.mark.parametrize(
    ("folder", "service"),
    [("shop", "shop"), ("My App", "my-app"), ("9.x_y", "9-x-y"), ("---", "web"), ("\u00fc", "web")],
)
def test_the_folder_names_the_service(shell: Shell, empty: Empty, folder: str, service: str) -> None:
    empty(folder)
    assert json.loads(shell("init -o json")[1])["service"] == service


def test_machines_may_be_named_and_mean_an_engine_that_is_told_them(shell: Shell, empty: Empty) -> None:
    folder = empty("shop")
    code, out, _ = shell("init --machine web1 --machine deploy@web2:2222")
    written = tomllib.loads((folder / "deployster.toml").read_text())
    assert (code, written["engine"], written["ssh"]["machines"]) == (0, "ssh", ["web1", "deploy@web2:2222"])
    assert out.endswith("to fit, then deployster setup, and deployster deploy shop VERSION\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--machine", "web 1"), "Error: --machine must be a list of machines as ssh takes them"),
        (("--machine", "web1", "--machine", "web1"), "Error: --machine must not name web1 twice."),
        (
            ("--machine", "web1", "--engine", "local"),
            "Error: --machine names machines of an engine that is told them; this machine needs none named.",
        ),
    ],
)
def test_machines_that_can_not_be_written_are_refused(
    shell: Shell, empty: Empty, words: tuple[str, ...], said: str
) -> None:
    folder = empty("shop")
    code, _, err = shell("init", *words)
    assert (code, err.startswith(said), written(folder)) == (2, True, [])


@pytest.mark.parametrize("machine", ['a"b@web1', "a\\b@web1", "ü@web1"])
def test_a_machine_is_written_as_it_is(shell: Shell, empty: Empty, machine: str) -> None:
    folder = empty("shop")
    assert shell("init", "--machine", machine)[0] == 0
    assert tomllib.loads((folder / "deployster.toml").read_text())["ssh"]["machines"] == [machine]


def test_the_service_may_be_named(shell: Shell, empty: Empty) -> None:
    folder = empty("shop")
    shell("init carousel")
    assert "[services.carousel]" in (folder / "deployster.toml").read_text()


@pytest.mark.parametrize("name", ["docker", "process", "task"])
def test_a_service_called_like_a_built_in_template_has_a_template_of_another_name(
    shell: Shell, empty: Empty, name: str
) -> None:
    empty(name)
    shell("init")
    assert shell(f"render {name} v1")[0] == 0


def test_a_name_that_is_none_writes_nothing(shell: Shell, empty: Empty) -> None:
    folder = empty("shop")
    assert (shell("init ../x")[0], written(folder)) == (2, [])


@pytest.mark.parametrize("path", ["deployster.toml", "deployster.mk", "templates/shop.service.j2"])
def test_it_writes_nothing_where_one_of_them_is_there(shell: Shell, empty: Empty, path: str) -> None:
    folder = empty("shop")
    (folder / path).parent.mkdir(exist_ok=True)
    (folder / path).write_text("mine")
    code, _, err = shell("init")
    assert (code, err.splitlines()[0]) == (1, f"Error: {path} already exists. Nothing was written.")
    assert written(folder) == [path]


def test_a_link_to_nowhere_is_something_too(shell: Shell, empty: Empty, tmp_path: Path) -> None:
    folder = empty("shop")
    (folder / "deployster.mk").symlink_to(tmp_path / "elsewhere")
    assert (shell("init")[0], (tmp_path / "elsewhere").exists()) == (1, False)


def test_with_overwrite_a_link_is_replaced_and_not_followed(shell: Shell, empty: Empty, tmp_path: Path) -> None:
    folder = empty("shop")
    (tmp_path / "elsewhere").write_text("mine")
    (folder / "deployster.mk").symlink_to(tmp_path / "elsewhere")
    assert (shell("init --overwrite")[0], (tmp_path / "elsewhere").read_text()) == (0, "mine")


def test_a_folder_in_the_way_is_told(shell: Shell, empty: Empty) -> None:
    (empty("shop") / "deployster.toml").mkdir()
    code, _, err = shell("init --overwrite")
    assert (code, err) == (1, "Error: deployster.toml can't be written: Is a directory.\n")


def test_a_broken_file_above_is_in_nobodys_way(shell: Shell, empty: Empty, tmp_path: Path) -> None:
    (tmp_path / "deployster.toml").write_text("broken")
    empty("shop")
    assert shell("init")[0] == 0


@pytest.mark.process
@pytest.mark.parametrize(
    ("words", "ran"),
    [
        ("deploy VERSION=v2", "deployster deploy shop v2 --destroy-previous"),
        ("plan VERSION=v2", "deployster plan shop v2 --destroy-previous"),
        ("rollback", "deployster rollback shop"),
        ("rollback VERSION=v1", "deployster rollback shop v1"),
        ("units", "deployster units shop"),
        ("history", "deployster history shop"),
        ("check VERSION=v2", "deployster check shop v2"),
        ("units SERVICE=other", "deployster units other"),
    ],
)
def test_make_runs_deployster(shell: Shell, empty: Empty, words: str, ran: str) -> None:
    assert made(shell, empty, words) == (0, ran)


@pytest.mark.process
def test_make_deploy_wants_a_version(shell: Shell, empty: Empty) -> None:
    code, said = made(shell, empty, "deploy")
    assert (code, "VERSION is missing: make deploy VERSION=9f88701" in said) == (2, True)


def made(shell: Shell, empty: Empty, words: str) -> tuple[int, str]:
    """What make would run in a new project whose Makefile includes the fragment."""
    make = shutil.which("make")
    if not make:
        pytest.skip("make is not here")
    folder = empty("shop")
    shell("init")
    (folder / "Makefile").write_text("include deployster.mk\n")
    ran = subprocess.run(
        [make, "-n", "--no-print-directory", *words.split()],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin"},
    )
    return ran.returncode, (ran.stdout or ran.stderr).strip()


def test_a_folder_that_is_gone_is_told(shell: Shell, empty: Empty) -> None:
    folder = empty("carousel")
    folder.rmdir()
    code, _, err = shell("init carousel")
    assert (code, err) == (2, "Error: The working folder no longer exists; change to another one.\n")
