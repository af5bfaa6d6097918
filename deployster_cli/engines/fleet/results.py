"""What became of one fleetctl call: its exit code and words → what it printed, or the right error. Pure.

fleetctl exits 0 after an unknown flag, tells success on stderr and refusals with exit 0, so neither the code nor the
stream decides alone. The words were recorded from fleetctl 1.0.0 (tests/fixtures/fleetctl).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from deployster_cli.domain.units.names import UnitName, printable
from deployster_cli.engines.fleet import parse as output
from deployster_cli.engines.fleet.error_patterns import CHANGED_KEY, NOT_LET_IN, SIGNS, UNKNOWN_KEY
from deployster_cli.engines.process import MOST_PRINTED, Completed
from deployster_cli.errors import EngineError, EngineMissing, EngineUnreachable, OutputUnreadable, Refused

if TYPE_CHECKING:
    from deployster_cli.domain.units.unitfile import Option
    from deployster_cli.engines.fleet.ssh.host_keys import HostKey

T = TypeVar("T")

INSTALL = (
    "Install fleet's fleetctl (0.8 or later), or name it in deployster.toml: [fleet] fleetctl. fleet is the engine "
    'where no deployster.toml says engine = "ssh" or "local".'
)

# Before 0.8 list-unit-files has no ``desc``.
OLDEST = (0, 8)

# What a fleetctl says that was compiled without fleet's own build script, whichever version it is.
_UNBUILT = (0, 0)

_LONGEST_QUOTE = 300

# How the line begins in which fleetctl says what is wrong; prompts, banners and log lines stand around it.
_TELLING = ("Error", "Unable", "Failed", "Unit ", "WARNING", "Warning", "Invalid")

# How it begins where nothing was done.
_FAILED = ("Error ", "Error:", "Unable to ", "Failed ")

_OVER_SSH = frozenset({"ssh", "journal"})

# How what the other fleetctl prints begins, its white space made even.
_STRANGER = ("Incorrect Usage", "No help topic for", "fleetctl - version ", "NAME: fleetctl - CLI for operating Fleet")

# Characters in which that is seen.
_BEGINNING = 200

_NO_SUCH_CALL = "cannot execute cmdFleet: "

# What we have said already when we quote a line; "Error starting units: …" is another matter.
_OWN_ERROR = r"\A(?:[Ee]rror: +)+(?=\S)"

# How it begins where a unit's name or file is not taken: none of the call's units is started then.
_FINAL = (
    r"(?m)^Error creating units: (?:failed getting Unit\(\S{1,300}?\) from |unit name |invalid |unresolvable "
    r"|Global cannot |failed creating unit \S{1,300}: googleapi: Error 400)"
)

_VERSION = r"(?m)^fleetctl version (\S+)$"
_DIFFERS = r"(?m)^WARNING: Unit (\S+) in registry differs from local "

# Patterns as text: they are compiled only where they are looked for.
_STARTED = r"(?m)^Triggered (?:global )?unit (\S+) start$"


def answer(done: Completed) -> str:
    """Return what a call printed on stdout, if fleetctl did what it was asked; else the error that says why not."""
    _check_end(done)
    _check_program(done)
    if done.code or _denies(done):
        raise _refusal(done)
    return done.out


def parsed(done: Completed, parse: Callable[[str], T]) -> T:
    """Return what a call's answer says. An error of reading it keeps the call's facts."""
    text = answer(done)
    try:
        return parse(text)
    except OutputUnreadable as error:
        error.argv, error.code, error.out, error.err = done.argv, done.code, done.out, done.err
        raise


def program_version(done: Completed) -> str:
    """Return the version that ``args.version`` printed, like ``1.0.0``; EngineMissing where it is another or
    too old.
    """
    found = re.search(_VERSION, answer(done))
    if not found:
        raise _error(EngineMissing, done, f"{done.argv[0]} is not fleet's fleetctl: it says {_said(done)}", INSTALL)
    if _UNBUILT != _numbers(found[1]) < OLDEST:
        raise _error(EngineMissing, done, f"{done.argv[0]} is version {found[1]}, which is too old.", INSTALL)
    return found[1]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall("[0-9]+", version)[:2])


def submitted(done: Completed) -> str:
    """Return what a call of ``args.submit`` for new units printed; EngineError where one was put in meanwhile by
    another.
    """
    return _as_given(done, "nothing was started.")


def triggered(done: Completed) -> frozenset[str]:
    """Return the units whose start a call of ``args.start`` asked for.

    EngineError where one is in the registry with other content: fleetctl leaves that as it is, starts it, and exits 0.
    """
    return frozenset(re.findall(_STARTED, _as_given(done, "fleetctl keeps and runs what was there before.")))


def _as_given(done: Completed, outcome: str) -> str:
    out = answer(done)
    differing = sorted(set(re.findall(_DIFFERS, done.err)))
    if differing:
        raise other_content(differing, done, outcome)
    return out


def other_content(names: Collection[str], done: Completed, outcome: str) -> EngineError:
    """Return the error for names that the registry has with other content; ``outcome`` says what happened because of
    it.
    """
    message = f"{_some(names)} in the cluster already, with other content: {outcome}"
    return _error(Refused, done, message, "Destroy the old unit first and wait until it is gone.")


def not_started(names: Collection[str], done: Completed) -> EngineError:
    """Return the error for units that fleetctl was to start, and that are not wanted to run after it said all
    is well.
    """
    return _error(EngineError, done, f"{_some(names)} not started, though fleetctl reported no fault.", "Try again.")


def missing(names: Collection[str], done: Completed) -> EngineError:
    """Return the error for units that are to start again and that the registry does not have."""
    return _error(Refused, done, f"{_some(names)} not in the cluster: nothing was started.", "Deploy it again.")


def no_lock(name: str, done: Completed) -> EngineError:
    """Return the error for a unit that has a lock's name and is another's."""
    hint = f"If nobody needs it, remove it with fleetctl destroy {name}."
    return _error(Refused, done, f"{name} is in the cluster and is not a lock of Deployster's.", hint)


def removed(done: Completed) -> str:
    """Return what a stop, unload or destroy printed. A missing unit is fine: 0.11 exits 1 with a 404 for it, 1.0 exits
    0.
    """
    lines = [line for line in done.err.splitlines() if line.strip()]
    if done.code == 1 and lines and all("googleapi: Error 404" in line for line in lines):
        return done.out
    return answer(done)


def unit_options(done: Completed, name: str) -> tuple[Option, ...] | None:
    """Return the options of the unit file that ``args.cat`` printed, None where the registry has no such unit."""
    if done.code == 1 and f"Unit {name} not found" in done.err:
        return None
    return parsed(done, partial(output.unit_options, name))


def journal_lines(done: Completed, name: UnitName) -> tuple[str, ...]:
    """Return the lines that ``args.journal`` printed. EngineError where there is no such unit, or it is on no
    machine.
    """
    if f"Unit {name.text} does not exist" in done.err:
        raise _error(EngineError, done, f"No unit {name.text} found, so it has no journal.")
    if f"Unit {name.text} does not appear to be running" in done.err:
        raise _error(EngineError, done, f"{name.text} is not on a machine, so it has no journal to show.")
    from deployster_cli.domain.units.journal import lines_of  # listings need none

    return tuple(lines_of(answer(done)))


def unknown_key(done: Completed) -> HostKey | None:
    """Return the host key that stopped this call because nobody has said yet that it is the machine's."""
    from deployster_cli.engines.fleet.ssh.host_keys import HostKey  # only where ssh stopped a call

    found = UNKNOWN_KEY.found(done.err) if done.code else None
    return HostKey(printable(found["host"], " "), found["kind"], printable(found["print"], " ")) if found else None


