"""Templates and values to unit files. The one place that knows Jinja."""

from __future__ import annotations

import contextlib
import re
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import NoReturn

import jinja2
import jinja2.meta
import jinja2.sandbox

from deployster_cli.domain.templates import escaping, secrets, systemd_rules
from deployster_cli.domain.templates.systemd_rules import nearby
from deployster_cli.domain.templates.variables import NAMES, given_by, values
from deployster_cli.domain.units.descriptions import describe
from deployster_cli.domain.units.model import Service
from deployster_cli.domain.units.names import UnitName, quoted
from deployster_cli.domain.units.unitfile import Option, Stamp, UnitFile
from deployster_cli.errors import TemplateFault

# A template's file is its name with this behind it; other files in the folder are there to be imported.
SUFFIX = ".service.j2"

# Setting → the names by which a template uses it, where a template is free to do without.
_SEEN_AS: Mapping[str, tuple[str, ...]] = {
    **{name: (name,) for name in ("health", "command", "directory", "volumes", "env_file", "machine_metadata")},
    **{name: (name,) for name in ("conflicts", "global", "memory", "cpu", "restart")},
    **{name: (name, "image") for name in ("docker_hub_username", "registry_url")},
    "port": ("port", "machine_port"),
}

_SECTIONS = ("Unit", "Service", "Install", "X-Fleet")
_OPTION_NAME = re.compile(r"[A-Za-z0-9_]+")
_UNDEFINED = re.compile(r"'(\w+)' is undefined")

_Found = tuple[str, str, Callable[[], bool]]


