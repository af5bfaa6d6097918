"""script/packages build: the sdist and the wheel of a release, and what they say of themselves.

Both are built once, by the setuptools that is installed. Installing them with pip and pipx, with every extra, and using
them is script/release --check.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import zipfile
from configparser import ConfigParser
from dataclasses import dataclass
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest

from deployster_cli import __version__

pytestmark = pytest.mark.process

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Built:
    """The archives: path → bytes."""

    wheel: dict[str, bytes]
    sdist: dict[str, bytes]

    @property
    def metadata(self) -> Message:
        return Parser().parsestr(self.wheel[f"deployster-{__version__}.dist-info/METADATA"].decode())


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    dist = tmp_path_factory.mktemp("dist")
    argv = [sys.executable, str(ROOT / "script" / "packages"), "build", str(dist), "--no-isolation"]
    subprocess.run(argv, cwd=dist, check=True, timeout=300, capture_output=True)
    with zipfile.ZipFile(dist / f"deployster-{__version__}-py3-none-any.whl") as file:
        wheel = {name: file.read(name) for name in file.namelist()}
    with tarfile.open(dist / f"deployster-{__version__}.tar.gz") as archive:
        sdist = {member.name: _bytes(archive, member) for member in archive.getmembers() if member.isfile()}
    return Built(wheel, {name.partition("/")[2]: text for name, text in sdist.items()})


def _bytes(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(member)
    assert file
    return file.read()


def setup_cfg() -> ConfigParser:
    parser = ConfigParser()
    parser.read(ROOT / "setup.cfg")
    return parser


# The wheel


@pytest.mark.parametrize(
    "name",
    [
        "deployster_cli/main.py",
        "deployster_cli/py.typed",
        "deployster_cli/templates/docker.service.j2",
        "deployster_cli/templates/_docker.j2",
        "deployster_cli/scaffold/deployster.mk",
        "deployster_cli/engines/fleet/deployster.toml",
        "deployster_cli/engines/local/template.service.j2",
        "deployster_cli/server/dashboard/index.html",
        "deployster_cli/server/dashboard/dashboard.js",
        f"deployster-{__version__}.data/data/share/man/man1/deployster-deploy.1",
        f"deployster-{__version__}.dist-info/licenses/docs/LICENSE",
    ],
)
def test_the_wheel_has_what_the_program_reads(built: Built, name: str) -> None:
    assert len(built.wheel.get(name, b"")) + name.endswith("py.typed") > 0


def test_the_wheel_has_every_module(built: Built) -> None:
    modules = {str(file.relative_to(ROOT)) for file in (ROOT / "deployster_cli").rglob("*.py")}
    assert modules - set(built.wheel) == set()


def test_the_wheel_has_nothing_else_to_import(built: Built) -> None:
    assert {name.partition("/")[0] for name in built.wheel} == {
        "deployster_cli",
        f"deployster-{__version__}.data",
        f"deployster-{__version__}.dist-info",
    }


def test_the_wheel_starts_the_program(built: Built) -> None:
    entry_points = built.wheel[f"deployster-{__version__}.dist-info/entry_points.txt"].decode()
    assert "[console_scripts]\ndeployster = deployster_cli.__main__:start\n" in entry_points


# The sdist


@pytest.mark.parametrize(
    "name", ["README.md", "CHANGELOG.md", "docs/LICENSE", "completions/deployster.zsh", "examples/carousel/carousel.py"]
)
def test_the_sdist_has_what_the_checkout_has(built: Built, name: str) -> None:
    assert built.sdist[name] == (ROOT / name).read_bytes()


@pytest.mark.parametrize("left_out", ["tests/", "lab/", "script/", "build/", "dist/", ".ci/", ".git"])
def test_the_sdist_has_nothing_of_the_workshop(built: Built, left_out: str) -> None:
    assert [name for name in built.sdist if name.startswith(left_out)] == []


@pytest.mark.parametrize("archive", ["wheel", "sdist"])
def test_caches_and_what_runs_left_are_not_packed(built: Built, archive: str) -> None:
    names = "\n".join(getattr(built, archive))
    assert re.findall(r".*(?:__pycache__|\.pyc|\.deployster|\.hypothesis|~$).*", names, re.MULTILINE) == []


@pytest.mark.parametrize("archive", ["wheel", "sdist"])
def test_no_file_names_the_builders_checkout(built: Built, archive: str) -> None:
    assert [name for name, text in getattr(built, archive).items() if f"{ROOT}/".encode() in text] == []


# What they say of themselves


@pytest.mark.parametrize(
    ("field", "says"),
    [
        ("Name", "deployster"),
        ("Version", __version__),
        ("Requires-Python", ">=3.11"),
        ("License", "MIT"),
        ("License-File", "docs/LICENSE"),
        ("Description-Content-Type", "text/markdown"),
    ],
)
def test_the_metadata_says(built: Built, field: str, says: str) -> None:
    assert built.metadata[field] == says


def test_the_metadata_offers_every_extra(built: Built) -> None:
    assert set(built.metadata.get_all("Provides-Extra", [])) == set(setup_cfg()["options.extras_require"])


def test_the_metadata_names_every_library(built: Built) -> None:
    wanted = setup_cfg()["options"]["install_requires"].split()
    assert [name for name in built.metadata.get_all("Requires-Dist", []) if "extra" not in name] == wanted


def test_the_readme_is_the_description(built: Built) -> None:
    assert built.metadata.get_payload() == (ROOT / "README.md").read_text()


# CHANGELOG.md


def test_the_newest_release_is_this_version_and_what_is_not_released_yet_stands_above_it() -> None:
    headings = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    released = headings[1:] if headings[0] == "Not released yet" else headings
    assert re.fullmatch(re.escape(__version__) + r", \d{4}-\d\d-\d\d", released[0])
    assert [text for text in released if not re.fullmatch(r"\d+\.\d+\.\d+, \d{4}-\d\d-\d\d", text)] == []


def test_every_supported_python_is_told_of() -> None:
    told = re.findall(r"Python :: (3\.\d+)", setup_cfg()["metadata"]["classifiers"])
    assert (ROOT / "script" / "pythons").read_text().count(" ".join(f"python{version}" for version in told)) == 1
