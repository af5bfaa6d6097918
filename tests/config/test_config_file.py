"""deployster.toml on the disk: where it is found, what can't be read, and which line says what."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from deployster_cli.config.file import LARGEST, line_index
from deployster_cli.config.load import load
from tests.config.given import Load, refusal


def test_the_file_is_found_in_a_folder_above(tmp_path: Path) -> None:
    (tmp_path / "deployster.toml").write_text('engine = "local"')
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert load({}, {}, below).file == tmp_path / "deployster.toml"


def test_config_names_the_file_from_where_the_run_starts(load: Load, tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text('engine = "local"')
    assert load('engine = "fleet"', config="other.toml").engine == "local"


def test_a_strangers_file_in_a_folder_open_to_all_is_not_picked_up(
    load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o1777)
    monkeypatch.setattr(os, "geteuid", lambda: 54321)
    assert "belongs to another user" in refusal(load, "")


def test_a_strangers_file_is_used_where_it_is_named(
    load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o1777)
    monkeypatch.setattr(os, "geteuid", lambda: 54321)
    assert load('engine = "local"', config="deployster.toml").engine == "local"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("engine = \n", "deployster.toml:1: invalid TOML: invalid value."),
        ("engine = \na = 1\nb = 2", "deployster.toml:1: invalid TOML: invalid value."),
        ("a = 1\nb", "deployster.toml:2: invalid TOML: expected '=' after a key in a key/value pair."),
        ("a = 1\na = 2", "deployster.toml:2: invalid TOML: cannot overwrite a value."),
        ("a = 2026-99-99", "deployster.toml:1: invalid TOML: "),
        ("a = " + "[" * 100_000, "deployster.toml is nested too deeply."),
        ("a" + ".a" * 100 + " = 1", "deployster.toml is nested too deeply."),
        ("a" + ".a" * 99 + " = 1", "deployster.toml:1: no setting 'a'"),
        ("a = " + "9" * 10_000, "deployster.toml: invalid TOML: "),
    ],
)
def test_what_is_no_toml_is_one_sentence(load: Load, text: str, said: str) -> None:
    assert refusal(load, text).startswith(said)


def test_bytes_that_are_no_utf8_name_their_line(load: Load, tmp_path: Path) -> None:
    (tmp_path / "deployster.toml").write_bytes(b'engine = "local"\n# caf\xe9\n')
    assert refusal(load) == "deployster.toml:2: this line is not UTF-8 text."


def test_a_folder_of_that_name_is_refused(load: Load, tmp_path: Path) -> None:
    (tmp_path / "deployster.toml").mkdir()
    assert refusal(load) == "deployster.toml is a folder."


def test_a_pipe_is_refused_and_not_waited_for(load: Load, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "deployster.toml")
    assert refusal(load) == "deployster.toml is not a regular file."


def test_a_file_that_is_not_there_is_refused(load: Load) -> None:
    assert refusal(load, config="none.toml") == "none.toml can't be read: No such file or directory."


def test_a_dangling_link_is_refused(load: Load, tmp_path: Path) -> None:
    (tmp_path / "deployster.toml").symlink_to("none.toml")
    assert refusal(load) == "deployster.toml can't be read: No such file or directory."


def test_a_huge_file_is_refused(load: Load) -> None:
    assert "larger than 1,000,000 bytes" in refusal(load, "#" * (LARGEST + 1))
    load("#" * LARGEST)


# Lines


@pytest.mark.parametrize(
    ("text", "keys", "line"),
    [
        ('a = """\nb = 1\n"""\nb = 2', ("b",), 4),
        ("a = '''\n[t]\n'''\n[t]\nb = 2", ("t", "b"), 5),
        ("a = \"# \\\" '''\"\nb = 2", ("b",), 2),
        ("# '''\nb = 2", ("b",), 2),
        ("[ t . 'u v' ]\n\"b\" = 1", ("t", "u v", "b"), 2),
        ("a.b.c = 1", ("a",), 1),
        ("a = [\n '''x''',\n '''\n''']\nb = 1", ("b",), 5),
    ],
)
def test_a_keys_line_is_found(text: str, keys: tuple[str, ...], line: int) -> None:
    assert line_index(text)[keys] == line
