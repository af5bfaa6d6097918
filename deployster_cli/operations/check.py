"""The doctor: looks at everything a deploy needs, and says of each fault what it is and what cures it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from deployster_cli.domain.templates.render import Renderer
from deployster_cli.domain.units.model import Machine, Service
from deployster_cli.domain.units.needs import Needs, containers, probing
from deployster_cli.domain.units.unitfile import UnitFile
from deployster_cli.domain.wording import count, joined
from deployster_cli.engines.base import Engine
from deployster_cli.errors import EXIT_DONE, EXIT_ENGINE, EXIT_FAILED, DeploysterError, EngineError
from deployster_cli.operations.deploy import sample
from deployster_cli.operations.images import Fetch, Presence, Reference, look_up
from deployster_cli.operations.ownership import told_apart
from deployster_cli.operations.prerequisites import Lack, missing, needed
from deployster_cli.operations.probe import Docker, Probe, probe

# Stands for the version in the files of units that are rendered for no version.
NO_VERSION = "check"

# Machines that are asked over ssh, one after another, where each takes a connection of its own: a second or less.
MOST_ASKED = 10

# Seconds that a machine's clock may be off: histories are in order of time, and so are journals.
LARGEST_SKEW = 5.0


class State(StrEnum):
    """What became of one look."""

    FINE = "ok"
    # It could not be found out; a deploy may well succeed.
    UNSURE = "unsure"
    FAULT = "FAULT"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. ``cure`` is empty where it is fine; ``exit_code`` is what its fault stands for."""

    subject: str
    state: State
    text: str
    cure: str = ""
    exit_code: int = EXIT_DONE

    @property
    def fine(self) -> bool:
        """Whether there is nothing to mend."""
        return self.state is State.FINE


def fault(subject: str, text: str, cure: str = "", exit_code: int = EXIT_FAILED) -> Finding:
    """Return a finding that something has to be mended."""
    return Finding(subject, State.FAULT, text, cure, exit_code)


@dataclass(frozen=True)
class Case:
    """What is looked at, and what to look with. What several checks need is asked for once.

    ``refused`` are services that can't be deployed as they are set, by name, and why. ``version`` is the one that
    images are looked up for, empty for none; ``epoch`` tells seconds since 1970;
    ``ssh_fault`` tells what is wrong with the ssh-agent, and its cure; two empty texts for nothing.
    """

    engine: Engine
    services: Sequence[Renderer]
    refused: Mapping[str, DeploysterError]
    now: str
    by: str
    fetch: Fetch
    ssh_fault: Callable[[], tuple[str, str]]
    epoch: Callable[[], float]
    version: str = ""

    @cached_property
    def engine_fault(self) -> str:
        """Why the engine can't be used; empty where it can."""
        return self.engine.check()

    @cached_property
    def machines(self) -> tuple[Machine, ...] | EngineError:
        """Its machines, or why there is no knowing them."""
        try:
            return self.engine.machines()
        except EngineError as error:
            return error

    @cached_property
    def files(self) -> dict[str, UnitFile | DeploysterError]:
        """Service → its unit file for the version, or for a made-up one; or why there is none."""
        return {render.service.name: self._file(render) for render in self.services}

    @cached_property
    def dockers(self) -> tuple[str, ...]:
        """The docker and podman programs that the services' units run."""
        return containers(self.rendered)

    @property
    def rendered(self) -> list[UnitFile]:
        """The unit files that there are."""
        return [file for file in self.files.values() if isinstance(file, UnitFile)]

    @cached_property
    def needs(self) -> Needs:
        """What the units need of a machine, but for docker, whose service is asked for its version."""
        found = [(render.service, self.files[render.service.name]) for render in self.services]
        files = [(service, file) for service, file in found if isinstance(file, UnitFile)]
        stamps = [(file.stamp, file) for service, file in files if service.port is not None]
        return Needs(
            programs=probing([file for _, file in files]),
            ports={stamp.port: file for stamp, file in stamps if stamp and stamp.port is not None},
            images=tuple(
                (path, service.image(self.version))
                for service, file in files
                for path in containers([file] if self.version else [])
            ),
        )

    @cached_property
    def agent_fault(self) -> tuple[str, str]:
        """What is wrong with the ssh-agent, and its cure. One machine needs none."""
        return ("", "") if self.engine.is_local else self.ssh_fault()

    @cached_property
    def probes(self) -> tuple[tuple[Machine, Probe | EngineError], ...]:
        """What some of the machines say of themselves, or why they can't be asked. None are where all would fail."""
        if self.engine_fault or isinstance(self.machines, EngineError) or any(self.agent_fault):
            return ()
        if self.engine.is_local and not self.dockers:
            return ()
        asked = self.machines if self.engine.setup else self.machines[:MOST_ASKED]
        return tuple((machine, self._probe(machine)) for machine in asked)

    def lacks(self, file: UnitFile, paths: Sequence[str]) -> tuple[Lack, ...] | None:
        """Return what of these paths is not where the unit is to run; None where nobody can look."""
        try:
            return missing(self.engine, [file], paths)
        except EngineError:  # which is told of itself
            return None

    def _file(self, render: Renderer) -> UnitFile | DeploysterError:
        try:
            return sample(render, self.version or NO_VERSION, now=self.now, by=self.by)
        except DeploysterError as error:
            return error

    def _probe(self, machine: Machine) -> Probe | EngineError:
        try:
            return probe(lambda line: self.engine.run_shell(machine, line), self.dockers, self.epoch)
        except EngineError as error:
            return error


