"""200 hostile values through every setting that reaches a unit file, read back from a real systemd.

A value is refused in one sentence, or it stands at the one place it is for and all else in the unit is what it is with
a harmless value there.
"""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from deployster_cli.domain.templates.escaping import exec_first
from deployster_cli.domain.templates.render import Templates
from deployster_cli.domain.units.model import Service
from deployster_cli.domain.units.unitfile import UnitFile
from deployster_cli.errors import InvalidInput
from deployster_cli.operations import templates
from tests.engines.local.machine import Machine
from tests.templates.cases import NAME, stamp

PIECES = (
    *('"', "'", "\\", "\\\\", "\\x41", "\\n", "\\u0041", "\\s", "%", "%%", "%n", "%i", "%H", "%z", "50%", "%{x}"),
    *(
        "$",
        "$$",
        "$HOME",
        "${HOME}",
        "$(id)",
        "`id`",
        "$1",
        "$MAINPID",
        "${COREOS_PRIVATE_IPV4}",
        ";",
        " ; ",
        "&&",
        "|",
    ),
    *(
        "\n",
        "\r",
        "\r\n",
        "\nExecStart=/bin/false",
        "\n[Service]\nUser=root",
        "\\\n",
        "\x00",
        "\x1b[31m",
        "\x7f",
        "\x85",
    ),
    *("\u2028", "\u2029", "\ud800", "\ufffe", "\U0001ffff", "\u202e", "\u00a0", "é", "日本", "\U0001f600", "e\u0301"),
    *("--privileged", "-v", "--", "-", "#", "; x", "=", "a=b", "[Install]", "{{ 7 * 7 }}", "{% raw %}", "{version}"),
    *(
        "\x02v",
        "\x02d\x03",
        "\x03",
        " ",
        "\t",
        "  a  ",
        "*",
        "?",
        "[a-z]",
        "~",
        "~root",
        ">",
        "<",
        "!",
        "@",
        ":",
        "+",
        "-/",
    ),
    *("../..", "/", "//", "%h/..", "x" * 3000, "é" * 1100, '"' * 700, "\\" * 700, ",", "a,b", "\ufeff", "'\"'\"'"),
)
VALUES = tuple(dict.fromkeys(text for piece in PIECES for text in (piece, f"a{piece}", f"{piece}b", f"a {piece} b")))

Setting = Callable[[str], dict[str, Any]]

# Setting → what a service has for a value of it.
SETTINGS: dict[str, Setting] = {
    "env": lambda value: {"env": {"VARIABLE": value}},
    "secrets": lambda value: {"env": {"SECRET": value}, "secrets": ("SECRET",)},
    "command": lambda value: {"command": value},
    "directory": lambda value: {"directory": f"/srv/{value}"},
    "env_file": lambda value: {"env_file": f"/etc/{value}"},
    "health": lambda value: {"health": f"/{value}"},
    "volumes": lambda value: {"volumes": (f"/{value}:/data",)},
    "machine_metadata": lambda value: {"machine_metadata": (f"key={value}",)},
    "docker_hub_username": lambda value: {"docker_hub_username": value},
    "registry_url": lambda value: {"registry_url": value},
    "memory": lambda value: {"memory": value},
    "restart": lambda value: {"restart": value},
    "task": lambda value: {"extra": {"task": value}},
    "word": lambda value: {"extra": {"word": value}},
    "a name in env": lambda value: {"env": {value: "x"}},
}

OWN = """[Service]
{% set script %}echo {{ word|sh }} $HOME "100%"{% endset %}
ExecStartPre=/bin/sh -c {{ script|arg }}
ExecStart=/bin/echo {{ word|arg }}
Environment={{ ("OWN=" ~ word)|env }}
Environment=SAFE=1
SyslogIdentifier=x{{ word }}
"""

# Template → the settings that it puts into a unit.
TEMPLATES: dict[str, tuple[str, ...]] = {
    "docker": ("env", "secrets", "command", "health", "volumes", "machine_metadata", "env_file"),
    "docker-vulcand": ("env", "health", "registry_url"),
    "process": ("env", "secrets", "directory", "health"),
    "process with env_file": ("env", "secrets", "env_file"),
    "task": ("env", "secrets", "volumes", "env_file", "task"),
    "task in a directory": ("env", "directory", "task"),
    "own": ("word",),
}

