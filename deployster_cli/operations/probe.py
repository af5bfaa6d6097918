"""One question to a machine: what its clock says, and which dockers answer there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from deployster_cli.domain.units.journal import EMULATED
from deployster_cli.domain.units.names import printable
from deployster_cli.errors import OutputUnreadable

_TIME = re.compile(r"^([0-9]{1,12})$", re.MULTILINE)
_DOCKER = re.compile(r"^docker (\d+) ([^\r\n]*)", re.MULTILINE)

# A shell's exit code for a program that isn't there.
_NOT_FOUND = "127"

_LONGEST_QUOTE = 200


@dataclass(frozen=True, slots=True)
class Docker:
    """One docker program: the ``version`` of the service that it reached, or the ``problem`` with it in a sentence;
    ``there``: the program itself is.
    """

    version: str = ""
    problem: str = ""
    there: bool = True


@dataclass(frozen=True, slots=True)
class Probe:
    """What a machine answered. ``skew``: seconds that its clock is ahead of ours at the least; negative: behind."""

    skew: float
    dockers: Mapping[str, Docker]


def question(dockers: Sequence[str]) -> str:
    """Return the shell line: the time in whole seconds, then a line for each docker: ``docker EXIT-CODE WORDS``."""
    return "; ".join(("date -u +%s", *(_asking(program) for program in dockers)))


def probe(ask: Callable[[str], str], dockers: Sequence[str], epoch: Callable[[], float]) -> Probe:
    """Put the question and read the answer; OutputUnreadable where it is none, and whatever ``ask`` raises."""
    before = epoch()
    said = ask(question(dockers))
    after = epoch()
    time = _TIME.search(said)
    if not time:
        raise OutputUnreadable(f"The machine was asked for the time, and said {_quote(said)!a}.", out=said)
    answers = [_docker(*pair) for pair in zip(dockers, _DOCKER.findall(said), strict=False)]
    found = dict(zip(dockers, answers, strict=False))
    return Probe(_skew(int(time[1]), before, after), {program: found.get(program, _SILENT) for program in dockers})


_SILENT = Docker(problem="It gave no answer when asked for its version.")


def _asking(program: str) -> str:
    name = shlex.quote(program)
    # podman has no service to ask, and says so in docker's place that it is podman.
    whose = f"case $({name} --version 2>/dev/null) in podman*) w=Client ;; *) w=Server ;; esac"
    return f'{whose}; said=$({name} version --format "{{{{.$w.Version}}}}" 2>&1); echo "docker $? "$said'


def _docker(program: str, answer: tuple[str, str]) -> Docker:
    code, words = answer[0], answer[1].removeprefix(f"{EMULATED} ")
    if code == "0" and words:
        return Docker(version=_quote(words))
    if code == _NOT_FOUND:
        return Docker(problem=f"{program} not found.", there=False)
    return Docker(problem=f"{program} version failed: {_quote(words) or f'exit code {code}.'}")


def _quote(text: str) -> str:
    """Return the text on one line, its beginning where it is long."""
    line = " ".join(printable(text, " ").split())
    return line if len(line) <= _LONGEST_QUOTE else f"{line[:_LONGEST_QUOTE]}…"


def _skew(there: int, before: float, after: float) -> float:
    """How far a clock that was read, in whole seconds, between two readings of ours is off at the least."""
    if there > after:
        return there - after
    return min(there + 1 - before, 0.0)
