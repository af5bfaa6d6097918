"""The local engine's settings, and what else is to be known of it before it is used."""

from typing import TYPE_CHECKING, Annotated, NamedTuple

from deployster_cli.domain.kinds import LIMIT, PATH, choice, state_folder
from deployster_cli.engines.declaration import Declaration

if TYPE_CHECKING:
    from deployster_cli.engines.base import Engine

# auto, systemd as root, ``systemctl --user``, or a supervisor of our own for each unit, with its former name.
MANAGERS = ("auto", "system", "user", "supervisor", "systemctl3")


class LocalOptions(NamedTuple):
    """How the local engine reaches what runs units.

    ``manager`` is one of MANAGERS. ``root`` is the folder where supervisors keep everything,
    ``$XDG_STATE_HOME/deployster/local`` where it is empty. Limits are seconds.
    """

    manager: Annotated[str, choice(*MANAGERS)] = "auto"
    root: Annotated[str, PATH] = ""
    read_timeout: Annotated[float, LIMIT] = 15.0
    write_timeout: Annotated[float, LIMIT] = 60.0


def _open(options: LocalOptions) -> "Engine":
    from deployster_cli.engines.local.engine import LocalEngine  # only where it is used

    return LocalEngine(options)


DECLARATION = Declaration(
    options=LocalOptions,
    open=_open,
    place="this machine",
    scaffold=__package__,
    offer="this one machine, with systemd or without",
    is_local=True,
    defaults=lambda environ: {"root": state_folder(environ, "local")},
)
