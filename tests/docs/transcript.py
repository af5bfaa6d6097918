"""Pages as scripts: what a page tells its reader to type is typed into one shell, and what it shows is looked for.

- ```` ```sh ```` blocks are typed as they stand; each has to succeed.
- In ```` ```console ```` blocks each line behind ``$`` is typed. Lines that follow are all of its stdout,
  and any lines of its stderr (progress is left out of pages). ``…`` stands for what is left out of stdout.
  A command may fail only where the next one is ``echo $?``.
- A block below ``<!-- not run: why -->`` is left out.

Times, ports, process ids, dates and padding are not compared, nor is who deploys and on which machine.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(r"^(<!-- not run: [^\n]* -->\n\n?)?```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_TYPED = re.compile(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)

_VARIABLE = (
    (re.compile(r"@\d+ (?=(?:failed|keeps crashing) on )"), "@N "),  # whichever of a release fails first
    (re.compile(r"^\d{4}-\d\d-\d\dT[\d:]{8}Z (?=\S|  )"), ""),
    (re.compile(r"\d{4}-\d\d-\d\dT[\d:]{8}Z"), "TIME"),
    (re.compile(r"\d\d/[A-Z][a-z]{2}/\d{4} [\d:]{8}"), "TIME"),
    (re.compile(r"\b\d+(?:m\d\d|\.\d)?s\b"), "SECONDS"),
    (re.compile(r"\b[1-9]\d{4,5}\b"), "NUMBER"),
    (re.compile(r"\b[a-z_][\w-]*@[a-z][\w.-]*$"), "BY"),
    (re.compile(r"\d+\.\d+\.\d+\.\d+"), "MACHINE"),
)


@dataclass(frozen=True)
class Step:
    """One thing typed, and the lines that the page shows below it."""

    typed: str
    shown: tuple[str, ...] = ()
    may_fail: bool = False


@dataclass(frozen=True)
class Ran:
    """What a step printed and ended with."""

    code: int
    out: str
    err: str


def steps(text: str) -> list[Step]:
    """What a page has typed, in its order."""
    found = list(_steps(text))
    return [
        Step(step.typed, step.shown, may_fail=after.typed == "echo $?")
        for step, after in zip(found, [*found[1:], Step("")], strict=True)
    ]


def _steps(text: str) -> Iterator[Step]:
    for left_out, kind, body in _BLOCK.findall(text):
        if kind == "sh" and not left_out:
            yield Step(body.rstrip("\n"))
        if kind == "console" and not left_out:
            yield from (Step(typed, tuple(shown.splitlines())) for typed, shown in _TYPED.findall(body))


def script(typed: list[Step], to: str) -> str:
    """Bash that runs the steps in one shell and leaves out.N, err.N and code.N in the folder ``to``.

    It stops behind a step that fails and may not.
    """
    lines = []
    for number, step in enumerate(typed):
        lines += [f"{{\n{step.typed}\n}} >'{to}/out.{number}' 2>'{to}/err.{number}' </dev/null"]
        lines += [f"code=$?; echo $code >'{to}/code.{number}'"]
        lines += ["(exit $code)" if step.may_fail else '[ "$code" = 0 ] || exit "$code"']
    return "\n".join(lines) + "\n"


def read(folder: Path, number: int) -> Ran:
    """What a step left behind; AssertionError where the shell did not get that far."""
    assert (folder / f"code.{number}").exists(), f"step {number + 1} was not reached"
    out, err, code = ((folder / f"{name}.{number}").read_text() for name in ("out", "err", "code"))
    return Ran(int(code), out, err)


def told(line: str) -> str:
    """A line without what differs from run to run."""
    for pattern, word in _VARIABLE:
        line = pattern.sub(word, line.rstrip())
    return re.sub(r"(?<=\S) {2,}", "  ", line)


def differs(step: Step, ran: Ran) -> str:
    """How what was printed differs from what the page shows; empty where it doesn't."""
    if ran.code and not step.may_fail:
        return f"{step.typed!r} ended with {ran.code}:\n{ran.out}{ran.err}"
    if not step.shown:
        return ""
    shown = [told(line) for line in step.shown]
    out = [told(line) for line in ran.out.splitlines()]
    rest = [line for line in shown if line not in out and line != "…"]
    if "…" not in shown and [line for line in shown if line in out] != out:
        return f"{step.typed!r} printed:\n{ran.out}and the page shows:\n" + "\n".join(step.shown)
    if "…" in shown and not _among([line for line in shown if line in out], out):
        return f"{step.typed!r} printed in another order:\n{ran.out}"
    if not _among(rest, [told(line) for line in ran.err.splitlines()]):
        return f"{step.typed!r} did not print {rest}, but:\n{ran.out}{ran.err}"
    return ""


def _among(few: list[str], many: list[str]) -> bool:
    """Whether ``few`` are all in ``many``, in this order."""
    left = iter(many)
    return all(line in left for line in few)
