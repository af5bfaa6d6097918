"""The login: nothing but the very name and password fits, however the header is written."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from deployster_cli.config.load import ServeOptions
from deployster_cli.errors import ConfigError
from deployster_cli.server.middleware.credentials import WELL_KNOWN, Login, is_local, is_loopback, login, weakness

RIGHT = base64.b64encode(b"ann:correct horse")

headers = st.binary(max_size=60).map(base64.b64encode) | st.binary(max_size=80)


@pytest.mark.parametrize("header", [b"Basic " + RIGHT, b"basic " + RIGHT, b"BASIC  " + RIGHT + b" "])
def test_the_login_fits_however_the_scheme_is_written(header: bytes) -> None:
    assert Login("ann", "correct horse").fits(header)


@pytest.mark.parametrize("header", [b"Bearer " + RIGHT, RIGHT, b"Basic " + RIGHT[:4] + b"!\n" + RIGHT[4:]])
def test_the_login_fits_in_no_other_scheme_and_no_other_encoding(header: bytes) -> None:
    assert not Login("ann", "correct horse").fits(header)


@given(headers, st.sampled_from([b"Basic ", b"basic ", b"Bearer ", b""]))
def test_no_other_header_fits(encoded: bytes, scheme: bytes) -> None:
    assume(encoded.strip() != RIGHT)
    assert not Login("ann", "correct horse").fits(scheme + encoded)


@pytest.mark.parametrize(
    ("host", "local"),
    [
        (b"localhost", True),
        (b"LOCALHOST:3000", True),
        (b"127.0.0.1", True),
        (b"127.0.0.1:3000", True),
        (b"[::1]", True),
        (b"[::1]:3000", True),
        (b"127.0.0.1:evil.example", False),
        (b"localhost:evil.example", False),
        (b"[::1]:evil.example", False),
        (b"localhost:", False),
        (b"localhost.evil.example", False),
        (b"::1", False),
        (b"", False),
        (b":3000", False),
        (b"3000", False),
    ],
)
def test_only_this_machines_own_names_are_local(host: bytes, local: bool) -> None:
    assert is_local("127.0.0.1", {b"host": host}) is local


def test_a_request_without_a_host_is_not_local() -> None:
    assert not is_local("127.0.0.1", {})


@pytest.mark.parametrize(
    ("peer", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.255.0.9", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("::ffff:10.0.0.1", False),
        ("10.0.0.1", False),
        ("::2", False),
        ("testclient", False),
        ("", False),
    ],
)
def test_a_peer_of_this_machine_is_known_by_its_address(peer: str, loopback: bool) -> None:
    assert is_loopback(peer) is loopback


@pytest.mark.parametrize("name", [b"forwarded", b"via", b"x-real-ip", b"x-forwarded-for", b"x-forwarded-proto"])
def test_what_came_through_a_proxy_is_not_local(name: bytes) -> None:
    assert is_local("127.0.0.1", {b"host": b"localhost", b"accept": b"*/*", name: b"10.0.0.1"}) is False


@pytest.mark.parametrize(("password", "known"), [("mmmhm", True), ("mmmhm ", False), ("", False)])
def test_the_well_known_password_is_one(password: str, known: bool) -> None:
    assert Login("deployster", password).well_known is known


@pytest.mark.parametrize(
    ("password", "warned"),
    [
        ("short", "has fewer than 12 characters"),
        ("k9#mQ2vX7!r", "has fewer than 12 characters"),
        ("k9#mQ2vX7!rT", ""),
        ("Password1234", "is one that everybody tries first"),
        ("Ann-Of-The-House", "is one that everybody tries first"),
        ("aaaaaaaaaaaaaaaa", "is made of very few different characters"),
        ("abcdabcdabcdABCD", "is made of very few different characters"),
        ("abcdeabcdeabcdea", ""),
        ("a-longer-one-of-my-own", ""),
    ],
)
def test_a_password_that_can_be_guessed_is_warned_of(password: str, warned: str) -> None:
    assert weakness(Login("ann-of-the-house", password)) == warned


def told(file: Path, content: bytes | None) -> str:
    """The password of a file with this in it, or what is said of one that can't be used."""
    if content is not None:
        file.write_bytes(content)
    try:
        return login(ServeOptions(password_file=str(file))).password
    except ConfigError as error:
        return error.message.replace(str(file), "F")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"correct horse", "correct horse"),
        (b"correct horse\n", "correct horse"),
        (b"correct horse\r\n", "correct horse"),
        (b"x" * 1024, "x" * 1024),
        (b"x" * 1025, "The password file F must hold one line, the password."),
        (b"x" * 5000, "The password file F must hold one line, the password."),
        (b"", "The password file F must hold one line, the password."),
        (b"one\ntwo\n", "The password file F must hold one line, the password."),
        (b"caf\xe9", "The password file F is no text."),
        (None, "The password file F can't be read: No such file or directory."),
    ],
)
def test_a_password_file_holds_one_line(tmp_path: Path, content: bytes | None, said: str) -> None:
    assert told(tmp_path / "password", content) == said


def test_where_no_password_is_given_it_is_the_well_known_one() -> None:
    assert login(ServeOptions()) == Login("deployster", WELL_KNOWN)
    assert login(ServeOptions("127.0.0.1:1", "ann", "correct horse")) == Login("ann", "correct horse")
    with pytest.raises(ConfigError, match="give one of --password and --password-file"):
        login(ServeOptions("127.0.0.1:1", "ann", "correct horse", "F"))
