"""What comes from the network: bodies, credentials, a registry's answers."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from deployster_cli.backends.remote.login import find_login
from deployster_cli.config.load import ServeOptions
from deployster_cli.domain.change import Intent
from deployster_cli.domain.durations import LONGEST
from deployster_cli.domain.payloads import decode, encode
from deployster_cli.domain.units.names import check_version
from deployster_cli.errors import ConfigError, InvalidInput
from deployster_cli.operations.images import Answer, Presence, Unanswered, image_problem, look_up
from deployster_cli.server.middleware.attempts import client_of
from deployster_cli.server.middleware.credentials import Login, is_local, login
from deployster_cli.server.routes import schemas
from tests.fuzz import config_files
from tests.fuzz.target import Target, read

BODIES: Mapping[str, type[BaseModel]] = {
    "deploy": schemas.DeployBody,
    "rollback": schemas.RollbackBody,
    "scale": schemas.ScaleBody,
    "restart": schemas.RestartBody,
    "task": schemas.TaskBody,
}


def http_bodies(data: bytes) -> bool:
    """A body, as the app reads it: JSON, then our types."""
    try:
        given = json.loads(data)
    except (ValueError, RecursionError):
        return False
    taken = [_body(name, kind, given) for name, kind in BODIES.items()]
    return any(taken)


def _body(name: str, kind: type[BaseModel], given: Any) -> bool:
    body = read(lambda: kind.model_validate(given), ValidationError)
    if body is None:
        return False
    wish = getattr(body, name)
    assert json.dumps(body.model_dump(mode="json")).encode()
    intent = None if name == "task" else read(lambda: wish.intent("carousel"), InvalidInput)
    if intent:
        _check_intent(intent, given.get(name, {}))
    return name == "task" or intent is not None


def _check_intent(intent: Intent, given: Mapping[str, Any]) -> None:
    """What is to be done is what was asked for; and it can be put on record."""
    assert decode(Intent, json.loads(json.dumps(encode(intent)))) == intent
    assert intent.version == given.get("version")
    assert intent.instances == given.get("instance_count")
    assert intent.before == tuple(given.get("before", ()))
    assert dict(one.split("=", 1) for one in intent.envs) == given.get("env", {})
    assert 0 <= intent.policy.settle < intent.policy.timeout <= LONGEST


@cache
def _queries() -> tuple[TypeAdapter[Any], ...]:
    kinds: tuple[Any, ...] = (schemas.InstanceNumber, schemas.QueryDuration, schemas.VersionText, schemas.By)
    return tuple(TypeAdapter(kind) for kind in kinds)


def queries(data: bytes) -> bool:
    """A parameter of a URL: the first byte says of which kind."""
    if not data:
        return True
    at, text = data[0] % 4, data[1:].decode(errors="replace")
    value = read(lambda: (_queries()[at].validate_python(text),), ValidationError)
    if value is None:
        return False
    match at:
        case 0:
            assert str(value[0]) == text
        case 1:
            assert 0 <= schemas.seconds(value[0]) <= LONGEST
        case 2:
            assert check_version(text) == value[0]
        case _:
            assert value[0] == text
    return True


def credentials(data: bytes) -> bool:
    """Headers that say who asks; netrc; a file with a password."""
    known = Login("deployster", "correct horse")
    assert known.fits(data) == bool(
        re.fullmatch(rb"(?i:basic) .*", data, re.DOTALL) and _said(data) == b"deployster:correct horse"
    )
    assert is_local("127.0.0.1", {b"host": data}) in (True, False)
    assert client_of(data.decode("latin-1"))[:64] == client_of(data.decode("latin-1")) or data
    file = config_files.folder() / "secret"
    file.write_bytes(data)
    file.chmod(0o600)
    found = read(lambda: login(ServeOptions(password_file=str(file))), ConfigError)
    assert found is None or found.password.encode() == re.sub(rb"\r?\n?\Z", b"", data, count=1)
    ours = read(lambda: find_login("http://example.com", {"NETRC": str(file)}, None), Exception)
    return found is not None or ours is not None


def _said(header: bytes) -> bytes:
    try:
        return base64.b64decode(header[len("basic ") :].strip(), validate=True)
    except ValueError:
        return b""


def registry(data: bytes) -> bool:
    """Any answer of a registry and of whoever it sends us to for a token. Never raises, whatever they say."""
    head, _, body = data.partition(b"\0")
    text = head.decode("latin-1")
    asked: list[str] = []

    def fetch(method: str, url: str, headers: Mapping[str, str]) -> Answer:
        asked.append(url)
        assert all(value.isascii() and value.isprintable() for value in headers.values())
        if len(asked) % 3 == 0:
            raise Unanswered(text, plain=True)
        return Answer(200 if method == "GET" else 401, {"www-authenticate": text}, body)

    found = look_up("host:5000/carousel:9f88701", fetch)
    assert found.text
    assert image_problem("carousel:9f88701", fetch, is_local=True) == "" or found.presence is not Presence.THERE
    assert all(url.startswith(("https://", "http://")) for url in asked)
    return len(asked) > 1


DEPLOY = {"version": "v1", "instance_count": 3, "env": {"A": "b"}, "before": ["rake"], "timeout": "5m", "settle": 1}
SEEDS = tuple(
    json.dumps(body).encode()
    for body in (
        {"deploy": DEPLOY},
        {"rollback": {"version": "v1", "accept_changes": True}},
        {"scale": {"instance_count": 3, "order": "stop-first", "on_failure": "keep"}},
        {},
        {"task": {"version": "v1", "command": "rake db:migrate", "timeout": 60}},
    )
)
WORDS = (
    *(
        b'"version":',
        b'"instance_count":',
        b'"env":{',
        b'"set":{',
        b'"before":[',
        b'"timeout":',
        b'"settle":',
        b'"by":"',
        b'"dry_run":',
    ),
    *(
        b"NaN",
        b"Infinity",
        b"1e400",
        b"1e15",
        b"3.0",
        b"9" * 30,
        b"true",
        b"null",
        b'"\\ud800"',
        b'"\\u0000"',
        b"-1",
        b"0.0000001",
    ),
)
HTTP = Target(http_bodies, SEEDS, WORDS)
QUERIES = Target(
    queries,
    (b"\x0012", b"\x015m", b"\x0190", b"\x02v1", b"\x03ada@laptop"),
    (b"1_0", b"+1", b" 1", b"1.0", b"\xd9\xa1", b"1e3", b"9" * 5000, b"9" * 30, b"inf", b"nan", b"-", b"%", b"\\"),
)
CREDENTIALS = Target(
    credentials,
    (
        b"Basic " + base64.b64encode(b"deployster:correct horse"),
        b"correct horse battery\n",
        b"machine example.com login ada password secret\n",
        b"machine example.com\nlogin ada\npassword secret\nmacdef a\nb\n\ndefault login a password b\n",
    ),
    (
        b"machine ",
        b"login ",
        b"password ",
        b"default ",
        b"macdef ",
        b"account ",
        b"example.com",
        b'"',
        b"\\",
        b"#",
        b"\n",
        b"\r",
        b"\xff",
        b"::1",
        b"%",
    ),
)
REGISTRY = Target(
    registry,
    (
        b'Bearer realm="https://auth.example.com/token",service="registry"\0{"token": "abc"}',
        b'Bearer realm="https://auth.example.com/token?a=b"\0{"access_token": "abc"}',
    ),
    (
        b'realm="',
        b"https://",
        b"http://",
        b'"token":',
        b'"access_token":',
        b"[" * 50,
        b"\\n",
        b"\\u00e9",
        b'"',
        b",",
        b"\x00",
        b"\xff",
        b"null",
    ),
)
