"""reference/exit-codes.md: the codes and the kinds of error behind them."""

from __future__ import annotations

from deployster_cli import errors

HEAD = """\
# Exit codes

<!-- Written by script/reference from deployster_cli/errors.py. Change that, not this page. -->

An error is one sentence on stderr that begins with `Error:`, often with a second line that says what to type or mend.

"""

MEANINGS = {
    errors.EXIT_DONE: "Done, or there was nothing to do.",
    errors.EXIT_FAILED: "It failed. The message says what state things are in.",
    errors.EXIT_USAGE: "The command line, the settings or a template can't be used. Nothing was changed.",
    errors.EXIT_FAULT: "A fault of Deployster's own. The message names the file with its traceback.",
    errors.EXIT_ENGINE: "The engine, or the server of `--server`, is missing, does not answer, or answers nonsense.",
    errors.EXIT_LOCKED: "Another run is changing the service. `--lock-wait 5m` waits for it.",
    errors.EXIT_NOT_FOUND: "No such service, release, instance or image, "
    "or on this machine no such folder or env_file of a release.",
    errors.EXIT_TASK_TIMEOUT: "A task ran into its `--timeout`.",
    errors.EXIT_INTERRUPTED: "Ctrl-C; 143 where it was SIGTERM, 129 where the terminal was closed."
    " What was started goes on running.",
}

TASKS = """\
`deployster task` and `deployster ssh` end with the exit code of the command that they run, so there a code may be that
command's own. `deployster check` ends with the highest code among its findings.

## Kinds of error

"""


def text() -> str:
    """The page; KeyError for a code that has no meaning here."""
    codes = sorted({code for name, code in vars(errors).items() if name.startswith("EXIT_")})
    rows = [f"| {code} | {MEANINGS[code]} |" for code in codes]
    return HEAD + "\n".join(["| code | is |", "|---|---|", *rows, "", TASKS]) + _kinds()


def _kinds() -> str:
    kinds = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.DeploysterError)
    ]
    kinds.remove(errors.DeploysterError)
    rows = [f"| `{kind.__name__}` | {kind('').exit_code} | {_sentence(kind)} |" for kind in kinds]
    return "\n".join(["| kind | code | when |", "|---|---|---|", *rows]) + "\n"


def _sentence(kind: type) -> str:
    """The first sentence of the kind's docstring."""
    words = " ".join((kind.__doc__ or "").split()).replace("``", "`")
    return words.partition(". ")[0].removesuffix(".") + "."
