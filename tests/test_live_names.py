"""Names for the TAB key: what the cache keeps, and what happens where there is none."""

from __future__ import annotations

import json
import os
import stat
import time
from pathlib import Path

import pytest

from deployster_cli.cli.completion import cache as live_names
from deployster_cli.cli.completion.cache import KEPT, LIMIT, Cache, cache_of
from deployster_cli.config.load import Settings, load
from deployster_cli.domain.units.model import Unit
from deployster_cli.domain.units.names import UnitName
from deployster_cli.engines import process
from deployster_cli.engines.process import apart
from deployster_cli.errors import EngineUnreachable
from tests.remote.double import answer, closed_port, running

ONE = UnitName("carousel", "v1-rc", 1)


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "deployster" / "names.json")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load({}, {}, tmp_path)


class Asked(Exception):
    """The engine would have been asked."""


@pytest.fixture
def nobody_may_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise Asked

    monkeypatch.setattr(process, "detach", refuse)


def environment(tmp_path: Path) -> dict[str, str]:
    return {"XDG_CACHE_HOME": str(tmp_path)}


def test_what_was_kept_is_read_back(cache: Cache) -> None:
    cache.write([ONE], 100.0)
    kept = cache.read(101.0)
    assert kept and (kept.names, kept.pending) == ((ONE,), False)


@pytest.mark.parametrize("now", [100.0 + KEPT, 99.0])
def test_what_is_old_or_from_the_future_counts_for_nothing(cache: Cache, now: float) -> None:
    cache.write([ONE], 100.0)
    assert cache.read(now) is None


@pytest.mark.parametrize("text", ["", "{", "[]", "7", '{"at": 100, "names": 7, "pending": 0}', '{"at": "x"}', "\xff"])
def test_a_file_that_is_something_else_counts_for_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "names.json").write_text(text, "latin-1")
    assert Cache(tmp_path / "names.json").read(100.0) is None


def test_only_names_come_out_of_it(tmp_path: Path) -> None:
    names = [ONE.text, "x; rm -rf ~", "$(reboot)-v1@1.service"]
    (tmp_path / "names.json").write_text(json.dumps({"at": 100, "names": names, "pending": False}))
    kept = Cache(tmp_path / "names.json").read(100.0)
    assert kept and kept.names == (ONE,)


def test_only_its_owner_may_read_it(cache: Cache, tmp_path: Path) -> None:
    cache.write([ONE], 100.0)
    (file,) = (tmp_path / "deployster").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_each_cluster_has_a_file_of_its_own(settings: Settings, tmp_path: Path) -> None:
    other = load({"endpoint": "http://10.0.0.1:49153"}, {}, tmp_path)
    for each in (settings, other):
        found = cache_of(each, environment(tmp_path))
        assert found
        found.write([], 100.0)
    assert len(list((tmp_path / "deployster").iterdir())) == 2


def test_a_relative_cache_folder_is_not_used(settings: Settings) -> None:
    assert cache_of(settings, {"XDG_CACHE_HOME": "cache"}) is None


def test_without_a_home_nobody_is_asked(settings: Settings, nobody_may_ask: None) -> None:
    assert live_names.live_names(settings, {}, {}) == ()


def test_names_that_are_seconds_old_are_used_again(settings: Settings, tmp_path: Path, nobody_may_ask: None) -> None:
    found = cache_of(settings, environment(tmp_path))
    assert found
    found.write([ONE], time.time())
    assert live_names.live_names(settings, {}, environment(tmp_path)) == (ONE,)


