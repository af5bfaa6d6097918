"""One layer of settings from each place that can give them: flags, variables, deployster.toml, variables of
fleetctl and the like.

A layer is flat and checked: ``("fleet", "endpoint")`` → its value and the place that gave it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from deployster_cli.config.file import Base, Document, Keys, meant
from deployster_cli.config.schema import (
    BESIDE,
    FILE_TABLES,
    HOOKS,
    PLACE,
    PROJECT,
    SERVE,
    TABLES,
)
from deployster_cli.domain.kinds import Kind, fits_64_bits, one_line, shown
from deployster_cli.domain.limits import SERVICE, name_fault
from deployster_cli.domain.units.names import check_service, quoted
from deployster_cli.engines.declaration import declared
from deployster_cli.errors import ConfigError, InvalidInput


class Given(NamedTuple):
    """A checked value and who gave it, in the words that ``Settings.sources`` shows."""

    value: object
    source: str


Layer = Mapping[Keys, Given]

# Option of the command line → setting.
FLAGS: Mapping[str, Keys] = {
    "engine": ("engine",),
    "server": ("server",),
    "server_ca": ("server_ca",),
    "templates": ("templates",),
    "docker_hub_username": ("docker_hub_username",),
    "registry_url": ("registry_url",),
    **{flag.key: (name, flag.key) for name, engine in declared().items() for flag in engine.flags},
    **{key: ("serve", key) for key in SERVE},
}

# What a variable can give too.
SETTINGS: Mapping[Keys, Kind] = {
    **{(key,): kind for key, kind in PROJECT.items()},
    **{(table, key): kind for table, kinds in TABLES.items() for key, kind in kinds.items()},
}

# All but the services'.
FILE_SETTINGS: Mapping[Keys, Kind] = {
    **SETTINGS,
    **{(key,): kind for key, kind in PLACE.items()},
    **{("hooks", key): kind for key, kind in HOOKS.items()},
}


def variable(keys: Keys) -> str:
    """Return the environment variable of a setting: ``DEPLOYSTER_FLEET_ENDPOINT``."""
    return "_".join(("DEPLOYSTER", *keys)).upper()


def _finished(kind: Kind, value: object, base: Base) -> object:
    """Return an accepted TOML value as Settings holds it, paths absolute."""
    return kind.anchor(kind.convert(value), base.resolved)


def _from_text(kind: Kind, text: str, source: str, base: Base) -> Given:
    value = kind.parse(text)
    if fault := kind.fault(value):
        raise ConfigError(f"{source} {fault}.")
    return Given(_finished(kind, value, base), source)


def from_flags(flags: Mapping[str, object], base: Base) -> Layer:
    """Return what the command line gives; flags that are not settings, and those that are None, are left alone."""
    return {
        keys: _from_text(SETTINGS[keys], str(flags[flag]), f"flag --{flag.replace('_', '-')}", base)
        for flag, keys in FLAGS.items()
        if flags.get(flag) is not None
    }


def from_variables(environ: Mapping[str, str], base: Base) -> Layer:
    """Return what ``DEPLOYSTER_*`` gives. An empty variable is one that isn't set."""
    known = {variable(keys): keys for keys in SETTINGS}
    for name in environ:
        if name.startswith(tuple(f"DEPLOYSTER_{table.upper()}_" for table in TABLES)) and name not in known:
            raise ConfigError(f"{quoted(name)} sets nothing{meant(name, known)}")
    return {
        keys: _from_text(SETTINGS[keys], environ[name], name, base) for name, keys in known.items() if environ.get(name)
    }


def from_engines(environ: Mapping[str, str], base: Base) -> Layer:
    """Return what the variables of the engines' own programs give."""
    return {
        (engine, key): _from_text(SETTINGS[engine, key], environ[name], name, base)
        for engine, its in declared().items()
        for name, key in its.variables.items()
        if environ.get(name)
    }


_SERVICE: Mapping[str, Kind] = {**SERVICE, **BESIDE}


