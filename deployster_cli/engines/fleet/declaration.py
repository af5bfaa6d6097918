"""The fleet engine's settings, and what else is to be known of it before it is used."""

from typing import TYPE_CHECKING, Annotated, NamedTuple

from deployster_cli.domain.kinds import FLAG, LIMIT, PATH, PROGRAM, WORD
from deployster_cli.engines.declaration import Declaration, Flag

if TYPE_CHECKING:
    from deployster_cli.engines.base import Engine


class FleetOptions(NamedTuple):
    """How to call fleetctl. An empty text leaves the matter to fleetctl. Times are seconds.

    ``read_timeout`` and ``write_timeout`` are limits of ours for one call: fleetctl itself waits for ever on an
    endpoint that accepts and says nothing. ``ssh_timeout`` is fleetctl's own, for making one ssh connection.
    """

    fleetctl: Annotated[str, PROGRAM] = "fleetctl"
    endpoint: Annotated[str, WORD] = ""
    tunnel: Annotated[str, WORD] = ""
    ssh_username: Annotated[str, WORD] = ""
    ssh_timeout: Annotated[float, LIMIT] = 10.0
    strict_host_key_checking: Annotated[bool, FLAG] = True
    known_hosts_file: Annotated[str, PATH] = ""
    ca_file: Annotated[str, PATH] = ""
    cert_file: Annotated[str, PATH] = ""
    key_file: Annotated[str, PATH] = ""
    read_timeout: Annotated[float, LIMIT] = 15.0
    write_timeout: Annotated[float, LIMIT] = 60.0


# What fleetctl has no flag for.
_OURS = {"fleetctl", "read_timeout", "write_timeout"}


def _open(options: FleetOptions) -> "Engine":
    from deployster_cli.engines.fleet.engine import FleetEngine  # only where it is used

    return FleetEngine(options)


def _ssh_fault() -> tuple[str, str]:
    from deployster_cli.engines.fleet.ssh.agent import agent_problem  # only where it is asked

    return agent_problem()


# fleetctl 0.13 doesn't read its own variables, so what they say becomes flags.
DECLARATION = Declaration(
    options=FleetOptions,
    open=_open,
    place="the fleet cluster",
    scaffold=__package__,
    offer="a CoreOS fleet cluster that is there already",
    flags=(
        Flag("endpoint", "URL", "fleet's API (as fleetctl --endpoint)."),
        Flag("tunnel", "HOST[:PORT]", "Reach fleet over ssh (as fleetctl --tunnel)."),
        Flag("strict_host_key_checking", "BOOL", "false takes any ssh host key (default: true)."),
        Flag("known_hosts_file", "FILE", "Known ssh host keys (default: ~/.fleetctl/known_hosts)."),
    ),
    address=("endpoint", "tunnel"),
    variables={f"FLEETCTL_{key.upper()}": key for key in FleetOptions._fields if key not in _OURS},
    discloses="fleet keeps in etcd and everybody on a machine may read",
    ssh_fault=_ssh_fault,
)
