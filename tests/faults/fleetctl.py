"""A double of fleetctl 1.0: a cluster in a folder, the calls that Deployster makes, and switches for what goes wrong.

The folder is $FAULTS_FOLDER. ``cluster.json`` there is the cluster, ``calls`` one line a call, and ``switch.json`` says
what goes wrong: read at each call, so it can be changed while somebody works. Words and forms are those that were
recorded in tests/fixtures/fleetctl. A unit whose version is ``bad`` fails as soon as it has started.
"""

# One deploy starts this some seventy times, and pathlib takes longer to import than all the rest.
# ruff: noqa: PTH105, PTH110, PTH118, PTH119, PTH123
from __future__ import annotations

import fcntl
import json
import os
import signal
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

    Unit = dict[str, Any]
    Said = tuple[str, str, int]
    """What a call prints on stdout and on stderr, and its exit code."""
    Call = Callable[[], Said]
    Mode = Callable[[Call, float], None]

FOLDER = os.environ.get("FAULTS_FOLDER", ".")

MACHINES = {
    "7f1e9eef1c243090b388367bf9800de2": "10.77.0.11",
    "09de01dc169e0dcf6a137baef3d7e12a": "10.77.0.12",
    "6c7075f4ec86e516b32c88ea1200239d": "10.77.0.13",
}

# Seconds from a start to a machine and to running, and from a destroy until its machine lists a unit no more.
PLACED, UP, LEFT = 0.05, 0.1, 0.1

HUGE = 66 * 1024 * 1024
FOR_EVER = 600


def main(argv: list[str]) -> None:
    """One call."""
    words = [word for word in argv if not word.startswith("--")]
    verb = "--version" if not words else words[0]
    flags = {word.partition("=")[0]: word.partition("=")[2] for word in argv if word.startswith("--")}
    behind = argv[argv.index("--") + 1 :] if "--" in argv else words[1:]
    with open(in_folder("calls"), "a+") as calls:
        fcntl.flock(calls, fcntl.LOCK_EX)
        mode, chance = switched(verb)
        calls.write(f"{verb} {mode} {' '.join(os.path.basename(word) for word in behind)}\n")
    MODES[mode](lambda: answered(verb, flags, behind), chance)


def sha1(text: str) -> str:
    """In hex."""
    import hashlib  # most calls need none

    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def in_folder(name: str) -> str:
    """A file of the cluster's."""
    return os.path.join(FOLDER, name)


def read(path: str) -> str:
    """What a file holds."""
    with open(path) as file:
        return file.read()


def write(path: str, text: str) -> None:
    """Put it there whole."""
    with open(f"{path}.draft", "w") as file:
        file.write(text)
    os.replace(f"{path}.draft", path)


def switched(verb: str) -> tuple[str, float]:
    """What goes wrong with this call, and its luck from 0 to 1: the same for the same seed and number of the call."""
    switch: dict[str, Any] = {"mode": "good", "at": [], "skip": 0, "times": 0, "seed": 0, "met": 0}
    path = in_folder("switch.json")
    if os.path.exists(path):
        switch |= json.loads(read(path))
    if switch["at"] and verb not in switch["at"]:
        return "good", 0.0
    switch["met"] += 1
    write(path, json.dumps(switch))
    number = switch["met"] - switch["skip"]
    struck = number > 0 and (not switch["times"] or number <= switch["times"])
    return switch["mode"] if struck else "good", int(sha1(f"{switch['seed']} {switch['met']}")[:8], 16) / 0xFFFFFFFF


