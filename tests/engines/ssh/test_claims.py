"""Locks as the scripts take them on one machine, many at the same time."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from deployster_cli.engines.ssh import parse, scripts

pytestmark = pytest.mark.process

MARK = "0123456789abcdef"
LOCK, ENDED = "locks/web.lock", "locks/web.ended"


@pytest.fixture
def environ(tmp_path: Path) -> Mapping[str, str]:
    """A login's own state folder."""
    (tmp_path / "deployster/locks").mkdir(parents=True)
    return {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path)}


def begun(body: str, environ: Mapping[str, str], mark: str = MARK) -> subprocess.Popen[str]:
    run = subprocess.Popen(
        ["/bin/sh", "-s"], env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert run.stdin
    run.stdin.write(scripts.script(body, mark, user=True))
    run.stdin.close()
    run.stdin = None
    return run


def notes(run: subprocess.Popen[str], mark: str = MARK) -> dict[str, str]:
    out, _ = run.communicate(timeout=30)
    found = parse.ending(out, mark)
    assert found
    assert found[1] == 0
    return parse.named(parse.parts(found[0], mark), "note")


def until(done: Callable[[], object]) -> None:
    end = time.monotonic() + 10
    while not done():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_of_many_that_replace_a_lock_that_was_given_back_one_has_it(environ: Mapping[str, str], tmp_path: Path) -> None:
    for _ in range(8):
        (tmp_path / "deployster" / LOCK).write_text("Token=old\n")
        claims = {f"t{number}": f"{number:016x}" for number in range(12)}
        runs = {
            token: begun(scripts.claim(LOCK, f"Token={token}\n", ENDED, ["old"]), environ, mark)
            for token, mark in claims.items()
        }
        said = {token: notes(run, claims[token])[LOCK].strip() for token, run in runs.items()}
        assert [token for token, there in said.items() if there == f"Token={token}"] == [
            (tmp_path / "deployster" / LOCK).read_text().strip().removeprefix("Token=")
        ]
        (tmp_path / "deployster" / LOCK).unlink()


def test_a_lock_that_ended_leaves_that_of_another_alone(environ: Mapping[str, str], tmp_path: Path) -> None:
    lock = tmp_path / "deployster" / LOCK
    lock.write_text("Token=other\n")
    notes(begun(scripts.end_lock(LOCK, ENDED, "mine"), environ))
    assert lock.read_text() == "Token=other\n"
    assert (tmp_path / "deployster" / ENDED).read_text() == "mine\n"
    notes(begun(scripts.end_lock(LOCK, ENDED, "other"), environ))
    assert not lock.exists()
    assert (tmp_path / "deployster" / ENDED).read_text() == "mine\nother\n"


def test_whose_it_is_does_not_matter_to_who_drops_it(environ: Mapping[str, str], tmp_path: Path) -> None:
    lock = tmp_path / "deployster" / LOCK
    lock.write_text("Token=other\n")
    notes(begun(scripts.drop_lock(LOCK), environ))
    assert not lock.exists()
    assert not (tmp_path / "deployster" / ENDED).exists()


def test_the_tokens_of_the_last_500_locks_are_kept(environ: Mapping[str, str], tmp_path: Path) -> None:
    file = tmp_path / "deployster" / ENDED
    file.write_text("".join(f"t{number}\n" for number in range(600)))
    notes(begun(scripts.end_lock(LOCK, ENDED, "last"), environ))
    kept = file.read_text().split()
    assert (len(kept), kept[0], kept[-2:]) == (500, "t101", ["t599", "last"])


def test_a_lock_that_another_script_is_at_for_long_is_told_by_its_file(
    environ: Mapping[str, str], tmp_path: Path
) -> None:
    held = tmp_path / "deployster" / f"{LOCK}.alone"
    with subprocess.Popen(["/usr/bin/flock", str(held), "/bin/sleep", "60"]) as other:
        until(held.exists)
        out, err = begun(scripts.drop_lock(LOCK), environ).communicate(timeout=30)
        other.kill()
    found = parse.ending(out, MARK)
    assert found
    assert (found[1], f"Another run has held {held} for 5 s." in err) == (1, True)


def test_drafts_of_over_a_day_ago_are_swept_away(environ: Mapping[str, str], tmp_path: Path) -> None:
    folders = tmp_path / "deployster", tmp_path / ".config/systemd/user"
    folders[1].mkdir(parents=True)
    old, new, others = folders[0] / ".a.draft", folders[0] / ".b.draft", folders[1] / ".x.draft"
    units = folders[1] / ".deployster.a.draft"
    units.mkdir()
    for file in (old, new, others, units / "web-v1@1.service"):
        file.touch()
    for file in (old, others, units):
        os.utime(file, (0, 0))
    notes(begun(scripts.claim(LOCK, "Token=t\n", ENDED, []), environ))
    assert [file.exists() for file in (old, new, others, units)] == [False, True, True, False]