def changed_key(done: Completed) -> tuple[HostKey, str] | None:
    """Return the host key that stopped this call because another is known, and the file that knows it. No host:
    fleetctl tells none.
    """
    from deployster_cli.engines.fleet.ssh.host_keys import HostKey  # only where ssh stopped a call

    found = CHANGED_KEY.found(done.err) if done.code else None
    return (HostKey("", found["kind"], found["print"]), found["file"]) if found else None


def not_let_in(done: Completed) -> bool:
    """Whether the machine knew none of the agent's keys."""
    return bool(done.code and NOT_LET_IN.found(done.err))


def unknown(done: Completed, key: HostKey) -> EngineError:
    """Return the error for an unknown host key where nobody is there to ask."""
    message = f"The ssh host key of {key.host} is not known here; it shows the fingerprint {key.shown}."
    hint = f"Compare it with what {key.compare} prints there, then run deployster check in a terminal and say yes."
    return _error(EngineUnreachable, done, message, hint)


def untaken(done: Completed, key: HostKey, outcome: str) -> EngineError:
    """Return the error for an unknown host key that a person, or fleetctl, did not take."""
    return _error(EngineUnreachable, done, f"The ssh host key of {key.host} was not taken: {outcome}", "")


def changed(done: Completed, key: HostKey, file: str, lines: Sequence[int], cure: str) -> EngineError:
    """Return the error for a host key that is not the one in these lines of the file; ``cure`` is what takes
    them out.
    """
    place = f"line{'s' * (len(lines) > 1)} {' and '.join(map(str, lines))} of {file}" if lines else file
    message = (
        f"THE SSH HOST KEY OF {key.host or 'THE MACHINE'} HAS CHANGED: it is not the one in {place}, and shows the"
        f" fingerprint {key.shown}. Nothing was sent."
    )
    hint = (
        "Either the machine was made anew, or somebody stands between you and it to read and change all that you send."
        f" Compare the fingerprint with what {key.compare} prints there. Only if it is the same, take the old one out:"
        f" {cure or f'edit {file}'}"
    )
    return _error(EngineUnreachable, done, printable(message, " "), printable(hint, " "))


