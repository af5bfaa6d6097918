"""How many instances a change means: the one place that decides it, for every verb, and says why.

It is the number that is asked for now, else the service's setting, else what was asked for last, else what is wanted
to run, else one. What happens to be down counts as asked for, so no accident makes a service smaller.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from deployster_cli.domain.change import Change, Verb
from deployster_cli.domain.record import Record, counts
from deployster_cli.domain.rollout.plan import Instances, deployed_at, newest
from deployster_cli.domain.units.model import Release, State
from deployster_cli.domain.units.unitfile import Stamp


def decide(
    change: Change,
    setting: int | None,
    found: Sequence[Release],
    stamps: Mapping[str, Stamp],
    record: Record | None,
) -> Instances:
    """Return the number, its reason, and what it was before.

    ``change`` has its version; ``setting`` is the service's own number, None where it has none. ``found`` are the
    service's releases; ``stamps`` theirs by version, as the ``record`` corrects them.
    """
    there = {release.version: release for release in found}
    last, basis = asked_last(there, stamps, record), newest(stood(found, record), stamps)
    number, reason = next(
        (number, reason)
        for number, reason in (
            (change.instances, "scale" if change.verb is Verb.SCALE else "--instances"),
            (setting, change.setting_from),
            last or (None, ""),
            (basis.wanted if basis else None, "as many as there are"),
            (1, "one, as nothing says otherwise"),
        )
        if number
    )
    target = there.get(change.version or "")
    has = _meant(target, record) if target else 0
    if change.verb is Verb.ROLLBACK and change.instances is None and has > number:
        number, reason = has, f"{change.version} has {has}"
    before = last[0] if last else (basis.wanted if basis else None) or None
    losing = max(
        (_meant(release, record) for release in found if change.destroy_previous or release is target), default=0
    )
    if losing > number:
        before = losing
    return Instances(number, reason, before)


def stood(found: Sequence[Release], record: Record | None) -> Sequence[Release]:
    """Return the releases without those that never came up and were kept; all, where there are no others."""
    return [release for release in found if record is None or release.version not in record.failed] or found


def _meant(release: Release, record: Record | None) -> int:
    """How many instances of it are wanted to run, those among them that an interrupted run has stopped."""
    stopped = frozenset(record.stopped) if record else frozenset()
    return sum(unit.desired is State.LAUNCHED or unit.name in stopped for unit in release.units)


def asked_last(
    there: Mapping[str, Release], stamps: Mapping[str, Stamp], record: Record | None
) -> tuple[int, str] | None:
    """Return the number that the last change was after, and how that is told; None where no stamp says."""
    known = {release.version for release in stood(tuple(there.values()), record)}
    dated = {at: deployed_at(stamp) for at, stamp in stamps.items() if at in known}
    recorded = record if record and record.version in dated and counts(record, stamps) else None
    if recorded:
        dated[recorded.version] = recorded.at
    last = max(dated, key=lambda version: (dated[version], version), default="")
    number = stamps[last].instances if last else None
    if not number:
        return None
    if recorded and recorded.version == last:
        by = "as scaled" if recorded.verb == Verb.SCALE else f"as asked for by the last {recorded.verb} ({last})"
        return number, by
    return number, f"as asked for by the last deploy ({last})"
