"""What TAB offers, as the scripts get it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from deployster_cli.cli.completion import cache
from deployster_cli.cli.completion.complete import answer, split
from deployster_cli.cli.group import COMMANDS, cli
from deployster_cli.domain.units.names import UnitName

NAMES = (UnitName("carousel", "v1", 1), UnitName("carousel", "v1", 2), UnitName("carousel", "v2", 3))
PAST = (NAMES[2], NAMES[0], UnitName("carousel", "v0", 1))

Offering = Callable[..., list[tuple[str, str]]]


@pytest.fixture
def offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Offering:
    (tmp_path / "deployster.toml").write_text("[clusters.staging]\n[services.banner]\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cache, "live_names", lambda _, __, ___, of="": PAST if of == "carousel" else NAMES)

    def tab(*words: str, to: str = "fish") -> list[tuple[str, str]]:
        answer(cli, to, words)
        lines = (line.split("\t") for line in capsys.readouterr().out.splitlines())
        return [(value, said) for _, value, said in lines]

    return tab


def test_commands_come_in_their_order_with_what_they_do(offered: Offering) -> None:
    assert offered("") == list(COMMANDS.items())


def test_services_are_those_of_the_file_and_those_that_run(offered: Offering) -> None:
    assert offered("deploy", "") == [("banner", ""), ("carousel", "v1, v2")]


def test_versions_are_those_that_the_service_runs(offered: Offering) -> None:
    assert offered("deploy", "carousel", "") == [("v1", "@1 @2"), ("v2", "@3")]


def test_rollback_completes_the_versions_of_the_history(offered: Offering) -> None:
    assert offered("rollback", "carousel", "v") == [("v2", ""), ("v1", ""), ("v0", "")]


def test_ssh_completes_services(offered: Offering) -> None:
    assert offered("ssh", "") == [("banner", ""), ("carousel", "v1, v2")]


def test_machines_are_those_of_the_settings(offered: Offering, tmp_path: Path) -> None:
    machines = '["web1", "deploy@web2", { host = "db1", metadata = { zone = "z1" } }]'
    (tmp_path / "deployster.toml").write_text(f'engine = "ssh"\n[ssh]\nmachines = {machines}\n')
    assert offered("units", "--without", "") == [("web1", ""), ("deploy@web2", ""), ("db1", "")]
    assert offered("units", "--engine", "local", "--without", "") == []


def test_a_service_that_does_not_run_has_no_versions(offered: Offering) -> None:
    assert offered("deploy", "banner", "") == []


def test_clusters_are_those_of_the_file(offered: Offering) -> None:
    assert offered("--cluster", "st") == [("staging", "")]


@pytest.mark.parametrize(("shell", "value"), [("fish", "--order=stop-first"), ("zsh", "--order=stop-first")])
def test_an_option_and_its_value_in_one_word_stay_one(offered: Offering, shell: str, value: str) -> None:
    assert offered("deploy", "a", "b", "--order=stop", to=shell) == [(value, "")]


def test_bash_wants_only_what_is_behind_the_equals_sign(offered: Offering) -> None:
    assert offered("deployster deploy a b --order=stop", to="bash") == [("stop-first", "")]


def test_every_command_with_a_service_completes_it(offered: Offering) -> None:
    with_service = ("deploy", "destroy", "units", "history", "unlock", "restart", "scale", "diff")
    assert [offered(name, "car") for name in with_service] == [[("carousel", "v1, v2")]] * len(with_service)


@pytest.mark.parametrize("words", [("nonsense", ""), ("deploy", "--nonsense", "x", ""), ()])
def test_what_makes_no_sense_is_answered_by_silence(
    offered: Offering, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert (offered(*words)[:0], capsys.readouterr().err) == ([], "")


def test_a_broken_deployster_toml_is_answered_by_silence(offered: Offering, tmp_path: Path) -> None:
    (tmp_path / "deployster.toml").write_text("[")
    assert offered("deploy", "") == []


def test_control_characters_never_reach_the_line(offered: Offering, tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "a\x1b[31m\tb\n.service.j2").touch()
    assert "a [31m b " in [value for value, _ in offered("templates", "show", "")]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("deployster ", ["deployster", ""]),
        ("deployster un", ["deployster", "un"]),
        ("deployster 'a b' c", ["deployster", "a b", "c"]),
        ("deployster 'a b", ["deployster", "a b"]),
        ("deployster --x=a:b#c", ["deployster", "--x=a:b#c"]),
        ("", []),
    ],
)
def test_a_line_is_parted_into_words_even_within_quotes(line: str, words: list[str]) -> None:
    assert split(line) == words


@pytest.mark.process
def test_no_rich_no_jinja_and_no_web_framework_is_imported_for_it() -> None:
    code = (
        "import sys; from deployster_cli.main import cli; from deployster_cli.cli.completion.complete import answer;"
        "answer(cli, 'fish', ['deploy', '']); print(sorted({'rich', 'jinja2', 'fastapi', 'httpx'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "HOME": "/nonexistent", "XDG_CACHE_HOME": ""},
        timeout=30,
    )
    assert done.stdout.splitlines()[-1] == "[]"