class FileReader(NamedTuple):
    """Turns a document into layers. Every fault is a ConfigError that begins with file and line."""

    document: Document
    base: Base

    def project(self, cluster: str = "") -> Layer:
        """Return what the file gives whatever the cluster; where one is chosen, not what is said of runs that choose
        none.
        """
        layer = self._layer({key: value for key, value in self.document.data.items() if key != "clusters"}, ())
        return {keys: given for keys, given in layer.items() if not (cluster and keys[0] in PLACE)}

    def clusters(self) -> Mapping[str, Layer]:
        """Return what each ``[clusters.NAME]`` gives; it may hold all that the file may, but for clusters."""
        found = self._table(self.document.data.get("clusters", {}), ("clusters",))
        for name in found:
            if not name or name.strip() != name or not name.isprintable():
                raise self._fault(("clusters", name), f"{quoted(name)} can't name a cluster")
        return {name: self._layer(self._table(found[name], at), at) for name in found for at in [("clusters", name)]}

    def _layer(self, table: Mapping[str, object], at: Keys) -> Layer:
        own = {**PROJECT, **PLACE}
        known: dict[str, object] = dict.fromkeys((*own, *FILE_TABLES, "services", *(() if at else ("clusters",))))
        layer: dict[Keys, Given] = {}
        for key, value in table.items():
            if key in own:
                layer[(key,)] = self._given(own[key], value, (*at, key))
            elif key in FILE_TABLES:
                layer |= self._options(key, value, at)
            elif key == "services":
                layer |= self._services(value, at)
            else:
                raise self._unknown(key, at, known)
        return layer

    def _options(self, name: str, value: object, at: Keys) -> Layer:
        return {(name, key): given for key, given in self._values(FILE_TABLES[name], value, (*at, name)).items()}

    def _services(self, value: object, at: Keys) -> Layer:
        layer: dict[Keys, Given] = {}
        for name, settings in self._table(value, (*at, "services")).items():
            here = (*at, "services", name)
            self._check_service(name, here)
            table = dict(self._table(settings, here))
            env = self._env(table.pop("env", {}), (*here, "env"))
            own = self._set(table.pop("set", {}), (*here, "set"))
            layer[("services", name)] = Given(None, self.document.at(here))
            layer |= {("services", name, key): given for key, given in self._values(_SERVICE, table, here).items()}
            layer |= {("services", name, "env", key): given for key, given in env.items()}
            layer |= {("services", name, "set", key): given for key, given in own.items()}
        return layer

    def _check_service(self, name: str, at: Keys) -> None:
        try:
            check_service(name)
        except InvalidInput as error:
            raise ConfigError(f"{self.document.at(at)}: {error.message}") from error

    def _values(self, kinds: Mapping[str, Kind], value: object, at: Keys) -> Mapping[str, Given]:
        table = self._table(value, at)
        known = {**kinds, "env": None, "set": None} if kinds is _SERVICE else kinds
        for key in table:
            if key not in kinds:
                raise self._unknown(key, at, known)
        return {key: self._given(kinds[key], value, (*at, key)) for key, value in table.items()}

    def _env(self, value: object, at: Keys) -> Mapping[str, Given]:
        """Environment variables. Their values may be secrets, so no message repeats one."""
        if not isinstance(value, dict):
            raise self._fault(at, f'{section(at)} must be a table: NAME = "value"')
        for name, content in value.items():
            if fault := name_fault(name, "an environment variable"):
                raise self._fault((*at, name), fault)
            if not one_line(content):
                raise self._fault((*at, name), f"{name} in {section(at)} must be text on one line, in quotes")
        return {name: Given(content, self.document.at((*at, name))) for name, content in value.items()}

    def _set(self, value: object, at: Keys) -> Mapping[str, Given]:
        """Return the values of a template's own. A whole number is its digits, as ``--set`` would give it."""
        table = self._table(value, at)
        for name, content in table.items():
            if name in _SERVICE or name in PROJECT or name in {"env", "set"}:
                raise self._fault((*at, name), f"{name} is a setting of Deployster's: it stands in {section(at[:-1])}")
            if fault := name_fault(name, "a value of a template"):
                raise self._fault((*at, name), fault)
            if not (fits_64_bits(content) if type(content) is int else one_line(content)):
                raise self._fault((*at, name), f"{name} in {section(at)} must be text on one line or a whole number")
        return {name: Given(str(content), self.document.at((*at, name))) for name, content in table.items()}

    def _given(self, kind: Kind, value: object, keys: Keys) -> Given:
        if fault := kind.fault(value):
            raise self._fault(keys, f"{keys[-1]}{_within(keys[:-1])} {fault}")
        return Given(_finished(kind, value, self.base), self.document.at(keys))

    def _table(self, value: object, at: Keys) -> Mapping[str, object]:
        if not isinstance(value, dict):
            raise self._fault(at, f"{section(at)} must be a table, not {shown(value)}")
        return value

    def _unknown(self, key: str, at: Keys, known: Mapping[str, object]) -> ConfigError:
        place = self.document.at((*at, key))
        return ConfigError(f"{place}: no setting {quoted(key)}{_within(at)}{meant(key, known)}")

    def _fault(self, keys: Keys, sentence: str) -> ConfigError:
        return ConfigError(f"{self.document.at(keys)}: {sentence}.")


def _within(at: Keys) -> str:
    return f" in {section(at)}" if at else ""


def section(at: Keys) -> str:
    """``[services.carousel]``: a table as the file writes it."""
    return f"[{'.'.join(key if key.isprintable() else ascii(key) for key in at)}]"
