"""What has to be in the wheel and in the sdist: every file by name, and nothing that tells of who built it."""

from __future__ import annotations

from collections.abc import Iterator
from email.message import Message
from email.parser import Parser
from pathlib import Path

from building import FILES, FOLDERS, unpacked

# What of deployster_cli is no Python.
PACKAGE_DATA = ("py.typed", "scaffold/*.*", "engines/*/*.toml", "engines/*/*.j2", "server/dashboard/*.*")

GENERATED = ("PKG-INFO", "MANIFEST.in", *(f"deployster.egg-info/{name}" for name in ("PKG-INFO", "SOURCES.txt")))
EGG_INFO = ("dependency_links.txt", "entry_points.txt", "requires.txt", "top_level.txt")
DIST_INFO = ("METADATA", "RECORD", "WHEEL", "entry_points.txt", "top_level.txt", "licenses/docs/LICENSE")


def below(folder: Path) -> set[str]:
    """All files below a folder."""
    return {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}


def in_wheel(source: Path, version: str) -> set[str]:
    """The paths that the wheel of a release's files has to have."""
    package = source / "deployster_cli"
    code = [*package.rglob("*.py"), *(file for kind in PACKAGE_DATA for file in package.glob(kind))]
    return {
        *(str(file.relative_to(source)) for file in code),
        *(f"deployster_cli/templates/{name}" for name in below(source / "templates")),
        *(f"deployster-{version}.data/data/share/man/man1/{file.name}" for file in source.glob("docs/man/*.1")),
        *(f"deployster-{version}.dist-info/{name}" for name in DIST_INFO),
    }


def in_sdist(source: Path) -> set[str]:
    """The paths that the sdist of a release's files has to have."""
    of_ours = {f"{folder}/{name}" for folder in FOLDERS for name in below(source / folder)}
    return {*of_ours, *FILES, *GENERATED, *(f"deployster.egg-info/{name}" for name in EGG_INFO)}


def faults(source: Path, sdist: Path, wheel: Path, version: str, to: Path) -> Iterator[str]:
    """What is wrong with the two, unpacked below ``to``: a sentence each."""
    for archive, wanted in ((sdist, in_sdist(source)), (wheel, in_wheel(source, version))):
        folder = unpacked(archive, to / archive.suffix)
        there = below(folder)
        yield from (f"{archive.name} lacks {name}." for name in sorted(wanted - there))
        yield from (f"{archive.name} has {name}, which nobody asked for." for name in sorted(there - wanted))
        yield from (f"{archive.name}: {name} names {place}." for name, place in _places(folder, there))
    yield from _metadata_faults(metadata(to / wheel.suffix, version), version)


def metadata(wheel: Path, version: str) -> Message:
    """METADATA of an unpacked wheel."""
    return Parser().parsestr((wheel / f"deployster-{version}.dist-info" / "METADATA").read_text())


def _places(folder: Path, names: set[str]) -> Iterator[tuple[str, str]]:
    """The files that hold a path of this machine's: the checkout's, or the folder it was built in."""
    for place in (str(Path(__file__).parents[2]), str(folder.parent)):
        yield from ((name, place) for name in sorted(names) if f"{place}/".encode() in (folder / name).read_bytes())


def _metadata_faults(found: Message, version: str) -> Iterator[str]:
    wanted = {"Name": "deployster", "Version": version, "License": "MIT", "Requires-Python": ">=3.11"}
    for name, value in wanted.items():
        if found[name] != value:
            yield f"METADATA says {name}: {found[name]}, not {value}."
    if "\n# Deployster" not in f"\n{found.get_payload()}":
        yield "METADATA has no description."
