"""One call of the local engine's programs, and what counts as its failure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from deployster_cli.engines import process
from deployster_cli.errors import EngineError, EngineMissing, EngineUnreachable, OutputUnreadable

# systemctl's exit code for a unit that it doesn't know (systemctl(1), LSB's "program is not installed").
NOT_LOADED = 5


def call(
    argv: Sequence[str],
    limit: float,
    *,
    fine: Sequence[int] = (0,),
    env: Mapping[str, str] | None = None,
    called: str = "",
) -> str:
    """Run to the end and return what it printed; an exit code that is not ``fine`` raises EngineError.

    ``called`` is what errors call it where its argv would say nothing to a person.
    """
    try:
        done = process.run(argv, limit=limit, env=env)
    except process.NotStarted as error:
        raise EngineMissing(f"{argv[0]} can't be run: {error.reason}.", argv=tuple(argv)) from error
    if done.flooded:
        raise OutputUnreadable(f"{called or argv[0]} printed without end and was stopped.", argv=done.argv)
    if done.timed_out:
        raise EngineUnreachable(
            f"{called or argv[0]} did not answer within {limit:g} s; whether it did what was asked is not known.",
            argv=done.argv,
            out=done.out,
            err=done.err,
        )
    if done.code not in fine:
        raise EngineError(
            f"{called or ' '.join(done.argv)} failed with exit code {done.code}: {_said(done)}",
            argv=done.argv,
            code=done.code,
            out=done.out,
            err=done.err,
        )
    return done.out


def _said(done: process.Completed) -> str:
    """Return the line that says most: the first, but of a Python's traceback the last."""
    lines = done.err.strip().splitlines() or done.out.strip().splitlines() or ["it printed nothing"]
    return lines[-1 if any(line.startswith("Traceback ") for line in lines) else 0]
