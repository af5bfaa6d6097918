"""The packages of a release.

``python script/packages build DIST [OPTIONS]`` puts them into a folder; OPTIONS go to ``python -m build``.
``python script/packages try DIST [EXTRA…]`` installs those of the folder, plain and with every extra or with these.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from building import copy, released, sdist, unpacked, wheel
from contents import faults
from trying import try_all

ROOT = Path(__file__).parents[2]


def build(dist: Path, *options: str) -> None:
    """Build both into an empty folder, twice; say what is wrong with them."""
    version, date = released(ROOT)
    with tempfile.TemporaryDirectory() as folder:
        one, other = Path(folder, "one"), Path(folder, "other place")
        source, same = copy(ROOT, one / "source"), copy(one / "source", other / "source")
        made = sdist(source, one, date, *options)
        its_wheel = wheel(unpacked(made, one / "unpacked"), one / "wheel", date, *options)
        again = sdist(same, other, date, *options), wheel(same, other / "wheel", date, *options)
        wrong = [
            *faults(source, made, its_wheel, version, Path(folder, "looked at")),
            *(
                f"{a.name} is another at every build."
                for a, b in zip((made, its_wheel), again, strict=True)
                if differ(a, b)
            ),
        ]
        if wrong:
            raise SystemExit("\n".join(wrong))
        keep(dist, made, its_wheel)


def differ(one: Path, other: Path) -> bool:
    """Whether two files differ in a byte."""
    return one.read_bytes() != other.read_bytes()


def keep(dist: Path, *files: Path) -> None:
    """These files, and none of an earlier release, in a folder."""
    dist.mkdir(exist_ok=True)
    for old in dist.glob("deployster-*"):
        old.unlink()
    for file in files:
        (dist / file.name).write_bytes(file.read_bytes())
        sys.stdout.write(f"{dist / file.name}\n")


match sys.argv[1:]:
    case ["build", dist, *options]:
        build(Path(dist), *options)
    case ["try", dist, *only]:
        try_all(Path(dist).absolute(), only)
    case _:
        raise SystemExit(__doc__)
