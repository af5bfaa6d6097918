"""The settings: flags, ``DEPLOYSTER_*`` and deployster.toml become one frozen value that knows where each came from.

A flag counts before a ``DEPLOYSTER_*`` variable, that before the chosen cluster's tables, those before the rest of
the file, that before ``FLEETCTL_*`` variables, and those before the default.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from deployster_cli.config.file import Base, Document, Keys, find, meant, read
from deployster_cli.config.layers import (
    FILE_SETTINGS,
    SETTINGS,
    FileReader,
    Given,
    Layer,
    from_engines,
    from_flags,
    from_variables,
)
from deployster_cli.config.overrides import with_environment, with_settings
from deployster_cli.config.schema import HOOKS, SERVE
from deployster_cli.domain.hooks import Hooks
from deployster_cli.domain.kinds import UNIT_PATH, state_folder
from deployster_cli.domain.limits import FIELDS, SERVICE, path_fault
from deployster_cli.domain.units.model import Service
from deployster_cli.domain.units.names import check_service, quoted
from deployster_cli.engines.declaration import DEFAULT as DEFAULT_ENGINE
from deployster_cli.engines.declaration import Declaration, declared
from deployster_cli.errors import ConfigError

if TYPE_CHECKING:
    from deployster_cli.engines.base import Engine

DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """How ``serve`` listens, whom it lets in, and where it keeps its jobs. Paths are absolute or empty."""

    listen: str = "0.0.0.0:3000"
    username: str = "deployster"
    password: str = field(default="", repr=False)
    password_file: str = ""
    cert: str = ""
    key: str = ""
    state: str = ""


class Settings(NamedTuple):
    """What a run is to go by. ``file`` is the deployster.toml it comes from, ``here`` the folder where the run started.
    ``engines`` has the options of each engine by its name. ``protected``: a change of this cluster has to be confirmed.

    ``before`` has the shell lines of each service's ``before_deploy``, for services that have any.

    ``server`` is the URL of the Deployster server that is asked in an engine's place; empty where there is none.

    ``sources`` maps a dotted key to who gave it: ``flag --endpoint``, ``DEPLOYSTER_FLEET_ENDPOINT``,
    ``deployster.toml:7``, ``FLEETCTL_ENDPOINT`` or ``default``.
    """

    engine: str
    cluster: str
    file: Path | None
    templates_dir: Path | None
    docker_hub_username: str
    registry_url: str
    engines: Mapping[str, Any]
    services: Mapping[str, Service]
    sources: Mapping[str, str]
    here: Base
    server: str = ""
    server_ca: str = ""
    serve: ServeOptions = ServeOptions()
    protected: bool = False
    hooks: Hooks = Hooks()
    before: Mapping[str, tuple[str, ...]] = MappingProxyType({})

    @property
    def declared(self) -> Declaration:
        """What the engine declares of itself."""
        return declared()[self.engine]

    @property
    def place(self) -> str:
        """The cluster's name for plans and prompts; empty where none was chosen, and there is nothing to tell apart."""
        return self.cluster

    @property
    def folder(self) -> Path:
        """Where hooks run: the folder of deployster.toml, without one where the run started."""
        return self.file.parent if self.file else self.here.folder

    def before_deploy(self, service: str) -> tuple[str, ...]:
        """Return the shell lines that have to succeed, once and in this order, before the service is deployed."""
        return self.before.get(service, ())

    def service(self, name: str) -> Service:
        """Return the service of that name, defaults where the file doesn't name it; InvalidInput for what can't be a
        name.
        """
        found = self.services.get(name)
        if found:
            return found
        return Service(
            check_service(name), docker_hub_username=self.docker_hub_username, registry_url=self.registry_url
        )

    def with_values(self, service: Service, sets: Sequence[str], envs: Sequence[str]) -> Service:
        """Return the service with ``--set K=V`` and ``--env K=V`` over it; InvalidInput for one that can't be used."""
        base = self.here if self.declared.is_local else None
        return with_environment(with_settings(service, sets, base), envs)


