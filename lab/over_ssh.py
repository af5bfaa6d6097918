"""What breaks for machines that ssh reaches. Each function gives its rows of the table."""

from __future__ import annotations

import contextlib
import shlex
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from attempt import SERVES, Attempt
from breaking import daemon, mend, stopped
from harm import LAST, after, undisturbed, unwired
from histories import SLOW
from plain import ADMIN, GUEST, Host, host, littered, project
from processes import call
from sightings import Watch, serving
from stage import DEPLOY, MACHINES, Fault, Stage, Trial
from verdicts import Outcome, Row

from lab import boot, unplug, wire

# A deploy one by one, some 25 s long, and given up soon.
ONE_BY_ONE = ("--batch-size=1", "--timeout=30s", "--set", f"command={SLOW.format(2)}")

# Seconds into such a deploy at which something happens.
MOMENTS = (1, 4, 9)

# Exit codes of a deploy that could not be finished while something was broken.
UNDONE = (0, 1, 4)

# Seconds for which a host is cut off whose lock another one takes over: a lock lives 120.
TAKEN_OVER = 150

# What a hostile value would leave on a machine.
PWNED = "/pwned"

# Values that mean more than their characters to a shell, to systemd's unit files, or to ssh.
HOSTILE = (
    """x'; touch /pwned; '"$(touch /pwned)"`touch /pwned`""",
    "$(touch /pwned)",
    "`touch /pwned`",
    "'",
    '"',
    "\\",
    "\\n[Service]\\nExecStartPre=/bin/touch /pwned",
    "-oProxyCommand=touch /pwned",
    "--help",
    "%n %i %% %H",
    "$PORT ${PORT} $$PORT",
    "a\\",
    " # ; & | < > * ? [x] {a,b} ~ ! ",
    "\\x41 \\101 \\u00e9 é 火",
    "EOF",
    "",
)

# Broken for as long as it lasts.
Harm = Callable[[Stage], AbstractContextManager[None]]


def kill_machine(stage: Stage) -> Iterator[Row]:
    """A machine's power fails 1, 4 and 9 s into a deploy; it boots 2 s later or after it. Then the same again."""
    for moment in MOMENTS:
        for back, told in ((0.0, "booted after the deploy"), (2.0, "booted 2 s later")):
            yield again(stage, f"power of machine {LAST} off after {moment} s, {told}", powered(stage, moment, back))


def cut_network(stage: Stage) -> Iterator[Row]:
    """A machine's network is cut 1, 4 and 9 s into a deploy; it is back 3 s later or after it. Then the same again."""
    for moment in MOMENTS:
        for back, told in ((0.0, "back after the deploy"), (3.0, "back 3 s later")):
            yield again(
                stage,
                f"network of machine {LAST} cut after {moment} s, {told}",
                unwired(stage, LAST, after(moment), back),
            )


def join_network(stage: Stage) -> Iterator[Row]:
    """A machine's network is cut before a deploy, and back 1, 4 and 9 s into it. Then the same again."""
    for moment in MOMENTS:
        told = f"network of machine {LAST} cut before the deploy, back {moment} s into it"
        yield again(stage, told, joined(stage, moment), before=lambda: wire(stage.lab, LAST, plugged=False))


def reboot(stage: Stage) -> Iterator[Row]:
    """All machines are booted anew, at rest and in mid-deploy. Then the same again."""
    yield again(stage, "power of all machines off and on at rest", undisturbed, before=lambda: all_off(stage))
    yield again(stage, "power of all machines off after 4 s, on after the deploy", powered(stage, 4, 0, (1, 2, 3)))


def disks(stage: Stage) -> Iterator[Row]:
    """A file system is full or read-only, on one machine and on all; once it is not, the same again finishes."""
    for path in ("/etc/systemd/system", "/var/lib/deployster"):
        for machines, where in (((LAST,), f"on machine {LAST}"), ((1, 2, 3), "on all machines")):
            # Locks and notes need more than half of the machines: one that takes none stops nothing.
            code = 0 if path.startswith("/var/") and machines == (LAST,) else 1
            for harm, what in ((full, "full"), (read_only, "read-only")):
                yield hindered(stage, f"{path} {what} {where}", harm(path, machines), (code,))


