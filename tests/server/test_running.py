"""Where the server keeps its jobs and its secrets, and how many connections it has files for."""

from __future__ import annotations

import os
import resource
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployster_cli.config.load import ServeOptions
from deployster_cli.errors import DeploysterError
from deployster_cli.server.jobs.store import JobStore, StoreUnusable
from deployster_cli.server.main import MOST_CONNECTIONS, SPARE_FILES, exposed, most_connections, state_folder


@pytest.fixture
def careless() -> Iterator[None]:
    """A user whose files are everybody's."""
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("careless")
def test_all_of_a_path_that_has_to_be_made_is_its_owners_alone(tmp_path: Path) -> None:
    made = state_folder(ServeOptions(state=str(tmp_path / "a" / "b" / "c")))
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in (made, *made.parents[:2])] == [0o700] * 3


@pytest.mark.usefixtures("careless")
def test_a_folder_that_everybody_may_write_to_is_refused(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    with pytest.raises(DeploysterError, match="can be written to by every user"):
        state_folder(ServeOptions(state=str(tmp_path / "open")))


def test_a_link_in_the_place_of_the_jobs_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("mine")
    (tmp_path / "jobs.sqlite").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreUnusable):
        JobStore(tmp_path / "jobs.sqlite")


@pytest.mark.parametrize(("mode", "told"), [(0o600, False), (0o640, False), (0o644, True), (0o604, True)])
def test_a_secret_that_every_user_can_read_is_told_of(tmp_path: Path, mode: int, told: bool) -> None:
    file = tmp_path / "password"
    file.touch()
    file.chmod(mode)
    options = ServeOptions(password_file=str(file), key=str(file))
    assert exposed(options) == ([str(file)] * 2 if told else [])


@pytest.mark.parametrize(
    ("soft", "hard", "most", "raised"),
    [
        (1024, 1_000_000, MOST_CONNECTIONS, [(MOST_CONNECTIONS + SPARE_FILES, 1_000_000)]),
        (1024, resource.RLIM_INFINITY, MOST_CONNECTIONS, [(MOST_CONNECTIONS + SPARE_FILES, resource.RLIM_INFINITY)]),
        (1_000_000, 1_000_000, MOST_CONNECTIONS, []),
        (1024, 1024, 1024 - SPARE_FILES, []),
        (64, 128, 64, [(128, 128)]),
    ],
)
def test_there_are_no_more_connections_than_files(
    monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, most: int, raised: list[tuple[int, int]]
) -> None:
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: asked.append(limits))
    assert (most_connections(), asked) == (most, raised)
