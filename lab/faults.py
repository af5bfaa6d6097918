#!/usr/bin/env python3
"""Breaks real machines while Deployster deploys on them, and says what came of it, in a table.

It works on the lab (``lab/up``) and on nothing else, as it pulls plugs and cuts cables. Every scenario begins on
empty, whole machines. Standard library only, as root, with the deployster to be tried on PATH.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import os
import platform
import shlex
import signal
import sys
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from attempt import program
from place import add_options, chosen
from processes import LabError, Missing, call
from scenarios import SCENARIOS
from stage import MACHINES, Stage
from verdicts import Row, Table, complaints, parsed, table, text

from lab import up

PAGE = Path(__file__).parents[1] / "docs/faults.md"

INTRODUCTION = """# What breaks, and what comes of it

`lab/faults` breaks [real machines](lab.md) while Deployster deploys on them: a fleet cluster of three machines and
etcd, or three machines that it reaches over ssh. This is what came of it, in the runs that are named above the
table.

Every line up to *lost-machine* is a deploy of the next version with `--destroy-previous`, of four instances unless it
says otherwise. *new* are units of the version that was deployed, *old* of the one before it. The lines after it are
stories of several commands, about three instances unless they say otherwise; exit code and seconds are those of the
last one, and every other one has to end as it should too. Several services go through a story at once.

- **seen** is what is left once what was broken is mended: in fleet's registry, running by fleet's list, and serving on
  the machines by their kernels' tables. They have to be the same units, each once.
- **seconds** are the deploy's own. A deploy that was ended on purpose is started again, by the same command; exit code
  and seconds are those of the second run.
- **least running** is the smallest number of instances that served at one moment, looked at five times a second. In
  brackets is how many had to: all of them, less those that were on the machine that broke. There are none after the
  loss of etcd: fleet takes machines for lost then, and moves their units itself; nor where somebody or the version
  itself takes instances away. Where N services are tried at once each is looked at every N fifths of a second.
- Every deploy of the first kind that ended well is typed once more: it has to find nothing to do.
- In a story no command may leave the service's lock behind, but for one that was killed with -9.

The lines *ssh-…* are of machines over ssh, where nothing moves by itself. What is left is what the machines have of
unit files, what their systemd runs, and what serves, looked at up to ten times a second. No unit may be on two
machines in the end, nor at any moment where machines or hosts are cut off or lose power. In *…; the same again* the
deploy that is disturbed may fail, in one sentence: how it ended is in brackets. The same command counts, once all is
mended. In *ssh-disks* and *ssh-logins* a deploy that fails leaves things as they were and nothing half-written, and
the same command finishes once all is mended.
"""


def tried(stage: Stage, name: str) -> Iterator[Row]:
    """A scenario's rows; one that says why, where it can't go on."""
    scenario = SCENARIOS[name]
    try:
        with limited(scenario.limit):
            for row in scenario.rows(stage):
                yield replace(row, scenario=name)
    except Missing as error:
        yield Row(name, scenario.told, missing=str(error))
    except LabError as error:
        yield Row(name, scenario.told, error=str(error))


@contextlib.contextmanager
def limited(seconds: float) -> Iterator[None]:
    """LabError in the middle of whatever goes on, once it has taken so long."""

    def over(*_: object) -> None:
        raise LabError(f"it took longer than {seconds:g} s")

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def run(stage: Stage, names: Sequence[str]) -> list[Row]:
    """All rows of these scenarios, told as they come; those so far where it is interrupted."""
    found: list[Row] = []
    with contextlib.suppress(KeyboardInterrupt):
        _run(stage, names, found)
    return found


def _run(stage: Stage, names: Sequence[str], found: list[Row]) -> None:
    for name in names:
        for row in tried(stage, name):
            found.append(row)
            told = f"{row.verdict}: {row.why}" if row.why else row.verdict
            print(f"{time.strftime('%H:%M:%S')} {name}: {row.fault}: {told}", file=sys.stderr, flush=True)


def page(before: str, rows: Sequence[Row], names: Collection[str], made: str) -> str:
    """The page as it was, with the rows of these scenarios in the place of those that it had."""
    kept = parsed(before).without(names)
    lines = [*kept.lines, *(row.cells() for row in rows)]
    order = list(SCENARIOS)
    lines.sort(key=lambda cells: order.index(cells[0]))
    told = "\n".join([made, *earlier(before, names)])
    return f"{INTRODUCTION}\n{told}\n\n{text(Table(lines, [*kept.wrong, *complaints(rows)]))}"


def earlier(before: str, names: Collection[str]) -> list[str]:
    """The page's lines about earlier runs that it still has rows of, now that these scenarios were tried again."""
    replaced, found = set(names), []
    for line in before.splitlines():
        if line.startswith("Made by"):
            made = SCENARIOS.keys() & line.split("`")[1].split() or SCENARIOS.keys()
            found += [line] if made - replaced else []
            replaced |= made
    return found


