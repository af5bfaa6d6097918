"""Install the packages of a release as people do, in every way and with every extra, and use what that brings."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from building import unpacked
from contents import metadata
from people import Person, Refused
from using import EVERYBODY, WITH_EXTRA

HERE = Path(sys.executable).parent


def with_pip(person: Person, package: str) -> None:
    """pip, into an empty environment."""
    python = str(person.programs / "python")
    person.run(sys.executable, "-m", "venv", str(person.programs.parent))
    person.run(python, "-m", "pip", "install", "--quiet", package)
    person.run(python, "-m", "pip", "check")


def with_pipx(person: Person, package: str) -> None:
    """pipx, which makes an environment for the one program."""
    person.run(str(HERE / "pipx"), "install", "--python", sys.executable, package)
    if not (person.home / "man" / "man1" / "deployster-deploy.1").is_file():
        raise Refused("pipx found no man pages.")


def gone_with_pip(person: Person) -> None:
    """pip leaves nothing behind."""
    person.run(str(person.programs / "python"), "-m", "pip", "uninstall", "--quiet", "--yes", "deployster")
    left = [path for path in person.programs.parent.rglob("*deployster*") if "systemctl" not in path.name]
    if left:
        raise Refused(f"pip uninstall left {left}.")


def gone_with_pipx(person: Person) -> None:
    """Neither does pipx."""
    person.run(str(HERE / "pipx"), "uninstall", "deployster")
    if (person.programs / "deployster").exists():
        raise Refused("pipx uninstall left the program.")


WAYS: Mapping[str, tuple[Callable[[Person, str], None], Callable[[Person], None]]] = {
    "pip": (with_pip, gone_with_pip),
    "pipx": (with_pipx, gone_with_pipx),
}


def try_all(dist: Path, only: list[str]) -> None:
    """Every package in every way with every extra, or with these ``only`` ("plain" is none); a line for each."""
    (sdist,), (wheel,) = dist.glob("deployster-*.tar.gz"), dist.glob("deployster-*.whl")
    version = wheel.name.split("-")[1]
    with tempfile.TemporaryDirectory() as folder:
        at = Path(folder)
        extras = metadata(unpacked(wheel, at / "wheel"), version).get_all("Provides-Extra", [])
        example = unpacked(sdist, at / "sdist") / "examples" / "carousel"
        broken = [
            label
            for package in (wheel, sdist)
            for way in WAYS
            for label in tried(at, package, way, only or ["plain", *extras], (version, example))
        ]
    if broken:
        raise SystemExit(f"Did not work: {', '.join(broken)}")


def tried(at: Path, package: Path, way: str, extras: list[str], facts: tuple[str, Path]) -> Iterator[str]:
    """Try one package in one way; the label of each that did not work."""
    for extra in extras:
        label = f"{way} {package.suffix.removeprefix('.')} {extra}"
        home = at / "a user" / label
        started = time.monotonic()
        try:
            _try(Person(home, home / "env" / "bin"), package, way, extra, facts)
            said = "works"
        except Refused as refused:
            yield label
            said = f"does not work: {refused}"
        finally:
            shutil.rmtree(home)
        sys.stdout.write(f"{label:<20} {time.monotonic() - started:4.0f} s  {said}\n")
        sys.stdout.flush()


def _try(person: Person, package: Path, way: str, extra: str, facts: tuple[str, Path]) -> None:
    person.programs.mkdir(parents=True)
    install, uninstall = WAYS[way]
    install(person, str(package) if extra == "plain" else f"{package}[{extra}]")
    for use in (*EVERYBODY, *WITH_EXTRA.get(extra, ())):
        use(person, *facts)
    uninstall(person)
