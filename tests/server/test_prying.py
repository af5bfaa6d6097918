"""The script that pries at a server from outside, on real servers: nothing that it tries goes as it should not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from tests.prying.__main__ import quick, row, shown, slow
from tests.prying.target import Target
from tests.prying.tries import Tried
from tests.server.process_given import PASSWORD, Server, started

pytestmark = pytest.mark.process


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[tuple[Server, Target]]:
    """A server that speaks HTTPS."""
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost", "127.0.0.1")
    certificate.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "server.pem"))
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with started(tmp_path, "--cert", "server.pem", "--key", "server.pem") as server:
        yield server, Target(server.url, "deployster", PASSWORD, str(tmp_path / "ca.pem"))


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Target]:
    """A server that speaks HTTP."""
    with started(tmp_path) as server:
        yield Target(server.url, "deployster", PASSWORD)


def wrong(tried: Iterator[Tried]) -> list[str]:
    """The rows of what did not go as it should."""
    return [row(one) for one in tried if not one.ok]


def test_nothing_that_is_tried_at_once_goes_through(target: Target) -> None:
    assert wrong(quick(target)) == []


def test_nothing_that_takes_its_time_goes_through_https(secure: tuple[Server, Target]) -> None:
    server, target = secure
    assert (wrong(slow(target)), "Traceback" in server.log) == ([], False)


def test_what_goes_through_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    tried = [Tried("a", "401", "401", 0.0), Tried("b", "401", "200", 0.0)]
    assert (shown(tried), [line[:4].strip() for line in capsys.readouterr().out.splitlines()]) == (1, ["ok", "NOT"])