def command(typed: Sequence[str], names: Collection[str]) -> str:
    """What was typed, with the scenarios that it came to: it may have been interrupted."""
    some = [] if set(names) == SCENARIOS.keys() else names
    return shlex.join(["lab/faults", *(word for word in typed if word not in SCENARIOS), *some])


def made_by(typed: str, seconds: float) -> str:
    """When, where and by what command rows were made."""
    now = datetime.datetime.now(datetime.UTC)
    version = call([program(), "--version"]).strip()
    cores = f"{os.cpu_count()} cores, load {os.getloadavg()[2]:.1f}"
    machine = (
        f"{platform.system()} {platform.release()} {platform.machine()}, {cores}, Python {platform.python_version()}"
    )
    return f"Made by `{typed}` on {now:%Y-%m-%d %H:%M} UTC, in {seconds / 60:.0f} min: {version}, {machine}."


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parse = argparse.ArgumentParser(prog="lab/faults", description="Break the lab while Deployster deploys on it.")
    add_options(parse)
    parse.add_argument("scenarios", nargs="*", metavar="SCENARIO", help="which (default: all; --list shows them)")
    parse.add_argument("--list", action="store_true", help="show the scenarios and stop")
    parse.add_argument("--write", action="store_true", help=f"put the rows into docs/{PAGE.name}")
    parse.add_argument("--kills", type=int, default=10, metavar="N", help="moments of kill-deployster (10)")
    parse.add_argument("--flips", type=int, default=20, metavar="N", help="deploys of flips (20)")
    parse.add_argument("--together", type=int, default=5, metavar="N", help="deploys of at-once (5)")
    parse.add_argument("--racers", type=int, default=20, metavar="N", help="deploys of at-once with skewed clocks (20)")
    parse.add_argument("--service", default="broken", metavar="NAME", help="what is deployed (broken)")
    parse.add_argument("--times", type=int, default=3, metavar="N", help="how often each story is tried (3)")
    parse.add_argument(
        "--lanes", type=int, default=4, metavar="N", help="services that stories are tried on at once (4)"
    )
    return parse


def play(given: argparse.Namespace) -> int:
    """Boot what is not up, try it all, print the table; 1 where anything failed."""
    lab = chosen(given)
    began = time.monotonic()
    program()
    with contextlib.redirect_stdout(sys.stderr):
        up(lab, MACHINES)
    often = {name: getattr(given, name) for name in ("kills", "flips", "together", "racers", "times", "lanes")}
    stage = Stage(lab, lab.home / "faults" / given.service, service=given.service, **often)
    names = given.scenarios or [name for name, scenario in SCENARIOS.items() if scenario.engine == given.engine]
    stage.prepare()
    try:
        rows = run(stage, names)
        print(table(rows), end="")
    finally:
        stage.clear()
    if given.write and rows:
        done = list(dict.fromkeys(row.scenario for row in rows))
        named = given.engine == "fleet" or "--engine" in sys.argv  # else DEPLOYSTER_LAB_ENGINE names it
        typed = [*([] if named else ["--engine", given.engine]), *sys.argv[1:]]
        made = made_by(command(typed, done), time.monotonic() - began)
        PAGE.write_text(page(PAGE.read_text(), rows, done, made))
    return int(any(row.failed for row in rows))


def main() -> int:
    """Try the scenarios; the exit code."""
    given = parser().parse_args()
    unknown = [name for name in given.scenarios if name not in SCENARIOS]
    if unknown:
        print(f"lab/faults: No scenario {unknown[0]}; there are {', '.join(SCENARIOS)}.", file=sys.stderr)
        return 2
    other = [name for name in given.scenarios if SCENARIOS[name].engine != given.engine]
    if other:
        print(f"lab/faults: {other[0]} needs --engine {SCENARIOS[other[0]].engine}.", file=sys.stderr)
        return 2
    if given.list:
        print("\n".join(f"{name:20} {scenario.told}" for name, scenario in SCENARIOS.items()))
        return 0
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it, and so would its deploys
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return play(given)
    except LabError as error:
        print(f"lab/faults: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
