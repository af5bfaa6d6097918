"""What most tests of the server start from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from deployster_cli.domain.units.names import UnitName
from deployster_cli.server.state import Serving
from tests.server.app_given import Client, GatedEngine, an_engine, client_of, served


@pytest.fixture
def engine() -> GatedEngine:
    """An engine with two instances of carousel v1 running."""
    return an_engine(UnitName("carousel", "v1", 1), UnitName("carousel", "v1", 2))


@pytest.fixture
def serving(tmp_path: Path, engine: GatedEngine) -> Iterator[Serving]:
    """The parts of a server."""
    with served(tmp_path, engine) as parts:
        yield parts


@pytest.fixture
def client(serving: Serving) -> Iterator[Client]:
    """Somebody who has logged in, from elsewhere."""
    with client_of(serving) as client:
        yield client


@pytest.fixture
def stranger(serving: Serving) -> Iterator[Client]:
    """Somebody without the login, from elsewhere."""
    with client_of(serving, logged_in=False) as client:
        yield client
