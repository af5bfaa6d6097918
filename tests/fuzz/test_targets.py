"""The targets of script/fuzz, with a few cases each and with what was found: each is read exactly, or refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deployster_cli.config import load as config
from deployster_cli.config.load import Settings
from deployster_cli.domain.units import unitfile
from deployster_cli.domain.units.journal import Export
from deployster_cli.engines.fleet import parse as fleetctl
from deployster_cli.engines.local import parse as systemctl
from deployster_cli.engines.local.supervisor import exec_lines as systemds
from tests.fuzz import names, renders, requests, systemd, times, wires, words
from tests.fuzz.target import Target
from tests.fuzz.targets import TARGETS


def cases(target: Target) -> st.SearchStrategy[bytes]:
    """A target's seeds and words in any order, and its seeds with something put into them."""
    pieces = st.sampled_from([*target.seeds, *target.words]) | st.binary(max_size=6)
    places = st.floats(0, 1, exclude_max=True)
    spliced = st.builds(
        lambda seed, at, piece, rest: seed[: int(at * len(seed))] + piece + seed[int(at * len(seed)) + rest :],
        *(st.sampled_from(target.seeds), places, pieces, st.integers(0, 8)),
    )
    return spliced | st.lists(pieces, max_size=8).map(b"".join)


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.data())
def test_any_bytes_are_read_exactly_or_refused(name: str, data: st.DataObject) -> None:
    assert TARGETS[name].run(data.draw(cases(TARGETS[name]))) in (True, False)


@pytest.mark.parametrize("name", TARGETS)
def test_what_is_really_written_is_taken(name: str) -> None:
    taken = [TARGETS[name].run(seed) for seed in TARGETS[name].seeds if seed]
    assert any(taken)


# A parser, and what it once broke at or took for something else.
REFUSED: tuple[tuple[str, bytes], ...] = (
    ("systemctl-show", systemd.SHOWN.replace(b"FragmentPath=/run/a", b"FragmentPath=/run/a\n\rb")),
    ("systemctl-show", systemd.SHOWN.replace(b"NRestarts=2", b"NRestarts=" + b"9" * 5000)),
    ("systemctl-show", systemd.SHOWN.replace(b"NRestarts=2", "NRestarts=\u0661".encode())),
    ("local", b"stop 1 - \n"),
    ("local", b"start 0000004711 done   \n"),
    ("local", systemd.TCP.replace(b":1F40", b":1_F4")),
    ("local", systemd.TCP.replace(b":1F40", b":11F40")),
    ("local", b"oneshot start x (PK) <-> "),
    ("local", b"ExecMainCode=1\nExecMainStatus=" + b"9" * 5000),
    ("unit-files", b"[Unit]\nA=1\rExecStart=/bin/false"),
    ("unit-files", b"[Unit]\nA=1\x00B=2"),
    ("unit-files", b"[Unit]\n# a\rA=1"),
    ("unit-files", b"[Unit]\nA=\xff"),
    ("unit-files", b"[Unit]\nA=1\x1f"),
    ("unit-files", b"[Unit]\nA=1\\ \\\n\nB=2"),
    ("tables", b"2aa\t-\tzone=z1,zone=z2\n"),
    ("names", b"carousel@000000001" + b"9" * 5000),
    ("names", b"carousel@0000000019999999"),
    ("names", b"carousel@02"),
    ("durations", b"9" * 5000 + b"h"),
    ("durations", b"9" * 400 + b"h1m"),
    ("durations", b"1" * 60 + b"x"),
    ("config", b"[services.a]\ninstances = 0x" + b"f" * 5000),
    ("config", b"[services.a]\ncpu = 0x" + b"f" * 5000),
    ("config", b"[services.a]\nmemory = 0o" + b"7" * 9000),
    ("config", b"[services.a.set]\nx = 0b1" + b"0" * 20000),
    ("config", b".".join([b"a"] * 50_000) + b" = 1"),
    ("config", b"a = " + b"{a=" * 50_000),
    ("config", b"engine = 1979-05-27T07:32:00Z"),
    ("config", b"engine = nan\n[fleet]\nread_timeout = inf"),
    ("config", b'engine = "local"\nengine = "fleet"'),
    ("wire", b'{"kind": "EngineBack", "seconds": NaN}'),
    ("wire", b'{"kind": "EngineBack", "seconds": 1e999}'),
    ("wire", b'{"kind": "EngineBack", "seconds": ' + b"9" * 4000 + b"}"),
    ("wire", b'{"kind": "EngineBack", "seconds": true}'),
    ("wire", b'{"name": "carousel-1@1.service", "copies": [' * 250 + b"]}" * 250),
    ("wire", b'{"kind": ' + b"[" * 800 + b"]" * 800 + b"}"),
    ("wire", b"[" * 100_000),
    ("journal", b"MESSAGE\n" + (1).to_bytes(8, "little") + b"a!\n\n"),
    ("server", b"[" * 100_000),
    ("server", b'{"unit": "carousel-1@1.service", "line": 5, "port": "x"}'),
    ("server", b'{"note": ["a"]}'),
    ("fleetctl-words", b"\x01\x00\x00" + b"authenticity of host 'a'\nK key fingerprint is X. \n" * 2000),
    ("fleetctl-words", b"\x01\x00\x00" + words.CHANGED * 2000),
    ("host-keys", b"a b \x1d1 2 YQ="),
    ("host-keys", "10.0.0.1 ecdsa \u00e9".encode()),
    ("queries", b"\x001_0"),
    ("queries", b"\x00" + b"9" * 5000),
)


