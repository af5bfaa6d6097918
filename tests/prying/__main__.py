"""``python -m tests.prying URL [--user NAME] [--ca FILE]``: pry at a running ``deployster serve``.

The password is taken from DEPLOYSTER_SERVE_PASSWORD. Nothing is deployed. Prints a table: what was tried, what a good
server does, what this one did; exit 1 where they differ. Takes about two minutes; most of that it waits.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

from tests.prying.doors import DOORS
from tests.prying.framing import FRAMING
from tests.prying.slow import HANDSHAKES, SILENT, SLOW
from tests.prying.target import Target
from tests.prying.tries import Tried, Try, made


def quick(target: Target) -> Iterator[Tried]:
    """The tries that are answered at once, one by one."""
    return (made(one, target) for one in (*FRAMING, *DOORS))


def slow(target: Target) -> Iterator[Tried]:
    """The tries that wait, side by side; then the one that fills the server."""
    tries: tuple[Try, ...] = (*SLOW, *(HANDSHAKES if target.secure else ()))
    with ThreadPoolExecutor(len(tries)) as pool:
        yield from pool.map(lambda one: made(one, target), tries)
    yield from (made(one, target) for one in SILENT)


def row(tried: Tried) -> str:
    """One line of the table."""
    return f"{'ok' if tried.ok else 'NOT':4}{tried.name:<48}{tried.expected:<34}{tried.seen:<34}{tried.seconds:6.1f} s"


def shown(all_tried: Iterable[Tried]) -> int:
    """Print the table as it comes; how many were not as they should be."""
    wrong = 0
    for tried in all_tried:
        print(row(tried), flush=True)  # noqa: T201 - it is what the script is for
        wrong += not tried.ok
    return wrong


def main() -> int:
    """Try everything."""
    words = argparse.ArgumentParser(prog="python -m tests.prying", description=(__doc__ or "").partition("\n")[0])
    words.add_argument("url")
    words.add_argument("--user", default="deployster")
    words.add_argument("--ca", default="", help="the file that HTTPS is checked by")
    given = words.parse_args()
    target = Target(given.url, given.user, os.environ.get("DEPLOYSTER_SERVE_PASSWORD", ""), given.ca)
    wrong = shown(quick(target)) + shown(slow(target))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
