"""What became of one script on one machine: what it printed, or the error that says why it did not run. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from deployster_cli.engines.process import MOST_PRINTED, Completed
from deployster_cli.engines.ssh.parse import Part, ending, parts
from deployster_cli.errors import EngineError, EngineMissing, EngineUnreachable, OutputUnreadable

_LONGEST_QUOTE = 300

# Exit codes of a login that is given something else to run than what was asked for; ssh's own is 255.
_NO_SHELL = (0, 1, 126, 127)

_NEEDS_SHELL = "Give it a shell there (usermod -s /bin/sh), or use another login."


class Sign(NamedTuple):
    """Words of ssh's or sudo's by which a failure is known. ``{machine}`` and ``{said}`` are filled in."""

    pattern: str
    error: type[EngineError]
    message: str
    hint: str


# In the order in which they count.
_SIGNS = (
    Sign(
        "REMOTE HOST IDENTIFICATION HAS CHANGED",
        EngineUnreachable,
        "THE SSH HOST KEY OF {machine} HAS CHANGED: nothing was sent.",
        "Either the machine was made anew, or somebody stands between you and it. Compare its fingerprint with what "
        "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub prints there; only if it is the same, take the old key out "
        "with ssh-keygen -R.",
    ),
    Sign(
        "Host key verification failed|No [A-Z0-9]+ host key is known",
        EngineUnreachable,
        "The ssh host key of {machine} is not known here.",
        "Run deployster check in a terminal: it asks whether the key is the right one.",
    ),
    Sign(
        r"Permission denied \(|Too many authentication failures",
        EngineMissing,
        "{machine} lets nobody in with the keys that ssh has: {said}.",
        "Try ssh to it by hand: what helps there (ssh-add, a User or IdentityFile in ssh_config) helps here.",
    ),
    Sign(
        "^sudo: (?!unable to resolve host)",
        EngineMissing,
        "The login on {machine} may not become root without a password: {said}.",
        "Log in as root, give the login NOPASSWD in /etc/sudoers.d, or set user = true in [ssh].",
    ),
    Sign(
        "Could not resolve hostname",
        EngineUnreachable,
        "There is no machine called {machine}, as far as ssh can tell: {said}.",
        "Check machines in [ssh], and the Host entries of ssh_config.",
    ),
    Sign(
        "Bad configuration option|terminating, [0-9]+ bad|Can't open user config file|Bad owner or permissions",
        EngineMissing,
        "ssh can't read its configuration: {said}.",
        "",
    ),
    Sign(
        "Failed to connect to bus|Failed to get D-Bus connection",
        EngineMissing,
        "systemd on {machine} does not answer: {said}.",
        "With user = true the login needs a manager of its own there: loginctl enable-linger.",
    ),
    Sign(
        "No space left on device|Disk quota exceeded|I/O error",
        EngineError,
        "A disk of {machine} is full, or broken: {said}.",
        "Make room there: df /etc/systemd/system /var/lib/deployster.",
    ),
    Sign(
        r"\b(flock|sha1sum|awk): ((command |applet )?not found|No such file)",
        EngineMissing,
        "A program is missing on {machine}: {said}.",
        "deployster setup installs what machines lack.",
    ),
)

# Those that a script may say which came to its end: it was let in.
_SIGNS_OF_SCRIPTS = _SIGNS[-3:]


# What scripts do: the word that stands in their argv → the beginning of a sentence.
_DOING = {
    "list": "Listing the units",
    "start": "Starting units",
    "stop": "Stopping units",
    "remove": "Removing units",
    "cat": "Reading unit files",
    "journal": "Reading the journal",
    "show": "Reading how a unit ended",
    "ports": "Reading which ports are taken",
    "run": "The command",
    "look": "Looking at the machine",
    "setup": "Setting up",
    "lock": "Writing a lock",
    "read": "Reading a note",
    "write": "Writing a note",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a script printed on a machine and its exit code."""

    code: int
    parts: tuple[Part, ...]
    done: Completed = field(repr=False)

    @property
    def text(self) -> str:
        """What it printed before any head."""
        return self.parts[0].text