def _engine(case: Case) -> Iterator[Finding]:
    if case.engine_fault:
        yield fault("engine", case.engine_fault, exit_code=EXIT_ENGINE)
    else:
        yield Finding("engine", State.FINE, "answers")


def _machines(case: Case) -> Iterator[Finding]:
    if case.engine_fault:
        return
    if isinstance(case.machines, EngineError):
        yield fault("machines", case.machines.message, case.machines.hint, EXIT_ENGINE)
    elif case.machines:
        yield Finding("machines", State.FINE, ", ".join(sorted(map(_named, case.machines))))
    else:
        yield fault("machines", "The cluster has no machine.", "Have one join it.")


def _troubles(case: Case) -> Iterator[Finding]:
    """Yield what the engine knows to be wrong with single machines."""
    if case.engine_fault:
        return
    troubles = case.engine.troubles(case.needs)
    for trouble in troubles:
        subject = f"{trouble.about} {trouble.machine}"
        if trouble.sure:
            yield fault(subject, trouble.text, trouble.cure, EXIT_ENGINE)
        else:
            yield Finding(subject, State.UNSURE, trouble.text, trouble.cure)
    if case.engine.setup and case.needs.images and not any(trouble.about == "pull" for trouble in troubles):
        programs = sorted({program for program, _ in case.needs.images})
        yield Finding("pull", State.FINE, f"each machine's {', '.join(programs)} reaches the registry")


def _units(case: Case) -> Iterator[Finding]:
    if case.engine_fault:
        return
    try:
        units = told_apart(case.engine, case.engine.units())
        yield Finding("units", State.FINE, f"{count(sum(not unit.foreign for unit in units), 'unit')} of Deployster's")
    except EngineError as error:
        yield fault("units", error.message, error.hint, EXIT_ENGINE)


def _ssh(case: Case) -> Iterator[Finding]:
    if any(case.agent_fault) and "ssh-agent" not in case.engine_fault:
        yield fault("ssh", *case.agent_fault)
    unasked = [(machine, error) for machine, error in case.probes if isinstance(error, EngineError)]
    for machine, error in unasked:
        yield fault(f"ssh {machine.label}", error.message, error.hint)
    asked = len(case.probes) - len(unasked)
    if asked and not case.engine.is_local:
        yield Finding("ssh", State.FINE, f"{asked} of {count(_all(case), 'machine')} asked")


def _docker(case: Case) -> Iterator[Finding]:
    for program in case.dockers:
        seen = {machine.label: found.dockers[program] for machine, found in _answers(case)}
        for label, docker in seen.items():
            if docker.problem:
                yield fault(f"docker {label}", docker.problem, _docker_cure(case, docker))
        versions = sorted({docker.version for docker in seen.values() if not docker.problem})
        if versions:
            yield Finding("docker", State.FINE, f"{', '.join(versions)} at {program}")


def _docker_cure(case: Case, docker: Docker) -> str:
    if "permission denied" in docker.problem:
        return "As root there: usermod -aG docker LOGIN, which makes that login as good as root."
    cure = f"{'Have' if docker.there else 'Install docker there, and have'} its service started"
    cured = case.engine.setup and (not docker.there or "daemon running" in docker.problem)
    return f"{cure}: deployster setup does it." if cured else f"{cure}."


