"""Plan a deploy, and render its unit files: check, look, decide. Nothing is changed here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from deployster_cli.domain.change import Change, Verb
from deployster_cli.domain.moments import after
from deployster_cli.domain.record import Record
from deployster_cli.domain.rollout.instances import decide
from deployster_cli.domain.rollout.placement import bars_its_successor, is_global
from deployster_cli.domain.rollout.plan import Plan, Seat, halted, plan_deploy, previous_of
from deployster_cli.domain.rollout.tracking import Limits, Traits
from deployster_cli.domain.units.model import Order, Release, Service, Unit, releases
from deployster_cli.domain.units.names import UnitName
from deployster_cli.domain.units.ports import FIRST, assign
from deployster_cli.domain.units.unitfile import ROLLBACK, Stamp, UnitFile
from deployster_cli.engines.base import Engine
from deployster_cli.errors import InvalidInput
from deployster_cli.operations.ownership import Owned, judged, planned_over
from deployster_cli.operations.records import Known, Memory, known, memory_of
from deployster_cli.operations.rollout import RolloutSpec, Spreading

if TYPE_CHECKING:
    from deployster_cli.domain.templates.render import Renderer
    from deployster_cli.operations.prerequisites import Lack

# What the made-up service ends in that a service's tasks belong to.
TASKS = ".task"


@dataclass(frozen=True, slots=True)
class PlannedChange:
    """A plan, the unit files for it, the units it was made from, and the versions before it, newest first.

    ``memory`` is what the engine is to keep of it beside the units; ``latest`` is the service's latest stamp, empty
    where it has none, None where none was looked at. ``lacks`` is what its units would not find;
    a hook may yet bring it.
    """

    work: RolloutSpec
    units: tuple[Unit, ...]
    previous: tuple[str, ...] = ()
    memory: Memory | None = None
    latest: str | None = None
    lacks: tuple[Lack, ...] = ()

    @property
    def plan(self) -> Plan:
        """What will happen."""
        return self.work.plan


def check_input(change: Change, render: Renderer, now: str) -> UnitFile:
    """Everything that can be refused without asking the engine: names, numbers, and a rendering of the first and last.

    Returns the first instance's unit file.
    """
    if change.service.endswith(TASKS):
        raise InvalidInput(f"{change.service} can't be deployed: names that end in {TASKS} are kept for tasks.")
    number = change.instances or render.service.instances or 1
    change = replace(change, instances=number)
    port = FIRST if render.takes_port else None
    probe = render(_named(change, 1), _stamp(change, render.service, 1, now, port=port))
    _named(change, number)
    if is_global(probe):
        check_global(change, probe)
    return probe


def _named(change: Change, instance: int) -> UnitName:
    return UnitName.checked(change.service, change.version or "", instance)


def prepare(engine: Engine, change: Change, render: Renderer, now: str, seen: Owned | None = None) -> PlannedChange:
    """Return the plan for a change whose version is known, and its unit files; nothing is changed. ``now`` is the time
    to stamp, RFC 3339. ``seen`` takes the place of a look.
    """
    probe = check_input(change, render, now)
    return planned_over(
        engine, change.service, lambda over: _prepared(engine, change, render, now, probe=probe, seen=over), seen, probe
    )


def _prepared(
    engine: Engine, change: Change, render: Renderer, now: str, *, probe: UnitFile, seen: Owned
) -> PlannedChange:
    seen = _meant(engine, change, seen)
    units, service = seen.units, render.service
    found = releases(units, change.service)
    what = known(engine, change.service, seen.stamps, units)
    size = None if is_global(probe) else decide(change, service.instances, found, what.stamps, what.record)
    change = replace(change, instances=size.number if size else 1)
    current = {u.name for u in units} if change.keeps_units else _as_rendered(engine, change, render, units)
    if engine.places:  # nobody else starts a global unit on a machine that has come since
        current = current - {u.name for u in units if u.everywhere and not all(copy.reported for copy in u.placements)}
    plan = replace(seen.told(plan_deploy(change, units, current, oneshot=probe.oneshot)), instances=size)
    if probe.stamp and probe.stamp.port is not None and not render.takes_port and not engine.places:
        check_fixed_port(plan, service, units, is_local=engine.is_local, everywhere=is_global(probe))
    ports = _ports(engine, render, plan, units)
    failed, stopped = (what.record.failed, what.record.stopped) if what.record else ((), ())
    previous, at = previous_of(plan.version, what.stamps, _kept(found), failed), after(now, [what.latest])
    plan = replace(plan, halted=halted(plan, units, stopped), before=next(iter(previous), ""))
    files = {
        name: render(name, _stamp(change, service, name.instance, at, port=ports.get(name), previous=previous))
        for name in plan.start
    }
    placed = engine.place(plan, files) if plan.start else {}
    seats = (Seat(name, tuple(machine.label for machine in machines)) for name, machines in placed.items())
    plan = replace(plan, seats=tuple(seats))
    memory = memory_of(_record(change, previous, at, what), plan, what, units)
    kept = {u.name: u.hash for u in units if u.name in {*plan.keep, *plan.watch}}
    return PlannedChange(RolloutSpec(plan, files, traits_of(probe), kept), units, previous, memory, what.latest)


def _kept(found: Sequence[Release]) -> list[str]:
    """Return the versions that the registry still has: what is only leaving can't be gone back to by its file."""
    return [release.version for release in found if any(unit.desired is not None for unit in release.units)]


