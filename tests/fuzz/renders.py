"""Values on their way into unit files and out again: one value stays one value, wherever it lands."""

from __future__ import annotations

from functools import cache
from typing import Any

from deployster_cli.config.overrides import with_environment, with_settings
from deployster_cli.domain.env_file import variables
from deployster_cli.domain.templates import escaping
from deployster_cli.domain.templates.render import Templates
from deployster_cli.domain.units.model import Service
from deployster_cli.domain.units.names import UnitName
from deployster_cli.domain.units.unitfile import Stamp, UnitFile
from deployster_cli.engines.local.supervisor import exec_lines
from deployster_cli.engines.local.supervisor.spec import Spec
from deployster_cli.errors import DeploysterError, InvalidInput
from deployster_cli.operations import templates as template_files
from tests.fuzz.target import Target, read

NAME = UnitName("carousel", "9f88701", 1)
STAMP = Stamp("carousel", "9f88701", 1, "2026-01-02T03:04:05Z", "ada@laptop", "docker", 2, 20001)

KINDS = ("docker", "docker-vulcand", "process", "task", "deployster")

# Setting → a value with nothing in it that a unit file or a shell has a use for.
PLAIN = {
    "command": "true",
    "directory": "/srv",
    "env_file": "/etc/a",
    "health": "/up",
    "env": "b",
    "volumes": "/a:/b",
    "machine_metadata": "zone=z1",
    "memory": "512m",
    "registry_url": "host:5000",
}

PLACES = tuple(PLAIN)


@cache
def _templates() -> Templates:
    return Templates(template_files.load(None))


@cache
def _service(kind: str) -> Service:
    """A service that its template takes."""
    given = Service("carousel", template=kind, env={"A": "b"}, volumes=("/a:/b",), machine_metadata=("zone=z1",))
    given = given._replace(health="/up", env_file="/etc/a", memory="512m", registry_url="host:5000")
    match kind:
        case "process":
            return given._replace(command="bin/serve", directory="/srv")
        case "task":
            return given._replace(extra={"task": "true"})
        case _:
            return given


def _put(service: Service, place: str, text: str) -> Service:
    value: Any = {"env": {"A": text}, "volumes": (text,), "machine_metadata": (text,)}.get(place, text)
    return service._replace(**{place: value})


def templates(data: bytes) -> bool:
    """The first two bytes choose a template and a setting; the rest is its value. No option comes or goes."""
    if len(data) < len("12"):
        return True
    kind, place = KINDS[data[0] % len(KINDS)], PLACES[data[1] % len(PLACES)]
    text = data[2:].decode(errors="surrogateescape")
    unit = read(lambda: _templates().render(NAME, _put(_service(kind), place, text), STAMP), DeploysterError)
    if unit is None:
        return False
    assert UnitFile.parse(NAME, unit.text) == unit
    assert unit.stamp
    if text:
        plain = _templates().render(NAME, _put(_service(kind), place, PLAIN[place]), STAMP)
        assert [option[:2] for option in unit.options] == [option[:2] for option in plain.options]
    return True


def escapes(data: bytes) -> bool:
    """Each filter's text, read back as systemd would."""
    text = data.decode(errors="surrogateescape")
    written = read(lambda: escaping.finished(escaping.arg(text)), DeploysterError)
    if escaping.unwritable(text):  # values like that are refused before any filter sees them: marks are made of some
        return False
    assert written is not None
    assert _read_back(written).replace("$$", "$") == text
    assert _read_back(escaping.finished(escaping.env(f"A={text}"))) == f"A={text}"
    script = escaping.finished(escaping.arg(escaping.joined(["echo ", escaping.sh(text)])))
    assert exec_lines.expanded(_read_back(script), {})
    read(lambda: escaping.fleet(text), DeploysterError)
    read(lambda: escaping.finished(escaping.put(text)), DeploysterError)
    return True


def _read_back(written: str) -> str:
    """The one word that stands there; ``%%`` is read behind the quotes, as systemd does."""
    found = exec_lines.words(written)
    assert len(found) == 1, found
    return found[0][1].replace("%%", "%")


def environment(data: bytes) -> bool:
    """An EnvironmentFile, and the words of a command line."""
    text = data.decode(errors="surrogateescape")
    found = read(lambda: variables(data), ValueError) or {}
    assert len(found) <= text.count("=")
    assert all(isinstance(word, str) for pair in exec_lines.words(text) for word in pair)
    line = text.replace("\n", " ").replace("\r", " ").strip()
    unit = UnitFile(NAME, (("Service", "ExecStart", line), ("Service", "Environment", line)))
    spec = Spec(unit, {"HOME": "/root"})
    known = spec.environment()
    assert all(isinstance(word, str) for command in spec.commands("ExecStart") for word in command.words(known))
    assert spec.start_limit > 0 <= spec.span(0.1, "RestartSec")
    return bool(found)


def options(data: bytes) -> bool:
    """--set and --env, one a line."""
    sets = data.decode(errors="surrogateescape").split("\n")
    service = read(lambda: with_settings(Service("carousel"), sets, None), InvalidInput)
    if service:
        assert all("=" in one for one in sets)
        extra = dict(one.split("=", 1) for one in sets)
        assert all(extra[name] == value for name, value in service.extra.items())
    held = read(lambda: with_environment(Service("carousel"), sets), InvalidInput)
    assert held is None or held.env == dict(one.split("=", 1) for one in sets)
    return bool(service or held)


NASTY = (
    *(
        b'"',
        b"'",
        b"\\",
        b"\\\\",
        b"%",
        b"%%",
        b"$",
        b"$$",
        b"${A}",
        b"`",
        b";",
        b" ; ",
        b"\n",
        b"\r",
        b"\t",
        b"\x02v",
        b"\x03",
    ),
    *(
        b"\xc2\x85",
        b"\xe2\x80\xa8",
        b"\xef\xbf\xbe",
        b"\xff",
        b"{{",
        b"{version}",
        b"*",
        b"..",
        b"/",
        b":",
        b"=",
        b"\\x2d",
        b"-",
    ),
)
TEMPLATES = Target(
    templates,
    (
        b"\x00\x00bin/a b",
        b"\x00\x04$HOME %i \"x\" 'y'",
        b"\x02\x00bin/serve --port $PORT",
        b"\x02\x01/srv/{version}",
        b"\x00\x05/a:/b:ro",
    ),
    NASTY,
)
ESCAPES = Target(escapes, (b"a b", b"$HOME", b"50%", b"it's", b'"quoted"', b"back\\slash"), NASTY)
ENVIRONMENT = Target(
    environment,
    (
        b'A=b\n# c\nB=\'c d\'\nC="e\\"f"\nD=g\\\n h\n',
        b"/bin/echo \"a b\" 'c' \\x41 ; /bin/true $A ${B}=1",
        b"A=1min 30s",
    ),
    (*NASTY, b"\\\n", b"\\x", b"\\u00e9", b"\\U0001f600", b"\\777", b"#", b"infinity", b"1min"),
)
OPTIONS = Target(
    options,
    (
        b"instances=3",
        b"port=80\nvolumes=/a:/b,/c:/d\nvolumes=/e",
        b"A=b",
        b"cpu=0.5\nmemory=512m\nrestart=no\nglobal=yes",
    ),
    (
        *NASTY,
        b"instances=",
        b"port=",
        b"cpu=",
        b"global=",
        b"secrets=",
        b"machine_metadata=",
        b"1_0",
        b"+1",
        b"\xd9\xa1",
        b"9" * 20,
        b"true",
    ),
)
