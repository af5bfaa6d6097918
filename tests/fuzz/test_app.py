"""A whole server, before whatever a client can put into a request: every answer is one of ours, and none is a fault."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from deployster_cli.domain.units.names import UnitName
from tests.server.app_given import Client, an_engine, client_of, served

JSON = {"Content-Type": "application/json"}

DEPLOYS = "/v1/services/carousel/deploys"


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    with served(tmp_path, an_engine(UnitName("carousel", "v1", 1))) as parts, client_of(parts) as client:
        yield client


BODIES = (
    *(
        b"",
        b"\xff",
        b"null",
        b"[]",
        b'""',
        b"{}",
        b"[" * 60_000,
        b'{"deploy":' * 6000,
        b"9" * 60_000,
        b"\xef\xbb\xbf{}",
    ),
    b'{"deploy": {"\\ud800": 1, "version": "v1"}}',
    b'{"deploy": {"version": "\\ud800"}}',
    b'{"deploy": {"version": "v1", "by": "\\udfff"}}',
    b'{"deploy": {"version": "v1", "env": {"\\ud800": "a"}}}',
    b'{"deploy": {"version": "v1", "env": {"A": "\\ud800"}}}',
    b'{"deploy": {"version": "v1", "template": "\\u0000"}}',
    b'{"deploy": {"version": "v1", "order": "\\ud800"}}',
    b'{"deploy": {"version": "v1", "timeout": NaN}}',
    b'{"deploy": {"version": "v1", "timeout": Infinity}}',
    b'{"deploy": {"version": "v1", "timeout": 1e400}}',
    b'{"deploy": {"version": "v1", "timeout": ' + b"9" * 4000 + b"}}",
    b'{"deploy": {"version": "v1", "timeout": "' + b"9" * 5000 + b'h"}}',
    b'{"deploy": {"version": "v1", "timeout": "' + b"9" * 400 + b'h1m"}}',
    b'{"deploy": {"version": "v1", "instance_count": ' + b"9" * 4000 + b"}}",
    b'{"deploy": {"version": "v1", "instance_count": 1e300}}',
    b'{"deploy": {"version": "v1", "instance_count": NaN}}',
    b'{"deploy": {"version": "v1", "instance_count": -Infinity}}',
    b'{"deploy": {"version": "v1", "batch_size": ' + b"[" * 900 + b"]" * 900 + b"}}",
)


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body[:60].decode(errors="replace"))
def test_a_hostile_body_is_refused_in_a_sentence(client: Client, body: bytes) -> None:
    answer = client.request("POST", DEPLOYS, content=body, headers=JSON)
    assert (answer.status_code in {400, 413, 422}, bool(answer.json()["detail"])) == (True, True)


PATHS = (
    *(
        f"{DEPLOYS}?limit={number}"
        for number in ("1_0", "+1", "%201", "%D9%A1", "9" * 5000, "1.0", "1e2", "0x1", "NaN")
    ),
    *(
        "/v1/services/%ED%A0%80/units",
        "/v1/services/a%00b/units",
        "/v1/services/%FF/units",
        "/v1/services/" + "a" * 5000,
    ),
    *(f"{DEPLOYS}/%2e%2e", "/v1/services/carousel/logs?lines=1_0", "/v1/services/carousel/logs?instance=1_0"),
    *("/v1/services/carousel/logs?instance=%ED%A0%80", "/v1/services/carousel/logs?lines=-1", f"{DEPLOYS}?%FF=1"),
)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path[:60])
def test_a_hostile_address_is_refused_in_a_sentence(client: Client, path: str) -> None:
    answer = client.request("GET", path)
    assert (answer.status_code in {400, 404, 422}, bool(answer.json()["detail"])) == (True, True)


@pytest.mark.parametrize("length", ["9" * 5000, "-1", "1_0", "+5", "0x10", "\u0661"])
def test_a_hostile_length_is_no_fault(client: Client, length: str) -> None:
    headers = {**JSON, "Content-Length": length.encode()}
    answer = client.request("POST", DEPLOYS, content=b"{}", headers=headers)
    assert answer.status_code in {400, 413, 422}