def answered(verb: str, flags: dict[str, str], words: list[str]) -> Said:
    """What the real one does and says."""
    if verb == "ssh":
        return over_ssh(words)
    with open(in_folder("cluster.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        cluster = Cluster()
        said = getattr(cluster, verb.strip("-").replace("-", "_"))(words, flags)
        cluster.keep()
    return said  # type: ignore[no-any-return]


def over_ssh(words: list[str]) -> Said:
    """A command on a machine: this one."""
    line = " ".join(words)
    if line.startswith("systemctl show"):
        return "ExecMainCode=1\nExecMainStatus=0\n", "", 0
    return os.execv("/bin/sh", ["sh", "-c", line])  # noqa: S606 - what the real one does over there


class Cluster:
    """The registry, and the machines behind it."""

    def __init__(self) -> None:
        path = in_folder("cluster.json")
        self.units: dict[str, Unit] = json.loads(read(path)) if os.path.exists(path) else {}
        self.now = time.monotonic()

    def keep(self) -> None:
        """Write it, and how many units of each service serve now."""
        self.units = {name: unit for name, unit in self.units.items() if not self.left(unit)}
        write(in_folder("cluster.json"), json.dumps(self.units))
        serving = [name for name, unit in self.units.items() if self.seen(unit)[:1] == ["active"]]
        with open(in_folder("serving"), "a") as log:
            log.write(json.dumps(serving) + "\n")

    def left(self, unit: Unit) -> bool:
        return "gone" in unit and bool(self.now - unit["gone"] > LEFT)

    def seen(self, unit: Unit) -> list[str]:
        """What systemd says of it, as list-units has it: active and sub. Empty where no machine has it."""
        age = self.now - unit["since"]
        if unit["desired"] == "inactive" or not unit["since"] or age < PLACED:
            return []
        if unit["desired"] == "loaded" or "gone" in unit:
            return ["inactive", "dead"]
        if age < UP:
            return ["activating", "start-pre"]
        if "-bad@" in unit["name"]:
            return ["failed", "failed"]
        return ["active", "exited" if "Type=oneshot" in unit["text"] else "running"]

    def registered(self) -> list[Unit]:
        return [unit for _, unit in sorted(self.units.items()) if "gone" not in unit]

    def known(self, words: list[str]) -> list[Unit]:
        found = {unit["name"]: unit for unit in self.registered()}
        names = [os.path.basename(word) for word in words]
        return [found[name] for name in names if name in found]

    def version(self, _: list[str], __: dict[str, str]) -> Said:
        return "fleetctl version 1.0.0\n", "", 0

    def list_machines(self, _: list[str], __: dict[str, str]) -> Said:
        return "".join(f"{at}\t{ip}\tzone=z{ip[-1]}\n" for at, ip in sorted(MACHINES.items())), "", 0

    def list_units(self, _: list[str], __: dict[str, str]) -> Said:
        rows = []
        for name, unit in sorted(self.units.items()):
            if seen := self.seen(unit):
                rows.append([name, at(unit), "loaded", *seen, unit["hash"]])
        return table(rows), "", 0

    def list_unit_files(self, _: list[str], __: dict[str, str]) -> Said:
        return table([self.file_row(unit) for unit in self.registered()]), "", 0

    def file_row(self, unit: Unit) -> list[str]:
        state = "inactive" if not self.seen(unit) else "launched" if unit["desired"] == "launched" else "loaded"
        described = [line.partition("=")[2] for line in unit["text"].splitlines() if line.startswith("Description=")]
        target = at(unit) if state != "inactive" else "-"
        return [unit["name"], unit["hash"], unit["desired"], state, target, *(described or ["-"])]

    def submit(self, words: list[str], flags: dict[str, str]) -> Said:
        return "", "".join(self.put(word, replace="--replace" in flags) for word in words), 0

    def put(self, path: str, *, replace: bool = False) -> str:
        """Into the registry from a file; the warning where the registry has it otherwise."""
        name = os.path.basename(path)
        there = self.known([name])
        text = read(path) if os.path.exists(path) else there[0]["text"]
        if there and not replace:
            differs = f"WARNING: Unit {name} in registry differs from local unit file {name}."
            return "" if text == there[0]["text"] else f"{differs} Add --replace to override.\n"
        self.units[name] = {"name": name, "text": text, "hash": sha1(text), "desired": "inactive", "since": 0.0}
        return ""

    def start(self, words: list[str], _: dict[str, str]) -> Said:
        warned = "".join(self.put(word) for word in words)
        idle = [unit for unit in self.known(words) if unit["desired"] != "launched"]
        for unit in idle:
            unit["since"] = self.now
        return self.wanted(idle, "launched", "start"), warned, 0

    def load(self, words: list[str], _: dict[str, str]) -> Said:
        return self.wanted(self.known(words), "loaded", "load"), "", 0

    def stop(self, words: list[str], _: dict[str, str]) -> Said:
        for unit in self.known(words):
            if unit["desired"] == "inactive":
                return "", f"Unable to stop unit {unit['name']} in state inactive\n", 1
        return self.over([u for u in self.known(words) if u["desired"] == "launched"], "loaded", "stop", words)

    def unload(self, words: list[str], _: dict[str, str]) -> Said:
        return self.over([u for u in self.known(words) if u["desired"] != "inactive"], "inactive", "unload", words)

    def over(self, units: list[Unit], desired: str, verb: str, words: list[str]) -> Said:
        if not self.known(words):
            return "", "Units not found in registry\n", 0
        done = {"stop": "stopped", "unload": "unloaded"}[verb]
        names = " ".join(unit["name"] for unit in units)
        return self.wanted(units, desired, verb), f"Successfully {done} units [{names}].\n", 0

    def destroy(self, words: list[str], _: dict[str, str]) -> Said:
        units = self.known(words)
        for unit in units:
            unit["gone"] = self.now
        if not units:
            return "", "Units not found in registry\n", 0
        return "".join(f"Destroyed {unit['name']}\n" for unit in units), "", 0

    def wanted(self, units: list[Unit], desired: str, verb: str) -> str:
        for unit in units:
            unit["desired"] = desired
        return "".join(f"Triggered unit {unit['name']} {verb}\n" for unit in units)

    def cat(self, words: list[str], _: dict[str, str]) -> Said:
        found = self.known(words)
        return (found[0]["text"], "", 0) if found else ("", f"Unit {words[0]} not found\n", 1)

    def journal(self, words: list[str], flags: dict[str, str]) -> Said:
        if not self.known(words):
            return "", f"Unit {words[0]} does not exist.\n", 1
        if flags.get("--output") != "export":
            return "hello\n", "", 0
        cursor = "__CURSOR=s=1;i=1;b=1;m=1;t=1;x=1\n__REALTIME_TIMESTAMP=1795433611000000\n"
        return f"{cursor}_PID=1\n_SYSTEMD_UNIT={words[0]}\n_TRANSPORT=stdout\nMESSAGE=hello\n\n", "", 0


def at(unit: Unit) -> str:
    """The unit's machine: the one that its name chooses."""
    machines = sorted(MACHINES)
    one = machines[sum(unit["name"].encode()) % len(machines)]
    return f"{one}/{MACHINES[one]}"


def table(rows: list[list[str]]) -> str:
    return "".join("\t".join(row) + "\n" for row in rows)


def say(said: Said) -> None:
    out, err, _ = said
    os.write(2, err.encode())
    os.write(1, out.encode())


def good(call: Call, _: float) -> NoReturn:
    """As the real one."""
    said = call()
    say(said)
    sys.exit(said[2])


def hang(_: Call, __: float) -> None:
    """Does nothing, for long."""
    time.sleep(FOR_EVER)


def half(call: Call, _: float) -> None:
    """Does it, and its output breaks off in the middle of a line."""
    out, err, _ = call()
    say((out[: len(out.rstrip("\n")) // 2], err, 0))


def stall(call: Call, chance: float) -> None:
    """Does it, and falls silent in the middle of a line."""
    half(call, chance)
    time.sleep(FOR_EVER)


def lie(_: Call, __: float) -> None:
    """Does nothing, says on stderr why, and that all is well by its exit code."""
    say(("", "Error retrieving list of units from repository: dial tcp 10.77.0.11:49153: i/o timeout\n", 0))


def slow(call: Call, chance: float) -> None:
    """Takes its time."""
    time.sleep(0.2)
    good(call, chance)


def flaky(call: Call, chance: float) -> None:
    """Of five calls one fails: half of those have been done all the same."""
    if chance < 0.2:
        if chance < 0.1:
            call()
        say(("", "Error: dial tcp 10.77.0.11:49153: connect: connection refused\n", 1))
        sys.exit(1)
    good(call, chance)


def dies(number: signal.Signals) -> Mode:
    """Dies of a signal before it has done anything."""

    def die(_: Call, __: float) -> None:
        signal.signal(number, signal.SIG_DFL) if number not in {signal.SIGKILL} else None
        os.kill(os.getpid(), number)

    return die


def huge(call: Call, chance: float) -> None:
    """Does it, and prints more than anybody can want."""
    call()
    sys.stdout.write("x" * HUGE)


def garbled(call: Call, _: float) -> None:
    """Does it, and what it prints is no UTF-8."""
    said = call()
    os.write(2, b"\xff\xfe" + said[1].encode())
    os.write(1, b"\xc3\x28" + said[0].encode() + b"\xff\xfe\x00\n")


def empty(_: Call, __: float) -> None:
    """Does nothing, says nothing, and that all is well."""


def noisy(call: Call, _: float) -> None:
    """As the real one, with warnings around it."""
    out, err, code = call()
    noise = "WARNING: fleetd (1.0.0) is newer than fleetctl\nWarning: Permanently added '10.77.0.11' (ECDSA)\n"
    say((out, noise + err, code))
    sys.exit(code)


def held(call: Call, _: float) -> None:
    """Does it and says so, closes what it says it on, and stays."""
    say(call())
    os.close(1)
    os.close(2)
    time.sleep(FOR_EVER)


def left(call: Call, chance: float) -> None:
    """As the real one, but a child of it holds the pipes after its end."""
    if os.fork() == 0:
        time.sleep(FOR_EVER)
    good(call, chance)


MODES: dict[str, Mode] = {
    "good": good,
    "hang": hang,
    "half": half,
    "stall": stall,
    "lie": lie,
    "slow": slow,
    "flaky": flaky,
    "SIGKILL": dies(signal.SIGKILL),
    "SIGSEGV": dies(signal.SIGSEGV),
    "SIGPIPE": dies(signal.SIGPIPE),
    "huge": huge,
    "garbled": garbled,
    "empty": empty,
    "noisy": noisy,
    "held": held,
    "left": left,
}

if __name__ == "__main__":
    main(sys.argv[1:])
