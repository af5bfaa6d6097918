"""The ssh engine's settings, and what else is to be known of it before it is used."""

from typing import TYPE_CHECKING, Annotated, NamedTuple

from deployster_cli.domain.kinds import FLAG, LIMIT, PATH, list_of, whole_of
from deployster_cli.engines.declaration import Declaration, Flag
from deployster_cli.engines.ssh.hosts import MACHINES, Host

if TYPE_CHECKING:
    from deployster_cli.engines.base import Engine


class SshOptions(NamedTuple):
    """How the ssh engine reaches its machines, in the order in which they are filled.

    ``user`` means ``systemctl --user`` of the login. ``without`` names machines that are left out. Files are empty
    where ssh is to find them; times are seconds.
    """

    machines: Annotated[tuple[Host, ...], MACHINES] = ()
    config: Annotated[str, PATH] = ""
    identity_file: Annotated[str, PATH] = ""
    known_hosts_file: Annotated[str, PATH] = ""
    user: Annotated[bool, FLAG] = False
    connect_timeout: Annotated[float, LIMIT] = 3.0
    read_timeout: Annotated[float, LIMIT] = 15.0
    write_timeout: Annotated[float, LIMIT] = 60.0
    without: Annotated[tuple[str, ...], list_of("names of machines", whole_of(r"[^\s-]\S*"))] = ()


def _open(options: SshOptions) -> "Engine":
    from deployster_cli.engines.ssh.engine import SshEngine  # only where it is used

    return SshEngine(options)


DECLARATION = Declaration(
    options=SshOptions,
    open=_open,
    place="the machines",
    scaffold=__package__,
    offer="Linux machines with systemd that ssh lets you in to",
    machines="machines",
    flags=(Flag("without", "MACHINE,…", "Leave out machines of [ssh] that don't answer.", many=True),),
)
