"""The user's templates come first, the built-in ones are always there."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployster_cli.domain.templates.render import Templates
from deployster_cli.errors import TemplateFault
from deployster_cli.operations.templates import BUILT_IN, load, names

BUILT_IN_NAMES = ["deployster", "docker", "docker-vulcand", "process", "task"]


def test_the_built_in_templates_are_there_without_a_folder() -> None:
    assert {f"{name}.service.j2" for name in BUILT_IN_NAMES} <= set(load(None))


def test_a_users_template_hides_the_built_in_one(tmp_path: Path) -> None:
    (tmp_path / "docker.service.j2").write_text("mine é")
    assert load(tmp_path)["docker.service.j2"] == "mine é"


def test_the_names_say_where_each_template_is_from(tmp_path: Path) -> None:
    (tmp_path / "docker.service.j2").write_text("")
    (tmp_path / "own.service.j2").write_text("")
    assert list(names(tmp_path).items()) == [
        ("deployster", BUILT_IN),
        ("docker", str(tmp_path / "docker.service.j2")),
        ("docker-vulcand", BUILT_IN),
        ("own", str(tmp_path / "own.service.j2")),
        ("process", BUILT_IN),
        ("task", BUILT_IN),
    ]


def test_what_is_only_imported_has_no_name(tmp_path: Path) -> None:
    (tmp_path / "macros.j2").write_text("")
    assert list(names(tmp_path)) == BUILT_IN_NAMES


def test_other_files_are_none_of_ours(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_bytes(b"\xff")
    (tmp_path / "folder.j2").mkdir()
    assert load(tmp_path) == load(None)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(TemplateFault, match=r"folder .*/none can't be read: No such file or directory\.$"):
        load(tmp_path / "none")


def test_a_template_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "own.service.j2").write_bytes(b"ab\xff")
    with pytest.raises(TemplateFault, match=r"own\.service\.j2 is not UTF-8 text \(byte 2\)\.$"):
        load(tmp_path)["own.service.j2"]


def test_a_template_that_is_no_text_bars_no_other(tmp_path: Path) -> None:
    (tmp_path / "own.service.j2").write_bytes(b"ab\xff")
    assert load(tmp_path)["docker.service.j2"] == load(None)["docker.service.j2"]


def test_a_template_that_is_no_text_is_listed(tmp_path: Path) -> None:
    (tmp_path / "own.service.j2").write_bytes(b"ab\xff")
    assert "own" in names(tmp_path)


def test_a_template_that_is_no_text_is_there(tmp_path: Path) -> None:
    (tmp_path / "own.service.j2").write_bytes(b"ab\xff")
    assert "own.service.j2" in load(tmp_path)


def test_a_template_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "own.service.j2").write_text("before")
    texts = load(tmp_path)
    first = texts["own.service.j2"]
    (tmp_path / "own.service.j2").write_text("after")
    assert texts["own.service.j2"] == first


@pytest.mark.parametrize(
    "text", ['{% extends "own.j2" %}', '{% import "own.j2" as own %}[Service]', '{% include "own.j2" %}']
)
def test_a_template_that_uses_one_that_is_no_text_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "own.j2").write_bytes(b"ab\xff")
    (tmp_path / "mine.service.j2").write_text(text)
    with pytest.raises(TemplateFault, match=r"^Template 'mine': The template .*own\.j2 is not UTF-8 text"):
        Templates(load(tmp_path)).takes_port("mine")


def test_a_folder_is_counted_with_the_built_in_ones(tmp_path: Path) -> None:
    (tmp_path / "own.j2").write_text("")
    assert len(load(tmp_path)) == len(load(None)) + 1


def test_a_template_that_can_not_be_opened_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own.service.j2").write_text("")

    def refuse(*_: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_text", refuse)
    with pytest.raises(TemplateFault, match=r"own\.service\.j2 can't be read: Permission denied\.$"):
        load(tmp_path)["own.service.j2"]
