"""Stories of one service: what is typed, what happens meanwhile, and what has to be left. stories.py has them."""

from __future__ import annotations

import shlex
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from attempt import SERVES, Attempt
from breaking import invocation
from fleets import fleetctl, wipe
from processes import LabError
from stage import DEPLOY, Stage, Trial
from verdicts import Expected, Left, Outcome

# Seconds of a run that is stopped: longer than the life of a lock, 120 s.
SLEEPS = 130

# An instance that serves, and is killed after so many seconds.
CRASHES = "(sleep {0}; kill -9 $$) & " + SERVES

# An instance that takes so many seconds to come up.
SLOW = "sleep {0}; " + SERVES

BY_HAND = """[Service]
ExecStart=/bin/sleep infinity
"""


@dataclass
class Scene:
    """A story under way: the run that was started last, and the versions by their names in the story."""

    stage: Stage
    names: Mapping[str, str]
    attempt: Attempt

    def told(self, text: str) -> str:
        """The text with the service and the versions in it."""
        return text.format_map(self.names)

    def type(self, words: str, skew: int = 0) -> Attempt:
        """Start another run."""
        return self.stage.type(shlex.split(self.told(words)), words.split(maxsplit=1)[0], skew)

    def units(self, version: str) -> list[str]:
        """The units of a version that are there."""
        named = f"{self.stage.service}-{self.names[version]}@"
        return [name for name in self.stage.lab.engine.registry(self.stage.lab) if name.startswith(named)]

    def expect(self, attempt: Attempt, code: int) -> None:
        """A trouble where a run did not end so."""
        if attempt.code != code:
            self.stage.troubles.append(f"{attempt.words} ended with {attempt.code}, not {code}: {attempt.said}")


Act = Callable[[Scene], None]


@dataclass(frozen=True)
class Do:
    """One command, how it has to end, what it has to say, and what happens while it runs."""

    words: str
    code: int = 0
    act: Act | None = None
    says: str = ""
    environ: Callable[[Stage], dict[str, str]] | None = None


@dataclass(frozen=True)
class Story:
    """Commands one after the other; the last one counts. The first puts ``old`` on an empty cluster."""

    told: str
    steps: tuple[Do, ...]
    count: int = 3
    left: str = "new"
    # Whether ``count`` have to serve from the first command's end on.
    floored: bool = True
    settings: Mapping[str, object] = field(default_factory=dict)
    hook: str = ""
    within: float = DEPLOY

    def play(self, stage: Stage, _: int = 0) -> Outcome:
        """Once, from an empty cluster on."""
        names = {"service": stage.service} | {name: stage.version() for name in ("old", "other", "new")}
        ends = (self.count, self.steps[-1].code, self.left, self.within, self.floored)
        trial = Trial(names["old"], names["new"], (), *ends)
        try:
            return self._played(stage, names, trial)
        except LabError as error:
            expected = Expected(trial.code, trial.left, trial.count, None, trial.within)
            return Outcome(expected, trial.old, trial.new, None, 0, Left(), 0, (str(error),))

    def _played(self, stage: Stage, names: Mapping[str, str], trial: Trial) -> Outcome:
        stage.clear()
        stage.write({key: told(value, names) for key, value in self.settings.items()}, self.hook.format_map(names))
        attempt = self._done(stage, names, self.steps[0])
        with stage.watched() as watch:
            for step in self.steps[1:]:
                attempt = self._done(stage, names, step)
            least = watch.least
            left = stage.calm(trial.version, trial.count) if trial.left else Left()
        outcome = trial.outcome(attempt, left, least, 0, list(stage.troubles))
        stage.clear()
        return outcome

    def _done(self, stage: Stage, names: Mapping[str, str], step: Do) -> Attempt:
        before = {unit: invocation(stage.lab, unit) for unit in stage.besides}
        stage.environ.clear()
        stage.environ |= step.environ(stage) if step.environ else {}
        scene = Scene(
            stage, names, stage.type(shlex.split(step.words.format_map(names)), step.words.split(maxsplit=1)[0])
        )
        if step.act:
            step.act(scene)
        scene.attempt.wait(self.within)
        stage.environ.clear()
        if step is not self.steps[-1]:
            scene.expect(scene.attempt, step.code)
        stage.troubles += troubles(scene, step, before)
        return scene.attempt


def told(value: object, names: Mapping[str, str]) -> object:
    """A setting with the service and the versions in it."""
    return value.format_map(names) if isinstance(value, str) else value


def troubles(scene: Scene, step: Do, before: Mapping[str, str]) -> list[str]:
    """What is wrong beside the exit code: a word that is missing, a lock that is left, somebody else's unit that is
    not the one that it was.
    """
    attempt, found = scene.attempt, []
    if scene.told(step.says) not in attempt.text:
        found.append(f"{attempt.words} does not say {scene.told(step.says)!r}: {attempt.said}")
    lock = f"deployster-lock-{scene.stage.service}.service"
    if attempt.code != -signal.SIGKILL and lock in scene.stage.lab.engine.registry(scene.stage.lab):
        found.append(f"{attempt.words} left its lock")
    changed = [unit for unit, was in before.items() if invocation(scene.stage.lab, unit) != was]
    return found + [f"{attempt.words} changed {unit}, which is somebody else's" for unit in changed]


