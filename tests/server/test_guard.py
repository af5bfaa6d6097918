"""Who is let in. The login comes before everything; a guesser waits, and nobody else does."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import pytest

from deployster_cli.server.middleware.attempts import FREE, LONGEST_WAIT, MOST_CLIENTS, Attempts, client_of
from deployster_cli.server.middleware.credentials import WELL_KNOWN, Login, is_loopback
from tests.server.app_given import LOGIN, Client, GatedEngine, served
from tests.server.app_given import client_of as asking

WRONG = {"Authorization": "Basic " + b64encode(b"deployster:wrong").decode()}
RIGHT = {"Authorization": "Basic " + b64encode(f"{LOGIN.username}:{LOGIN.password}".encode()).decode()}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/readyz"),
        ("GET", "/metrics"),
        ("GET", "/openapi.json"),
        ("GET", "/assets/dashboard.js"),
        ("GET", "/v1/services"),
        ("POST", "/v1/services/carousel/deploys"),
        ("GET", "/v1/events"),
        ("GET", "/no/such/route"),
        ("DELETE", "/v1/services"),
        ("OPTIONS", "/v1/services"),
        ("GET", "/healthz/"),
        ("GET", "//healthz"),
        ("GET", "/debug/vars"),
    ],
)
def test_everything_else_than_healthz_wants_the_login_first(stranger: Client, method: str, path: str) -> None:
    answer = stranger.request(method, path)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (
        401,
        'Basic realm="deployster", charset="UTF-8"',
    )


def test_with_the_login_an_unknown_route_is_a_404(client: Client) -> None:
    assert client.get("/no/such/route").status_code == 404


def test_with_the_login_a_wrong_method_is_a_405_that_names_the_right_ones(client: Client) -> None:
    answer = client.request("PUT", "/v1/services/carousel/deploys")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")


@pytest.mark.parametrize(
    "given",
    [
        b"deployster:wrong",
        b"deployster:",
        b"Deployster:" + LOGIN.password.encode(),
        b":" + LOGIN.password.encode(),
        LOGIN.password.encode(),
        b"deployster:" + LOGIN.password.encode() + b"\0",
        b"\xff\xfe:\xff",
        b"",
    ],
)
def test_a_wrong_login_is_refused(stranger: Client, given: bytes) -> None:
    header = {"Authorization": "Basic " + b64encode(given).decode()}
    assert stranger.get("/v1/units", headers=header).status_code == 401


@pytest.mark.parametrize("header", ["Bearer x", "Basic", "Basic !!!", "Basic a b", "basic", "\x00"])
def test_a_header_that_is_none_is_refused(stranger: Client, header: str) -> None:
    assert stranger.get("/v1/units", headers={"Authorization": header}).status_code == 401


def test_a_password_may_hold_a_colon_and_what_is_not_ascii() -> None:
    login = Login("ann", "a:bö")
    assert login.fits(b"Basic " + b64encode("ann:a:bö".encode()))


def test_a_login_does_not_show_itself() -> None:
    assert LOGIN.password not in repr(LOGIN)


def test_no_answer_shows_the_password(client: Client) -> None:
    answers = [client.get(path) for path in ("/", "/metrics", "/openapi.json", "/v1/services", "/debug/vars", "/nope")]
    assert not [answer.url for answer in answers if LOGIN.password in answer.text]


LOCAL = {"Host": "localhost:3000"}


@pytest.mark.parametrize(
    ("peer", "headers", "status"),
    [
        ("127.0.0.1", LOCAL, 200),
        ("127.9.9.9", {"Host": "127.0.0.1"}, 200),
        ("::1", {"Host": "[::1]:3000"}, 200),
        ("::ffff:127.0.0.1", LOCAL, 200),
        ("203.0.113.7", LOCAL, 403),
        ("::ffff:203.0.113.7", LOCAL, 403),
        ("fe80::1", LOCAL, 403),
        ("", LOCAL, 403),
        ("127.0.0.1", {**LOCAL, "Forwarded": "for=127.0.0.1"}, 403),
        ("127.0.0.1", {**LOCAL, "X-Forwarded-For": "127.0.0.1"}, 403),
        ("127.0.0.1", {**LOCAL, "X-Forwarded-Host": "localhost"}, 403),
        ("127.0.0.1", {**LOCAL, "X-Real-IP": "127.0.0.1"}, 403),
        ("127.0.0.1", {**LOCAL, "Via": "1.1 proxy"}, 403),
        ("127.0.0.1", {"Host": "rebound.example.com"}, 403),
    ],
)
def test_the_well_known_password_counts_on_this_machine_only(
    tmp_path: Path, engine: GatedEngine, peer: str, headers: dict[str, str], status: int
) -> None:
    with served(tmp_path, engine, Login("deployster", WELL_KNOWN)) as serving, asking(serving, peer) as client:
        assert client.get("/v1/services", headers=headers).status_code == status


def test_a_password_of_ones_own_counts_from_everywhere(client: Client) -> None:
    assert client.get("/v1/services", headers={"X-Forwarded-For": "198.51.100.1"}).status_code == 200


@pytest.mark.parametrize(
    ("address", "loopback"), [("127.0.0.1", True), ("::1", True), ("10.0.0.1", False), ("x", False)]
)
def test_loopback_is_known_by_its_address(address: str, loopback: bool) -> None:
    assert is_loopback(address) is loopback


def flood(client: Client, headers: dict[str, str] = WRONG, count: int = FREE + 1) -> int:
    """The last answer's status of many wrong passwords."""
    return [client.get("/v1/services", headers=headers).status_code for _ in range(count)][-1]


