"""The ssh engine's options, its machines as ssh(1) is told of them, and its calls as argv. Pure.

No argv holds a value of a user's but the machine's own address: what is to be done there goes to a shell's stdin.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection

from deployster_cli.engines.ssh.declaration import SshOptions
from deployster_cli.engines.ssh.hosts import Host
from deployster_cli.errors import InvalidInput

# Sessions on one connection: sshd takes 10 (MaxSessions), and another deployster may be at it.
MOST_SESSIONS = 8

# Seconds for which an idle connection waits for the next call.
PERSISTS = 60

# For calls whose output is read: they ask nobody, notice a machine that was cut off, and do one thing only.
_ALWAYS = (
    *("-T", "-x"),
    *("-o", "BatchMode=yes"),
    *("-o", "ServerAliveInterval=2"),
    *("-o", "ServerAliveCountMax=2"),
    *("-o", "ClearAllForwardings=yes"),
    *("-o", "PermitLocalCommand=no"),
    *("-o", "RemoteCommand=none"),
)

# What runs scripts there: a shell that reads them on its stdin, each to its end before it begins.
_AS_IS = "exec sh -s deployster"

_AS_ROOT = f"""test "$(id -u)" = 0 || exec sudo -n sh -s deployster; {_AS_IS}"""


def left_out(options: SshOptions) -> frozenset[str]:
    """Return the texts of the machines that are left out; InvalidInput for one that is not there, or if none
    is left.
    """
    if not options.machines:
        raise InvalidInput("machines in [ssh] must name at least one machine.", 'For example: machines = ["web1"].')
    names = {name for one in options.machines for name in (one.text, one.name)}
    unknown = sorted(set(options.without) - names)
    if unknown:
        there = ", ".join(one.name for one in options.machines)
        raise InvalidInput(f"{unknown[0]} can't be left out: [ssh] names {there}.")
    if all({one.text, one.name} & set(options.without) for one in options.machines):
        raise InvalidInput("All machines are left out: none is left to ask.")
    return frozenset(one.text for one in options.machines if {one.text, one.name} & set(options.without))


def ssh(options: SshOptions, to: Host, control: str, what: str) -> tuple[str, ...]:
    """``ssh`` to a machine, to run the scripts on its stdin there. ``control`` is where the connection's socket is.

    ``what`` they do is one word of ours, for who looks at the calls.
    """
    shared = ("-o", "ControlMaster=auto", "-o", f"ControlPath={control}", "-o", f"ControlPersist={PERSISTS}")
    line = _AS_IS if options.user else _AS_ROOT
    return (
        *_base(options, to),
        *_ALWAYS,
        *shared,
        "--",
        to.address,
        f"exec sh -c {shlex.quote(line)} deployster-{what}",
    )


def attached(options: SshOptions, to: Host, control: str, argv: Collection[str], *, terminal: bool) -> tuple[str, ...]:
    """``ssh`` to a machine with this terminal, for a command of the user's there, or a shell where it is empty."""
    shared = ("-o", "ControlMaster=no", "-o", f"ControlPath={control}")
    words = ("exec " + shlex.join(argv),) if argv else ()
    return (*_base(options, to), "-t" if terminal else "-T", *shared, "--", to.address, *words)


def known(options: SshOptions, to: Host) -> tuple[str, ...]:
    """``ssh`` that asks this terminal whether a machine's host key is the right one, and does nothing more."""
    asking = ("-o", "StrictHostKeyChecking=ask", "-o", "ControlPath=none")
    return (*_base(options, to), "-T", *asking, "--", to.address, "exit")


def control_name(options: SshOptions, to: Host, slot: int) -> str:
    """Return the name of a connection's socket: another one for all that decides where it leads and who
    vouches for it.
    """
    import hashlib  # slow to import, and the settings need none

    told = "\0".join((to.address, to.port, options.config, options.identity_file, options.known_hosts_file, str(slot)))
    return hashlib.sha1(told.encode(), usedforsecurity=False).hexdigest()[:16]


def _base(options: SshOptions, to: Host) -> tuple[str, ...]:
    files = (
        *(("-F", options.config) if options.config else ()),
        *(("-i", options.identity_file, "-o", "IdentitiesOnly=yes") if options.identity_file else ()),
        *(("-o", f"UserKnownHostsFile={_quoted(options.known_hosts_file)}") if options.known_hosts_file else ()),
    )
    port = ("-p", to.port) if to.port else ()
    return ("ssh", *files, *port, "-o", f"ConnectTimeout={max(1, round(options.connect_timeout))}")


def _quoted(path: str) -> str:
    """Return a path as ssh_config(5) takes it, where a space would part two files and % begins a token."""
    return '"' + path.replace("%", "%%") + '"'
