"""What units need to find on this machine, and what of that is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployster_cli.domain.names import UnitName
from deployster_cli.domain.unitfile import UnitFile
from deployster_cli.errors import NotFound
from deployster_cli.operations.needs import missing, needed, refuse_missing
from tests.simulation import SimClock, SimEngine

NOWHERE = "WorkingDirectory=/nonesuch/v9"


def unit(*service: str, of: str = "carousel", before: str = "") -> UnitFile:
    """A unit with these lines in [Service], and ``before`` in [Unit]."""
    text = "\n".join(["[Unit]", before or "Description=x", "[Service]", *service, "ExecStart=/bin/true"])
    return UnitFile.parse(UnitName(of, "v9", 1), text)


def test_a_folder_that_is_not_there_is_told_with_its_cure() -> None:
    assert missing([unit(NOWHERE)]) == (
        "The folder /nonesuch/v9 of carousel v9 does not exist.",
        "Put it there first, or have a pre_deploy hook do it; the setting directory says where it belongs.",
    )


def test_so_is_an_environment_file() -> None:
    text, cure = missing([unit("EnvironmentFile=/nonesuch.env")])
    assert text == "The environment file /nonesuch.env of carousel v9 does not exist."
    assert "the setting env_file says" in cure


def test_a_file_in_a_folders_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "v9").touch()
    text = f"The folder {tmp_path}/v9 of carousel v9 is a file."
    assert missing([unit(f"WorkingDirectory={tmp_path}/v9")])[0] == text


def test_a_folder_below_a_file_does_not_exist(tmp_path: Path) -> None:
    (tmp_path / "releases").touch()
    assert missing([unit(f"WorkingDirectory={tmp_path}/releases/v9")])[0].endswith(" does not exist.")


def test_the_first_unit_that_lacks_something_is_told_of(tmp_path: Path) -> None:
    assert "/nonesuch/v9" in missing([unit(f"WorkingDirectory={tmp_path}"), unit(NOWHERE)])[0]


def test_a_task_is_told_of_by_its_service() -> None:
    assert missing([unit(NOWHERE, of="carousel.task")])[0].startswith("The folder /nonesuch/v9 of carousel v9 ")


def test_a_percent_sign_is_written_twice_in_a_unit(tmp_path: Path) -> None:
    (tmp_path / "100%").mkdir()
    assert missing([unit(f"WorkingDirectory={tmp_path}/100%%")]) == ("", "")


@pytest.mark.parametrize("path", ["~", "-/nonesuch", "%h/nonesuch", "/%%%i/nonesuch", "/nonesuch/%i", ""])
def test_a_folder_that_only_systemd_can_tell_is_left_to_it(path: str) -> None:
    assert needed(unit(f"WorkingDirectory={path}")) == []


@pytest.mark.parametrize("path", ["-/nonesuch", "%h/nonesuch", "/nonesuch/*.env", "/nonesuch\nEnvironmentFile="])
def test_so_is_an_environment_file_that_only_systemd_can_tell(path: str) -> None:
    assert needed(unit(f"EnvironmentFile={path}")) == []


@pytest.mark.parametrize(
    "option",
    ["StateDirectory=v9", "ExecStartPre=/bin/mkdir /nonesuch", "RootDirectory=/srv", "BindPaths=/a:/nonesuch"],
)
def test_what_the_unit_itself_may_make_is_left_to_it(option: str) -> None:
    assert needed(unit(NOWHERE, option)) == []


def test_what_another_unit_may_bring_is_left_to_it() -> None:
    assert needed(unit(NOWHERE, before="Requires=releases.mount")) == []


def test_what_nobody_lets_us_look_at_is_not_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(path: Path) -> None:
        raise PermissionError(path)

    monkeypatch.setattr(Path, "stat", refused)
    assert missing([unit(NOWHERE)]) == ("", "")


def test_it_is_a_refusal_where_all_units_are_here() -> None:
    with pytest.raises(NotFound, match=r"does not exist\. Nothing was started\.") as refused:
        refuse_missing(SimEngine(SimClock(), one_machine=True), [unit(NOWHERE)])
    assert refused.value.hint.startswith("Put it there first")
