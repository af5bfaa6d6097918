"""What a service stands on: the order of its history, and whether a release still has the settings of now."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deployster_cli.domain.record import Record
from deployster_cli.domain.units.model import Release, Service
from deployster_cli.domain.units.names import UnitName
from deployster_cli.domain.units.unitfile import ROLLBACK, Stamp, UnitFile
from deployster_cli.errors import InvalidInput
from deployster_cli.operations.releases import Entry, check_settings, history, standing
from tests.simulation import Fate, Life, SimClock, SimEngine, stamped, unstamped


def of(version: str, at: str, previous: tuple[str, ...] = ()) -> UnitFile:
    """The unit file of the first instance of a release that was deployed then."""
    name = UnitName("carousel", version, 1)
    stamp = Stamp("carousel", version, 1, f"2026-01-0{at}T00:00:00Z", "ann", "process", previous=previous)
    return UnitFile(name, (("Service", "ExecStart", "/bin/true"),)).stamped(stamp)


def engine(*files: UnitFile) -> SimEngine:
    """An engine on which these run."""
    found = SimEngine(SimClock(at=100))
    found.lives.update({file.name: Life(Fate.RUNS, file=file) for file in files})
    return found


def test_a_history_is_the_newest_first_by_when_each_was_deployed_and_then_what_is_gone() -> None:
    there = engine(of("v2", "1"), of("v1", "3"), of("v3", "2"), of("v0", "4", ("v1", "v9")))
    told = [(entry.version, entry.running, entry.deployed_at) for entry in history(there, "carousel")]
    assert told == [
        ("v0", 1, "2026-01-04T00:00:00Z"),
        ("v1", 1, "2026-01-03T00:00:00Z"),
        ("v3", 1, "2026-01-02T00:00:00Z"),
        ("v2", 1, "2026-01-01T00:00:00Z"),
        ("v9", 0, None),
    ]


def test_who_deployed_is_told_where_a_stamp_tells_it() -> None:
    name = UnitName("carousel", "v1", 1)
    assert history(engine(of("v1", "1")), "carousel") == (Entry("v1", 1, "2026-01-01T00:00:00Z", "ann"),)
    assert standing(engine(of("v1", "1")), "carousel").before == ()
    assert history(engine(stamped(name)), "carousel")[0].deployed_by == "ann"


NEWEST = of("v2", "2")


@pytest.mark.parametrize(
    ("change", "record", "going"),
    [
        (ROLLBACK, None, True),
        ("", None, False),
        ("", ("v2", "rollback"), True),
        ("", ("v1", "rollback"), False),
        ("", ("v2", "scale"), False),
    ],
)
def test_that_a_rollback_was_cut_short_is_known_by_the_newest_stamp_or_by_the_record(
    change: str, record: tuple[str, str] | None, going: bool
) -> None:
    assert NEWEST.stamp
    there = engine(of("v1", "1"), NEWEST.stamped(replace(NEWEST.stamp, change=change)))
    if record:
        there.records.kept["carousel"] = Record("carousel", record[0], 1, record[1], "ann", "2026-01-05T00:00:00Z")
    assert standing(there, "carousel").rolling_back is going


def test_where_one_release_is_left_a_rollback_to_it_is_over() -> None:
    assert NEWEST.stamp
    assert not standing(engine(NEWEST.stamped(replace(NEWEST.stamp, change=ROLLBACK))), "carousel").rolling_back


class Rendering:
    """Renders every instance as ``stamped`` has it, but for those with other settings."""

    service = Service("carousel")

    def __init__(self, *options: tuple[str, str, str]) -> None:
        self.options = options

    def __call__(self, name: UnitName, stamp: Stamp) -> UnitFile:
        assert stamp.version == name.version
        return stamped(name, *self.options)


def checked(*files: UnitFile, render: Rendering) -> None:
    there = engine(*files)
    check_settings(there, Release("carousel", "v1", there.units()), render)  # type: ignore[arg-type]


NAME = UnitName("carousel", "v1", 1)


def test_a_release_that_would_be_rendered_the_same_has_the_settings_of_now() -> None:
    checked(stamped(NAME), render=Rendering())
    checked(render=Rendering())


@pytest.mark.parametrize(
    ("file", "render"),
    [
        (stamped(NAME), Rendering(("Service", "ExecStart", "/bin/false"))),
        (unstamped(NAME), Rendering()),
    ],
    ids=["other settings", "no stamp to tell"],
)
def test_one_that_would_be_another_or_that_nobody_can_tell_is_refused(file: UnitFile, render: Rendering) -> None:
    with pytest.raises(InvalidInput, match="carousel v1 runs with other settings than the current ones"):
        checked(file, render=render)
