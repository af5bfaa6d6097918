"""What systemd would refuse in a [Service], or warn about and then run otherwise: said before anything is started.

The rules are those of systemd 252, tried with ``systemd-analyze verify``; only Type=notify-reload is newer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import NoReturn

from deployster_cli.domain.units.names import quoted
from deployster_cli.domain.units.unitfile import UnitFile
from deployster_cli.domain.wording import nearest
from deployster_cli.errors import TemplateFault

# Takes an option's name and one of its values; TemplateFault for a value that it can't have.
_Check = Callable[[str, str], None]

_PIECE = r"""\\.?|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[^ "'\\]"""
_WORD = re.compile(f"(?:{_PIECE})+")
_BALANCED = re.compile(f"(?:{_PIECE}| )*")
_QUOTING = re.compile(r"\\(.)|[\"']")

_SPECIFIER = re.compile("%(.?)")

# What systemd refuses after ``%``: letters and digits it has no use for (``%D`` came with 255).
_NO_SPECIFIER = re.compile("[ekxzFKOQXZ0-9]")

_UNKNOWN_ESCAPE = re.compile(
    r"\\(?![abfnrtvs\"']|x(?!00)[0-9A-Fa-f]{2}|(?!000)[0-3][0-7]{2}|u(?!0{4})[0-9A-Fa-f]{4}|U(?!0{8})[0-9A-Fa-f]{8}|\Z)."
)
_ASSIGNMENT = re.compile("[A-Za-z_][A-Za-z0-9_]*=")

_UNIT_OF_TIME = (
    "seconds?|sec|s|minutes?|min|months?|msec|ms|m|hours?|hr|h|days?|d|weeks?|w|years?|y|M|usec|us|\N{MICRO SIGN}s|"
    "\N{GREEK SMALL LETTER MU}s"
)
_SPAN = re.compile(rf"infinity|(?:(?:\+?\d{{1,18}}(?:\.\d+)?|\.\d+)(?: *(?:{_UNIT_OF_TIME}) *| +|\Z))+", re.ASCII)

_TRUTHS = re.compile("1|yes|y|true|t|on|0|no|n|false|f|off", re.IGNORECASE)

_SIGNALS = (
    "HUP|INT|QUIT|ILL|TRAP|ABRT|BUS|FPE|KILL|USR1|SEGV|USR2|PIPE|ALRM|TERM|STKFLT|CHLD|CONT|STOP|TSTP|TTIN|TTOU|URG|"
    "XCPU|XFSZ|VTALRM|PROF|WINCH|IO|PWR|SYS|RTMIN|RTMAX"
)
_SIGNAL = re.compile(rf"\+?0*(?:[1-9]|[1-5]\d|6[0-4])|(?:SIG)?(?:{_SIGNALS})", re.ASCII)
_REAL_TIME = re.compile(r"(?:SIG)?(?:RTMIN\+|RTMAX-)(?:[12]?\d|30)", re.ASCII)


def check(unit: UnitFile) -> None:
    """TemplateFault for a [Service] that systemd would not run as it is written; names the option and what is right."""
    for section, name, value in unit.options:
        if section == "Service" and name in _CHECKS:
            _CHECKS[name](name, value)
    _check_start(unit)
    _check_type(unit)


def nearby(word: str, known: Iterable[str]) -> str:
    """``; the nearest is …`` for the end of a sentence about ``word``; empty where none of the known is near."""
    near = nearest(word, known)
    return f"; the nearest is {near}" if near else ""


def _refuse(name: str, value: str, why: str) -> NoReturn:
    raise TemplateFault(f"{name} can't be {quoted(value)}: {why}.")


def _check_start(unit: UnitFile) -> None:
    values = unit.values("Service", "ExecStart")
    since_reset = values[max((at + 1 for at, value in enumerate(values) if not value), default=0) :]
    count = sum(len(_commands(value)) for value in since_reset)
    if not count:
        raise TemplateFault("its [Service] has no ExecStart, so there is nothing to run.")
    if count > 1 and not unit.oneshot:
        raise TemplateFault(f"its [Service] has {count} ExecStart, and only Type=oneshot may have more than one.")


def _check_type(unit: UnitFile) -> None:
    restart = unit.last("Service", "Restart")
    if unit.oneshot and restart in ("always", "on-success"):
        _refuse("Restart", restart, "Type=oneshot is meant to end; the nearest is on-failure")
    if unit.last("Service", "Type") == "dbus" and not unit.last("Service", "BusName"):
        _refuse("Type", "dbus", "it needs BusName=, the name that the service takes on the bus")


def _one_of(*known: str) -> _Check:
    def check_word(name: str, value: str) -> None:
        if value not in known:
            _refuse(name, value, f"it is one of {', '.join(filter(None, known))}{nearby(value.lower(), known)}")

    return check_word


def _check_truth(name: str, value: str) -> None:
    if not _TRUTHS.fullmatch(value):
        _refuse(name, value, f"it is yes or no{nearby(value.lower(), ('yes', 'no', 'true', 'false'))}")


def _check_span(name: str, value: str) -> None:
    if not _SPAN.fullmatch(value):
        _refuse(name, value, "it is a span of time such as 90, 500ms, 1min 30s or infinity")


def _check_signal(name: str, value: str) -> None:
    if not _SIGNAL.fullmatch(value) and not _REAL_TIME.fullmatch(value):
        near = nearby(value.upper(), (f"SIG{signal}" for signal in _SIGNALS.split("|")))
        _refuse(name, value, f"it is a signal such as SIGTERM or 15{near}")


def _check_folder(name: str, value: str) -> None:
    _check_specifiers(name, value)
    path = value.removeprefix("-")
    if not value or path == "~" or re.match("%[^%]", path):
        return
    if not path.startswith("/") or ".." in path.split("/"):
        near = _absolute(path.strip("-~!\"' ").lstrip("/"))
        _refuse(name, value, f"it is an absolute path without .., or ~; the nearest is {near}")


def _check_environment(name: str, value: str) -> None:
    _check_quotes(name, value)
    _check_specifiers(name, value)
    unknown = _UNKNOWN_ESCAPE.search(value.replace("\\\\", " "))
    if unknown:
        _refuse(name, value, f"{unknown[0]} means nothing there; the nearest is \\{unknown[0]}")
    for word in _WORD.findall(value):
        if not _ASSIGNMENT.match(_unquoted(word)):
            why = 'no NAME=value; one with spaces is written "NAME=a value"'
            _refuse(name, value, f"{quoted(word)} is {why}")


def _check_exec(name: str, value: str) -> None:
    _check_quotes(name, value)
    _check_specifiers(name, value)
    for command in _commands(value):
        _check_program(name, command)


def _check_program(name: str, command: list[str]) -> None:
    word = _unquoted(command[0])
    program = word.lstrip("-@:+!")
    prefixes = word.removesuffix(program)
    if not program:
        _refuse(name, command[0], "it names no program; a prefix such as - stands right before the path")
    if not _fit_together(prefixes):
        _refuse(name, command[0], f"of the prefixes @ - : each comes once, and one of + ! !!; the nearest is {program}")
    if "@" in prefixes and len(command) == 1:
        _refuse(name, command[0], f"after @ and the path comes the name to run it by; the nearest is {program}")
    if "\\" not in command[0] and not _can_be_run(program):
        near = _absolute(program.lstrip("$/~|.")) if program.strip("$/~|.") else "/bin/sh"
        _refuse(name, program, f"a program is an absolute path, or a plain name without /; the nearest is {near}")


def _fit_together(prefixes: str) -> bool:
    once = prefixes.replace("!!", "!", 1)
    return len(set(once)) == len(once) and not {"+", "!"} <= set(once)


def _can_be_run(program: str) -> bool:
    """Whether it is a path or name that systemd looks for. What a specifier at its front becomes is not known here."""
    if re.match("%[^%]", program):
        return True
    if program.startswith("/"):
        return not program.endswith("/")
    return "/" not in program and program not in (".", "..") and not program.startswith("$")


def _commands(value: str) -> list[list[str]]:
    """Return the words of each command of an Exec line; a lone ``;`` stands between two."""
    commands: list[list[str]] = [[]]
    for word in _WORD.findall(value):
        if word == ";":
            commands.append([])
        else:
            commands[-1].append(word)
    return [command for command in commands if command]


def _check_quotes(name: str, value: str) -> None:
    rest = _BALANCED.sub("", value, count=1)
    if rest:
        raise TemplateFault(
            f"{name} has a quote that nothing closes, {quoted(rest)}; the nearest is \\{rest[0]}, "
            "where the quote is meant as a character."
        )


def _check_specifiers(name: str, value: str) -> None:
    for letter in _SPECIFIER.findall(value):
        if _NO_SPECIFIER.match(letter):
            _refuse(name, value, f"%{letter} means nothing to systemd; the nearest is %%{letter}")


def _absolute(path: str) -> str:
    parts: list[str] = []
    for part in path.split("/"):
        parts = parts[:-1] if part == ".." else [*parts, part] if part not in ("", ".") else parts
    return "/" + "/".join(parts)


def _unquoted(word: str) -> str:
    return _QUOTING.sub(r"\1", word)


_TIMES = ("RestartSec", "TimeoutStartSec", "TimeoutStopSec", "TimeoutSec", "RuntimeMaxSec", "WatchdogSec")
_TRUTH_OPTIONS = ("RemainAfterExit", "GuessMainPID", "SendSIGKILL", "SendSIGHUP", "NoNewPrivileges", "IgnoreSIGPIPE")
_EXEC_OPTIONS = (
    *("ExecCondition", "ExecStartPre", "ExecStart", "ExecStartPost"),
    *("ExecReload", "ExecStop", "ExecStopPost"),
)

_CHECKS: dict[str, _Check] = {
    "Type": _one_of("simple", "exec", "forking", "oneshot", "dbus", "notify", "notify-reload", "idle"),
    "Restart": _one_of("no", "on-success", "on-failure", "on-abnormal", "on-watchdog", "on-abort", "always"),
    "KillMode": _one_of("control-group", "process", "mixed", "none", ""),
    "WorkingDirectory": _check_folder,
    "Environment": _check_environment,
    **dict.fromkeys(_EXEC_OPTIONS, _check_exec),
    **dict.fromkeys(_TIMES, _check_span),
    **dict.fromkeys(_TRUTH_OPTIONS, _check_truth),
    **dict.fromkeys(("KillSignal", "RestartKillSignal", "FinalKillSignal", "WatchdogSignal"), _check_signal),
}