def answer(done: Completed, token: str, machine: str) -> Answer:
    """Return the answer of a script that came to its end; else the error that says what is known of it."""
    found = ending(done.out, token)
    if found is None:
        if token not in done.out and done.code in _NO_SHELL and not _sign(done):
            raise _other_than_a_shell(done, machine)
        raise _unended(done, machine)
    body, code = found
    return Answer(code, tuple(parts(body, token)), done)


def is_unknown_key(error: EngineError) -> bool:
    """Whether it is that ssh knows no host key of the machine; not that it knows another."""
    changed, unknown = _SIGNS[0], _SIGNS[1]
    return bool(re.search(unknown.pattern, error.err)) and not re.search(changed.pattern, error.err)


def cure(error: EngineError) -> str:
    """Return what cures it, where that is more than that the machine is to come back."""
    return error.hint if error.hint in {_NEEDS_SHELL, *(sign.hint for sign in _SIGNS)} else ""


def refused(machine: str, what: str, found: Answer) -> EngineError:
    """Return the error for a script that came to its end and says that it failed; ``what`` is the word for what it
    does.
    """
    done = found.done
    for sign in _SIGNS_OF_SCRIPTS:
        if re.search(sign.pattern, done.err, re.MULTILINE):
            return _signed(sign, done, machine)
    said = last_line(done.err) or last_line(found.text) or f"exit code {found.code} and not a word."
    facts = {"argv": done.argv, "code": found.code, "out": done.out, "err": done.err}
    return EngineError(f"{_DOING[what]} failed on {machine}: {said}", **facts)  # type: ignore[arg-type]


def judge_stream(done: Completed, machine: str) -> None:
    """EngineError for a journal's stream that ended badly; exit 1 is an empty journal."""
    if done.code not in (0, 1) or (done.code and done.err.strip()):
        raise _unended(done, machine)


def _unended(done: Completed, machine: str) -> EngineError:
    if done.flooded:
        message = f"{machine} printed more than {MOST_PRINTED // 2**20} MB and was stopped."
        return OutputUnreadable(message, argv=done.argv)
    if sign := _sign(done):
        return _signed(sign, done, machine)
    if done.timed_out:
        message = f"{machine} gave no answer within {round(done.seconds, 1):g} s."
    else:
        said = last_line(done.err) or "the connection broke off"
        message = f"{machine} does not answer: {said.rstrip('.')}."
    hint = f"Bring it back; or leave it out: --without {machine}. What it runs then is left as it is."
    return EngineUnreachable(message, hint, argv=done.argv, code=done.code, out=done.out, err=done.err)


def _sign(done: Completed) -> Sign | None:
    return next((sign for sign in _SIGNS if re.search(sign.pattern, done.err, re.MULTILINE)), None)


def _other_than_a_shell(done: Completed, machine: str) -> EngineMissing:
    """Return the error for a machine that was reached and ran something else than our scripts, such as nologin."""
    said = last_line(done.err) or last_line(done.out) or f"exit code {done.code} and not a word"
    message = f"The login on {machine} runs no commands: {said.rstrip('.')}."
    return EngineMissing(message, _NEEDS_SHELL, argv=done.argv, code=done.code, out=done.out, err=done.err)


def _signed(sign: Sign, done: Completed, machine: str) -> EngineError:
    message = sign.message.format(machine=machine, said=_line(done.err, sign.pattern).rstrip("."))
    return sign.error(message, sign.hint, argv=done.argv, code=done.code, out=done.out, err=done.err)


def _line(err: str, pattern: str) -> str:
    found = [line for line in err.splitlines() if re.search(pattern, line)]
    return last_line("\n".join(found)) or last_line(err)


def last_line(text: str) -> str:
    """Return the last line, which tells most: ssh's banners and warnings stand before it."""
    lines = ["".join(c if c.isprintable() else " " for c in line).strip() for line in text.splitlines()]
    last = next((line for line in reversed(lines) if line), "")
    return last if len(last) <= _LONGEST_QUOTE else f"{last[:_LONGEST_QUOTE]}…"
