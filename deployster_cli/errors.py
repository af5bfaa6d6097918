"""The error tree. ``main`` turns each kind into its exit code; nothing else ever exits."""

from __future__ import annotations

EXIT_DONE = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_FAULT = 3
EXIT_ENGINE = 4
EXIT_LOCKED = 5
EXIT_NOT_FOUND = 6
EXIT_TASK_TIMEOUT = 124
EXIT_INTERRUPTED = 130


class DeploysterError(Exception):
    """Something a user is told in one sentence: what failed and why; ``hint`` says what to type or mend next."""

    exit_code = EXIT_FAILED

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class InvalidInput(DeploysterError):
    """A name, a value or an option that can't be used; nothing was changed anywhere."""

    exit_code = EXIT_USAGE


class ConfigError(InvalidInput):
    """deployster.toml or a DEPLOYSTER_* variable says something that can't be used."""


class TemplateFault(InvalidInput):
    """A unit template is missing, broken, or renders something that is not a unit file."""


class NotFound(DeploysterError):
    """No such service, release, instance or image, or nothing of a release where it would run."""

    exit_code = EXIT_NOT_FOUND


class Locked(DeploysterError):
    """Another run holds the service."""

    exit_code = EXIT_LOCKED


class Interrupted(DeploysterError):
    """A signal stopped the wait; what runs goes on running. ``signal`` is its number (2 or 15)."""

    def __init__(self, message: str, hint: str = "", signal: int = 2) -> None:
        super().__init__(message, hint)
        self.exit_code = 128 + signal


class EngineError(DeploysterError):
    """The engine refused or failed one call. Keeps the call's facts; the wording is the message's.

    ``argv`` is what was run, ``code`` its exit code (None: it was stopped at its time limit),
    ``out`` and ``err`` what it printed. ``final`` says that the same call would be refused again.
    """

    final = False

    def __init__(
        self,
        message: str,
        hint: str = "",
        *,
        argv: tuple[str, ...] = (),
        code: int | None = None,
        out: str = "",
        err: str = "",
    ) -> None:
        super().__init__(message, hint)
        self.argv = argv
        self.code = code
        self.out = out
        self.err = err


class Refused(EngineError):
    """The engine did nothing of it and would say the same next time. (Of any other EngineError nobody knows that: a
    call may fail after it has worked.)
    """

    final = True


class EngineMissing(EngineError):
    """The engine's program, or the place it works in, is not there or not fit: no waiting cures that."""

    exit_code = EXIT_ENGINE


class EngineUnreachable(EngineError):
    """The engine did not answer, or not in time: what it did with the call is not known."""

    exit_code = EXIT_ENGINE


class EngineLost(EngineUnreachable):
    """Too little of the engine has answered for so long that no run waits for the rest any more."""

    final = True


class OutputUnreadable(EngineError):
    """The engine printed something that is not what this version of it prints; quotes the line."""

    exit_code = EXIT_ENGINE
