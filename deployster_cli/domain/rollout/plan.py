"""What a deploy or a destroy will do, worked out from what is wanted and what an engine lists: a value to look at.

A plan is made from the cluster alone, so the same command run again after a crash plans just what is left to do.
Instances are a number, not a set of names: whatever of a release is missing, broken or out of date gets a fresh
instance number beside the old one, so no name is used again while its predecessor may still be stopping.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from deployster_cli.domain.change import Change, Policy
from deployster_cli.domain.moments import latest
from deployster_cli.domain.units.model import Condition, Release, Unit
from deployster_cli.domain.units.names import UnitName
from deployster_cli.domain.units.unitfile import MOST_PREVIOUS, Stamp

SERVING = frozenset({Condition.RUNNING, Condition.COMPLETED})
NOT_WANTED = frozenset({Condition.STOPPING, Condition.STOPPED})
ON_THE_WAY = SERVING | {Condition.WAITING, Condition.STARTING, Condition.UNKNOWN}


@dataclass(frozen=True, slots=True)
class Step:
    """One batch: ``start`` are new, ``watch`` were started by an earlier run and are not up yet, ``retire`` go."""

    start: tuple[UnitName, ...] = ()
    watch: tuple[UnitName, ...] = ()
    retire: tuple[UnitName, ...] = ()

    @property
    def up(self) -> tuple[UnitName, ...]:
        """Everything that must be up before anything is retired."""
        return self.start + self.watch


@dataclass(frozen=True, slots=True)
class Instances:
    """How many instances a change means, and why. ``before`` is how many were to be there; None for no release."""

    number: int
    reason: str
    before: int | None = None

    @property
    def changed(self) -> bool:
        """Whether there are to be more than before, or fewer."""
        return self.before is not None and self.before != self.number


@dataclass(frozen=True, slots=True)
class Seat:
    """Where a unit is to run: one machine, or all of a global unit's, by the names that people know them by."""

    name: UnitName
    machines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What happens to one service, batch by batch. ``keep`` runs as wanted already and is not touched.

    ``instances`` is None where nobody counts them: of a global unit, and where something is destroyed. ``oneshot``: the
    release is a job, whose units are meant to end.

    ``adopted`` are those that are retired though Deployster didn't make them, as was asked; the others of the service
    are ``beside`` it and left alone. ``halted`` are those of ``retire`` that an interrupted run has stopped: a failure
    starts them again. ``before`` is the version to go back to. ``seats`` say where what is started will run, where that
    is known before it starts. ``aside`` are units of the service on machines that are left out. ``stays`` are the
    instances of other versions that run on, as nobody asked to have them retired.
    """

    service: str
    version: str
    steps: tuple[Step, ...]
    keep: tuple[UnitName, ...] = ()
    policy: Policy = field(default_factory=Policy)
    instances: Instances | None = None
    oneshot: bool = False
    adopted: tuple[UnitName, ...] = ()
    beside: tuple[UnitName, ...] = ()
    halted: tuple[UnitName, ...] = ()
    before: str = ""
    seats: tuple[Seat, ...] = ()
    aside: tuple[UnitName, ...] = ()
    stays: tuple[UnitName, ...] = ()

    @property
    def start(self) -> tuple[UnitName, ...]:
        """All that is started, in order."""
        return tuple(name for step in self.steps for name in step.start)

    @property
    def watch(self) -> tuple[UnitName, ...]:
        """All that an earlier run started and this one waits for."""
        return tuple(name for step in self.steps for name in step.watch)

    @property
    def retire(self) -> tuple[UnitName, ...]:
        """All that is stopped and destroyed, in order."""
        return tuple(name for step in self.steps for name in step.retire)

    @property
    def taken(self) -> frozenset[UnitName]:
        """All that is retired as one of ours, and so has to be one."""
        return frozenset(self.retire).difference(self.adopted)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to do."""
        return not self.steps


def plan_deploy(change: Change, units: Sequence[Unit], current: Collection[UnitName], *, oneshot: bool = False) -> Plan:
    """Return the plan for ``change``, its version and number of instances known, over all ``units`` of the engine.

    ``current`` names the units of this very release whose content is what would be rendered now. What of them is up
    or on its way is kept; everything else of the release is replaced, and surplus goes. A foreign unit keeps its name,
    and is otherwise as if it were not there. ``oneshot``: the release's units are meant to end.
    """
    service, version, number = change.service, change.version or "", change.instances or 1
    taken = {u.name for u in units}
    beside, aside = _others([u for u in units if u.name.service == service])
    units = [u for u in units if not u.foreign]
    mine = [u for u in units if (u.name.service, u.name.version) == (service, version)]
    serving = SERVING | {Condition.EXITED} if oneshot else SERVING
    good = [] if change.replaces_all else _good(mine, current, serving)
    kept, surplus = good[:number], good[number:]
    start = _fresh(service, version, taken, number - len(kept))
    watch = tuple(u.name for u in kept if u.condition not in serving)
    others = [u for u in units if u.name.service == service and u.name.version != version]
    spent = [u for u in mine if u not in good] + surplus
    going = spent + others if change.destroy_previous else spent
    run_on = [] if change.destroy_previous else [u for u in others if u.condition in ON_THE_WAY - {Condition.COMPLETED}]
    stays = tuple(sorted(u.name for u in run_on))
    retire = tuple(u.name for u in sorted(going, key=_least_useful_first))
    steps = tuple(_steps(start, watch, retire, change.batch_size))
    keep = tuple(u.name for u in kept if u.condition in serving)
    return Plan(service, version, steps, keep, change.policy, oneshot=oneshot, beside=beside, aside=aside, stays=stays)