def refused_login(done: Completed, user: str, keys: int | None) -> EngineError:
    """Return the error for a login that was refused; ``keys`` is how many the ssh-agent holds, None where nobody can
    tell.
    """
    if keys == 0:
        hint = "Give it yours with ssh-add."
        return _error(EngineUnreachable, done, "The ssh-agent holds no key, so no machine lets fleetctl in.", hint)
    shown = {None: "the ssh-agent's keys", 1: "the ssh-agent's one key"}.get(keys, f"all {keys} keys of the ssh-agent")
    message = f"The machine refuses {shown} for the user {user}."
    hint = "Add the right key with ssh-add (ssh-add -l lists those it holds), or set ssh_username to the right user."
    return _error(EngineUnreachable, done, message, hint)


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
    if _is_strangers(done.out) or _is_strangers(done.err):
        message = f"{done.argv[0]} is another program of that name, the one that manages devices."
        raise _error(EngineMissing, done, message, INSTALL)
    _, unknown, why = done.err.partition(_NO_SUCH_CALL)
    if unknown or done.out.startswith("NAME:\n"):
        said = why.partition("\n")[0] if unknown else "it printed its help"
        message = f"This fleetctl does not understand {_command(done)} as it was called: {said}."
        raise _error(EngineMissing, done, message, INSTALL)


def _is_strangers(text: str) -> bool:
    return " ".join(text[:_BEGINNING].split()).startswith(_STRANGER)


def _denies(done: Completed) -> bool:
    """Whether a call that printed nothing says that it failed, whatever its exit code: an empty listing would be taken
    for an empty cluster. Over ssh stderr is the command's there, which may say what it likes.
    """
    if done.out or _command(done) in _OVER_SSH:
        return False
    return any(line.startswith(_FAILED) for line in done.err.splitlines())


def _refusal(done: Completed) -> EngineError:
    for sign in SIGNS:
        found = sign.found(done.err)
        if found:
            message = sign.message.format(said=_said(done), **found.groupdict())
            return _error(sign.error, done, message, sign.hint)
    kind = Refused if re.search(_FINAL, done.err) else EngineError
    return _error(kind, done, f"fleetctl {_command(done)} failed: {_said(done)}")


def _error(kind: type[EngineError], done: Completed, message: str, hint: str = "") -> EngineError:
    return kind(message, hint, argv=done.argv, code=done.code, out=done.out, err=done.err)


def _command(done: Completed) -> str:
    return next((word for word in done.argv[1:] if not word.startswith("-")), " ".join(done.argv[1:2]))


def _said(done: Completed) -> str:
    """fleetctl's own words, on one line: the line that tells, else its first, else what little there is to say."""
    lines = [line.strip() for line in (done.err + "\n" + done.out).splitlines() if line.strip()]
    told = [line for line in lines if line.startswith(_TELLING)]
    line = next(iter(told + lines), f"exit code {done.code} and not a word.")
    shown = printable(re.sub(_OWN_ERROR, "", line), " ")
    return shown if len(shown) <= _LONGEST_QUOTE else shown[:_LONGEST_QUOTE] + "…"


def _some(names: Collection[str]) -> str:
    """Return the names as the start of a sentence about them, the first few if they are many."""
    first = sorted(names)
    if len(first) == 1:
        return f"{first[0]} is"
    shown = 3
    more = f" and {len(first) - shown} more" if len(first) > shown else ""
    return f"{', '.join(first[:shown])}{more} are"