FIXED: dict[str, dict[str, Any]] = {
    "process": {"command": "bin/serve"},
    "process with env_file": {"command": "bin/serve", "env_file": "/etc/file"},
    "task": {"extra": {"task": "true"}},
    "task in a directory": {"extra": {"task": "true"}, "directory": "/srv"},
}

HARMLESS = "harmless"

KNOWN = Templates({**templates.load(None), "own.service.j2": OWN})


@cache
def rendered(template: str, given: tuple[tuple[str, str], ...]) -> UnitFile | InvalidInput:
    """The unit of a service with these values of settings, or why it is refused."""
    try:
        render = KNOWN.renderer(service(template, dict(given)))
        return render(NAME, stamp(NAME, template, 20001 if render.takes_port else None))
    except InvalidInput as error:
        return error


def service(template: str, given: dict[str, str]) -> Service:
    """A service with these values of settings, for a template of TEMPLATES."""
    found = Service("carousel")._replace(template=template.partition(" ")[0], **FIXED.get(template, {}))
    for setting, value in given.items():
        settings = SETTINGS[setting](value)
        if "env" in settings:
            settings["env"] = {**found.env, **settings["env"]}
        found = found._replace(**settings)
    return found


def unit(template: str, given: dict[str, str]) -> UnitFile:
    """The unit of a service with these values, which are fit for it."""
    found = rendered(template, tuple(given.items()))
    assert isinstance(found, UnitFile)
    return found


def accepted(template: str, given: dict[str, str]) -> bool:
    """Whether values can be rendered."""
    return isinstance(rendered(template, tuple(given.items())), UnitFile)


def test_there_are_enough_of_them() -> None:
    assert len(VALUES) >= 200


@pytest.mark.parametrize(("template", "setting"), [(t, s) for t, settings in TEMPLATES.items() for s in settings])
def test_no_value_adds_or_changes_an_option(template: str, setting: str) -> None:
    wanted = names(unit(template, {setting: HARMLESS}))
    taken = [value for value in VALUES if accepted(template, {setting: value})]
    assert {value for value in taken if names(unit(template, {setting: value})) != wanted} == set()


@pytest.mark.parametrize(("template", "setting"), [(t, s) for t, settings in TEMPLATES.items() for s in settings])
def test_what_is_refused_is_refused_in_one_line(template: str, setting: str) -> None:
    said = [rendered(template, ((setting, value),)) for value in VALUES]
    assert [
        error.message for error in said if isinstance(error, InvalidInput) and not error.message.isprintable()
    ] == []


def names(file: UnitFile) -> list[tuple[str, str]]:
    """What the text of a unit says, but for the values."""
    return [option[:2] for option in UnitFile.parse(file.name, file.text).options]


@pytest.mark.parametrize("setting", ["memory", "restart", "docker_hub_username", "registry_url", "a name in env"])
def test_a_setting_of_few_words_takes_only_those(setting: str) -> None:
    plain = set("abcdefghijklmnopqrstuvwxyz0123456789.:/-_")
    taken = {value for value in VALUES if accepted("docker", {setting: value})}
    assert {value for value in taken if not set(value) <= plain} == set()


@pytest.mark.parametrize("setting", ["env", "secrets", "command", "volumes"])
def test_most_values_of_free_text_are_taken(setting: str) -> None:
    assert sum(accepted("docker", {setting: value}) for value in VALUES) > len(VALUES) / 2


# What systemd makes of it.

LOOK = r"""
import subprocess, sys
props = ["org.freedesktop.DBus.Properties", "GetAll", "s", ""]
for number in range(int(sys.argv[1]), int(sys.argv[2])):
    unit = "/org/freedesktop/systemd1/unit/h%d_2eservice" % number
    call = ["busctl", "--json=short", "call", "org.freedesktop.systemd1", unit, *props]
    print(subprocess.run(call, check=True, capture_output=True, text=True).stdout.strip())
"""

