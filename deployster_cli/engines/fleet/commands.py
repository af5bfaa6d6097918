"""What we want of fleetctl → its argv. Pure: one function an intent, a tuple out.

Only long flags: 0.13 and 1.0 know no short ones. fleetctl 0.13 reads no ``FLEETCTL_*`` variable, so every option that
is set is passed as a flag, before the command.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator

from deployster_cli.domain.units.asking import EXIT_PROPERTIES, journal_flags
from deployster_cli.domain.units.names import UnitName, quoted
from deployster_cli.engines.fleet.declaration import FleetOptions
from deployster_cli.errors import InvalidInput

Argv = tuple[str, ...]

# Bytes of names in one call. Linux takes about 2 MB of argv and environment together, other systems far less.
ARGV_ROOM = 100_000


def version(options: FleetOptions) -> Argv:
    """Which program this is. No global flags: as the very first argument it needs neither endpoint nor ssh."""
    return (options.fleetctl, "--version")


def list_units(options: FleetOptions) -> Argv:
    """Return what the machines' systemd report: one row a unit and machine."""
    return _listing(options, "list-units", "unit,machine,load,active,sub,hash")


def list_unit_files(options: FleetOptions) -> Argv:
    """Return what the registry holds, scheduled or not: one row a unit. The Description is last, as it may hold
    anything.
    """
    return _listing(options, "list-unit-files", "unit,hash,dstate,state,target,desc")


def list_machines(options: FleetOptions) -> Argv:
    """Return the machines that take units now."""
    return _listing(options, "list-machines", "machine,ip,metadata")


def start(options: FleetOptions, folder: str, names: Iterable[str]) -> Argv:
    """Start units, put in from the files of their names in ``folder`` (an absolute path) where the registry lacks them.

    A folder is always named: for a bare name fleetctl looks at files and templates in the working directory.
    Never the blocking form: it gives up after 2 s with exit 1 while the unit goes on starting.
    """
    return _called(options, "start", "--no-block", *_operands(f"{folder}/{name}" for name in names))


def submit(options: FleetOptions, folder: str, names: Iterable[str], *, replace: bool = False) -> Argv:
    """Put units into the registry without wanting them on any machine. For the folder see ``start``."""
    flags = ("--replace",) if replace else ()
    return _called(options, "submit", *flags, *_operands(f"{folder}/{name}" for name in names))


def load(options: FleetOptions, folder: str, names: Iterable[str]) -> Argv:
    """Want these units on machines but not running. For the folder see ``start``."""
    return _called(options, "load", "--no-block", *_operands(f"{folder}/{name}" for name in names))


def stop(options: FleetOptions, names: Iterable[str]) -> Argv:
    """Stop running units and keep them on their machines."""
    return _called(options, "stop", "--no-block", *_operands(names))


def unload(options: FleetOptions, names: Iterable[str]) -> Argv:
    """Take units off their machines and keep them in the registry."""
    return _called(options, "unload", "--no-block", *_operands(names))


def destroy(options: FleetOptions, names: Iterable[str]) -> Argv:
    """Remove units. Never with --no-block: 1.0.0 takes it for its opposite and 0.13 does not know it."""
    return _called(options, "destroy", *_operands(names))


def cat(options: FleetOptions, name: str) -> Argv:
    """One unit's file, as the registry has it."""
    return _called(options, "cat", *_operands([name]))


def journal(options: FleetOptions, name: UnitName, lines: int) -> Argv:
    """Return the last lines of one unit's journal, over ssh."""
    return _called(options, "journal", f"--lines={lines}", *_operands([name.text]))


def entries(
    options: FleetOptions, name: UnitName, lines: int | None, *, follow: bool, machine: str = "", after: str = ""
) -> Argv:
    """Return the last entries of one unit's journal whole, over ssh: in journald's export format.

    On one machine, named by its id, where the unit is global: of such a unit fleetctl shows no journal. Nor does it
    show a whole journal, or what is behind a cursor.
    """
    flags = journal_flags(lines, follow=follow, after=after)
    if machine or after or lines is None:
        return ssh(options, name, ("journalctl", "--no-pager", *flags, f"--unit={name.text}"), machine)
    return _called(options, "journal", *flags, *_operands([name.text]))


def ended(options: FleetOptions, name: UnitName) -> Argv:
    """How the unit's main process ended, as its machine's systemd has it."""
    wanted = (word for each in EXIT_PROPERTIES for word in ("-p", each))
    return ssh(options, name, ("systemctl", "show", *wanted, name.text))


def ssh(options: FleetOptions, name: UnitName, command: Argv, machine: str = "") -> Argv:
    """Run a command on a unit's machine, or on that of an id; a shell where the command is empty.

    fleetctl joins its arguments with spaces for the shell over there, and takes flags among them for its own:
    so the command is one argument, quoted for a shell, behind ``--``.
    """
    remote = ("--", shlex.join(command)) if command else ()
    return _called(options, "ssh", f"--machine={machine}" if machine else f"--unit={name.text}", *remote)


def run_shell(options: FleetOptions, machine: str, line: str) -> Argv:
    """Run a shell line on a machine, named by its whole id: one argument behind ``--``, for the reasons of ssh."""
    return _called(options, "ssh", f"--machine={machine}", "--", shlex.join(("/bin/sh", "-c", line)))


def chunks(names: Iterable[str], beside: int = 0, room: int = ARGV_ROOM) -> Iterator[Argv]:
    """Yield the names in as few groups as fit into one argv each; ``beside`` is what each name costs on top,
    in bytes.
    """
    group: list[str] = []
    size = 0
    for name in names:
        cost = len(name.encode()) + beside + 1
        if group and size + cost > room:
            yield tuple(group)
            group, size = [], 0
        group.append(name)
        size += cost
    if group:
        yield tuple(group)


def _listing(options: FleetOptions, command: str, fields: str) -> Argv:
    return _called(options, command, "--full", "--no-legend", f"--fields={fields}")


def _called(options: FleetOptions, *rest: str) -> Argv:
    return (options.fleetctl, *_global_flags(options), *rest)


def _global_flags(options: FleetOptions) -> Argv:
    return tuple(f"--{flag}={value}" for flag, value in _flags(options).items() if value)


def _flags(options: FleetOptions) -> dict[str, str]:
    return {
        "endpoint": options.endpoint,
        "tunnel": options.tunnel,
        "ssh-username": options.ssh_username,
        "ssh-timeout": "" if options.ssh_timeout == FleetOptions().ssh_timeout else f"{options.ssh_timeout:g}",
        "strict-host-key-checking": "" if options.strict_host_key_checking else "false",
        "known-hosts-file": options.known_hosts_file,
        "ca-file": options.ca_file,
        "cert-file": options.cert_file,
        "key-file": options.key_file,
    }


def _operands(names: Iterable[str]) -> Argv:
    """Return the names, none of which fleetctl can take for a flag of its own."""
    found = tuple(names)
    for name in found:
        if name.startswith("-"):
            raise InvalidInput(f"{quoted(name)} can't name a unit: it begins with a dash.")
    return found
