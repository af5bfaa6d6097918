"""Records on one machine: a file a service, written whole, readable by all."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from deployster_cli.domain.record import Record
from deployster_cli.engines.local.declaration import LocalOptions
from deployster_cli.engines.local.records import LocalRecords
from deployster_cli.engines.local.supervisor.layout import state_folder
from deployster_cli.engines.local.supervisor.manager import Supervisors
from deployster_cli.engines.local.systemd import Systemd
from deployster_cli.errors import EngineMissing

RECORD = Record("carousel", "v1", 3, "scale", "ann@laptop", "2026-03-01T00:00:00Z", ("v2",))


@pytest.fixture
def records(tmp_path: Path) -> LocalRecords:
    return LocalRecords(tmp_path / "state with space" / "records")


def file(records: LocalRecords) -> Path:
    records.write(RECORD)
    (found,) = records._folder.iterdir()
    return found


def test_there_is_none_before_and_after(records: LocalRecords) -> None:
    before = records.listed("carousel"), records.read("carousel")
    records.write(RECORD)
    records.drop("carousel")
    records.drop("carousel")
    assert (before, records.listed("carousel"), records.read("carousel")) == ((False, None), False, None)


def test_the_last_one_written_is_read_by_another_process(records: LocalRecords) -> None:
    records.write(RECORD)
    records.write(replace(RECORD, instances=1))
    again = LocalRecords(records._folder)
    assert (again.listed("carousel"), again.read("carousel")) == (True, replace(RECORD, instances=1))
    assert not again.listed("other")


def test_everybody_may_read_it_whatever_the_umask(records: LocalRecords) -> None:
    before = os.umask(0o077)
    try:
        assert stat.S_IMODE(file(records).stat().st_mode) == 0o644
    finally:
        os.umask(before)


@pytest.mark.parametrize("content", [b"", b"[X-Deployster]\nRecord=1\n", b"\xff\xfe", b"no unit file", b"\x00" * 100])
def test_a_damaged_one_is_none_and_the_next_takes_its_place(records: LocalRecords, content: bytes) -> None:
    file(records).write_bytes(content)
    assert (records.listed("carousel"), records.read("carousel")) == (True, None)
    records.write(RECORD)
    assert records.read("carousel") == RECORD


def test_one_of_another_service_is_none(records: LocalRecords) -> None:
    file(records).rename(records._folder / "other.record")
    assert records.read("other") is None


def test_a_folder_that_can_not_be_used_is_said(tmp_path: Path) -> None:
    (tmp_path / "records").write_text("in the way")
    with pytest.raises(EngineMissing, match="records can't be used"):
        LocalRecords(tmp_path / "records").write(RECORD)


def test_it_lies_where_no_reboot_clears_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert Systemd(LocalOptions(), user=False).records._folder == Path("/var/lib/deployster/records")
    assert Systemd(LocalOptions(), user=True).records._folder == tmp_path / "state" / "deployster" / "records"
    assert Supervisors(LocalOptions()).records._folder == tmp_path / "state" / "deployster" / "local" / "records"


def test_a_user_without_a_home_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere() -> Path:
        raise RuntimeError

    for name in ("XDG_STATE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", nowhere)
    with pytest.raises(EngineMissing, match="has no home: name a state folder by root"):
        state_folder()
