"""What a service stands on: its newest release, what was before it, and the changes that follow from that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from deployster_cli.domain.change import Change
from deployster_cli.domain.rollout.instances import stood
from deployster_cli.domain.rollout.plan import newest
from deployster_cli.domain.units.model import Release, releases
from deployster_cli.domain.units.names import check_service
from deployster_cli.domain.units.unitfile import ROLLBACK, Stamp
from deployster_cli.domain.wording import did_you_mean
from deployster_cli.engines.base import Engine
from deployster_cli.errors import InvalidInput, NotFound
from deployster_cli.operations.ownership import Owned, none_of_ours, owned
from deployster_cli.operations.records import Known, known

if TYPE_CHECKING:
    from deployster_cli.domain.templates.render import Renderer


@dataclass(frozen=True, slots=True)
class Standing:
    """One service now, as it was ``seen``. ``stamps`` is version → stamp, for the releases that carry one, as the
    service's record corrects them. ``stood`` is the newest release that ever came up, if any did.
    """

    seen: Owned
    newest: Release
    stood: Release
    found: tuple[Release, ...]
    stamps: Mapping[str, Stamp]
    # A rollback to the newest release was cut short.
    rolling_back: bool = False

    @property
    def before(self) -> tuple[str, ...]:
        """The versions before the newest one, newest first, as its stamp tells."""
        stamp = self.stamps.get(self.newest.version)
        return stamp.previous if stamp else ()


@dataclass(frozen=True, slots=True)
class Entry:
    """One release of a service's history. None is what is not known any more: only its version was kept."""

    version: str
    running: int
    deployed_at: str | None = None
    deployed_by: str | None = None


def standing(engine: Engine, service: str) -> Standing:
    """How the service stands; NotFound where it has no release."""
    check_service(service)
    seen = owned(engine, engine.units(), service)
    units = seen.units
    found = releases(units, service)
    what = known(engine, service, seen.stamps, units)
    last = newest(found, what.stamps)
    if last is None:
        if foreign := none_of_ours(units, service):
            raise foreign
        meant = did_you_mean(service, (unit.name.service for unit in units))
        raise NotFound(f"No service {service} found.{meant}", "deployster services lists them.")
    good = newest(stood(found, what.record), what.stamps) or last
    return Standing(seen, last, good, found, what.stamps, len(found) > 1 and _rolled_back_to(last.version, what))


def _rolled_back_to(version: str, what: Known) -> bool:
    """Whether a rollback made this release the newest."""
    stamp, record = what.stamps.get(version), what.record
    recorded = record is not None and (record.version, record.verb) == (version, ROLLBACK)
    return recorded or (stamp is not None and stamp.change == ROLLBACK)


def rolled_back(now: Standing, change: Change) -> Change:
    """Return the change that goes back: to its ``version``, else on to where a rollback was going that was cut short
    (it leaves other releases beside its own), else to the release before the newest.

    NotFound where the service is not known to have had that release: a slip of the finger must not retire all others.
    """
    service, known = change.service, dict.fromkeys((*(r.version for r in now.found), *now.before))
    target = change.version or (now.newest.version if now.rolling_back else next(iter(now.before), None))
    if target is None:
        raise NotFound(
            f"{service} {now.newest.version} was deployed with no release before it: there is nothing to go back to.",
            f"Any version can be deployed: deployster deploy {service} VERSION --destroy-previous",
        )
    if target not in known:
        raise NotFound(
            f"{service} is not known to have run {target}.{did_you_mean(target, known)}",
            f"It has run {', '.join(known)}. Any version can be deployed: "
            f"deployster deploy {service} {target} --destroy-previous",
        )
    return replace(change, version=target, destroy_previous=True)


def of_the_newest(now: Standing, change: Change) -> Change:
    """Return the change of the newest release, whichever that is, but not for one that never came up beside one that
    did.
    """
    return replace(change, version=now.stood.version)


def check_settings(engine: Engine, release: Release, render: Renderer) -> None:
    """InvalidInput where the release runs with other settings than those that would be rendered now.

    What was given with --env, --set or --template is in the unit files only. Started anew without it, an instance
    would be another one than those beside it.
    """
    unit = next((unit for unit in release.units if unit.desired is not None), None)
    file = engine.cat(unit.name) if unit else None
    if file is None:
        return
    if file.stamp is None or not render(file.name, file.stamp).runs_as(file):
        at = f"{release.service} {release.version}"
        raise InvalidInput(
            f"{at} runs with other settings than the current ones.",
            f"See deployster diff {at}. Give it the same --env, --set and --template, or --accept-changes.",
        )


def history(engine: Engine, service: str) -> tuple[Entry, ...]:
    """Return the service's releases, newest first: those there are, then those that the newest one remembers."""
    now = standing(engine, service)
    there = [_entry(release, now.stamps.get(release.version)) for release in now.found]
    there.sort(key=lambda entry: (entry.version == now.newest.version, entry.deployed_at or ""), reverse=True)
    known = {entry.version for entry in there}
    return (*there, *(Entry(version, 0) for version in now.before if version not in known))


def _entry(release: Release, stamp: Stamp | None) -> Entry:
    running = len(release.running)
    return (
        Entry(release.version, running, stamp.deployed_at or None, stamp.deployed_by or None)
        if stamp
        else Entry(release.version, running)
    )
