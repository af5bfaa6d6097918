"""Locks by flock: two holders are two open files, so one process can play both."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from deployster_cli.domain.lock import Note
from deployster_cli.engines.local.locks import LocalLocks
from deployster_cli.errors import EngineError, EngineMissing

ANN = Note("carousel", "ann", "laptop", "home", 1, "a", 100, doing="deploying v1")
BOB = Note("carousel", "bob", "laptop", "home", 1, "b", 100, doing="deploying v1")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state with space" / "locks"


def test_whoever_comes_first_has_the_lock(folder: Path) -> None:
    ann, bob = LocalLocks(folder), LocalLocks(folder)
    ann.put(ANN)
    bob.put(BOB)
    assert (ann.read("carousel"), bob.read("carousel")) == (ANN, ANN)


def test_nobody_has_it_before_and_after(folder: Path) -> None:
    ann, bob = LocalLocks(folder), LocalLocks(folder)
    before = bob.read("carousel")
    ann.put(ANN)
    ann.drop("carousel")
    assert (before, bob.read("carousel")) == (None, None)


def test_two_services_have_two_locks(folder: Path) -> None:
    ann, bob = LocalLocks(folder), LocalLocks(folder)
    ann.put(ANN)
    bob.put(replace(BOB, service="other"))
    assert bob.shown(replace(BOB, service="other"))


def test_a_note_of_a_dead_holder_is_none(folder: Path) -> None:
    ann = LocalLocks(folder)
    ann.put(ANN)
    os.close(ann._held["carousel"])  # what the kernel does to a process that dies
    assert LocalLocks(folder).read("carousel") is None


def test_renewing_replaces_the_note(folder: Path) -> None:
    ann = LocalLocks(folder)
    ann.put(ANN)
    ann.put(ANN.renewed(), replace=True)
    assert LocalLocks(folder).read("carousel") == ANN.renewed()


def test_a_second_put_of_the_same_process_does_not_replace_it(folder: Path) -> None:
    locks = LocalLocks(folder)
    locks.put(ANN)
    locks.put(BOB)
    assert locks.read("carousel") == ANN


def test_a_lock_that_somebody_took_away_is_not_shown_any_more(folder: Path) -> None:
    ann, bob = LocalLocks(folder), LocalLocks(folder)
    ann.put(ANN)
    assert ann.shown(ANN)
    bob.drop("carousel")
    assert not ann.shown(ANN)


def test_after_it_was_taken_away_the_next_one_gets_it(folder: Path) -> None:
    ann, bob = LocalLocks(folder), LocalLocks(folder)
    ann.put(ANN)
    bob.drop("carousel")
    bob.put(BOB)
    assert (bob.shown(BOB), LocalLocks(folder).read("carousel")) == (True, BOB)


def test_whoever_lost_it_finds_whose_it_is_by_now(folder: Path) -> None:
    """Not its own note in a file that is no longer there."""
    ann, bob = LocalLocks(folder), LocalLocks(folder)
    ann.put(ANN)
    bob.drop("carousel")
    gone = ann.read("carousel")
    bob.put(BOB)
    assert (gone, ann.read("carousel")) == (None, BOB)


@pytest.mark.parametrize("taken", [False, True])
def test_a_lock_that_was_taken_away_can_be_taken_back(folder: Path, taken: bool) -> None:
    ann, bob = LocalLocks(folder), LocalLocks(folder)
    ann.put(ANN)
    bob.drop("carousel")
    if taken:
        bob.put(BOB)
    ann.put(ANN, replace=True)
    assert (ann.shown(ANN), bob.shown(BOB), bob.read("carousel")) == (True, False, ANN)


def test_a_damaged_note_is_nobodys(folder: Path) -> None:
    ann = LocalLocks(folder)
    ann.put(ANN)
    (folder / "carousel.lock").write_text("{half")
    assert LocalLocks(folder).read("carousel") is None


@pytest.mark.parametrize("written", ["[" * 60_000, "[]", "{}", '{"service": 1}', '{"kind": "Note"}', "\xff"])
def test_what_is_no_note_tells_of_nobody(folder: Path, written: str) -> None:
    mine = LocalLocks(folder)
    mine.put(ANN)
    (folder / "carousel.lock").write_text(written, "latin-1")
    assert LocalLocks(folder).read("carousel") is None


def test_a_folder_that_can_not_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EngineError, match=r"The lock of carousel in .* can't be used: Not a directory"):
        LocalLocks(tmp_path / "file" / "locks").put(ANN)


def test_a_folder_where_none_can_be_made_is_one_sentence_too() -> None:
    with pytest.raises(EngineMissing, match=r"The lock of carousel in /proc/.* can't be used: No such file"):
        LocalLocks(Path("/proc/deployster/locks")).put(ANN)


def test_a_symlink_in_its_place_is_not_followed(folder: Path, tmp_path: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "carousel.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(EngineError):
        LocalLocks(folder).put(ANN)
    assert not (tmp_path / "elsewhere").exists()