# ---- what happens meanwhile


def when(words: str, act: Act, pause: float = 0) -> Act:
    """Once the run has said this, and so many seconds later."""

    def acted(scene: Scene) -> None:
        scene.attempt.until(scene.told(words), DEPLOY)
        time.sleep(pause)
        act(scene)

    return acted


def signals(*how: signal.Signals, pause: float = 0.2) -> Act:
    """The run gets these signals, one soon after the other."""

    def acted(scene: Scene) -> None:
        for number, each in enumerate(how):
            time.sleep(pause if number else 0)
            scene.attempt.send(each)

    return acted


def destroyed(scene: Scene) -> None:
    """Somebody destroys all new units."""
    scene.stage.lab.engine.destroy(scene.stage.lab, scene.units("new"))


def wiped(scene: Scene) -> None:
    """etcd loses what fleet keeps of this service's units, its lock among them."""
    wipe(scene.stage.lab, scene.stage.has)


def replaced(scene: Scene) -> None:
    """Somebody puts other content under the name of a new unit."""
    until = time.monotonic() + DEPLOY
    while not (units := scene.units("new")) and time.monotonic() < until:
        time.sleep(0.2)
    file = scene.stage.folder / units[0]
    file.write_text(BY_HAND)
    fleetctl(scene.stage.lab, "start", "--no-block", "--replace", str(file))
    scene.stage.besides.add(file.name)


def by_hand(scene: Scene) -> None:
    """Somebody starts a unit whose name looks like a version's, once the run has ended."""
    scene.attempt.wait(DEPLOY)
    _beside(scene, "{service}-worker@1", BY_HAND)


def posing(scene: Scene) -> None:
    """Somebody starts two units that pass for instances, once the run has ended: both have the Description of one, and
    the second has the stamp of another one too.
    """
    scene.attempt.wait(DEPLOY)
    _, head, stamp = fleetctl(scene.stage.lab, "cat", scene.units("old")[0]).partition("[X-Deployster]")
    for instance, more in ((7, ""), (9, head + stamp)):
        described = scene.told(f"[Unit]\nDescription={{service}} {{old}} instance {instance}\n")
        _beside(scene, f"{{service}}-{{old}}@{instance}", f"{described}{BY_HAND}{more}")


def _beside(scene: Scene, name: str, text: str) -> None:
    """Start somebody else's unit, and wait until it runs."""
    file = scene.stage.folder / f"{scene.told(name)}.service"
    file.write_text(text)
    fleetctl(scene.stage.lab, "start", "--no-block", str(file))
    until = time.monotonic() + DEPLOY
    while "active" not in invocation(scene.stage.lab, file.name) and time.monotonic() < until:
        time.sleep(0.5)
    scene.stage.besides.add(file.name)


def one_stopped(scene: Scene) -> None:
    """Somebody stops an instance, once the run has ended."""
    scene.attempt.wait(DEPLOY)
    scene.stage.lab.engine.stop(scene.stage.lab, scene.units("old")[:1])


def overtaken(until: str) -> Act:
    """The run sleeps for longer than its lock lives, and another deploys meanwhile: it goes on when the other has said
    this, or has ended where this is empty.
    """

    def acted(scene: Scene) -> None:
        scene.attempt.send(signal.SIGSTOP)
        words = f"deploy {{service}} {{new}} --destroy-previous --lock-wait 5m --set 'command={SLOW.format(8)}'"
        other = scene.type(words)
        if until:
            other.until(scene.told(until), SLEEPS + DEPLOY)
        else:
            other.wait(SLEEPS + DEPLOY)
        scene.attempt.send(signal.SIGCONT)
        scene.attempt.wait(SLEEPS + 2 * DEPLOY)
        other.wait(SLEEPS + DEPLOY)
        scene.expect(other, 0)

    return acted


def beside(words: str, code: int, skew: int) -> Act:
    """Another run whose wall clock is off, to its end."""

    def acted(scene: Scene) -> None:
        other = scene.type(words, skew)
        other.wait(DEPLOY)
        scene.expect(other, code)

    return acted


# ---- fleetctls that lie


def lying(shell: str) -> Callable[[Stage], dict[str, str]]:
    """A fleetctl that does this before it becomes the real one, which is ``$REAL``."""

    def environ(stage: Stage) -> dict[str, str]:
        folder = stage.folder / "lying"
        folder.mkdir(exist_ok=True)
        file = folder / "fleetctl"
        file.write_text(f'#!/bin/bash\nREAL={stage.lab.fleet}/fleetctl\n{shell}\nexec "$REAL" "$@"\n')
        file.chmod(0o755)
        return {"PATH": f"{folder}:{stage.path}"}

    return environ


EMPTY_OFTEN = """case " $* " in *" list-unit"*) [ $((RANDOM % 10)) -lt 3 ] && exit 0 ;; esac"""
REFUSES_WHAT_IT_DID = """case " $* " in
*" start "* | *" stop "* | *" unload "* | *" destroy "*)
  "$REAL" "$@" && [ $((RANDOM % 2)) = 0 ] && exit
  echo "Error: timed out" >&2
  exit 1 ;;
esac"""
