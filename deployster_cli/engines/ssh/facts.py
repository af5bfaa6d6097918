"""What a machine is and has: the script that finds it out, and what it prints as values. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import NamedTuple

from deployster_cli.domain.units.needs import Needs
from deployster_cli.engines.ssh.parse import Part, listening, named

# What the scripts themselves run.
OURS = ("awk", "sha1sum", "journalctl", "flock")

# Seconds that a registry has to answer in.
PULL_LIMIT = 10

_LOOK = """\
systemctl --version | head -n 1
part missing
for n in {programs}; do command -v "$n" >/dev/null || printf '%s\\n' "$n"; done
part room
d=$F; until [ -d "$d" ]; do d=${{d%/*}}; done
df -Pk -- "$d" | awk 'END {{ print $4 }}'
part lingers
[ "$M" = --system ] || [ -e "/var/lib/systemd/linger/$(id -un)" ] || id -un
part manager
for n in apt-get dnf; do ! command -v "$n" >/dev/null || {{ printf '%s\\n' "$n"; break; }}; done
part system
( . /etc/os-release && printf '%s\\n' "$ID" ) 2>/dev/null
part docker
systemctl --system --no-ask-password show -p LoadState -p ActiveState -p UnitFileState docker.service
part bound
[ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null || id -un
d=$S
part unmade
[ -d "$d" ] || printf '%s\\n' "$d"
until [ -d "$d" ]; do d=${{d%/*}}; done
part unwritable
[ -w "$d" ] || printf '%s\\n' "$d"
{images}{ports}:
"""

# Asks for content that is nowhere: nothing is fetched, and yet the registry is asked as for any pull, with the same
# certificates, proxy and login. A client's own question (manifest inspect) would go another way.
_PULL = """\
part pull
printf '%s\\n' {image}
s=$(timeout {limit} {program} pull {nowhere} 2>&1 </dev/null); printf '%s %s\\n' "$?" "$s"
"""
_NOWHERE = "sha256:" + "0" * 64

_PORTS = "part tcp; cat /proc/net/tcp; part tcp6; cat /proc/net/tcp6 2>/dev/null\n"


class Facts(NamedTuple):
    """What a machine has. ``systemd`` is its version, 0 for none that can be read; ``missing`` are programs of those
    that were asked for; ``room`` is KB where unit files are; ``unlingering`` is the login whose units would end with
    its session, ``bound`` one that may not become root. ``manager`` installs packages, on the ``system`` of that name.
    ``docker`` has properties of docker.service. ``unmade`` is the state folder where there is none, ``unwritable`` one
    of the folders above that nothing can be written to. ``pulls`` maps an image to the exit code and words of who
    asked its registry; ``ports`` are those that are listened on.
    """

    systemd: int
    missing: frozenset[str]
    room: int | None = None
    unlingering: str = ""
    manager: str = ""
    system: str = ""
    docker: Mapping[str, str] = {}
    bound: str = ""
    unmade: str = ""
    unwritable: str = ""
    pulls: Mapping[str, tuple[int, str]] = {}
    ports: frozenset[int] = frozenset()


def look(needs: Needs) -> str:
    """Return the script that finds out all of it. It changes nothing."""
    asked = dict.fromkeys((*OURS, "podman", *(program for group in needs.programs for program in group)))
    images = (
        _PULL.format(
            image=shlex.quote(image),
            limit=PULL_LIMIT,
            program=shlex.quote(program),
            nowhere=shlex.quote(f"{repository(image)}@{_NOWHERE}"),
        )
        for program, image in needs.images
    )
    return _LOOK.format(
        programs=" ".join(map(shlex.quote, asked)), images="".join(images), ports=_PORTS if needs.ports else ""
    )


def repository(image: str) -> str:
    """Return the image without its tag."""
    head, _, tag = image.rpartition(":")
    return head if head and "/" not in tag else image


def facts(found: list[Part]) -> Facts:
    """Return what the script printed."""
    single = {part.kind: part.text.strip() for part in found}
    version = re.match(r"systemd ([0-9]{1,4})", single[""])
    room = single.get("room", "")
    pairs = (line.partition("=") for line in single.get("docker", "").splitlines())
    return Facts(
        systemd=int(version[1]) if version else 0,
        missing=frozenset(single.get("missing", "").split("\n")) - {""},
        room=int(room) if room.isascii() and room.isdigit() else None,
        unlingering=single.get("lingers", ""),
        manager=single.get("manager", ""),
        system=single.get("system", ""),
        docker={key: value for key, _, value in pairs},
        bound=single.get("bound", ""),
        unmade=single.get("unmade", ""),
        unwritable=single.get("unwritable", ""),
        pulls={image: _asked(said) for image, said in named(found, "pull").items()},
        ports=listening([part for part in found if part.kind in {"tcp", "tcp6"}]),
    )


def _asked(said: str) -> tuple[int, str]:
    code, _, words = said.strip().partition(" ")
    return (int(code) if code.isascii() and code.isdigit() else 1), words.strip()
