"""docs/tutorial-docker.md from an image and an empty folder to a deploy that is rolled back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docker.dock import REGISTRY, Dock, root_with
from tests.docs.transcript import differs, read, script, steps

PAGE = Path(__file__).parents[2] / "docs" / "tutorial-docker.md"
STEPS = steps(PAGE.read_text())

PRELUDE = """\
export HOME=/root PATH=/usr/bin:/bin
deployster() { PYTHONPATH=/opt/site python3 -B -m deployster_cli "$@"; }
mkdir -p /srv/tutorial /srv/printed && cd /srv/tutorial
"""

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def typed(session_dock: Dock) -> Iterator[Path]:
    """The folder with what each step printed; the whole page has been typed once."""
    session_dock.image("busybox:latest", root_with(), '["sh"]')
    session_dock.docker("pull", f"{REGISTRY}/busybox:latest")
    session_dock.docker("tag", f"{REGISTRY}/busybox:latest", "busybox:latest")
    session_dock.said("bash", "-c", PRELUDE + script(STEPS, "/srv/printed"))
    yield session_dock.path("/srv/printed")
    session_dock.free("hello")


@pytest.mark.parametrize("number", range(len(STEPS)), ids=lambda number: STEPS[number].typed.splitlines()[0][:40])
def test_the_step_does_what_the_page_shows(typed: Path, number: int) -> None:
    assert differs(STEPS[number], read(typed, number)) == ""


def test_the_page_has_its_steps() -> None:
    assert len(STEPS) > 10