def logins(stage: Stage) -> Iterator[Row]:
    """A login without sudo, a host key that is another, an sshd that is gone and one that hangs."""
    yield hindered(stage, f"the login on machine {LAST} may not use sudo", no_sudo, (4,))
    yield hindered(stage, f"the host key of machine {LAST} is another", other_key, (4,))
    yield hindered(stage, f"machine {LAST} has no sshd any more", no_sshd, (4,))
    for moment in MOMENTS:
        yield again(stage, f"all sshd of machine {LAST} killed after {moment} s", killed_sshd(stage, moment))
    yield again(stage, f"sshd of machine {LAST} hangs for 5 s after 4 s", hung_sshd(stage))


def hour(stage: Stage) -> Iterator[Row]:
    """The host's clock is an hour off that of the machines, either way."""
    for skew, told in ((3600, "ahead"), (-3600, "behind")):
        old, new = stage.old(), stage.version()
        with stage.watched() as watch:
            attempt = stage.start(new, "--instances=4", skew=skew)
            attempt.wait(DEPLOY)
            left = stage.calm(new, 4)
        outcome = Trial(old, new).outcome(attempt, left, watch.least, 0, sorted(watch.doubles))
        yield Row("", f"the host's clock an hour {told} of the machines'", (outcome,))


def cut_host(stage: Stage) -> Iterator[Row]:
    """A host is cut off while it has the lock; another takes it over. It finds that it has lost it, and stops."""
    hook = f"test $DEPLOYSTER_VERSION != {{}} || sleep {TAKEN_OVER}"
    with host(stage.lab, "far", 250) as far:
        yield Row("", "a host cut off in its hook, back when another has its lock", (overtaken(stage, far, hook),))
        yield Row("", "a host cut off while instances start, back when another has its lock", (overtaken(stage, far),))


def hostile(stage: Stage) -> Iterator[Row]:
    """Values that a shell, systemd or ssh would read something into: each instance has them as they were given."""
    values = {f"V{number}": value for number, value in enumerate(HOSTILE)}
    stage.write({"env": values, "command": f"exec env ARG={shlex.quote(HOSTILE[0])} {SERVES.removeprefix('exec ')}"})
    old, new = stage.old(), stage.version()
    stage.environ |= {"USER": HOSTILE[0], "LOGNAME": HOSTILE[0]}
    with stage.watched() as watch:
        attempt = stage.start(new, "--instances=4")
        attempt.wait(DEPLOY)
        left = stage.calm(new, 4)
        values["ARG"] = HOSTILE[0]
        troubles = [text for one in serving(stage.lab, stage.service) for text in differing(one.pid, values)]
    stage.write()
    for number in stage.lab.machines():
        made = call([*stage.lab.within(number), "sh", "-c", f"ls -d {PWNED} 2>/dev/null || :"])
        troubles += [f"{made.strip()} was made on machine {number}"] if made else []
    told = f"{len(HOSTILE)} values of env with quotes, $(…), backticks, %, dashes and backslashes"
    yield Row("", told, (Trial(old, new).outcome(attempt, left, watch.least, 0, troubles),))


def differing(pid: int, values: Mapping[str, str]) -> list[str]:
    """The variables of a process that are not as they were given."""
    words = Path(f"/proc/{pid}/environ").read_text().split("\0")
    found = dict(word.split("=", 1) for word in words if "=" in word)
    return [
        f"{name} is {found.get(name)!r}, not {value!r}" for name, value in values.items() if found.get(name) != value
    ]


# ---- how it is tried


