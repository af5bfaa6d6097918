from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from deployster_cli.engines.local.unit_folder import UnitFolder, refusal, told
from deployster_cli.errors import EngineError, EngineMissing, OutputUnreadable
from tests.engines.local.units import unit

FILE = unit("9f8-701", "ExecStart=/bin/true")
OTHER = unit("9f8-701", "ExecStart=/bin/false")


@pytest.fixture
def folder(tmp_path: Path) -> UnitFolder:
    return UnitFolder(tmp_path / "a b" / "system", "multi-user.target")


def names(folder: UnitFolder) -> list[str]:
    return sorted(path.name for path in folder.path.iterdir())


def test_a_folder_that_is_not_there_holds_nothing(folder: UnitFolder) -> None:
    assert folder.held() == ()


def test_a_file_put_in_is_held_as_it_is(folder: UnitFolder) -> None:
    folder.put(FILE)
    assert [held.file for held in folder.held()] == [FILE]


def test_only_the_owner_can_read_a_unit_file(folder: UnitFolder) -> None:
    folder.put(FILE)
    assert stat.S_IMODE((folder.path / FILE.name.text).stat().st_mode) == 0o600


def test_putting_leaves_no_draft(folder: UnitFolder) -> None:
    folder.put(FILE)
    assert names(folder) == [FILE.name.text]


def test_a_killed_writers_draft_is_in_nobodys_way(folder: UnitFolder) -> None:
    folder.path.mkdir(parents=True)
    (folder.path / f".{FILE.name.text}.{os.getpid()}.draft").write_text("half")
    assert folder.put(FILE)


def test_the_same_file_again_is_fine(folder: UnitFolder) -> None:
    folder.put(FILE)
    assert not folder.put(FILE)


def test_other_content_of_that_name_is_refused(folder: UnitFolder) -> None:
    folder.put(FILE)
    with pytest.raises(EngineError, match="with other content"):
        folder.put(OTHER)


def test_a_symlink_of_that_name_is_never_followed(folder: UnitFolder, tmp_path: Path) -> None:
    folder.path.mkdir(parents=True)
    (folder.path / FILE.name.text).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(EngineError, match="with other content"):
        folder.put(FILE)


def test_a_unit_without_a_stamp_is_refused_as_it_would_not_be_found_again(folder: UnitFolder) -> None:
    bare = type(FILE)(FILE.name, FILE.unstamped)
    with pytest.raises(EngineError, match="carries no"):
        folder.put(bare)


STRANGE = "[Service]\nExecStart=/usr/sbin/openvpn\n"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("openvpn-client@1.service", STRANGE),
        ("openvpn:client:2015.03.02-00.31.45@1.service", STRANGE),
        ("openvpn-client@1.service", FILE.text),
        (FILE.name.text, FILE.text.replace("DeployedBy", "By")),
        (FILE.name.text, FILE.text.replace("[X-Deployster]", "[X-Else]")),
        (FILE.name.text, FILE.text.replace(f"Instance={FILE.name.instance}\n", "Instance=99\n")),
    ],
)
def test_a_file_whose_stamp_does_not_name_it_is_foreign(folder: UnitFolder, name: str, text: str) -> None:
    folder.path.mkdir(parents=True)
    (folder.path / name).write_text(text)
    assert [(held.name.text, held.foreign) for held in folder.held()] == [(name, True)]


def test_a_file_with_its_own_stamp_is_ours(folder: UnitFolder) -> None:
    folder.put(FILE)
    assert [held.foreign for held in folder.held()] == [False]


def test_a_wanted_unit_is_what_systemctl_enable_would_make(folder: UnitFolder) -> None:
    folder.put(FILE)
    folder.want(FILE.name)
    link = folder.path / "multi-user.target.wants" / FILE.name.text
    assert link.read_text() == FILE.text


