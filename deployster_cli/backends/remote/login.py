"""Who we are to a server: from the environment, from netrc, or typed at the terminal.

A password is never in an argument, a URL or a message: other users see those with ps, and logs keep them.
"""

from __future__ import annotations

import netrc
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from deployster_cli.errors import EXIT_ENGINE, DeploysterError, InvalidInput

# The server's own default.
USERNAME = "deployster"

USERNAME_VARIABLE = "DEPLOYSTER_SERVER_USERNAME"
PASSWORD_VARIABLE = "DEPLOYSTER_SERVER_PASSWORD"  # noqa: S105 - where one is, and none itself  # nosec B105

HOW = (
    f"Set {PASSWORD_VARIABLE} (and {USERNAME_VARIABLE}, unless it is {USERNAME}), or give the host a line in ~/.netrc."
)


@dataclass(frozen=True, slots=True)
class Login:
    """A user name and password; ``source`` says in words where they are from."""

    username: str
    password: str = field(repr=False)
    source: str


class LoginRefused(DeploysterError):
    """The server does not take the login, or there is none to give it."""

    exit_code = EXIT_ENGINE


# (the server, the user name to offer) → user name and password, as somebody typed them.
Ask = Callable[[str, str], tuple[str, str]]


def find_login(url: str, environ: Mapping[str, str], ask: Ask | None) -> Login:
    """Return the login for the server at ``url``. ``ask`` is None where nobody is there to be asked: then
    LoginRefused.
    """
    login = _from_variables(environ) or _from_netrc(url, environ)
    if login is None and ask:
        login = Login(*ask(url, environ.get(USERNAME_VARIABLE) or USERNAME), "what you typed")
    if login is None:
        raise LoginRefused(f"No login for {url}.", HOW)
    if ":" in login.username:
        raise InvalidInput(f"A user name can't have a colon in it (it is from {login.source}).")
    return login


def _from_variables(environ: Mapping[str, str]) -> Login | None:
    password = environ.get(PASSWORD_VARIABLE)
    return Login(environ.get(USERNAME_VARIABLE) or USERNAME, password, PASSWORD_VARIABLE) if password else None


def _from_netrc(url: str, environ: Mapping[str, str]) -> Login | None:
    """Return the host's entry, or the default one; none where the file is about another user name than the
    variable's.
    """
    path = _netrc_file(environ)
    found = _read(path).authenticators(urlsplit(url).hostname or "") if path else None
    if path is None or found is None or not found[2]:
        return None
    wanted = environ.get(USERNAME_VARIABLE)
    if wanted and found[0] and found[0] != wanted:
        return None
    return Login(found[0] or wanted or USERNAME, found[2], str(path))


def _netrc_file(environ: Mapping[str, str]) -> Path | None:
    home = environ.get("HOME", "")
    named = environ.get("NETRC") or (f"{home}/.netrc" if home.startswith("/") else "")
    path = Path(named) if named else None
    try:
        return path if path and path.is_file() else None
    except OSError:
        return None


def _read(path: Path) -> netrc.netrc:
    """Return the file's entries. What the parser says of a fault may quote a password, so only the line is told."""
    try:
        return netrc.netrc(str(path))
    except OSError as error:
        raise InvalidInput(f"{path} can't be read: {error.strerror}.") from error
    except UnicodeDecodeError:
        raise InvalidInput(f"{path} is not UTF-8 text.") from None
    except netrc.NetrcParseError as error:
        raise InvalidInput(f"{path}:{error.lineno}: invalid netrc entry.") from None
