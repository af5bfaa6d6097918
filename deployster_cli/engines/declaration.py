"""The engines there are, and what each declares of itself. Every command reads this, so it must cost next to nothing.

A new engine is a folder here and its line in TABLE.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from deployster_cli.domain.kinds import Kind
    from deployster_cli.engines.base import Engine

# Engine name → the module that has its DECLARATION. The first one is used where none is named.
TABLE = {
    "fleet": "deployster_cli.engines.fleet.declaration",
    "local": "deployster_cli.engines.local.declaration",
    "ssh": "deployster_cli.engines.ssh.declaration",
}

DEFAULT = next(iter(TABLE))


class Flag(NamedTuple):
    """An option of the command line that gives the setting ``key``; its name is the key with dashes.

    With ``many`` it may be given several times, with several values each.
    """

    key: str
    metavar: str
    help: str
    many: bool = False

    @property
    def name(self) -> str:
        """``--known-hosts-file``."""
        return f"--{self.key.replace('_', '-')}"


class Declaration(NamedTuple):
    """One engine.

    ``options`` is a NamedTuple class with a row for each setting of the table ``[NAME]``:
    ``endpoint: Annotated[str, WORD] = ""`` says its name, its type, its Kind and its default. ``defaults`` gives those
    that depend on the environment. ``open`` makes the engine of such options; it imports the engine's code only then.

    ``place`` is where units run, as a person says it; ``offer`` says it to who may choose another engine. ``scaffold``
    is the package that has deployster.toml and template.service.j2 for ``init``. ``is_local``: it is this one machine,
    so paths of services are paths here, and no placement rule can keep two units apart. ``machines`` is the setting
    that lists its machines as text, for an engine that is told them; the scaffold has @MACHINES@ where they belong.
    ``address`` has the settings that say together where the cluster is: who gives one of them gives all. ``variables``
    maps environment variables of the engine's own program to settings.

    ``discloses`` goes on where a notice says that secrets stand in the unit file in the clear: "which …"; it is empty
    where only those who deploy can read unit files. ``ssh_fault`` tells why no machine can be reached by ssh, and the
    cure: two empty texts where they can, or where none is needed.
    """

    options: type[Any]
    open: Callable[[Any], Engine]
    place: str
    scaffold: str
    offer: str = ""
    is_local: bool = False
    machines: str = ""
    flags: tuple[Flag, ...] = ()
    address: tuple[str, ...] = ()
    variables: Mapping[str, str] = {}
    discloses: str = ""
    ssh_fault: Callable[[], tuple[str, str]] = lambda: ("", "")
    defaults: Callable[[Mapping[str, str]], dict[str, object]] = lambda _: {}

    @property
    def kinds(self) -> Mapping[str, Kind]:
        """Setting → what its value must be."""
        return {key: row.__metadata__[0] for key, row in self.options.__annotations__.items()}


@cache
def declared() -> Mapping[str, Declaration]:
    """Engine name → its declaration."""
    return {name: import_module(module).DECLARATION for name, module in TABLE.items()}