def halted(plan: Plan, units: Sequence[Unit], stopped: Collection[UnitName]) -> tuple[UnitName, ...]:
    """Return the instances that an interrupted run has ``stopped`` and that are still off. A failure starts
    them again.
    """
    off = {u.name for u in units if u.condition in NOT_WANTED and not u.foreign}
    return tuple(name for name in plan.retire if name in off and name in stopped)


def plan_destroy(
    service: str, version: str, units: Sequence[Unit], instances: Collection[int] = (), policy: Policy | None = None
) -> Plan:
    """Return the plan to destroy a release, or just some of its instances (empty steps where none of them is there)."""
    meant = [
        u
        for u in sorted(units, key=lambda u: u.name)
        if (u.name.service, u.name.version) == (service, version) and (not instances or u.name.instance in instances)
    ]
    found = tuple(u.name for u in meant if not u.foreign)
    beside, aside = _others(meant)
    steps = (Step(retire=found),) if found else ()
    return Plan(service, version, steps, (), policy or Policy(), beside=beside, aside=aside)


def _others(units: Iterable[Unit]) -> tuple[tuple[UnitName, ...], tuple[UnitName, ...]]:
    """Return (the foreign units; those on machines that are left out)."""
    foreign = sorted((u for u in units if u.foreign), key=lambda u: u.name)
    return tuple(u.name for u in foreign if not u.aside), tuple(u.name for u in foreign if u.aside)


def _good(mine: Sequence[Unit], current: Collection[UnitName], serving: Collection[Condition]) -> list[Unit]:
    """Return what can stay: as rendered and up or coming up; what serves first, then by number."""
    good = [u for u in mine if u.name in current and (u.condition in ON_THE_WAY or u.condition in serving)]
    return sorted(good, key=lambda u: (u.condition not in serving, u.name))


def _fresh(service: str, version: str, taken: Collection[UnitName], count: int) -> tuple[UnitName, ...]:
    """``count`` names of the release, the lowest numbers that no list shows."""
    names: list[UnitName] = []
    instance = 0
    while len(names) < count:
        instance += 1
        name = UnitName.checked(service, version, instance)
        if name not in taken:
            names.append(name)
    return tuple(names)


def _least_useful_first(unit: Unit) -> tuple[bool, UnitName]:
    return unit.condition in SERVING, unit.name


def _steps(
    start: tuple[UnitName, ...], watch: tuple[UnitName, ...], retire: tuple[UnitName, ...], batch: int | None
) -> Iterator[Step]:
    """Batches of the same size; each retires as many as it starts and the last one all that is left."""
    size = batch or max(1, len(start))
    count = max(1, -(-len(start) // size))
    for index in range(count):
        low, high = index * size, (index + 1) * size
        last = index == count - 1
        step = Step(start[low:high], watch if index == 0 else (), retire[low:] if last else retire[low:high])
        if step.up or step.retire:
            yield step


def newest(found: Sequence[Release], stamps: Mapping[str, Stamp]) -> Release | None:
    """Return the release that was deployed last, by its stamp; one without a stamp (not ours) is older than any with
    one.
    """
    return max(found, key=lambda r: (deployed_at(stamps.get(r.version)), r.version), default=None)


def previous_of(
    version: str, stamps: Mapping[str, Stamp], there: Sequence[str] = (), failed: Collection[str] = ()
) -> tuple[str, ...]:
    """Return the releases before ``version``, newest first: the newest other release and those before it, and our own.

    Behind them come those that are ``there`` without a stamp, as another tool left them: they can be gone back to.
    Those that ``failed`` can't.
    """
    own = stamps.get(version)
    in_order = sorted(stamps.values(), key=lambda stamp: (deployed_at(stamp), stamp.version), reverse=True)
    known = [at for stamp in in_order for at in (stamp.previous if stamp is own else (stamp.version, *stamp.previous))]
    chain = dict.fromkeys((*known, *(at for at in there if at not in stamps)))
    return tuple(at for at in chain if at != version and at not in failed)[:MOST_PREVIOUS]


def deployed_at(stamp: Stamp | None) -> str:
    """When the stamp says its release was deployed; empty where it says no time."""
    return latest([stamp.deployed_at]) if stamp else ""
