"""deployster.toml: all that it says is in the settings, with its line, or it is refused in a sentence."""

from __future__ import annotations

import atexit
import shutil
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from deployster_cli.config import load as config
from deployster_cli.config.file import line_index
from deployster_cli.errors import InvalidInput
from tests.config.given import PROJECT
from tests.fuzz.target import Target, read

EXAMPLE = Path(__file__).parents[2] / "examples" / "carousel" / "deployster.toml"

NAME = "x.toml"


@cache
def folder() -> Path:
    """A folder for the file that is read, in memory where there is such a place."""
    memory = Path("/dev/shm")
    made = Path(tempfile.mkdtemp(prefix="deployster-fuzz-", dir=memory if memory.is_dir() else None))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


def config_files(data: bytes) -> bool:
    """The file as a run with --config reads it."""
    file = folder() / NAME
    file.write_bytes(data)
    settings = read(lambda: config.load({"config": NAME}, {}, folder()), InvalidInput)
    if settings is None:
        return False
    text = data.decode("utf-8-sig")
    said = tomllib.loads(text)
    _check_places(text, said, settings)
    for name, table in said.get("services", {}).items():
        _check_service(settings.services[name], table)
    return True


def _check_places(text: str, said: Mapping[str, Any], settings: config.Settings) -> None:
    """Every setting for all clusters says the line that it stands on, which has its name in it."""
    lines, places = text.split("\n"), line_index(text)
    assert all(keys[-1] in lines[number - 1] or "\\" in lines[number - 1] for keys, number in places.items())
    for keys in _leaves({key: value for key, value in said.items() if key != "clusters"}):
        source = settings.sources[".".join(keys)]
        assert source.startswith(NAME), f"{keys} came from {source}"


def _leaves(table: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _leaves(value, (*above, key))
        elif key != "before_deploy" and above[:1] != ("hooks",):
            yield (*above, key)


def _check_service(service: Any, said: Mapping[str, Any]) -> None:
    """What it says is what it is, in value and in type."""
    for key, value in said.items():
        if key in {"env", "set"}:
            held = service.env if key == "env" else service.extra
            assert held == {name: str(one) for name, one in value.items()}
        elif key not in {"before_deploy", "directory", "env_file"}:
            held = getattr(service, {"global": "global_"}.get(key, key))
            assert held == (tuple(value) if isinstance(value, list) else value)
            assert isinstance(held, bool) == isinstance(value, bool)


WORDS = (
    *(
        b"[services.",
        b"[fleet]\n",
        b"[clusters.a.fleet]\n",
        b"[hooks]\n",
        b"[serve]\n",
        b"[[a]]\n",
        b"]\n",
        b"instances = ",
        b"cpu = ",
    ),
    *(
        b"port = ",
        b"env = {",
        b"set = {",
        b"volumes = [",
        b"memory = ",
        b"read_timeout = ",
        b"protected = ",
        b"before_deploy = ",
    ),
    *(
        b'"""',
        b"'''",
        b'\\"',
        b"\\u0041",
        b"\\U0010ffff",
        b"\xef\xbb\xbf",
        b"\xff",
        b"\x00",
        b"\r\n",
        b"\xe2\x80\xa8",
        b"nan",
        b"inf",
    ),
    *(
        b"1979-05-27T07:32:00Z",
        b"07:32:00",
        b"0x" + b"f" * 60,
        b"1_0",
        b"+1",
        b"1e400",
        b"true",
        b"a.b.c",
        b"[[[[[[[[",
        b"{a={a=",
    ),
    *(b"global = true\n", b"secrets = [", b"#", b"engine = ", b"templates = ", b'"~/x"', b"[services.carousel.env]\n"),
)

TARGET = Target(config_files, (PROJECT.encode(), EXAMPLE.read_bytes(), b""), WORDS)
