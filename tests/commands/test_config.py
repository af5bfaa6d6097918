"""config: every setting, its value and where it came from; no secret among them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deployster_cli.config.layers import FILE_SETTINGS
from tests.commands.conftest import Shell

FILE = """\
[fleet]
endpoint = "http://ann:hunter2@10.0.0.1:49153"
read_timeout = "90s"
[hooks]
pre_deploy = ["a", "b"]
[clusters.staging]
protected = true
[services.carousel]
global = true
cpu = 0.5
before_deploy = "rake db:migrate"
env = { DATABASE = "hunter2" }
secrets = ["DATABASE"]
[services.carousel.set]
nice = 5
admin_password = "hunter2"
"""


@pytest.fixture
def rows(shell: Shell, tmp_path: Path) -> dict[str, tuple[str, str]]:
    """Key → (value, from), as plain text shows them for the cluster staging."""
    (tmp_path / "deployster.toml").write_text(FILE)
    code, out, _ = shell("config --cluster staging -o plain")
    assert code == 0
    return {line.split("\t")[0]: (line.split("\t")[1], line.split("\t")[2]) for line in out.splitlines()}


@pytest.mark.parametrize(
    ("key", "value", "source"),
    [
        ("cluster", "staging", "flag --cluster"),
        ("engine", "fleet", "default"),
        ("fleet.endpoint", "http://***@10.0.0.1:49153", "deployster.toml:2"),
        ("fleet.read_timeout", "90", "deployster.toml:3"),
        ("fleet.tunnel", "-", "default"),
        ("hooks.pre_deploy", "a, b", "deployster.toml:5"),
        ("hooks.timeout", "600", "default"),
        ("protected", "true", "deployster.toml:7"),
        ("services.carousel.global", "true", "deployster.toml:9"),
        ("services.carousel.cpu", "0.5", "deployster.toml:10"),
        ("services.carousel.before_deploy", "rake db:migrate", "deployster.toml:11"),
        ("services.carousel.env.DATABASE", "***", "deployster.toml:12"),
        ("services.carousel.set.nice", "5", "deployster.toml:15"),
        ("services.carousel.set.admin_password", "***", "deployster.toml:16"),
    ],
)
def test_each_setting_has_its_value_and_its_source(
    rows: dict[str, tuple[str, str]], key: str, value: str, source: str
) -> None:
    assert rows[key] == (value, source)


@pytest.mark.parametrize(
    ("text", "folder", "source"), [("", "templates", "default"), ("templates = 'units'", "units", "deployster.toml:1")]
)
def test_the_folder_of_templates_is_shown_be_it_found_or_named(
    shell: Shell, tmp_path: Path, text: str, folder: str, source: str
) -> None:
    (tmp_path / "deployster.toml").write_text(text)
    (tmp_path / folder).mkdir()
    _, out, _ = shell("config -o plain")
    assert f"templates\t{tmp_path / folder}\t{source}" in out.splitlines()


def test_every_setting_is_there(rows: dict[str, tuple[str, str]]) -> None:
    assert {".".join(keys) for keys in FILE_SETTINGS} - rows.keys() == set()


@pytest.mark.parametrize("form", ["table", "plain", "json", "wide"])
def test_no_form_shows_a_secret(shell: Shell, tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "deployster.toml").write_text(FILE)
    monkeypatch.setenv("DEPLOYSTER_SERVE_PASSWORD", "hunter2")
    assert "hunter2" not in "".join(map(str, shell(f"config -o {form}")))


def test_a_path_to_a_secret_is_none(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "deployster.toml").write_text('[fleet]\nkey_file = "/k.pem"\n[serve]\npassword_file = "/p"\n')
    out = shell("config")[1]
    assert ("/k.pem" in out, " /p\n" in out) == (True, True)


def test_as_json_values_keep_their_types(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "deployster.toml").write_text(FILE)
    found = {entry["key"]: entry["value"] for entry in json.loads(shell("config -o json")[1])["settings"]}
    wanted = {"hooks.pre_deploy": ["a", "b"], "protected": False, "fleet.tunnel": None, "services.carousel.cpu": 0.5}
    assert {key: found[key] for key in wanted} == wanted


def test_a_file_that_can_not_be_used_is_named_with_its_line(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "deployster.toml").write_text("engin = 1\n")
    assert shell("config")[::2] == (2, "Error: deployster.toml:1: no setting 'engin'; did you mean 'engine'?\n")


@pytest.mark.parametrize(
    ("line", "left_out"),
    [
        ("config --without web1,web2 --without web3", ["web1", "web2", "web3"]),
        ("--without web1 config --without web2 --without web3", ["web2", "web3"]),
        ("config", []),
    ],
)
def test_an_option_with_several_values_may_be_given_several_times(shell: Shell, line: str, left_out: list[str]) -> None:
    found = {entry["key"]: entry["value"] for entry in json.loads(shell(f"{line} -o json")[1])["settings"]}
    assert (found["ssh.without"] or []) == left_out