def check_global(change: Change, file: UnitFile) -> None:
    """InvalidInput for what a global unit can't have: a number of instances, and Conflicts with its own releases."""
    name = change.service
    if change.keeps_units or change.instances not in {None, 1}:
        raise _no_number(change)
    if bars_its_successor(file):
        # fleet 1.0.0 counts a global unit as there, even a stopped one, for as long as its file is in the registry
        raise InvalidInput(
            f"{name} runs on every machine that fits (Global=true) and conflicts with its own releases: "
            "fleet would never start the next one.",
            "Leave conflicts out: it never runs twice on one machine as it is.",
        )


def _no_number(change: Change) -> InvalidInput:
    return InvalidInput(
        f"{change.service} runs once on every machine that fits (Global=true): it has no number of instances.",
        "machine_metadata says which machines fit.",
    )


def check_fixed_port(plan: Plan, service: Service, units: Sequence[Unit], *, is_local: bool, everywhere: bool) -> None:
    """InvalidInput where two units with the service's fixed port could come to run on one machine at the same time."""
    if service.conflicts and not is_local:
        return
    stop_first = plan.policy.order is Order.STOP_FIRST
    ours = [u for u in units if u.name.service == service.name and not u.foreign]
    beside = [] if stop_first else [u for u in ours if not u.stopped]
    together = max(len(plan.start + plan.watch + plan.keep), len({u.name for u in beside} | set(plan.start)))
    if plan.start and together > 1:
        cure = "--order stop-first and one instance" if is_local else "conflicts = true"
        cure = "--order stop-first" if everywhere else cure
        raise InvalidInput(
            f"{service.name} has port {service.port} set, and {together} units of it could meet on one machine.",
            f"Leave port out, and each unit gets one of its own; or keep them apart with {cure}.",
        )


def _meant(engine: Engine, change: Change, seen: Owned) -> Owned:
    """All units; those of the very release, where it is global, as they are on every machine where they belong, and
    where they are to stay whatever is in them, judged by their own files.
    """
    seen = seen.adopting(change.adopts, change.service)
    units = [u for u in seen.units if not u.foreign]
    mine = {u.name for u in units if (u.name.service, u.name.version) == (change.service, change.version)}
    if change.keeps_units:
        seen = replace(seen, units=judged(engine, seen.units, mine))
    if change.keeps_units and any(u.everywhere for u in units if u.name in mine):
        raise _no_number(change)
    return replace(seen, units=Spreading(engine, {}).over(seen.units, mine))


def traits_of(file: UnitFile) -> Traits:
    """Return what the rollout has to know of the unit itself."""
    return Traits(file.oneshot, Limits(file.restart_pause))


def _record(change: Change, previous: tuple[str, ...], at: str, what: Known) -> Record:
    return Record(
        service=change.service,
        version=change.version or "",
        instances=change.instances or 1,
        verb=change.verb.value,
        by=change.by,
        at=at,
        previous=previous,
        more=what.record.more if what.record else (),
    )


def _stamp(
    change: Change, service: Service, instance: int, now: str, *, port: int | None, previous: tuple[str, ...] = ()
) -> Stamp:
    return Stamp(
        service=change.service,
        version=change.version or "",
        instance=instance,
        deployed_at=now,
        deployed_by=change.by,
        template=service.template,
        instances=change.instances,
        port=port,
        previous=previous,
        change=ROLLBACK if change.verb is Verb.ROLLBACK else "",
    )


def _as_rendered(engine: Engine, change: Change, render: Renderer, units: Sequence[Unit]) -> set[UnitName]:
    """Return the units of this release that hold what would be rendered now, the stamp left out of the comparison.

    An engine lists the hash of a unit, stamp and all. So one unit's stamp is read, and the others are taken for
    equal where the rendering with that stamp has their hash; only those where it hasn't are read one by one.
    """
    found: set[UnitName] = set()
    stamp: Stamp | None = None
    for unit in units:
        mine = (unit.name.service, unit.name.version) == (change.service, change.version)
        if not mine or unit.desired is None or unit.foreign:
            continue
        told = stamp and (stamp.port is None) == (unit.port is None)  # a Description of one's own tells no port
        if stamp and told and render(unit.name, _restamped(stamp, unit)).hash == unit.hash:
            found.add(unit.name)
            continue
        file = engine.cat(unit.name)
        if file and (own := file.own_stamp):
            stamp = own
            if render(unit.name, own).runs_as(file):
                found.add(unit.name)
    return found


def _restamped(stamp: Stamp, unit: Unit) -> Stamp:
    """Return the stamp as this unit would carry it, had it been deployed together with the one it is from."""
    return replace(stamp, instance=unit.name.instance, port=unit.port)


def _ports(engine: Engine, render: Renderer, plan: Plan, units: Sequence[Unit]) -> Mapping[UnitName, int]:
    """Return a port for each instance that is started: none that any unit has or this machine listens on."""
    if not render.takes_port or not plan.start:
        return {}
    return assign(plan.start, engine.ports() | {unit.port for unit in units if unit.port is not None})


def sample(render: Renderer, version: str, *, instance: int = 1, now: str, by: str) -> UnitFile:
    """Return the unit file that a deploy would start, as it may be shown. A port that a deploy would assign is an
    example.
    """
    service = render.service
    name = UnitName.checked(service.name, version, instance)
    port = assign([name], ())[name] if render.takes_port else None
    return render.shown(name, Stamp(name.service, version, instance, now, by, service.template, instances=1, port=port))