class Templates:
    """The templates there are, by file name. Compiles each once, so rendering many units costs little."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts
        self._mentioned: dict[str, frozenset[str]] = {}
        self._jinja = _environment(self._find)

    @property
    def names(self) -> tuple[str, ...]:
        """The names that a service's ``template`` may have, sorted."""
        return tuple(sorted(name.removesuffix(SUFFIX) for name in self._texts if name.endswith(SUFFIX)))

    def renderer(self, service: Service, asked: Iterable[str] = ()) -> Renderer:
        """Return the service's template, ready for any of its instances.

        ``asked`` names the settings that were given for this run alone; TemplateFault for one that the template has no
        use for, as it would be dropped without a word.
        """
        with _blaming(service.template):
            mentioned = self._mentions(self._file(service.template)) if asked else frozenset()
            for setting in asked:
                if setting in _SEEN_AS and not mentioned.intersection(_SEEN_AS[setting]):
                    raise TemplateFault(f"it never uses {setting}, which --set gives.")
        return Renderer(self, service)

    def takes_port(self, template: str) -> bool:
        """Whether each unit of this template has a TCP port of its machine to itself: it says ``machine_port``."""
        with _blaming(template):
            return "machine_port" in self._mentions(self._file(template))

    def takes_image(self, template: str) -> bool:
        """Whether units of this template run the service's image: it says ``image``."""
        with _blaming(template):
            return "image" in self._mentions(self._file(template))

    def builds_on(self, template: str, other: str) -> bool:
        """Whether a template is the other one, or extends or imports it. What can't be read is told when it renders."""
        with contextlib.suppress(TemplateFault), _blaming(template):
            return template == other or other + SUFFIX in self._mentions(self._file(template))
        return False

    def render(self, name: UnitName, service: Service, stamp: Stamp) -> UnitFile:
        """Return the unit file of one unit by its service's template, with this stamp and, where it has one, its port.

        InvalidInput for a setting that can't be used; TemplateFault for a template that is missing, is broken, names
        what it may not, leaves a --set value unused, or renders what is not a unit file of a service.
        """
        stamp = self.completed(stamp, service)
        return self.body(name, service, stamp).stamped(stamp)

    def completed(self, stamp: Stamp, service: Service) -> Stamp:
        """Return the stamp with what the service's settings say of it: its secrets' names, and a port that is fixed."""
        if stamp.port is None and service.port is not None and self.takes_port(service.template):
            stamp = replace(stamp, port=service.port)
        return replace(stamp, secrets=service.secrets)

    def shows_previous(self, template: str) -> bool:
        """Whether units of this template differ by the releases before theirs: it says ``previous``."""
        with _blaming(template):
            return "previous" in self._mentions(self._file(template))

    def body(self, name: UnitName, service: Service, stamp: Stamp) -> UnitFile:
        """Return the same before it is stamped. ``stamp`` is completed."""
        if not service.secrets:
            return self._rendered(name, service, stamp)
        self._rendered(name, secrets.masked(service), stamp)  # what is wrong there can be said, whatever it quotes
        try:
            return self._rendered(name, service, stamp)
        except TemplateFault:
            names = ", ".join(service.secrets)
            why = "it makes a line too long, or stands where it can't be quoted"
            raise TemplateFault(
                f"Template {quoted(service.template)}: a value of {names} can't be put in: {why}."
            ) from None

    def _rendered(self, name: UnitName, service: Service, stamp: Stamp) -> UnitFile:
        known = values(name, service, stamp)
        with _blaming(service.template, known):
            file = self._file(service.template)
            self._check_given(file, service)
            text = escaping.finished(self._jinja.get_template(file).render(known))
            return _checked(UnitFile.parse(name, text), stamp.port)

    def _find(self, file: str) -> _Found:
        if file not in self._texts:
            raise jinja2.TemplateNotFound(file, f"no template file {quoted(file)}{nearby(file, self._texts)}")
        return self._texts[file], file, lambda: True

    def _file(self, template: str) -> str:
        if template + SUFFIX not in self._texts:
            raise TemplateFault(
                f"no template has that name{nearby(template, self.names)}.", f"Templates: {', '.join(self.names)}."
            )
        return template + SUFFIX

    def _check_given(self, file: str, service: Service) -> None:
        if service.env and "env" not in self._mentions(file):
            raise TemplateFault(f"it never uses env, so {', '.join(sorted(service.env))} would be dropped.")
        for name in sorted(set(service.extra) - self._mentions(file)):
            near = nearby(name, self._mentions(file) | set(NAMES))
            raise TemplateFault(f"it never uses {name}, which {given_by(service, name)} gives{near}.")

    def _mentions(self, file: str) -> frozenset[str]:
        """Every name that the template, and all that it extends or imports, takes from outside; and their files."""
        if file not in self._mentioned:
            self._mentioned[file] = frozenset()  # so that two which import each other come to an end here
            self._jinja.get_template(file)  # its faults come with its name and their line
            tree = self._jinja.parse(self._find(file)[0], file)
            found = set(jinja2.meta.find_undeclared_variables(tree))
            for other in jinja2.meta.find_referenced_templates(tree):
                if other is None:
                    raise TemplateFault("it names another template by an expression: write that name in quotes.")
                found |= {other, *self._mentions(other)}
            self._mentioned[file] = frozenset(found)
        return self._mentioned[file]


class Renderer:
    """One service's template; called with a unit's name and stamp it gives the unit file (``Templates.render``)."""

    def __init__(self, templates: Templates, service: Service) -> None:
        self._templates = templates
        self.service = service
        self._bodies: dict[tuple[UnitName, int | None, tuple[str, ...]], UnitFile] = {}

    @property
    def takes_port(self) -> bool:
        """Whether each instance has to be given a port: its template has a use for one, and no setting fixes it."""
        return self.service.port is None and self._templates.takes_port(self.service.template)

    def __call__(self, name: UnitName, stamp: Stamp) -> UnitFile:
        """Return the instance's unit file, stamped. It is rendered once, however often it is stamped."""
        templates, service = self._templates, self.service
        stamp = templates.completed(stamp, service)
        key = (name, stamp.port, stamp.previous if templates.shows_previous(service.template) else ())
        if key in self._bodies:
            values(name, service, stamp)  # which refuses a stamp that can't be written down
        else:
            self._bodies[key] = templates.body(name, service, stamp)
        return self._bodies[key].stamped(stamp)

    def shown(self, name: UnitName, stamp: Stamp) -> UnitFile:
        """Return the unit file as it may be shown: no secret's value is in it."""
        self(name, stamp)  # which may refuse what the masked one would not
        return self._templates.render(name, secrets.masked(self.service), stamp)


