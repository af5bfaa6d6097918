"""docs/security.md: its limits are those of the code, its headers those that are sent, and its tests exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from deployster_cli.engines.process.call import MOST_PRINTED
from deployster_cli.server import main as server
from deployster_cli.server import state
from deployster_cli.server.app import HEADERS
from deployster_cli.server.jobs import store
from deployster_cli.server.middleware import attempts, body_limits
from deployster_cli.server.routes import changes, logs, tasks
from deployster_cli.server.streams import listing
from tests.pentest.doors import PROMISED

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "security.md").read_text()

LIMITS = {
    "a request's head, and a TLS handshake before it": (server.MOST_HEAD / 1024, server.LONGEST_HEAD),
    "a request's body": (body_limits.MOST_BYTES / 1024, body_limits.LONGEST_BODY),
    "a connection without a request": (server.LONGEST_HEAD,),
    "connections": (server.MOST_CONNECTIONS, server.MOST_CONNECTIONS + server.SPARE_FILES),
    "streams of events": (state.MOST_STREAMS,),
    "journals read at once, tasks at once, dry runs at once": (
        logs.MOST_STREAMS,
        tasks.MOST_TASKS,
        changes.MOST_PLANNED,
    ),
    "wrong passwords from one address (IPv6: a /64)": (attempts.FREE,),
    "jobs, events of one job": (store.MOST_KEPT, store.MOST_EVENTS),
    "an answer of the engine": (listing.PATIENCE,),
    "what one call of the engine prints": (MOST_PRINTED / 1024 / 1024,),
}


@pytest.mark.parametrize("what", LIMITS)
def test_a_limit_is_the_one_of_the_code(what: str) -> None:
    row = next(row for row in PAGE.splitlines() if row.startswith(f"| {what} |"))
    told = re.findall(r"\d+", row.split("|")[2].replace(",", ""))
    assert list(map(float, told)) == list(map(float, LIMITS[what]))


def test_the_headers_are_those_that_are_sent() -> None:
    sent = {name.decode(): value.decode() for name, value in HEADERS}
    rows = re.findall(r"^\| (`.*`) \| `([^`]+)` \|$", PAGE, re.MULTILINE)
    told = {name.strip("` ").lower(): value for names, value in rows for name in names.split(",")}
    assert (told, PROMISED) == (sent, sent)


@pytest.mark.parametrize("named", sorted(set(re.findall(r"`([\w/]+\.py)`", PAGE))))
def test_the_files_that_hold_it_are_there(named: str) -> None:
    assert (ROOT / named if named.startswith("tests/") else ROOT / "deployster_cli" / named).is_file()