def test_a_flood_of_wrong_passwords_is_held_up(stranger: Client) -> None:
    flood(stranger)
    answer = stranger.get("/v1/services", headers=WRONG)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")


def test_the_right_password_is_not_looked_at_either_where_nobody_is_known(stranger: Client) -> None:
    flood(stranger)
    assert stranger.get("/v1/services", headers=RIGHT).status_code == 429


def test_who_was_let_in_before_is_let_in_beside_a_guesser_at_the_same_address(stranger: Client) -> None:
    stranger.get("/v1/services", headers=RIGHT)
    flood(stranger)
    answers = [stranger.get("/v1/services", headers=headers).status_code for headers in (WRONG, RIGHT)]
    assert answers == [429, 200]


def test_others_are_not_held_up(tmp_path: Path, engine: GatedEngine) -> None:
    with served(tmp_path, engine) as serving, asking(serving, "198.51.100.9", logged_in=False) as other:
        with asking(serving, "203.0.113.7", logged_in=False) as guesser:
            flood(guesser)
        assert other.get("/v1/services", headers=RIGHT).status_code == 200


def test_healthz_is_answered_all_the_same(stranger: Client) -> None:
    flood(stranger)
    assert stranger.get("/healthz").status_code == 200


def test_behind_a_proxy_on_this_machine_the_guesser_alone_is_held_up(tmp_path: Path, engine: GatedEngine) -> None:
    with served(tmp_path, engine) as serving, asking(serving, "127.0.0.1", logged_in=False) as proxy:
        flood(proxy, {**WRONG, "X-Forwarded-For": "198.51.100.1"})
        assert (
            proxy.get("/v1/services", headers={**RIGHT, "X-Forwarded-For": "10.0.0.1, 198.51.100.2"}).status_code == 200
        )


def test_no_other_peer_can_hide_behind_that_header(stranger: Client) -> None:
    statuses = [
        flood(stranger, {**WRONG, "X-Forwarded-For": f"198.51.100.{number}"}, count=1) for number in range(FREE + 2)
    ]
    assert statuses[-1] == 429


def test_asking_without_a_login_is_no_guess(stranger: Client) -> None:
    assert flood(stranger, {}, count=50) == 401


def waits(attempts: Attempts, count: int) -> list[float]:
    """The wait after each of so many wrong passwords, each given as soon as one is looked at again."""
    now, found = 0.0, []
    for _ in range(count):
        attempts.wrong("a", now)
        found.append(attempts.wait("a", now))
        now += found[-1]
    return found


def test_each_wrong_password_beyond_the_free_ones_doubles_the_wait_up_to_a_minute() -> None:
    assert waits(Attempts(), FREE + 9)[FREE - 1 :] == [0, 1, 2, 4, 8, 16, 32, LONGEST_WAIT, LONGEST_WAIT, LONGEST_WAIT]


def test_wrong_passwords_are_forgotten_in_time() -> None:
    attempts = Attempts()
    waits(attempts, FREE)
    attempts.wrong("a", 10_000)
    assert attempts.wait("a", 10_000) == 0


def test_who_was_let_in_long_ago_is_not_known_any_more() -> None:
    attempts = Attempts()
    attempts.right("a", 0)
    assert (attempts.known("a", 3599), attempts.known("a", 3601)) == (True, False)


def test_however_many_addresses_guess_memory_is_bounded() -> None:
    attempts = Attempts()
    for number in range(MOST_CLIENTS + 100):
        attempts.wrong(str(number), 0)
    assert len(attempts._records) == MOST_CLIENTS


@pytest.mark.parametrize(
    ("address", "client"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "::ffff:203.0.113.7"),
        ("x" * 1000, "x" * 64),
    ],
)
def test_a_client_is_an_address_or_an_ipv6_network(address: str, client: str) -> None:
    assert client_of(address) == client


@pytest.mark.parametrize("name", ["Authorization", "Host"])
def test_a_header_that_lets_somebody_in_may_be_said_once(stranger: Client, name: str) -> None:
    assert stranger.get("/v1/services", headers=[(name, "one"), (name, "two")]).status_code == 400
