"""The stories that are tried: what they are, as data."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from types import MappingProxyType

from attempt import SERVES
from histories import (
    CRASHES,
    EMPTY_OFTEN,
    REFUSES_WHAT_IT_DID,
    SLOW,
    Do,
    Story,
    beside,
    by_hand,
    destroyed,
    lying,
    one_stopped,
    overtaken,
    posing,
    replaced,
    signals,
    when,
    wiped,
)

FIRST = Do("deploy {service} {old} --instances 3")
NEXT = "deploy {service} {new} --destroy-previous"
OURS = "deploy {service} {other} --destroy-previous"
PLAIN = "deploy {service} {old}"
FOUR = Do("deploy {service} {old} --instances 4")
KEPT = Do(f"{OURS} --on-failure keep", 1)
BACK = Do("rollback {service}")
SLOW_START = f"{OURS} --set 'command={SLOW.format(20)}'"
HOOK = "test $DEPLOYSTER_VERSION != {other} || sleep 12"

# Settings by which one version fails.
BAD: Mapping[str, object] = MappingProxyType({"command": "test $DEPLOYSTER_VERSION != {other} || exit 1; " + SERVES})

# Where instances were lost without a word.
LOSING = (
    Story(
        "a failed version, then rollback; instances = 2 in the file",
        (Do(PLAIN), KEPT, BACK),
        2,
        "old",
        settings={**BAD, "instances": 2},
    ),
    Story("a failed version, then rollback; 3 instances", (FIRST, KEPT, BACK), 3, "old", settings=BAD),
    Story("a failed version that is kept, then its fix", (FIRST, KEPT, Do(NEXT)), settings=BAD),
    *(
        Story(
            f"{how.name} while instances start slowly, then another version",
            (FIRST, Do(SLOW_START, code, when("Starting", signals(how), 3)), Do(NEXT)),
        )
        for how, code in ((signal.SIGINT, 130), (signal.SIGKILL, -9))
    ),
    Story(
        "one of 2 stopped by hand, then restart",
        (Do(PLAIN, act=one_stopped), Do("restart {service}")),
        2,
        "old",
        floored=False,
        settings={"instances": 2},
    ),
    Story(
        "3 that crash again and again; restart --dry-run, 5 times",
        (Do(f"{FIRST.words} --on-failure keep", 1), *(Do("restart {service} --dry-run", says="start 3"),) * 5),
        left="",
        floored=False,
        settings={"command": "sleep 1; exit 3"},
    ),
)


def dies(after: int, *words: str) -> Do:
    """A deploy of a version that dies so many seconds after its start."""
    return Do(" ".join((NEXT, f"--set 'command={CRASHES.format(after)}'", *words)), 1)


# Where Done was said of what did not run.
UNWATCHED = (
    Story(
        "somebody destroys all new ones while the old are stopped",
        (FIRST, Do(NEXT, 1, when("Stopping", destroyed))),
        left="old",
        floored=False,
    ),
    Story(
        "somebody destroys all new ones while the old are destroyed",
        (FIRST, Do(NEXT, 1, when("Retiring", destroyed))),
        left="old",
        floored=False,
    ),
    Story("a version that dies after 9 s", (FIRST, dies(9)), left="old", floored=False),
    *(
        Story(
            f"a version that dies after 12 s; one by one, {order}",
            (FOUR, dies(12, f"--batch-size 1 --order {order}")),
            4,
            "old",
            floored=False,
        )
        for order in ("start-first", "stop-first")
    ),
)

WIPED = tuple(
    Story(
        f"etcd loses all of the service's units while {what}",
        (FIRST, Do(NEXT, 1, when(words, wiped))),
        left="",
        floored=False,
    )
    for words, what in (
        ("  {service} {new} @", "the new instances start"),
        ("Stopping", "the old ones stop"),
        ("Retiring", "the old ones are destroyed"),
    )
)

FOREIGN = tuple(
    Story(
        what,
        (
            Do(FIRST.words, act=act),
            Do(NEXT),
            BACK,
            Do("scale {service} 2 --yes"),
            Do("restart {service}"),
            Do("destroy {service} {old} --yes"),
        ),
        0,
        floored=False,
    )
    for what, act in (
        ("a unit made by hand is called like a version of the service", by_hand),
        ("units made by hand pass for instances: by their Description, and one by another's stamp", posing),
    )
)

SLEEPING = tuple(
    Story(
        f"SIGSTOP for longer than the lock lives; another deploys, and {what} when it goes on",
        (FIRST, Do(OURS, 5, when("Hook", overtaken(until)))),
        hook=HOOK,
        within=400,
    )
    for what, until in (("is at work", "Starting {service} {new}"), ("is done", ""))
)

FAILING = Do(f"{NEXT} --set 'command=exit 1'", 1, environ=lying(REFUSES_WHAT_IT_DID))
LIARS = (
    Story("30 % of fleetctl's listings are empty", (FIRST, Do(NEXT, environ=lying(EMPTY_OFTEN)))),
    Story("fleetctl exits 1 after half of what it did", (FIRST, Do(NEXT, environ=lying(REFUSES_WHAT_IT_DID)))),
    Story("fleetctl exits 1 after half of what it did; a version that fails", (FIRST, FAILING), left="old"),
)

AHEAD = (
    Story(
        "a run whose clock is 10 minutes ahead, beside one that is in its hook",
        (FIRST, Do(OURS, act=when("Hook", beside(NEXT, 5, 600))), Do(NEXT)),
        hook=HOOK,
    ),
)


def twice(pause: float) -> tuple[Story, ...]:
    """A second signal so many seconds after the first."""
    return tuple(
        Story(
            f"{first.name} and SIGINT {pause:g} s later while the {what}; the same again",
            (FIRST, Do(NEXT, 128 + first, when(words, signals(first, signal.SIGINT, pause=pause), 0.5)), Do(NEXT)),
        )
        for first in (signal.SIGINT, signal.SIGTERM)
        for words, what in (("Starting", "new instances start"), ("Stopping", "old instances stop"))
    )


UNDONE = "Interrupted while that was undone"
UNDOING = tuple(
    Story(
        f"{how.name} while a failure is undone; then destroy",
        (
            FIRST,
            Do(f"{OURS} --set 'command=exit 1'", 128 + how, when("Undoing", signals(how)), UNDONE),
            Do("destroy {service} {other} --yes"),
        ),
        left="old",
    )
    for how in (signal.SIGINT, signal.SIGTERM)
)

REPLACED = (
    Story(
        "somebody puts other content under a new unit's name",
        (FIRST, Do(NEXT, 1, when("  {service} {new} @", replaced), "by somebody else")),
        left="old",
    ),
)

TASKS = (
    Story(
        "kill -9 while a task runs before the deploy; another deploy names the task, a third one waits for it",
        (
            FIRST,
            Do(f"{OURS} --before 'sleep 40'", -9, when("  {service}.task {other} @", signals(signal.SIGKILL), 1)),
            Do(NEXT, 5, says="The task 'sleep 40' of {service} {other}"),
            Do(f"{NEXT} --lock-wait 5m"),
        ),
    ),
)