class _Environment(jinja2.sandbox.ImmutableSandboxedEnvironment):
    """Jinja that knows a template's own text (blocks, macros, set blocks) from the values that are put in."""

    concat = staticmethod(escaping.joined)


def _environment(find: Callable[[str], _Found]) -> _Environment:
    environment = _Environment(
        loader=jinja2.FunctionLoader(find),
        undefined=jinja2.StrictUndefined,
        finalize=escaping.put,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals = {"dict": dict, "range": jinja2.sandbox.safe_range, "namespace": jinja2.utils.Namespace}
    environment.globals["fail"] = _fail
    environment.filters |= FILTERS
    return environment


# The filters that templates have beside Jinja's own.
FILTERS: dict[str, Callable[[object], str]] = {
    "arg": escaping.arg,
    "sh": escaping.sh,
    "env": escaping.env,
    "fleet": escaping.fleet,
    "exec": escaping.exec_first,
}


def _fail(message: str) -> NoReturn:
    """``{{ fail("…") }}``: how a template says that it can't be used with these settings."""
    raise TemplateFault(message)


@contextlib.contextmanager
def _blaming(template: str, known: Iterable[str] = ()) -> Iterator[None]:
    """Turn whatever goes wrong inside a template into one sentence: its name, the line where there is one, and why."""
    try:
        yield
    except TemplateFault as error:
        raise TemplateFault(f"Template {quoted(template)}: {error.message}", error.hint) from error
    except Exception as error:
        hint = f"A template may use {', '.join(known)}." if isinstance(error, jinja2.UndefinedError) else ""
        raise TemplateFault(f"Template {quoted(template)}{_line(error)}: {_reason(error, known)}.", hint) from error


def _reason(error: Exception, known: Iterable[str]) -> str:
    unknown = _UNDEFINED.fullmatch(str(error))
    if unknown and isinstance(error, jinja2.UndefinedError):
        return f"{unknown[1]} is nothing that a template may use{nearby(unknown[1], known)}"
    if isinstance(error, RecursionError):
        return "it extends or imports itself"
    if isinstance(error, jinja2.TemplateSyntaxError):
        return str(error.message).rstrip(".")
    return str(error).rstrip(".") or type(error).__name__


def _line(error: Exception) -> str:
    """Where in which template file it went wrong, as far as Jinja says."""
    if isinstance(error, jinja2.TemplateSyntaxError):
        return f", line {error.lineno} of {error.name}"
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if frame.filename.endswith(".j2"):
            return f", line {frame.lineno} of {frame.filename}"
    return ""


def _checked(unit: UnitFile, port: int | None) -> UnitFile:
    _check(unit)
    return _described(unit, port)


def _check(unit: UnitFile) -> None:
    """TemplateFault for what systemd would refuse, or only warn about and then run something else."""
    for section, name, value in unit.options:
        if section not in _SECTIONS and not section.startswith("X-"):
            raise TemplateFault(f"[{section}] is not a section of a service's unit file{nearby(section, _SECTIONS)}.")
        if not _OPTION_NAME.fullmatch(name):
            raise TemplateFault(f"{quoted(name)} in [{section}] can't be an option's name.")
        if escaping.unwritable(value):
            raise TemplateFault(f"{name} in [{section}] has a control character in it.")
    systemd_rules.check(unit)


def _described(unit: UnitFile, port: int | None) -> UnitFile:
    """Return the unit with a Description that tells which unit of ours it is, and its port: fleet's lists
    show no more.
    """
    text = describe(unit.last("Unit", "Description"), unit.name, port)
    others = tuple(option for option in unit.options if option[:2] != ("Unit", "Description"))
    return replace(unit, options=_put_first(others, ("Unit", "Description", text)))


def _put_first(options: tuple[Option, ...], new: Option) -> tuple[Option, ...]:
    """Return the options with a new one at the head of its section; the section comes first where there was none."""
    at = next((index for index, option in enumerate(options) if option[0] == new[0]), 0)
    return (*options[:at], new, *options[at:])
