"""What became of one fleetctl call: its exit code and words → what it printed, or the right error. Pure.

fleetctl exits 0 after an unknown flag, tells success on stderr and refusals with exit 0, so neither the code nor the
stream decides alone. The words were recorded from fleetctl 1.0.0 (tests/fixtures/fleetctl).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from deployster_cli.domain.names import UnitName
from deployster_cli.domain.unitfile import Option
from deployster_cli.engines.fleetctl import output
from deployster_cli.engines.process import MOST_PRINTED, Completed
from deployster_cli.errors import EngineError, EngineMissing, EngineUnreachable, OutputUnreadable

T = TypeVar("T")

INSTALL = "Install fleet's fleetctl (0.13 or 1.0), or name it in deployster.toml: [fleet] fleetctl."

_LONGEST_QUOTE = 300

_TELLING = ("Error", "Unable", "Failed", "Unit ", "WARNING", "Warning", "Invalid")
"""How the line begins in which fleetctl says what is wrong; prompts, banners and log lines stand around it."""


@dataclass(frozen=True, slots=True)
class Sign:
    """Words on a failed call's stderr that tell what went wrong. The message takes {said} and the pattern's groups."""

    pattern: re.Pattern[str]
    error: type[EngineError]
    message: str
    hint: str = ""


def _sign(pattern: str, error: type[EngineError], message: str, hint: str = "") -> Sign:
    return Sign(re.compile(pattern, re.DOTALL), error, message, hint)


_NEW_AGENT = 'Start one with eval "$(ssh-agent)" and give it your key with ssh-add.'

_SSH = r"(?:failed initializing SSH client|Unable to SSH to remote host|Failed building SSH client): "

SIGNS = (
    _sign(
        "SSH_AUTH_SOCK environment variable is not set",
        EngineUnreachable,
        "fleetctl takes its ssh keys from an ssh-agent, and none is running here.",
        _NEW_AGENT,
    ),
    _sign(
        _SSH + "dial unix",
        EngineUnreachable,
        "fleetctl takes its ssh keys from an ssh-agent, and the one that SSH_AUTH_SOCK names does not answer.",
        _NEW_AGENT,
    ),
    _sign(
        r"REMOTE HOST IDENTIFICATION HAS CHANGED.* sent by the remote host is\s+(?P<print>[0-9A-Za-z:+/=]+)"
        r".*Add correct host key in (?P<file>[^\n]+) to get rid",
        EngineUnreachable,
        "The machine's ssh host key is not the one in {file}; it shows the fingerprint {print}.",
        "If the machine was made anew, take its line out of that file. If it was not, somebody may be listening.",
    ),
    _sign(
        r"authenticity of host '(?P<host>[^'\n]+)'.*fingerprint is (?P<print>\S+?)\.\s.*Host key verification failed",
        EngineUnreachable,
        "The ssh host key of {host} is not known here; it shows the fingerprint {print}.",
        "Compare the fingerprint, then log in once with fleetctl in a terminal and answer yes.",
    ),
    _sign(
        "ssh: unable to authenticate",
        EngineUnreachable,
        "The machine took none of the ssh-agent's keys for this user.",
        "Add the right key with ssh-add, or set ssh_username.",
    ),
    _sign(
        _SSH,
        EngineUnreachable,
        "fleetctl got no ssh connection: {said}",
        "Check the address, and that sshd answers there.",
    ),
    _sign(
        "Unable to initialize client: ",
        EngineUnreachable,
        "fleetctl can't use what it was given to reach the cluster: {said}",
        "Check endpoint, tunnel and the certificate files.",
    ),
    _sign(
        r"got HTTP response code 404",
        EngineUnreachable,
        "Something else than fleet answers at the endpoint: {said}",
        "Check the endpoint: fleet's usual port is 49153, and 2379 and 4001 are etcd's.",
    ),
    _sign(
        r"dial (?:tcp|udp|unix)|connection re(?:fused|set)|broken pipe|no route to host|i/o timeout|\bEOF\b|timeout"
        r"|deadline exceeded|tls: |x509: |malformed HTTP|HTTP response to HTTPS|unable to communicate with etcd"
        r"|googleapi: (?:Error|got HTTP response code) 5\d\d|Error retrieving list of",
        EngineUnreachable,
        "The cluster could not be reached: {said}",
        "Check that fleet runs there, and the endpoint or tunnel.",
    ),
    _sign(
        r"Unable to stop unit (?P<unit>\S+) in state inactive",
        EngineError,
        "fleetctl stopped neither {unit} nor the units named after it, because {unit} is on no machine.",
        "Try again.",
    ),
)

_STRANGER = re.compile(
    r"\A(?:Incorrect Usage|No help topic for|fleetctl - version |NAME:\s+fleetctl - CLI for operating Fleet)"
)
_NO_SUCH_CALL = re.compile(r"cannot execute cmdFleet: ([^\n]*)")
_OWN_ERROR = re.compile(r"\A(?:[Ee]rror: +)+(?=\S)")
"""What we have said already when we quote a line; "Error starting units: …" is another matter."""

_VERSION = re.compile(r"^fleetctl version (\S+)$", re.MULTILINE)
_DIFFERS = re.compile(r"^WARNING: Unit (\S+) in registry differs from local ", re.MULTILINE)
_STARTED = re.compile(r"^Triggered (?:global )?unit (\S+) start$", re.MULTILINE)


def answer(done: Completed) -> str:
    """What a call printed on stdout, if fleetctl did what it was asked; else the error that says why not."""
    _check_end(done)
    _check_program(done)
    if done.code:
        raise _refusal(done)
    return done.out


def parsed(done: Completed, parse: Callable[[str], T]) -> T:
    """What a call's answer says. An error of reading it keeps the call's facts."""
    text = answer(done)
    try:
        return parse(text)
    except OutputUnreadable as error:
        error.argv, error.code, error.out, error.err = done.argv, done.code, done.out, done.err
        raise


def program_version(done: Completed) -> str:
    """The version that ``args.version`` printed, like ``1.0.0``; EngineMissing where the program is another one."""
    found = _VERSION.search(answer(done))
    if not found:
        raise _error(EngineMissing, done, f"{done.argv[0]} is not fleet's fleetctl: it says {_said(done)}", INSTALL)
    return found[1]


def triggered(done: Completed) -> frozenset[str]:
    """The units whose start a call of ``args.start`` asked for.

    EngineError where one is in the registry with other content: fleetctl leaves that as it is, starts it, and exits 0.
    """
    out = answer(done)
    differing = sorted(set(_DIFFERS.findall(done.err)))
    if differing:
        raise other_content(differing, done, "fleetctl keeps and runs what was there before.")
    return frozenset(_STARTED.findall(out))


def other_content(names: Collection[str], done: Completed, outcome: str) -> EngineError:
    """The error for names that the registry has with other content; ``outcome`` says what happened because of it."""
    message = f"{_some(names)} in the cluster already, with other content: {outcome}"
    return _error(EngineError, done, message, "Destroy the old unit first and wait until it is gone.")


def not_started(names: Collection[str], done: Completed) -> EngineError:
    """The error for units that fleetctl was to start, and that are not wanted to run after it said all is well."""
    return _error(EngineError, done, f"{_some(names)} not started, though fleetctl reported no fault.", "Try again.")


def missing(names: Collection[str], done: Completed) -> EngineError:
    """The error for units that are to start again and that the registry does not have."""
    return _error(EngineError, done, f"{_some(names)} not in the cluster: nothing was started.", "Deploy it again.")


def no_lock(name: str, done: Completed) -> EngineError:
    """The error for a unit that has a lock's name and is another's."""
    hint = f"If nobody needs it, remove it with fleetctl destroy {name}."
    return _error(EngineError, done, f"{name} is in the cluster and is no lock of Deployster's.", hint)


def removed(done: Completed) -> str:
    """What a stop, unload or destroy printed. A missing unit is fine: 0.11 exits 1 with a 404 for it, 1.0 exits 0."""
    lines = [line for line in done.err.splitlines() if line.strip()]
    if done.code == 1 and lines and all("googleapi: Error 404" in line for line in lines):
        return done.out
    return answer(done)


def unit_options(done: Completed, name: str) -> tuple[Option, ...] | None:
    """The options of the unit file that ``args.cat`` printed, None where the registry has no such unit."""
    if done.code == 1 and f"Unit {name} not found" in done.err:
        return None
    return parsed(done, partial(output.unit_options, name))


def journal_lines(done: Completed, name: UnitName) -> tuple[str, ...]:
    """The lines that ``args.journal`` printed. EngineError where there is no such unit, or it is on no machine."""
    if f"Unit {name.text} does not exist" in done.err:
        raise _error(EngineError, done, f"There is no unit {name.text}, so it has no journal.")
    if f"Unit {name.text} does not appear to be running" in done.err:
        raise _error(EngineError, done, f"{name.text} is on no machine, so it has no journal to show.")
    text = answer(done)
    return tuple(line.rstrip("\r") for line in text.removesuffix("\n").split("\n")) if text else ()


def _check_end(done: Completed) -> None:
    """Errors for a call that did not come to an end of its own."""
    called = f"fleetctl {_command(done)}"
    if done.flooded:
        message = f"{called} printed more than {MOST_PRINTED // 2**20} MB and was stopped."
        raise _error(OutputUnreadable, done, message, f"Check that {done.argv[0]} is fleet's fleetctl.")
    if done.code is None:
        message = f"{called} gave no answer within {round(done.seconds, 1):g} s and was stopped."
        raise _error(EngineUnreachable, done, message, "Check that fleet's API answers at the endpoint.")
    if done.code < 0:
        message = f"{called} was ended by signal {-done.code}."
        raise _error(EngineUnreachable, done, message, "Try again. If it happens again, the system's log may say why.")


def _check_program(done: Completed) -> None:
    if _STRANGER.search(done.out) or _STRANGER.search(done.err):
        message = f"{done.argv[0]} is another program of that name, the one that manages devices."
        raise _error(EngineMissing, done, message, INSTALL)
    unknown = _NO_SUCH_CALL.search(done.err)
    if unknown or done.out.startswith("NAME:\n"):
        said = unknown[1] if unknown else "it printed its help"
        message = f"This fleetctl does not understand {_command(done)} as it was called: {said}."
        raise _error(EngineMissing, done, message, INSTALL)


def _refusal(done: Completed) -> EngineError:
    for sign in SIGNS:
        found = sign.pattern.search(done.err)
        if found:
            message = sign.message.format(said=_said(done), **found.groupdict())
            return _error(sign.error, done, message, sign.hint)
    return _error(EngineError, done, f"fleetctl {_command(done)} failed: {_said(done)}")


def _error(kind: type[EngineError], done: Completed, message: str, hint: str = "") -> EngineError:
    return kind(message, hint, argv=done.argv, code=done.code, out=done.out, err=done.err)


def _command(done: Completed) -> str:
    return next((word for word in done.argv[1:] if not word.startswith("-")), " ".join(done.argv[1:2]))


def _said(done: Completed) -> str:
    """fleetctl's own words, on one line: the line that tells, else its first, else what little there is to say."""
    lines = [line.strip() for line in (done.err + "\n" + done.out).splitlines() if line.strip()]
    told = [line for line in lines if line.startswith(_TELLING)]
    line = next(iter(told + lines), f"exit code {done.code} and not a word.")
    shown = "".join(c if c.isprintable() else " " for c in _OWN_ERROR.sub("", line))
    return shown if len(shown) <= _LONGEST_QUOTE else shown[:_LONGEST_QUOTE] + "…"


def _some(names: Collection[str]) -> str:
    """The names as the start of a sentence about them, the first few if they are many."""
    first = sorted(names)
    if len(first) == 1:
        return f"{first[0]} is"
    shown = 3
    more = f" and {len(first) - shown} more" if len(first) > shown else ""
    return f"{', '.join(first[:shown])}{more} are"
