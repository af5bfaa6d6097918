"""Settings in places that the user who runs Deployster may not look at: none of them is passed over in silence."""

from __future__ import annotations

import codecs
import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deployster_cli.config.load import load
from deployster_cli.errors import ConfigError, TemplateFault
from deployster_cli.operations.templates import load as load_templates

NOBODY = 65534


@contextlib.contextmanager
def an_ordinary_user() -> Iterator[None]:
    """Be one: root is nobody for a while, as the kernel sees it; whoever else runs the tests is one already."""
    if os.geteuid():
        yield
        return
    codecs.lookup("utf-8-sig")  # nobody may not be able to import what reading a file needs
    group = os.getegid()
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(group)


@pytest.fixture
def checkout() -> Iterator[Path]:
    """A folder with a deployster.toml that everybody may read, until a test says otherwise."""
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o755)
        folder = Path(made) / "checkout"
        (folder / "below").mkdir(parents=True)
        (folder / "deployster.toml").write_text('engine = "local"')
        yield folder
        folder.chmod(0o755)


def refused(folder: Path, **flags: object) -> tuple[str, str]:
    """The refusal, and what to do about it."""
    with an_ordinary_user(), pytest.raises(ConfigError) as caught:
        load(flags, {}, folder)
    return caught.value.message, caught.value.hint


def test_a_file_that_everybody_may_read_is_used(checkout: Path) -> None:
    with an_ordinary_user():
        assert load({}, {}, checkout / "below").engine == "local"


@pytest.mark.parametrize("at", [".", "below"])
def test_a_folder_that_may_not_be_entered_is_named(checkout: Path, at: str) -> None:
    checkout.chmod(0o600)
    assert refused(checkout / at) == (
        f"{checkout / at} can't be searched for deployster.toml: Permission denied.",
        "Change to a folder that you may enter, or become a user who may enter this one.",
    )


def test_a_folder_that_may_be_entered_and_not_listed_is_searched(checkout: Path) -> None:
    checkout.chmod(0o711)
    with an_ordinary_user():
        assert load({}, {}, checkout).engine == "local"


def test_a_file_that_may_not_be_read_is_named(checkout: Path) -> None:
    (checkout / "deployster.toml").chmod(0)
    assert refused(checkout / "below")[0] == "../deployster.toml can't be read: Permission denied."


def test_a_link_into_a_folder_that_may_not_be_entered_is_named(checkout: Path) -> None:
    (checkout / "below" / "deployster.toml").symlink_to(checkout / "closed" / "deployster.toml")
    (checkout / "closed").mkdir(0o600)
    assert refused(checkout / "below")[0] == "deployster.toml can't be read: Permission denied."


def test_a_loop_of_links_is_named(checkout: Path) -> None:
    (checkout / "below" / "deployster.toml").symlink_to("deployster.toml")
    said = "deployster.toml can't be read: Too many levels of symbolic links."
    assert refused(checkout / "below")[0] == said


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda path: path.write_text(""), "can't be read: Permission denied."),
        (lambda path: path.mkdir(), "is a folder."),
        (lambda path: path.symlink_to("nothing"), "can't be read: No such file or directory."),
        (lambda path: path.symlink_to(path.name), "can't be read: Too many levels of symbolic links."),
        (os.mkfifo, "is not a regular file."),
    ],
    ids=["unreadable", "folder", "dangling", "loop", "fifo"],
)
def test_a_file_that_is_named_is_never_passed_over(checkout: Path, make: Callable[[Path], object], why: str) -> None:
    other = checkout / "other.toml"
    make(other)
    if other.is_file():
        other.chmod(0)
    assert refused(checkout, config="other.toml")[0] == f"other.toml {why}"


def test_config_may_name_a_file_where_the_folder_itself_is_closed(checkout: Path) -> None:
    open_one = checkout.parent / "open.toml"
    open_one.write_text('engine = "local"')
    checkout.chmod(0o600)
    with an_ordinary_user():
        assert load({"config": str(open_one)}, {}, checkout).engine == "local"


# The templates beside it


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("closed/templates", "can't be seen: Permission denied."),
        ("templates", "can't be seen: Too many levels of symbolic links."),
        ("nothing", "is a broken link."),
    ],
)
def test_templates_that_can_not_be_seen_are_not_passed_over(checkout: Path, target: str, why: str) -> None:
    (checkout / "closed").mkdir(0o600)
    (checkout / "templates").symlink_to(target)
    said = f"deployster.toml: the folder of templates {checkout}/templates {why}"
    assert refused(checkout)[0] == said


def test_a_file_called_templates_is_no_folder_of_them(checkout: Path) -> None:
    (checkout / "templates").write_text("")
    assert load({}, {}, checkout).templates_dir is None


@pytest.mark.parametrize("target", ["nothing", "docker.service.j2"])
def test_a_template_that_is_a_link_to_nothing_does_not_give_way_to_the_built_in_one(
    tmp_path: Path, target: str
) -> None:
    (tmp_path / "docker.service.j2").symlink_to(target)
    with pytest.raises(TemplateFault, match=r"docker\.service\.j2 can't be"):
        load_templates(tmp_path)["docker.service.j2"]