@pytest.mark.parametrize(("name", "data"), REFUSED)
def test_what_was_found_is_refused(name: str, data: bytes) -> None:
    assert TARGETS[name].run(data) is False


TAKEN: tuple[tuple[str, bytes], ...] = (
    ("systemctl-show", systemd.SHOWN.replace(b"/run/a", "/run/a\u2028ActiveState=failed".encode())),
    ("systemctl-show", systemd.SHOWN.replace(b"/run/a", b"/run/a\x0bId=c-d@1.service")),
    ("systemctl-show", systemd.SHOWN.replace(b"MainPID=7", b"MainPID=007")),
    ("unit-files", b"[X-Fleet]\nGlobal=true\nConflicts=" + b"*e" * 60 + b"*!"),
    ("environment", b"A=b" + b"\n" * 50_000),
    ("registry", b'Bearer realm="https://a",' + b"a" * 200_000 + b'\0{"token": "a"}'),
    ("config", b'\xef\xbb\xbfengine = "local"'),
    ("config", b"[services.a]\nvolumes = [" + b'"/a",' * 50_000 + b"]"),
    ("config", b"[services.a]\ncommand = '''\na.b.c'''  # " + b"a" * 100_000),
    ("stream", b"event: end\n\ndata: {}\n\n"),
    ("stream", "id: \u2028\ndata: {}\n\n".encode()),
    ("stream", b"data: " + b"[" * 100_000 + b"\n\n"),
    ("journal", b"__REALTIME_TIMESTAMP=" + b"9" * 5000 + b"\nMESSAGE=a\n\n"),
    ("journal", b"__REALTIME_TIMESTAMP=99999999999999999\nMESSAGE=a\n\n"),
    ("shown", b"1767323045\ndocker 0 \x1b[2J\n"),
)


@pytest.mark.parametrize(("name", "data"), TAKEN)
def test_what_was_found_is_taken_as_it_stands(name: str, data: bytes) -> None:
    assert TARGETS[name].run(data) is True


def all_but_the_last(parse: Callable[..., Any]) -> Callable[..., Any]:
    """A parser that drops what comes last, as one does that skips what it can't read."""

    def parsing(*args: Any) -> Any:
        found = parse(*args)
        return found and (tuple(found) if isinstance(found, tuple) else list(found))[:-1]

    return parsing


def without_environment(load: Callable[..., Settings]) -> Callable[..., Settings]:
    def loading(*args: Any) -> Settings:
        found = load(*args)
        bare = {name: service._replace(env={}) for name, service in found.services.items()}
        return found._replace(services=bare)

    return loading


def unlike(value: Any) -> Callable[[Any], Callable[..., Any]]:
    """A parser that takes everything for this."""
    return lambda _: lambda *_: value


# A target, and a fault in its parser that it has to notice.
BROKEN: tuple[tuple[str, object, str, Callable[..., Any]], ...] = (
    ("tables", fleetctl, "unit_rows", all_but_the_last),
    ("tables", fleetctl, "file_rows", all_but_the_last),
    ("tables", fleetctl, "machines", all_but_the_last),
    ("unit-files", unitfile, "parse_options", all_but_the_last),
    ("config", config, "load", without_environment),
    ("names", names, "check_version", unlike("1")),
    ("names", names, "parse_target", unlike(("carousel", 1))),
    ("systemctl-show", systemctl, "parse_show", unlike({})),
    ("local", systemctl, "parse_state", unlike(systemctl.State("active", "running", "", ""))),
    ("journal", Export, "feed", all_but_the_last),
    ("durations", times, "parse_duration", unlike(1.0)),
    ("wire", wires, "decode_event", unlike(wires.EVENTS[0])),
    ("stream", wires, "lines", all_but_the_last),
    ("queries", requests, "check_version", unlike("1")),
    ("environment", renders, "variables", unlike({"A": "1", "B": "2", "C": "3", "D": "4", "E": "5"})),
    ("escapes", systemds, "words", all_but_the_last),
)


@pytest.mark.parametrize(("name", "place", "function", "fault"), BROKEN)
def test_a_parser_that_is_not_exact_is_noticed(
    name: str, place: object, function: str, fault: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place, function, fault(getattr(place, function)))
    with pytest.raises(AssertionError):
        for seed in TARGETS[name].seeds:
            TARGETS[name].run(seed)
