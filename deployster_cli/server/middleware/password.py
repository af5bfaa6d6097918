"""Where the login comes from: the settings, or a file that only this user should be able to read."""

from __future__ import annotations

from pathlib import Path

from deployster_cli.config.load import ServeOptions
from deployster_cli.errors import ConfigError
from deployster_cli.server.middleware.credentials import WELL_KNOWN, Login

_LONGEST = 1024

SHORT = 12
"""Characters. One that is shorter can be guessed by somebody who tries for long enough."""

_KNOWN = {"changemeplease", "deployster123", "passwordpassword", "password1234", "123456789012", "qwertyuiop123"}
"""Long enough, and tried first all the same."""

_FEW = 4
"""Different characters: with no more it is a key held down."""


def weakness(known: Login) -> str:
    """Why a password can be guessed, to go behind "the password …"; empty where it doesn't look like it."""
    plain = known.password.lower()
    if len(plain) < SHORT:
        return f"has fewer than {SHORT} characters"
    if plain in _KNOWN or plain == known.username.lower():
        return "is one that everybody tries first"
    return "is made of very few different characters" if len(set(plain)) <= _FEW else ""


def login(options: ServeOptions) -> Login:
    """The name and password to ask for; the well-known one where none is given. ConfigError for an unfit file."""
    if options.password and options.password_file:
        raise ConfigError("A password and a file that has it are too much: give one of --password and --password-file.")
    given = _read(options.password_file) if options.password_file else options.password
    return Login(options.username, given or WELL_KNOWN)


def _read(path: str) -> str:
    """The file's only line. No message repeats it."""
    try:
        with Path(path).open("rb") as file:
            password = file.read(_LONGEST + 1).decode().removesuffix("\n").removesuffix("\r")
    except OSError as error:
        raise ConfigError(f"The password file {path} can't be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"The password file {path} is no text.") from error
    if not password or len(password) > _LONGEST or not password.isprintable():
        raise ConfigError(f"The password file {path} must hold one line, the password.")
    return password