def test_an_engine_that_is_slow_is_waited_for_no_longer_than_the_limit_and_asked_once(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    monkeypatch.setattr(process, "detach", lambda *argv, **_: asked.append(argv))
    began = time.monotonic()
    names = [live_names.live_names(settings, {}, environment(tmp_path)) for _ in range(3)]
    assert (names, len(asked)) == ([()] * 3, 1)
    assert time.monotonic() - began < 2 * LIMIT + 0.5


class Listing:
    """An engine with one unit, or with none to be had."""

    def __init__(self, fails: bool) -> None:
        self.fails = fails

    def units(self) -> tuple[Unit, ...]:
        if self.fails:
            raise EngineUnreachable("no answer")
        return (Unit(ONE),)


@pytest.mark.parametrize(("fails", "names"), [(False, (ONE,)), (True, ())])
def test_a_refresh_keeps_what_the_engine_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: bool, names: tuple[UnitName, ...]
) -> None:
    monkeypatch.setattr(live_names, "open_engine", lambda _: Listing(fails))
    live_names.refresh({}, environment(tmp_path), tmp_path)
    found = cache_of(load({}, environment(tmp_path), tmp_path), environment(tmp_path))
    kept = found and found.read(time.time())
    assert kept and (kept.names, kept.pending) == (names, False)


@pytest.mark.process
def test_a_listing_that_came_too_late_is_there_at_the_next_tab(tmp_path: Path) -> None:
    fleetctl = tmp_path / "fleetctl"
    fleetctl.write_text("#!/bin/sh\nsleep 0.5\n[ $# -lt 5 ] || printf '%s' ''\n")
    fleetctl.chmod(0o755)
    environ = {**os.environ, **environment(tmp_path), "DEPLOYSTER_FLEET_FLEETCTL": str(fleetctl)}
    settings = load({}, environ, Path.cwd())
    assert live_names.live_names(settings, {}, environ) == ()
    found, until = cache_of(settings, environ), time.monotonic() + 10
    assert found
    while (kept := found.read(time.time())) and kept.pending and time.monotonic() < until:
        time.sleep(0.05)
    os.waitpid(apart._detached[-1], 0)
    assert kept and not kept.pending


def test_with_a_server_the_server_is_asked_and_no_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_names, "open_engine", nobody)
    with running() as double:
        double.answers = [answer(200, {"units": [{"unit": ONE.text}]})]
        environ = {**environment(tmp_path), "DEPLOYSTER_SERVER_PASSWORD": "a secret", "DEPLOYSTER_SERVER": double.url}
        live_names.refresh({}, environ, tmp_path)
    assert kept_names(environ, tmp_path) == (ONE,)


def test_the_history_of_a_service_is_asked_of_the_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_names, "open_engine", nobody)
    entry = {"version": "v0", "running": 0, "deployed_at": None, "deployed_by": None}
    with running() as double:
        double.answers = [answer(200, {"history": [entry]})]
        environ = {**environment(tmp_path), "DEPLOYSTER_SERVER_PASSWORD": "a secret", "DEPLOYSTER_SERVER": double.url}
        live_names.refresh({}, environ, tmp_path, "carousel")
    assert kept_names(environ, tmp_path, "carousel") == (UnitName("carousel", "v0", 1),)


@pytest.mark.parametrize("password", ["a secret", ""])
def test_a_server_that_does_not_answer_or_wants_a_login_gives_no_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    monkeypatch.setattr(live_names, "open_engine", nobody)
    address = f"http://127.0.0.1:{closed_port()}"
    environ = {**environment(tmp_path), "DEPLOYSTER_SERVER_PASSWORD": password, "DEPLOYSTER_SERVER": address}
    live_names.refresh({}, environ, tmp_path)
    assert kept_names(environ, tmp_path) == ()


def test_the_names_of_a_server_are_kept_apart_from_those_of_the_engine(tmp_path: Path) -> None:
    caches = {
        cache._path
        for server in ("", "http://one.example", "http://other.example")
        if (cache := cache_of(load({"server": server}, {}, tmp_path), environment(tmp_path)))
    }
    assert len(caches) == 3


def nobody(_: Settings) -> None:
    """No engine may be opened."""
    raise Asked


def kept_names(environ: dict[str, str], here: Path, service: str = "") -> tuple[UnitName, ...]:
    """What the cache has for these settings."""
    cache = cache_of(load({}, environ, here), environ, service)
    kept = cache.read(time.time()) if cache else None
    assert kept
    return kept.names
