"""The words by which a failed fleetctl call is known, and what each is called in ours. Pure.

They were recorded from fleetctl 1.0.0 (tests/fixtures/fleetctl).
"""

from __future__ import annotations

import re
from typing import NamedTuple

from deployster_cli.errors import EngineError, EngineUnreachable


class Sign(NamedTuple):
    """Words on a failed call's stderr that tell what went wrong. The message takes {said} and the pattern's groups.

    The pattern is compiled where it is looked for: most runs see no call fail. Whatever it repeats has a bound, as
    stderr may be a stranger's and long.
    """

    pattern: str
    error: type[EngineError]
    message: str
    hint: str = ""

    def found(self, said: str) -> re.Match[str] | None:
        """Where these words are, if they are there."""
        return re.search(self.pattern, said, re.DOTALL)


def _sign(pattern: str, message: str, hint: str, error: type[EngineError] = EngineUnreachable) -> Sign:
    return Sign(pattern, error, message, hint)


_NEW_AGENT = 'Start one with eval "$(ssh-agent)" and give it your key with ssh-add.'

_SSH = r"(?:failed initializing SSH client|Unable to SSH to remote host|Failed building SSH client): "

CHANGED_KEY = _sign(
    r"REMOTE HOST IDENTIFICATION HAS CHANGED.{0,600}?fingerprint for the (?P<kind>[\w-]{1,60}) key sent by the remote"
    r" host is\s(?P<print>[0-9A-Za-z:+/=]{1,200}).{0,200}?Add correct host key in (?P<file>[^\n]{1,4096}) to get rid",
    "THE SSH HOST KEY OF THE MACHINE HAS CHANGED: it is not the one in {file}; it shows the fingerprint {print}.",
    "If the machine was made anew, take its line out of that file. If it was not, somebody may be listening.",
)
UNKNOWN_KEY = _sign(
    r"authenticity of host '(?P<host>[^'\n]{1,300})'[^\n]{0,200}\n(?P<kind>[\w-]{1,60}) key fingerprint is "
    r"(?P<print>\S{1,200}?)\.\s.{0,600}?Host key verification failed",
    "The ssh host key of {host} is not known here; it shows the fingerprint {print}.",
    "Compare the fingerprint, then run deployster check in a terminal and answer yes.",
)
NOT_LET_IN = _sign(
    "ssh: unable to authenticate",
    "The machine took none of the ssh-agent's keys for this user.",
    "Add the right key with ssh-add, or set ssh_username.",
)

_SSH_SIGNS = (
    _sign(
        "SSH_AUTH_SOCK environment variable is not set",
        "fleetctl takes its ssh keys from an ssh-agent, and none is running here.",
        _NEW_AGENT,
    ),
    _sign(
        _SSH + "dial unix",
        "fleetctl takes its ssh keys from an ssh-agent, and the one that SSH_AUTH_SOCK names does not answer.",
        _NEW_AGENT,
    ),
    CHANGED_KEY,
    UNKNOWN_KEY,
    NOT_LET_IN,
    _sign(
        _SSH + "timed out while initiating",
        "The ssh connection was not made in time: the machine, or the network to it, does not answer.",
        "Check the address, and that the machine is up; ssh_timeout says how long is waited.",
    ),
    _sign(
        _SSH + r"dial tcp (?P<at>\S+): connect: connection refused",
        "Nothing takes ssh connections at {at}.",
        "Check the address and its port, and that sshd runs there.",
    ),
    _sign(
        _SSH + r"dial tcp: lookup (?P<name>\S+?)(?: on \S+)?: ",
        "The address of {name} can't be found, so no ssh connection can be made: {said}",
        "Check the name, and that this machine can look names up.",
    ),
    _sign(
        _SSH + r"ssh: handshake failed: ssh: no common algorithm",
        "fleetctl and the machine's sshd have no algorithm in common: {said}",
        "That sshd is newer than fleetctl: its configuration has to allow an algorithm that fleetctl offers.",
    ),
    _sign(
        _SSH + r"ssh: handshake failed: (?:EOF|ssh: invalid packet length|ssh: overflow|read tcp)",
        "The ssh connection was broken off before it began: {said}",
        "Check that the port is sshd's. If it is, sshd may have too many connections, or refuse this address.",
    ),
    _sign(_SSH, "fleetctl got no ssh connection: {said}", "Check the address, and that sshd answers there."),
)

# The first that is found counts.
SIGNS = (
    *_SSH_SIGNS,
    _sign(
        "Unable to initialize client: ",
        "fleetctl can't use what it was given to reach the cluster: {said}",
        "Check endpoint, tunnel and the certificate files.",
    ),
    _sign(
        r"got HTTP response code 404",
        "Something other than fleet answers at the endpoint: {said}",
        "Check the endpoint: fleet's usual port is 49153, and 2379 and 4001 are etcd's.",
    ),
    _sign(
        r"ssh: rejected: (?:connect failed|administratively prohibited)|http://domain-sock/\S{0,2000}: EOF",
        "The ssh connection stands, but the endpoint is not to be had through it: {said}",
        "Check the endpoint: behind a tunnel it is one that the tunnel's machine reaches. For a unix:// endpoint that"
        " machine needs a fleetctl of its own.",
    ),
    _sign(
        r"dial (?:tcp|udp|unix)|connection re(?:fused|set)|broken pipe|no route to host|i/o timeout|\bEOF\b|timeout"
        r"|deadline exceeded|tls: |x509: |malformed HTTP|HTTP response to HTTPS|unable to communicate with etcd"
        r"|googleapi: (?:Error|got HTTP response code) 5\d\d|Error retrieving list of",
        "The cluster could not be reached: {said}",
        "Check that fleet runs there, and the endpoint or tunnel.",
    ),
    _sign(
        r"Unable to stop unit (?P<unit>\S+) in state inactive",
        "fleetctl stopped neither {unit} nor the units named after it, because {unit} is on no machine.",
        "Try again.",
        EngineError,
    ),
)