def again(stage: Stage, told: str, fault: Fault, before: Callable[[], None] | None = None) -> Row:
    """A deploy that is disturbed. It may fail, in a sentence; all mended, the same command has to finish."""
    trial = Trial(stage.old(), stage.version(), ONE_BY_ONE, within=120)
    troubles = []
    with stage.watched() as watch:
        lost = 0
        if before:
            lost = 4 if fault is undisturbed else watch.on(LAST)
            watch.away |= set() if fault is undisturbed else {LAST}
            before()
        first = stage.begin(trial)
        lost += fault(first, watch)
        first.wait(DEPLOY)
        troubles += spoken(first, UNDONE)
        mend(stage.lab, MACHINES)
        watch.away.clear()
        attempt = stage.begin(trial)
        attempt.wait(trial.within)
        left = stage.calm(trial.new, trial.count)
    troubles += [f"{unit} was on two machines" for unit in sorted(watch.doubles)] + stage.idle(trial)
    troubles += [f"{each} is left" for each in littered(stage.lab)]
    ended = f"{told} (exit {first.code} in {first.seconds:.0f} s); the same again"
    return Row("", ended, (trial.outcome(attempt, left, watch.least, lost, troubles),))


def hindered(stage: Stage, told: str, harm: Harm, codes: Sequence[int]) -> Row:
    """A deploy that fails for as long as something is broken, and changes nothing; all mended, the same finishes."""
    trial = Trial(stage.old(), stage.version(), within=120, code=codes[0], left="new" if codes[0] == 0 else "old")
    with stage.watched() as watch:
        with harm(stage):
            attempt = stage.begin(trial)
            attempt.wait(DEPLOY)
        troubles = spoken(attempt, codes) + [f"{each} is left" for each in littered(stage.lab)]
        left = stage.calm(trial.version, trial.count)
        second = stage.begin(trial)
        second.wait(DEPLOY)
        new = stage.calm(trial.new, trial.count)
    troubles += spoken(second, (0,))
    troubles += [f"{unit} was on two machines" for unit in sorted(watch.doubles)]
    troubles += [] if len(new.serving) == trial.count else [f"the same again left {' '.join(new.serving)}"]
    return Row("", told, (trial.outcome(attempt, left, watch.least, 0, troubles),))


def spoken(attempt: Attempt, codes: Sequence[int]) -> list[str]:
    """What is wrong with how a run ended: its code, or what it said."""
    found = [] if attempt.code in codes else [f"it ended with {attempt.code}: {attempt.said}"]
    if "Traceback" in attempt.text:
        found.append("it printed a traceback")
    if attempt.code and not attempt.said.startswith("Error:"):
        found.append(f"it said no error: {attempt.said}")
    return found


def overtaken(stage: Stage, far: Host, hook: str = "") -> Outcome:
    """A far host's deploy that is cut off while it has the lock, and another one's meanwhile."""
    old, other, new = stage.old(), stage.version(), stage.version()
    stage.write(hook=hook.format(other))
    with stage.watched() as watch:
        slow = () if hook else ("--set", f"command={SLOW.format(60)}", "--timeout=10m")
        first = stage.start(other, "--instances=4", *slow, via=far.via)
        first.until("Hook" if hook else "Starting", DEPLOY)
        time.sleep(1)
        far.wire(plugged=False)
        attempt = stage.start(new, "--instances=4", "--lock-wait=5m")
        attempt.until("Starting", TAKEN_OVER + DEPLOY)
        far.wire(plugged=True)
        first.wait(TAKEN_OVER + DEPLOY)
        attempt.wait(TAKEN_OVER + DEPLOY)
        left = stage.calm(new, 4)
    stage.write()
    troubles = spoken(first, (4, 5)) + [f"{unit} was on two machines" for unit in sorted(watch.doubles)]
    return Trial(old, new, within=TAKEN_OVER + DEPLOY).outcome(attempt, left, watch.least, 0, troubles)


# ---- what happens


def powered(stage: Stage, moment: float, back: float, machines: Sequence[int] = (LAST,)) -> Fault:
    """These machines' power fails, and is back so many seconds later; 0: when the deploy has ended."""

    def fault(attempt: Attempt, watch: Watch) -> int:
        attempt.at(moment)
        lost = sum(map(watch.on, machines))
        for machine in machines:
            unplug(stage.lab, machine)
        if back:
            time.sleep(back)
            for machine in machines:
                boot(stage.lab, machine)
        return lost

    return fault