def _clocks(case: Case) -> Iterator[Finding]:
    if case.engine.is_local:
        return
    skews = [(machine, found.skew) for machine, found in _answers(case)]
    for machine, skew in skews:
        if abs(skew) > LARGEST_SKEW:
            text = f"Its clock is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} this machine's."
            yield fault(f"clock {machine.label}", text, "Have both set by NTP (timedatectl set-ntp true).")
    if skews and all(abs(skew) <= LARGEST_SKEW for _, skew in skews):
        yield Finding("clocks", State.FINE, f"within {LARGEST_SKEW:g} s of this machine's")


def _templates(case: Case) -> Iterator[Finding]:
    for name, error in case.refused.items():
        yield fault(f"service {name}", error.message, error.hint)
    for service in (render.service for render in case.services):
        subject, file = f"service {service.name}", case.files[service.name]
        if isinstance(file, DeploysterError):
            yield fault(subject, file.message, file.hint)
        else:
            yield Finding(subject, State.FINE, f"template {service.template}, {len(file.text.splitlines())} lines")


def _needs(case: Case) -> Iterator[Finding]:
    """Yield what units have to find, where somebody can look: on each machine that fits. Of no version it is what all
    would find.
    """
    for service in (render.service for render in case.services):
        file, subject = case.files[service.name], f"files {service.name}"
        found = [path for _, path in needed(file)] if isinstance(file, UnitFile) else []
        paths = [path for path in found if case.version or path == service.env_file]
        lacks = case.lacks(file, paths) if isinstance(file, UnitFile) and paths else None
        for lack in lacks or ():
            text = (
                lack.text
                if case.version
                else lack.text.replace(f" of {service.name} {NO_VERSION}", f" of {service.name}")
            )
            yield fault(subject, text, lack.cure)
        if lacks == ():
            yield Finding(subject, State.FINE, ", ".join(paths))


def _images(case: Case) -> Iterator[Finding]:
    for service in (render.service for render in case.services if case.version):
        file = case.files[service.name]
        if isinstance(file, UnitFile) and containers([file]):
            yield _image(case, service)


def _image(case: Case, service: Service) -> Finding:
    name = service.image(case.version)
    subject = f"image {service.name}"
    if Reference.parse(name).loopback and not case.engine.is_local:
        text = f"{name} is on loopback, so each machine asks itself for it: that can't be seen from here."
        return Finding(subject, State.UNSURE, text, "Ask for it there: docker pull.")
    found = look_up(name, case.fetch)
    if found.presence is Presence.MISSING:
        return fault(subject, found.text, found.cure)
    state = State.FINE if found.presence is Presence.THERE else State.UNSURE
    return Finding(subject, state, found.text, found.cure)


def _unasked(case: Case) -> Iterator[Finding]:
    """Yield what was not looked at because something else is wrong: nobody is to take it for fine."""
    if case.engine_fault:
        left, why = ["machines", "units"], "the engine can't be used"
    elif isinstance(case.machines, EngineError):
        left, why = [], "nobody can say which machines there are"
    elif any(case.agent_fault):
        left, why = [], "the ssh-agent can't be used"
    else:
        return
    if not case.engine.is_local:
        left += ["the way to each machine and its host key", "its clock"]
    if case.dockers:
        left.append("docker")
    if left:
        yield Finding("left out", State.UNSURE, f"{joined(left)}: {why}.", "Fix that, and check again.")


# Every look, in the order in which they are shown. A new one is a function and a line here.
CHECKS: tuple[Callable[[Case], Iterator[Finding]], ...] = (
    _engine,
    _machines,
    _troubles,
    _units,
    _ssh,
    _docker,
    _clocks,
    _unasked,
    _templates,
    _needs,
    _images,
)


def examine(case: Case) -> tuple[Finding, ...]:
    """Every finding."""
    return tuple(finding for check in CHECKS for finding in check(case))


def _answers(case: Case) -> Iterator[tuple[Machine, Probe]]:
    for machine, found in case.probes:
        if isinstance(found, Probe):
            yield machine, found


def _named(machine: Machine) -> str:
    return f"{machine.label} ({machine.ip})" if machine.ip and machine.label != machine.ip else machine.label


def _all(case: Case) -> int:
    return 0 if isinstance(case.machines, EngineError) else len(case.machines)
