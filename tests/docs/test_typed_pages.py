"""The tutorial and the other pages with commands: each typed from top to bottom, with the real programs."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.docs.transcript import Ran, Step, differs, read, script
from tests.docs.typed import Page

PAGES = (
    Page("docs/tutorial.md", ("curl", "awk", "sed")),
    Page("docs/how-to/install.md"),
    Page("docs/how-to/makefile.md", ("make", "jq", "cut")),
    Page("docs/how-to/ci.md", (), "carousel"),
    Page("docs/how-to/vulcand.md", ("grep",), "carousel"),
    Page("docs/how-to/upgrade-from-go.md", (), "carousel"),
    Page("examples/carousel/README.md", ("make",), "carousel"),
    Page("docs/todo.md", ("curl", "openssl", "grep"), "carousel"),
)

pytestmark = pytest.mark.process

Typed = Callable[[Page], Path]


@pytest.fixture(scope="module")
def typed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Typed]:
    """The folder with what the steps of a page printed; each page is typed once, three at a time."""
    with ThreadPoolExecutor(3) as workers:
        folders = {page: (tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("printed")) for page in PAGES}
        typing = {page: workers.submit(page.type, *folders[page]) for page in PAGES}

        def done(page: Page) -> Path:
            typing[page].result()
            return folders[page][1]

        yield done


def named(step: tuple[Page, int]) -> str:
    page, number = step
    return f"{Path(page.path).stem}-{number}-{page.steps()[number].typed.splitlines()[0][:40]}"


@pytest.mark.parametrize("step", [(page, at) for page in PAGES for at in range(len(page.steps()))], ids=named)
def test_the_step_does_what_the_page_shows(typed: Typed, step: tuple[Page, int]) -> None:
    page, number = step
    assert differs(page.steps()[number], read(typed(page), number)) == ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path)
def test_the_page_has_something_to_type(page: Page) -> None:
    assert len(page.steps()) > 0


def test_a_step_that_was_not_reached_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="step 1 was not reached"):
        read(tmp_path, 0)


def test_what_a_step_left_is_read(tmp_path: Path) -> None:
    argv = ["bash", "-c", script([Step("echo a; echo b >&2; (exit 3)", may_fail=True)], str(tmp_path))]
    subprocess.run(argv, check=False, timeout=10)
    assert read(tmp_path, 0) == Ran(3, "a\n", "b\n")
