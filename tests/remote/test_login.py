"""Where a login is from, and that its password is never shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployster_cli.backends.remote.login import Login, LoginRefused, find_login
from deployster_cli.errors import DeploysterError, InvalidInput

URL = "https://deploy.example.com:3000"

SECRET = "hunter2"  # noqa: S105


def home(tmp_path: Path, netrc: str) -> dict[str, str]:
    (tmp_path / ".netrc").write_text(netrc)
    (tmp_path / ".netrc").chmod(0o600)
    return {"HOME": str(tmp_path)}


def named(login: Login) -> tuple[str, str]:
    return login.username, login.password


def asked(url: str, username: str) -> tuple[str, str]:
    return username, f"typed for {url}"


def test_the_variables_count_first(tmp_path: Path) -> None:
    environ = home(tmp_path, f"machine deploy.example.com login bob password {SECRET}")
    environ |= {"DEPLOYSTER_SERVER_USERNAME": "alice", "DEPLOYSTER_SERVER_PASSWORD": "x"}
    assert named(find_login(URL, environ, asked)) == ("alice", "x")


def test_the_user_name_is_the_servers_default_where_none_is_given() -> None:
    assert named(find_login(URL, {"DEPLOYSTER_SERVER_PASSWORD": "x"}, None)) == ("deployster", "x")


def test_netrc_is_looked_up_by_host(tmp_path: Path) -> None:
    environ = home(tmp_path, f"machine other password x\nmachine deploy.example.com login bob password {SECRET}")
    assert named(find_login(URL, environ, None)) == ("bob", SECRET)


def test_netrc_may_be_elsewhere(tmp_path: Path) -> None:
    environ = home(tmp_path, f"machine deploy.example.com login bob password {SECRET}")
    assert named(find_login(URL, {"NETRC": f"{environ['HOME']}/.netrc"}, None)) == ("bob", SECRET)


def test_netrc_of_another_user_than_the_one_that_is_meant_is_none(tmp_path: Path) -> None:
    environ = home(tmp_path, f"machine deploy.example.com login bob password {SECRET}")
    login = find_login(URL, environ | {"DEPLOYSTER_SERVER_USERNAME": "alice"}, asked)
    assert named(login) == ("alice", f"typed for {URL}")


def test_somebody_at_the_terminal_is_asked() -> None:
    assert named(find_login(URL, {}, asked)) == ("deployster", f"typed for {URL}")


def test_without_anybody_to_ask_it_exits_4_and_says_where_to_put_it() -> None:
    with pytest.raises(LoginRefused, match="No login for https://deploy") as refused:
        find_login(URL, {}, None)
    assert (refused.value.exit_code, "DEPLOYSTER_SERVER_PASSWORD" in refused.value.hint) == (4, True)


@pytest.mark.parametrize("text", [f"machine a password {SECRET} {SECRET}", f"{SECRET}", f'password "{SECRET}'])
def test_a_broken_netrc_is_named_by_its_line_and_never_quoted(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidInput, match=r"\.netrc:[0-9]+: invalid netrc entry") as refused:
        find_login(URL, home(tmp_path, text), None)
    assert SECRET not in str(refused.value)


def test_a_netrc_that_is_no_text_is_told_of(tmp_path: Path) -> None:
    environ = home(tmp_path, "")
    (tmp_path / ".netrc").write_bytes(b"\xff\xfe")
    with pytest.raises(DeploysterError, match=r"\.netrc is not UTF-8 text"):
        find_login(URL, environ, None)


def test_a_colon_in_a_user_name_is_refused() -> None:
    with pytest.raises(InvalidInput, match="colon"):
        find_login(URL, {"DEPLOYSTER_SERVER_USERNAME": "a:b", "DEPLOYSTER_SERVER_PASSWORD": "x"}, None)


def test_a_login_never_shows_its_password() -> None:
    assert SECRET not in repr(Login("bob", SECRET, "netrc"))
