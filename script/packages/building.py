"""The sdist and the wheel, built from a copy of what a release is made of: nothing else of the checkout gets in.

The same files give the same bytes, whoever builds them, where, and when: all dates are the one that CHANGELOG.md has
for the version.
"""

from __future__ import annotations

import gzip
import os
import re
import shutil
import subprocess  # it builds and tries packages  # nosec B404
import sys
import tarfile
import zipfile
from datetime import UTC, datetime
from pathlib import Path

FOLDERS = ("completions", "deployster_cli", "docs", "examples", "templates")
FILES = ("CHANGELOG.md", "README.md", "pyproject.toml", "setup.cfg", "setup.py")
LEFT_OUT = ("__pycache__", "*.pyc", "*~", ".*")

# What setuptools does not find by itself. It reads this from MANIFEST.in, which only the copy has.
MANIFEST = """\
include CHANGELOG.md
graft completions
graft docs
graft examples
"""

_NEWEST = re.compile(r"^## (?P<version>\S+), (?P<date>\d{4}-\d\d-\d\d)$", re.MULTILINE)


def released(root: Path) -> tuple[str, datetime]:
    """The newest version in CHANGELOG.md, and midnight (UTC) of its day."""
    found = _NEWEST.search((root / "CHANGELOG.md").read_text())
    if not found:
        raise SystemExit("CHANGELOG.md has no line like: ## 1.0.0, 2026-11-23")
    return found["version"], datetime.fromisoformat(found["date"]).replace(tzinfo=UTC)


def copy(root: Path, to: Path) -> Path:
    """A copy of what a release is made of, with modes that no umask decides."""
    for folder in FOLDERS:
        shutil.copytree(root / folder, to / folder, ignore=shutil.ignore_patterns(*LEFT_OUT), copy_function=shutil.copy)
    for file in FILES:
        shutil.copy(root / file, to)
    (to / "MANIFEST.in").write_text(MANIFEST)
    for path in to.rglob("*"):
        path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    return to


def sdist(source: Path, to: Path, date: datetime, *options: str) -> Path:
    """The sdist of this folder, in another one."""
    made = _build("--sdist", source, to / "raw", date, *options)
    return _packed_alike(made, to / made.name, int(date.timestamp()))


def wheel(source: Path, to: Path, date: datetime, *options: str) -> Path:
    """The wheel of this folder, in another one."""
    return _build("--wheel", source, to, date, *options)


def unpacked(archive: Path, to: Path) -> Path:
    """The folder that an sdist unpacks to; for a wheel, the one it was unpacked in."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as files:
            files.extractall(to)  # noqa: S202 - built here  # nosec B202
        return to
    with tarfile.open(archive) as files:
        files.extraction_filter = getattr(tarfile, "data_filter", _as_it_is)  # which Debian 12's Python has not got
        files.extractall(to)  # noqa: S202 - built here  # nosec B202
    return to / archive.name.removesuffix(".tar.gz")


def _as_it_is(member: tarfile.TarInfo, _: str) -> tarfile.TarInfo:
    return member


def _build(kind: str, source: Path, to: Path, date: datetime, *options: str) -> Path:
    argv = [sys.executable, "-m", "build", kind, "--outdir", str(to), *options, str(source)]
    environ = {**os.environ, "SOURCE_DATE_EPOCH": str(int(date.timestamp()))}
    built = subprocess.run(  # an argv of ours, and no shell  # nosec B603
        argv,
        cwd=source,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        umask=0o022,
    )
    if built.returncode:
        raise SystemExit(f"{' '.join(argv)} ended with {built.returncode}:\n{built.stdout}{built.stderr}")
    (made,) = to.iterdir()
    return made


def _packed_alike(made: Path, to: Path, seconds: int) -> Path:
    """The same files in another archive: in order, nobody's, and of one date. setuptools leaves the builder's in it."""
    with (
        tarfile.open(made) as old,
        to.open("wb") as file,
        gzip.GzipFile("", "wb", fileobj=file, mtime=seconds) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as new,
    ):
        for member in sorted(old.getmembers(), key=lambda member: member.name):
            new.addfile(_nobodys(member, seconds), old.extractfile(member) if member.isfile() else None)
    return to


def _nobodys(member: tarfile.TarInfo, seconds: int) -> tarfile.TarInfo:
    new = tarfile.TarInfo(member.name)
    new.type, new.size, new.mtime = member.type, member.size, seconds
    new.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
    return new