def test_wanting_twice_is_wanting_once(folder: UnitFolder) -> None:
    folder.put(FILE)
    folder.want(FILE.name)
    folder.want(FILE.name)
    assert [held.wanted for held in folder.held()] == [True]


def test_a_unit_no_longer_wanted_is_held_still(folder: UnitFolder) -> None:
    folder.put(FILE)
    folder.want(FILE.name)
    folder.unwant(FILE.name)
    assert [held.wanted for held in folder.held()] == [False]


def test_a_destroyed_unit_stays_until_it_is_removed(folder: UnitFolder) -> None:
    folder.put(FILE)
    folder.mark(FILE.name)
    assert [held.leaving for held in folder.held()] == [True]


def test_a_removed_unit_leaves_nothing(folder: UnitFolder) -> None:
    folder.put(FILE)
    folder.want(FILE.name)
    folder.mark(FILE.name)
    folder.remove(FILE.name)
    assert names(folder) == ["multi-user.target.wants"]


def test_a_damaged_unit_file_is_said_to_be_damaged(folder: UnitFolder) -> None:
    folder.put(FILE)
    (folder.path / FILE.name.text).write_text("[X-Deployster]\nnonsense\n")
    [held] = folder.held()
    with pytest.raises(OutputUnreadable, match="line 2"):
        _ = held.file


def test_only_the_stamps_port_is_a_units_port(folder: UnitFolder) -> None:
    folder.put(unit("9f8", "Port=1", port=8001))
    assert [held.port for held in folder.held()] == [8001]


def test_a_file_where_the_folder_should_be_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(EngineMissing, match="can't be used: Not a directory"):
        UnitFolder(tmp_path / "taken" / "system", "multi-user.target").put(FILE)


def test_on_a_full_disk_nothing_is_put(folder: UnitFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    full = os.statvfs_result((4096, 4096, 100, 100, 3, 0, 0, 0, 0, 255))
    monkeypatch.setattr(os, "statvfs", lambda _path: full)
    with pytest.raises(EngineError, match=r"has no room left on its disk; nothing was started\."):
        folder.put(FILE)
    assert folder.held() == ()


@pytest.mark.parametrize(
    ("number", "cure"), [(errno.ENOSPC, "Make room there."), (errno.EROFS, "The local engine needs a")]
)
def test_what_helps_goes_with_why_it_failed(number: int, cure: str, tmp_path: Path) -> None:
    with pytest.raises(EngineMissing) as caught, told(tmp_path):
        raise OSError(number, os.strerror(number))
    assert caught.value.hint.startswith(cure)


def test_a_folder_under_a_file_can_not_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    assert not UnitFolder(tmp_path / "taken" / "system", "multi-user.target").writable()


def test_a_folder_that_can_not_even_be_looked_at_can_not_be_written_to(tmp_path: Path) -> None:
    assert refusal(tmp_path / ("x" * 300)) == f"{tmp_path}/{'x' * 300}: File name too long"


def test_a_file_where_the_folder_should_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    assert refusal(tmp_path / "taken") == f"{tmp_path}/taken: Not a directory"


def test_a_folder_that_can_be_made_can_be_written_to(tmp_path: Path) -> None:
    assert refusal(tmp_path / "new" / "folder") == ""


def test_a_unit_file_that_can_not_be_read_is_missing_its_user(
    folder: UnitFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.put(FILE)
    monkeypatch.setattr(Path, "read_text", _denied)
    with pytest.raises(EngineMissing, match="can't be read: Permission denied"):
        folder.held()


def _denied(*_: object, **__: object) -> str:
    raise PermissionError(errno.EACCES, "Permission denied")


def test_a_thousand_units_are_listed_by_name(folder: UnitFolder) -> None:
    folder.path.mkdir(parents=True)
    for number in range(1, 1001):
        file = unit("9f8", instance=number)
        (folder.path / file.name.text).write_text(file.text)
    assert [held.name.instance for held in folder.held()] == list(range(1, 1001))