def load(flags: Mapping[str, object], environ: Mapping[str, str], cwd: Path) -> Settings:
    """Return the settings of a run in the folder ``cwd``. ConfigError names file, line and what is wrong.

    ``flags`` holds options of the command line; None stands for one that wasn't given.
    """
    here = Base(cwd, environ.get("HOME", ""))
    document = _document(_chosen("config", flags, environ), here)
    cluster = _chosen("cluster", flags, environ)
    layers = [
        _chosen_cluster(cluster, flags),
        from_flags(flags, here),
        from_variables(environ, here),
        *_file_layers(document, cluster, here.home),
        from_engines(environ, here),
    ]
    merged = _merged(layers)
    _agree(merged)
    return _settings(merged, document, environ, here)


def clusters(flags: Mapping[str, object], environ: Mapping[str, str], cwd: Path) -> tuple[str, ...]:
    """Return the names of the clusters in deployster.toml, whatever else it says; ConfigError where it can't
    be read.
    """
    document = _document(_chosen("config", flags, environ), Base(cwd, environ.get("HOME", "")))
    found = document.data.get("clusters") if document else None
    return tuple(found) if isinstance(found, dict) else ()


def open_engine(settings: Settings) -> Engine:
    """Return the engine that the settings name, with its options. Its code is imported now."""
    return settings.declared.open(settings.engines[settings.engine])


def _chosen(name: str, flags: Mapping[str, object], environ: Mapping[str, str]) -> str:
    return str(flags.get(name) or environ.get(f"DEPLOYSTER_{name.upper()}", ""))


def _chosen_cluster(cluster: str, flags: Mapping[str, object]) -> Layer:
    source = "flag --cluster" if flags.get("cluster") else "DEPLOYSTER_CLUSTER"
    return {("cluster",): Given(cluster, source)} if cluster else {}


def _document(named: str, here: Base) -> Document | None:
    if named:
        return read(Path(here.resolved(named)), named)
    path = find(here.folder)
    return read(path, os.path.relpath(path, here.folder)) if path else None


def _file_layers(document: Document | None, cluster: str, home: str) -> list[Layer]:
    if document is None:
        if cluster:
            raise ConfigError(f"No deployster.toml found here or above, so no cluster {quoted(cluster)}.")
        return []
    reader = FileReader(document, Base(document.path.parent, home))
    clusters = reader.clusters()
    if cluster and cluster not in clusters:
        raise ConfigError(f"{document.shown}: no cluster {quoted(cluster)}{meant(cluster, clusters)}")
    return [*([clusters[cluster]] if cluster else []), reader.project(cluster)]


def _merged(layers: list[Layer]) -> Layer:
    """Return the layers as one, the first that gives a key counting.

    ``endpoint`` and ``tunnel`` say together where the cluster is, so the first layer that gives either gives both:
    a tunnel to production in the file must not carry off what ``--endpoint`` names. So it is with ``server``; and
    who names an engine doesn't mean the server that a layer further down names. ``password`` and ``password_file``
    go together like an address.
    """
    together: list[set[Keys]] = [
        {("serve", "password"), ("serve", "password_file")},
        *({("server",), *((name, key) for key in engine.address)} for name, engine in declared().items()),
    ]
    merged: dict[Keys, Given] = {}
    for layer in layers:
        settled: set[Keys] = {("server",)} if ("engine",) in merged else set()
        settled = settled.union(*(keys for keys in together if keys & merged.keys()))
        merged |= {keys: given for keys, given in layer.items() if keys not in merged and keys not in settled}
    return merged


def _settings(merged: Layer, document: Document | None, environ: Mapping[str, str], here: Base) -> Settings:
    project = {keys[0]: _text(merged, keys) for keys in SETTINGS if len(keys) == 1}
    engine = project["engine"] or DEFAULT_ENGINE
    beside = Base(document.path.parent, here.home) if document and declared()[engine].is_local else None
    protected = merged.get(("protected",))
    return Settings(
        engine=engine,
        cluster=_text(merged, ("cluster",)),
        file=document.path if document else None,
        templates_dir=_templates(merged, document),
        docker_hub_username=project["docker_hub_username"],
        registry_url=project["registry_url"],
        engines={
            name: its.options(**its.defaults(environ) | _table(merged, name, its.kinds))
            for name, its in declared().items()
        },
        serve=ServeOptions(**{"state": state_folder(environ, "serve")} | _table(merged, "serve", SERVE)),
        services=services_of(merged, project, beside),
        sources=_sources(merged),
        here=here,
        server=project["server"],
        server_ca=project["server_ca"],
        protected=bool(protected and protected.value),
        hooks=Hooks(**_table(merged, "hooks", HOOKS)),
        before=before_of(merged),
    )