def joined(stage: Stage, moment: float) -> Fault:
    """The network of a machine that was cut off is back."""

    def fault(attempt: Attempt, watch: Watch) -> int:
        attempt.at(moment)
        wire(stage.lab, LAST, plugged=True)
        watch.away.discard(LAST)
        return 0

    return fault


def all_off(stage: Stage) -> None:
    """All machines lose their power and come back."""
    for machine in stage.lab.machines():
        unplug(stage.lab, machine)
    mend(stage.lab, MACHINES)


def killed_sshd(stage: Stage, moment: float) -> Fault:
    """Every sshd of a machine is killed; systemd starts the first one again."""

    def fault(attempt: Attempt, _: Watch) -> int:
        attempt.at(moment)
        call([*stage.lab.within(LAST), "sh", "-c", "pkill -9 -x sshd; sleep 3; systemctl restart ssh"])
        return 0

    return fault


def hung_sshd(stage: Stage) -> Fault:
    """A machine's first sshd hangs."""

    def fault(attempt: Attempt, _: Watch) -> int:
        attempt.at(4)
        stopped(daemon(stage.lab, LAST, "sshd"), 5)
        return 0

    return fault


def full(path: str, machines: Sequence[int]) -> Harm:
    """A file system of its own for this folder, with no room left."""
    line = f"""
cp -a {path} /run/kept && mount -t tmpfs -o size=256k tmpfs {path} && cp -a /run/kept/. {path} || exit
dd if=/dev/zero of={path}/filler bs=1k 2>/dev/null; :
"""
    return mounted(
        line, f"rm {path}/filler; cp -a {path} /run/later; umount {path}; cp -a /run/later/. {path}", machines
    )


def read_only(path: str, machines: Sequence[int]) -> Harm:
    """This folder's file system is read-only."""
    return mounted(f"mount --bind {path} {path} && mount -o remount,bind,ro {path}", f"umount {path}", machines)


def mounted(line: str, back: str, machines: Sequence[int]) -> Harm:
    """A shell line on machines, and another that undoes it."""

    @contextlib.contextmanager
    def harm(stage: Stage) -> Iterator[None]:
        for machine in machines:
            call([*stage.lab.within(machine), "sh", "-c", line])
        try:
            yield
        finally:
            for machine in machines:
                call([*stage.lab.within(machine), "sh", "-c", f"{back}; rm -rf /run/kept /run/later"])

    return harm


@contextlib.contextmanager
def no_sudo(stage: Stage) -> Iterator[None]:
    """The project's file names a login that may not become root."""
    file = stage.folder / "deployster.toml"
    before = file.read_text()
    head = project(stage.lab, ["m1", f"{ADMIN}@m2", f"{GUEST}@m3"])
    file.write_text(before.replace(stage.lab.engine.project(stage.lab), head))
    try:
        yield
    finally:
        file.write_text(before)


@contextlib.contextmanager
def other_key(stage: Stage) -> Iterator[None]:
    """A machine has another host key than the one that is known."""
    known = stage.lab.home / "known_hosts"
    before = known.read_text()
    lines = before.splitlines()
    mine = [line for line in lines if line.startswith(f"{stage.lab.address(LAST)} ")]
    forged = stage.folder / "forged"
    call(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(forged)])
    kind, key, _ = forged.with_suffix(".pub").read_text().split(maxsplit=2)
    known.write_text(
        "\n".join([*(line for line in lines if line not in mine), f"{stage.lab.address(LAST)} {kind} {key}\n"])
    )
    call([*stage.lab.within(LAST), "pkill", "-9", "-f", "sshd: root"])  # the connections that were open already
    try:
        yield
    finally:
        known.write_text(before)


@contextlib.contextmanager
def no_sshd(stage: Stage) -> Iterator[None]:
    """A machine's sshd is stopped, and what it has of connections with it."""
    call([*stage.lab.within(LAST), "sh", "-c", "systemctl stop ssh; pkill -9 -x sshd; :"])
    try:
        yield
    finally:
        call([*stage.lab.within(LAST), "systemctl", "start", "ssh"])