SEEN = (
    "LoadState",
    "LoadError",
    "Description",
    "Type",
    "Restart",
    "Environment",
    "EnvironmentFiles",
    "WorkingDirectory",
)
SEEN_TOO = (
    "ExecStartPre",
    "ExecStart",
    "ExecStartPost",
    "ExecStop",
    "ExecStopPost",
    "User",
    "Slice",
    "SyslogIdentifier",
)


def loaded(machine: Machine, units: list[UnitFile]) -> list[dict[str, Any]]:
    """What a real systemd holds of each unit: the options' names and values as they come over its bus."""
    for number, file in enumerate(units):
        machine.path(f"/run/systemd/system/h{number}.service").write_text(file.text)
    machine.run("systemctl", "daemon-reload")
    lines: list[str] = []
    for start in range(0, len(units), 100):
        lines += machine.run("python3", "-c", LOOK, str(start), str(min(start + 100, len(units)))).splitlines()
    return [understood(json.loads(line)["data"][0]) for line in lines]


def understood(found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """A unit's options; of the commands the words that a program is started with."""
    options = {name: found[name]["data"] for name in (*SEEN, *SEEN_TOO)}
    for name, value in options.items():
        if name.startswith("Exec"):
            options[name] = [[dollars(word) for word in command[1]] for command in value]
    options["WorkingDirectory"] = os.path.normpath(options["WorkingDirectory"])
    return options


def dollars(word: str) -> str:
    """A word as it is handed on; systemd would look for a variable where a dollar is not doubled."""
    assert "$" not in word.replace("$$", ""), word
    return word.replace("$$", "$")


def put_in(found: Any, given: dict[str, str]) -> Any:
    """What systemd has to hold with these values, told by what it holds with a mark in the place of each."""
    if isinstance(found, dict):
        return {key: put_in(value, given) for key, value in found.items()}
    if isinstance(found, list):
        return [put_in(value, given) for value in found]
    return replaced(found, given) if isinstance(found, str) else found


def replaced(text: str, given: dict[str, str]) -> str:
    for setting, value in given.items():
        seen = mark(setting)
        if setting == "health":
            text = text.replace(f"/{seen}", shlex.quote(f"/{value}"))
        if setting == "command":
            text = text.replace(f"exec {seen}", exec_first(filled_in(value)))
        if text == f"x{seen}":
            return f"x{value}".rstrip()  # no unit file keeps what a line ends with
        if text in (f"/srv/{seen}", f"/etc/{seen}"):
            return os.path.normpath(text.replace(seen, filled_in(value) if setting == "directory" else value))
        text = text.replace(f"echo {seen}", f"echo {shlex.quote(value)}").replace(seen, value)
    return text


def filled_in(value: str) -> str:
    return value.replace("{version}", "9f88701")


def mark(setting: str) -> str:
    """A harmless word that stands nowhere else."""
    return f"mark-of-{setting.replace('_', '-')}-here"


@pytest.mark.systemd
@pytest.mark.parametrize("template", TEMPLATES)
def test_systemd_holds_each_value_and_nothing_else_is_changed(machine: Machine, template: str) -> None:
    givens = [
        {setting: value for setting in TEMPLATES[template] if accepted(template, {setting: value})} for value in VALUES
    ]
    whole = [given for given in givens if given and accepted(template, given)]
    with_marks = [{setting: mark(setting) for setting in given} for given in whole]
    shapes = {tuple(given): given for given in with_marks}
    units = [unit(template, given) for given in (*shapes.values(), *whole)]
    found = loaded(machine, units)
    plain = dict(zip(shapes, found, strict=False))
    wanted = [put_in(plain[tuple(given)], given) for given in whole]
    assert differing(whole, wanted, found[len(shapes) :]) == []


def differing(given: list[dict[str, str]], wanted: list[Any], seen: list[Any]) -> list[tuple[dict[str, str], Any, Any]]:
    """(values, what was to be seen, what was seen) of each option that is not as it should be."""
    return [
        (values, (option, one[option]), other[option])
        for values, one, other in zip(given, wanted, seen, strict=True)
        for option in one
        if one[option] != other[option]
    ]