def _agree(merged: Layer) -> None:
    """ConfigError where the command line names a cluster and the engine is another one: one of the two is a slip."""
    engine = merged.get(("engine",))
    flags = [(name, f"--{key}", merged.get((name, key))) for name, its in declared().items() for key in its.address]
    for name, flag, given in flags if engine else ():
        if engine and engine.value != name and given and given.value and given.source == f"flag {flag}":
            place = declared()[str(engine.value)].place
            raise ConfigError(
                f"{flag} names a {name} cluster, and the engine is {engine.value}, {place} ({engine.source}).",
                f"For that cluster: --engine {name}. For {place}: leave {flag} out.",
            )


def _text(merged: Layer, keys: Keys) -> str:
    return str(merged[keys].value) if keys in merged else ""


def _table(merged: Layer, name: str, known: Mapping[str, object]) -> dict[str, Any]:
    """Return the values given for one table of options, ready to be keyword arguments: each was checked by its kind."""
    return {key: merged[(name, key)].value for key in known if (name, key) in merged}


def _templates(merged: Layer, document: Document | None) -> Path | None:
    """Return the user's folder of templates: the one that is set, else ``templates`` beside the file."""
    given = merged.get(("templates",))
    if given and given.value:
        folder = Path(str(given.value))
        if not _is_folder(folder, given.source):
            raise ConfigError(f"{given.source}: templates names {folder}, which does not exist.")
        return folder
    if document is None:
        return None
    beside = document.path.parent / "templates"
    return beside if _is_folder(beside, document.shown) else None


def _is_folder(path: Path, source: str) -> bool:
    """Whether there is a folder; ConfigError where that can't be seen, as its templates would be passed over."""
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        if path.is_symlink():
            raise ConfigError(f"{source}: the folder of templates {path} is a broken link.") from None
        return False
    except OSError as error:
        raise ConfigError(f"{source}: the folder of templates {path} can't be seen: {error.strerror}.") from error


def _sources(merged: Layer) -> Mapping[str, str]:
    sources = {".".join(keys): DEFAULT for keys in (("cluster",), *FILE_SETTINGS)}
    return sources | {".".join(keys): given.source for keys, given in merged.items()}


# A service's tables whose keys are the user's own → Service's name for them.
_TABLES = {"env": "env", "set": "extra"}


def services_of(merged: Layer, project: Mapping[str, str], base: Base | None) -> Mapping[str, Service]:
    """Every service by its name. Their relative paths start at ``base``, where there is one."""
    found: dict[str, dict[str, Any]] = {}
    for keys, given in merged.items():
        if keys[0] == "services":
            values = found.setdefault(keys[1], {"env": {}, "extra": {}})
            _put(values, keys[2:], given, base)
    return {
        name: Service(
            name,
            docker_hub_username=project["docker_hub_username"],
            registry_url=project["registry_url"],
            **values,
        )
        for name, values in found.items()
    }


def before_of(merged: Layer) -> Mapping[str, tuple[str, ...]]:
    """Service → the lines of its ``before_deploy``, where it has any."""
    given: dict[str, Any] = {keys[1]: given.value for keys, given in merged.items() if keys[2:] == ("before_deploy",)}
    return given


def _put(values: dict[str, Any], keys: Keys, given: Given, base: Base | None) -> None:
    match keys:
        case (table, name):
            values[_TABLES[table]][name] = given.value
        case (key,) if key in SERVICE:
            is_path = SERVICE[key] is UNIT_PATH
            values[FIELDS.get(key, key)] = _path(key, given, base) if is_path else given.value


def _path(key: str, given: Given, base: Base | None) -> str:
    """Return a path on the machine that the unit runs on; ConfigError for one that systemd would pass over.

    A relative one that has no base is the templates' to refuse: those that have no use for it don't look at it.
    """
    path = base.resolved(str(given.value)) if base else str(given.value)
    if path.startswith("/") and (fault := path_fault(path)):
        raise ConfigError(f"{given.source}: {key} {quoted(path)} can't be used: {fault}")
    return path
