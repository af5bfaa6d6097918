"""Where templates are read from: a folder of the user's first, then the ones that come with Deployster."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from deployster_cli.errors import TemplateFault

BUILT_IN = "built-in"

_ENDING = ".j2"
_SERVICE_ENDING = ".service.j2"


class Texts(Mapping[str, str]):
    """Templates' texts by file name, each read when it is first asked for: a broken one is in nobody's way else."""

    def __init__(self, files: Mapping[str, Traversable]) -> None:
        self._files = files
        self._read: dict[str, str] = {}

    def __getitem__(self, name: str) -> str:
        """Return the text; TemplateFault where the file can't be read."""
        if name not in self._read:
            self._read[name] = _text(self._files[name])
        return self._read[name]

    def __contains__(self, name: object) -> bool:
        return name in self._files

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)


def load(folder: Path | None) -> Texts:
    """Every template's text by its file name; a file in ``folder`` hides the built-in one of that name.

    TemplateFault where the folder can't be read, and for a template that can't be once its text is asked for.
    """
    return Texts({file.name: file for file in (*_built_in(), *_own(folder))})


def names(folder: Path | None) -> dict[str, str]:
    """Return the name of every template that a service can have, sorted, and where it is from: BUILT_IN or its file's
    path.
    """
    found = {file.name: BUILT_IN for file in _built_in()} | {file.name: str(file) for file in _own(folder)}
    named = {file.removesuffix(_SERVICE_ENDING): at for file, at in found.items() if file.endswith(_SERVICE_ENDING)}
    return dict(sorted(named.items()))


def _built_in() -> list[Traversable]:
    return [file for file in resources.files("deployster_cli.templates").iterdir() if file.name.endswith(_ENDING)]


def _own(folder: Path | None) -> list[Path]:
    if folder is None:
        return []
    try:
        return sorted(file for file in folder.iterdir() if file.name.endswith(_ENDING) and _is_meant(file))
    except OSError as error:
        raise TemplateFault(f"The templates' folder {folder} can't be read: {error.strerror}.") from error


def _is_meant(file: Path) -> bool:
    """Whether it is a file, or a link to nothing: that one is a fault to be told, not a template to be passed over."""
    return file.is_file() or (file.is_symlink() and not file.exists())


def _text(file: Traversable) -> str:
    try:
        return file.read_text("utf-8")
    except OSError as error:
        raise TemplateFault(f"The template {file} can't be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise TemplateFault(f"The template {file} is not UTF-8 text (byte {error.start}).") from error
