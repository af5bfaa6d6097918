"""What is generated is what the program says now, and can be read by what it is for."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
MAN_PAGES = sorted(DOCS.glob("man/*.1"))
PICTURES = sorted(DOCS.glob("*.svg"))


def generated(folder: Path) -> dict[str, str]:
    """The generated pages below a folder: path → text."""
    files = [*folder.glob("reference/*.md"), *folder.glob("man/*.1")]
    return {str(file.relative_to(folder)): file.read_text() for file in files}


@pytest.mark.process
def test_reference_and_man_pages_are_as_script_reference_writes_them(tmp_path: Path) -> None:
    for module in ("click_man", "fastapi"):
        pytest.importorskip(module)
    argv = [sys.executable, str(ROOT / "script" / "docs"), str(tmp_path)]
    subprocess.run(argv, cwd=ROOT, check=True, timeout=60)
    assert generated(DOCS) == generated(tmp_path), "run script/reference"


@pytest.mark.process
@pytest.mark.parametrize("page", MAN_PAGES, ids=lambda page: page.name)
def test_groff_has_nothing_against_a_man_page(page: Path) -> None:
    groff = shutil.which("groff")
    if not groff:
        pytest.skip("groff is not installed")
    argv = [groff, "-man", "-ww", "-z", "-K", "utf8", "-T", "utf8", str(page)]
    assert subprocess.run(argv, check=True, timeout=30, capture_output=True, text=True).stderr == ""


def test_a_man_pages_example_can_be_pasted() -> None:
    assert (
        ".nf\ndeployster deploy carousel 9f88701 \\-\\-instances 3\n" in (DOCS / "man/deployster-deploy.1").read_text()
    )


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
def test_a_picture_has_a_browser_fetch_nothing(picture: Path) -> None:
    addresses = set(re.findall(r"https?://[^\"' )]+|url\((?!#)[^)]*\)|@import", picture.read_text()))
    assert addresses == {"http://www.w3.org/2000/svg"}


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
def test_a_picture_is_xml_with_words_in_it(picture: Path) -> None:
    words = "".join(ElementTree.fromstring(picture.read_text()).itertext()).replace("\xa0", "")  # noqa: S314 - our file
    assert "$deployster" in words


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
def test_a_picture_is_shown_on_some_page(picture: Path) -> None:
    pages = [ROOT / "README.md", *DOCS.rglob("*.md")]
    assert [page for page in pages if f"{picture.name})" in page.read_text()] != []


def test_the_map_leads_to_every_page() -> None:
    linked = set(re.findall(r"\]\(([\w/-]+\.md)", (DOCS / "index.md").read_text()))
    assert {str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md")} - {"index.md"} == linked
