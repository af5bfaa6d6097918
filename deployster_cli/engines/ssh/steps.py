"""What is left to do on a machine before it takes units, and the script that does it there. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from deployster_cli.domain.units.needs import Needs
from deployster_cli.engines.base import Step
from deployster_cli.engines.ssh.facts import OURS, Facts

# Exit code of ``doing`` where another program holds what it takes, such as apt's lock.
HELD = 9

# Package manager → how it installs. An index may be as old as the machine, and one that can't be read now may yet do.
_INSTALL = {"apt-get": "apt-get update; apt-get -y install", "dnf": "dnf -y install"}

# Program → the package that has it, by the name that both managers know. docker's is not one of them.
_PACKAGES = {
    "awk": "gawk",
    "sha1sum": "coreutils",
    "journalctl": "systemd",
    "flock": "util-linux",
    "curl": "curl",
    "podman": "podman",
}

# What apt-get says where somebody else is at it; dnf waits by itself.
_HELD = "Could not get lock|Unable to acquire the dpkg frontend lock"

# A service of systemd's does it: it outlives the connection, for a package manager that dies midway leaves a machine
# broken. No tool that restarts services behind an update has a say: those of this machine are in production.
_ROOT = """\
d=$(mktemp -d) || exit
trap 'rm -rf -- "$d"' EXIT
o=$d/said
systemd-run --quiet --wait --collect --setenv=LC_ALL=C \\
  --setenv=DEBIAN_FRONTEND=noninteractive --setenv=NEEDRESTART_SUSPEND=1 \\
  /bin/sh -c "exec >$o 2>&1 </dev/null; "{command} 2>>"$o" && exit
grep -E {held} "$o" >"$d/held" && head -n 1 "$d/held" >&2 && exit {HELD}
awk '/^E: |^Error:/ {{ n = /^Error: *$/ ? 3 : 1 }} n-- > 0' "$o" >"$d/why"
grep '^W: Failed to fetch ' "$o" >>"$d/why"
[ -s "$d/why" ] || tail -n 1 "$o" >"$d/why"
head -n 3 "$d/why" | tr '\\n' ' ' >&2
exit 1
"""


def steps(machine: str, facts: Facts, needs: Needs) -> Iterator[Step]:
    """Yield what is left to do, in this order."""
    for step in (*_folder(machine, facts), *_programs(machine, facts, needs), *_lingering(machine, facts)):
        yield step._replace(by_hand=step.by_hand or _bound(machine, facts))


def doing(command: str) -> str:
    """Return the script that has root do it, and prints on stderr what it says where it fails."""
    root = _ROOT.format(command=shlex.quote(command), held=shlex.quote(_HELD), HELD=HELD)
    return f'if [ "$(id -u)" = 0 ]; then sh -c {shlex.quote(root)}; else sudo -n sh -c {shlex.quote(root)}; fi\n'


def _bound(machine: str, facts: Facts) -> str:
    return f"{facts.bound} may not become root on {machine} without a password." if facts.bound else ""


def _folder(machine: str, facts: Facts) -> Iterator[Step]:
    """Yield the state folder; that in a login's home is made when it is first written to."""
    if facts.unmade.startswith("/var/"):
        yield Step(machine, f"{machine} has no state folder.", f"mkdir -p -m 700 {shlex.quote(facts.unmade)}")


def _programs(machine: str, facts: Facts, needs: Needs) -> Iterator[Step]:
    groups = (*((program,) for program in OURS), *needs.programs)
    lacking = [group[0] for group in groups if facts.missing.issuperset(group)]
    packages = {program: _package(program, facts) for program in lacking}
    why = f"{machine} lacks {', '.join(lacking)}."
    if not facts.manager and lacking:
        by_hand = f"{machine} has neither apt-get nor dnf."
        yield Step(machine, why, f"install {' '.join(packages.values())}", by_hand)
    elif lacking:
        yield Step(machine, why, " ".join((_INSTALL[facts.manager], *dict.fromkeys(packages.values()))))
    new = [name for name in packages.values() if name in {"docker.io", "moby-engine"}]
    if any(program.endswith("/docker") for group in needs.programs for program in group) and (new or _down(facts)):
        yield Step(
            machine,
            f"docker.service on {machine} is to run, also after a reboot.",
            "systemctl enable --now docker.service",
        )


def _package(program: str, facts: Facts) -> str:
    """Return the package that has a program. Where podman is, it stands in for docker: a second engine is not
    wanted.
    """
    name = program.rpartition("/")[2]
    if name != "docker":
        return _PACKAGES[name]
    if "podman" not in facts.missing:
        return "podman-docker"
    if facts.manager != "dnf":
        return "docker.io"
    return "moby-engine" if facts.system == "fedora" else "podman-docker"  # others don't have it


def _down(facts: Facts) -> bool:
    """Whether docker's service is there and does not run, or would not after a reboot."""
    if facts.docker.get("LoadState") != "loaded":
        return False
    return facts.docker.get("ActiveState") in {"inactive", "failed"} or facts.docker.get("UnitFileState") == "disabled"


def _lingering(machine: str, facts: Facts) -> Iterator[Step]:
    if facts.unlingering:
        why = f"What {facts.unlingering} runs on {machine} ends with its session."
        yield Step(machine, why, f"loginctl enable-linger {shlex.quote(facts.unlingering)}")
