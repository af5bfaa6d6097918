"""Plans: what is started, kept, waited for and retired, worked out from the units there are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployster_cli.domain.change import Policy
from deployster_cli.domain.rollout.plan import Plan, Step, halted, newest, plan_deploy, plan_destroy, previous_of
from deployster_cli.domain.units.model import Machine, State, Unit, releases
from deployster_cli.domain.units.names import UnitName
from deployster_cli.domain.units.unitfile import Stamp
from deployster_cli.errors import InvalidInput
from tests.domain.driving import wanted

HOST = Machine("m1", "10.0.0.1")


def name(version: str, instance: int) -> UnitName:
    return UnitName("carousel", version, instance)


def running(version: str, *instances: int) -> list[Unit]:
    return [
        Unit(name(version, i), State.LAUNCHED, State.LAUNCHED, "loaded", "active", "running", HOST) for i in instances
    ]


def failed(version: str, instance: int) -> Unit:
    return Unit(name(version, instance), State.LAUNCHED, State.LAUNCHED, "loaded", "failed", "failed", HOST)


def waiting(version: str, instance: int) -> Unit:
    return Unit(name(version, instance), State.LAUNCHED, State.INACTIVE)


def stopped(version: str, instance: int) -> Unit:
    return Unit(name(version, instance), State.INACTIVE, State.INACTIVE)


def leaving(version: str, instance: int) -> Unit:
    return Unit(name(version, instance), None, None, "loaded", "active", "running", HOST)


def stamp(version: str, at: str, *, previous: tuple[str, ...] = (), instances: int | None = None) -> Stamp:
    return Stamp("carousel", version, 1, at, "ann@laptop", "docker", instances=instances, previous=previous)


def deploy(count: int, units: list[Unit], *, current: bool = True, **wishes: object) -> Plan:
    oneshot = bool(wishes.pop("oneshot", False))
    change = wanted("carousel", "v2", count, **wishes)  # type: ignore[arg-type]
    return plan_deploy(change, units, [u.name for u in units if current], oneshot=oneshot)


def test_a_first_deploy_starts_the_lowest_numbers() -> None:
    assert deploy(2, []).steps == (Step(start=(name("v2", 1), name("v2", 2))),)


def test_without_destroy_previous_the_earlier_release_stays() -> None:
    plan = deploy(1, [*running("v1", 2, 1), stopped("v0", 1), waiting("v3", 1), failed("v3", 2)])
    assert (plan.retire, plan.stays) == ((), (name("v1", 1), name("v1", 2), name("v3", 1)))


def test_a_job_that_ended_well_does_not_run_on() -> None:
    ended = running("v1", 1)[0]._replace(active="inactive", sub="dead")
    assert deploy(1, [ended, *running("v0", 1)], oneshot=True).stays == (name("v0", 1),)


def test_with_destroy_previous_every_earlier_release_goes() -> None:
    plan = deploy(1, [*running("v1", 1), *running("v0", 1, 2)], destroy_previous=True)
    assert (set(plan.retire), plan.stays) == ({name("v1", 1), name("v0", 1), name("v0", 2)}, ())


def test_another_service_is_never_touched() -> None:
    other = [Unit(UnitName("other", "v1", 1), State.LAUNCHED, State.LAUNCHED, "loaded", "active", "running", HOST)]
    assert deploy(1, other, destroy_previous=True).retire == ()


def test_a_service_whose_name_begins_with_ours_is_another_service() -> None:
    other = [Unit(UnitName("carousel-admin", "v1", 1), State.LAUNCHED, State.LAUNCHED, active="active", machine=HOST)]
    assert deploy(1, other, destroy_previous=True).retire == ()


def test_the_same_release_again_is_nothing_to_do() -> None:
    plan = deploy(2, running("v2", 1, 2), destroy_previous=True)
    assert (plan.empty, plan.keep) == (True, (name("v2", 1), name("v2", 2)))


def test_what_is_missing_is_started_beside_what_runs() -> None:
    plan = deploy(3, running("v2", 1, 3))
    assert (plan.start, plan.keep) == ((name("v2", 2),), (name("v2", 1), name("v2", 3)))


def test_a_failed_instance_is_replaced_under_a_fresh_number() -> None:
    plan = deploy(2, [*running("v2", 1), failed("v2", 2)])
    assert (plan.start, plan.retire) == ((name("v2", 3),), (name("v2", 2),))


def test_a_stopped_instance_is_replaced_under_a_fresh_number() -> None:
    plan = deploy(1, [stopped("v2", 1)])
    assert (plan.start, plan.retire) == ((name("v2", 2),), (name("v2", 1),))


def test_a_name_that_is_still_leaving_is_not_used_again() -> None:
    plan = deploy(1, [leaving("v2", 1)])
    assert (plan.start, plan.retire) == ((name("v2", 2),), (name("v2", 1),))


def test_what_an_earlier_run_started_is_waited_for_and_not_started_twice() -> None:
    plan = deploy(2, [waiting("v2", 1)], destroy_previous=True)
    assert (plan.start, plan.watch) == ((name("v2", 2),), (name("v2", 1),))


def test_what_is_foreign_is_told_of_and_otherwise_as_if_it_were_not_there() -> None:
    other = Unit(UnitName("other", "v1", 1), State.LAUNCHED, foreign=True)
    theirs = [unit._replace(foreign=True) for unit in (*running("v2", 1), *running("v1", 7))]
    plan = deploy(2, [other, *theirs, *running("v1", 2)], destroy_previous=True)
    assert (plan.start, plan.retire) == ((name("v2", 2), name("v2", 3)), (name("v1", 2),))
    assert plan.beside == (name("v1", 7), name("v2", 1))


def test_what_is_foreign_is_not_destroyed_with_its_release() -> None:
    plan = plan_destroy("carousel", "v1", [running("v1", 1)[0]._replace(foreign=True), *running("v1", 2)])
    assert (plan.retire, plan.beside) == ((name("v1", 2),), (name("v1", 1),))


def test_a_destroy_keeps_to_the_policy_that_it_is_given() -> None:
    assert plan_destroy("carousel", "v1", running("v1", 1), policy=Policy(timeout=7)).policy.timeout == 7


def test_what_an_interrupted_run_has_stopped_is_started_again_on_a_failure_whichever_release_it_is_of() -> None:
    theirs = stopped("v1", 4)._replace(foreign=True)
    units = [*running("v2", 1), stopped("v1", 1), *running("v1", 2), stopped("v1", 3), theirs, stopped("v0", 1)]
    noted = {name("v1", 1), name("v1", 2), name("v1", 4), name("v0", 1), name("v7", 1)}
    assert halted(deploy(2, units, destroy_previous=True), units, noted) == (name("v0", 1), name("v1", 1))


def test_other_content_is_replaced_beside_the_old_instances() -> None:
    plan = deploy(2, running("v2", 1, 2), current=False)
    assert (plan.start, plan.retire) == ((name("v2", 3), name("v2", 4)), (name("v2", 1), name("v2", 2)))


def test_recreate_replaces_what_runs_as_wanted() -> None:
    plan = deploy(1, running("v2", 1), recreate=True)
    assert (plan.start, plan.retire) == ((name("v2", 2),), (name("v2", 1),))


def test_surplus_instances_of_the_release_go() -> None:
    plan = deploy(1, running("v2", 1, 2, 3))
    assert (plan.keep, plan.retire) == ((name("v2", 1),), (name("v2", 2), name("v2", 3)))


def test_what_runs_is_kept_before_what_is_on_the_way() -> None:
    plan = deploy(1, [waiting("v2", 1), *running("v2", 2)])
    assert (plan.keep, plan.retire) == ((name("v2", 2),), (name("v2", 1),))


def test_a_batch_retires_as_many_as_it_starts_and_the_last_one_the_rest() -> None:
    plan = deploy(3, running("v1", 1, 2, 3, 4, 5), destroy_previous=True, batch=2)
    assert [(len(step.start), len(step.retire)) for step in plan.steps] == [(2, 2), (1, 3)]


def test_what_does_not_serve_is_retired_first() -> None:
    plan = deploy(2, [*running("v1", 1), failed("v1", 2)], destroy_previous=True, batch=1)
    assert [step.retire for step in plan.steps] == [(name("v1", 2),), (name("v1", 1),)]


@pytest.mark.parametrize("instances", [0, -1, 1001])
def test_a_number_of_instances_out_of_range_is_refused(instances: int) -> None:
    with pytest.raises(InvalidInput, match="1 to 1000"):
        wanted("carousel", "v2", instances)


@pytest.mark.parametrize("instances", [1, 1000])
def test_the_fewest_and_the_most_instances_of_a_deploy_are_taken(instances: int) -> None:
    assert wanted("carousel", "v2", instances).instances == instances


def test_a_batch_of_none_is_refused() -> None:
    with pytest.raises(InvalidInput, match="at least 1"):
        wanted("carousel", "v2", 1, batch=0)


def test_destroy_takes_every_instance_of_the_release() -> None:
    assert plan_destroy("carousel", "v1", running("v1", 2, 1)).retire == (name("v1", 1), name("v1", 2))


def test_destroy_takes_only_the_instances_that_are_named() -> None:
    assert plan_destroy("carousel", "v1", running("v1", 1, 2, 3), [2]).retire == (name("v1", 2),)


def test_destroy_of_what_is_not_there_is_an_empty_plan() -> None:
    assert plan_destroy("carousel", "v9", running("v1", 1)).empty


def test_the_newest_release_is_the_one_deployed_last() -> None:
    found = releases((*running("v9", 1), *running("v1", 1)), "carousel")
    last = newest(found, {"v1": stamp("v1", "2026-02-01T00:00:00Z"), "v9": stamp("v9", "2026-01-01T00:00:00Z")})
    assert last is not None
    assert last.version == "v1"


def test_no_release_is_the_newest_of_none() -> None:
    assert newest((), {}) is None


def test_a_stamp_whose_time_is_none_is_older_than_any() -> None:
    found = releases((*running("v9", 1), *running("v1", 1)), "carousel")
    last = newest(found, {"v1": stamp("v1", "2026-02-01T00:00:00Z"), "v9": stamp("v9", "yesterday")})
    assert last is not None
    assert last.version == "v1"


def test_previous_is_the_newest_other_release_and_those_before_it() -> None:
    stamps = {
        "v3": stamp("v3", "2026-03-01T00:00:00Z", previous=("v2", "v1")),
        "v0": stamp("v0", "2026-01-01T00:00:00Z"),
    }
    assert previous_of("v4", stamps) == ("v3", "v2", "v1", "v0")


def test_what_is_there_without_a_stamp_can_be_gone_back_to_last() -> None:
    stamps = {"v3": stamp("v3", "2026-03-01T00:00:00Z", previous=("v2",))}
    assert previous_of("v4", stamps, ["v3", "by-hand", "v4"]) == ("v3", "v2", "by-hand")
    assert previous_of("v4", stamps, ["v3", "by-hand", "v4"], ["v3"]) == ("v2", "by-hand")


def test_what_the_newest_had_before_it_stays_ahead_of_an_older_release_beside_it() -> None:
    stamps = {
        "v3": stamp("v3", "2026-03-01T00:00:00Z", previous=("v2",)),
        "v1": stamp("v1", "2026-01-01T00:00:00Z", previous=("v0",)),
    }
    assert previous_of("v3", stamps) == ("v2", "v1", "v0")


def test_a_release_that_was_gone_back_to_forgets_nothing_that_was_before_it() -> None:
    stamps = {
        "v3": stamp("v3", "2026-03-01T00:00:00Z", previous=("v2",)),
        "v1": stamp("v1", "2026-01-01T00:00:00Z", previous=("v0",)),
    }
    assert previous_of("v1", stamps) == ("v3", "v2", "v0")


def test_a_release_that_took_over_from_another_tool_goes_back_to_it() -> None:
    assert previous_of("v1", {}, ["by-hand"]) == ("by-hand",)


def test_previous_never_names_the_release_itself() -> None:
    assert previous_of("v2", {"v3": stamp("v3", "2026-03-01T00:00:00Z", previous=("v2", "v1"))}) == ("v3", "v1")


def test_previous_keeps_ten() -> None:
    many = tuple(f"v{i}" for i in range(20))
    assert len(previous_of("new", {"old": stamp("old", "2026-01-01T00:00:00Z", previous=many)})) == 10


def test_the_only_release_keeps_its_own_previous() -> None:
    assert previous_of("v2", {"v2": stamp("v2", "2026-03-01T00:00:00Z", previous=("v1",))}) == ("v1",)


def test_a_first_release_has_no_previous() -> None:
    assert previous_of("v1", {}) == ()


KINDS = st.sampled_from(["running", "failed", "waiting", "stopped", "leaving"])


@st.composite
def clusters(draw: st.DrawFn) -> list[Unit]:
    made = {"failed": failed, "waiting": waiting, "stopped": stopped, "leaving": leaving}
    units: list[Unit] = []
    for version, instance in draw(st.sets(st.tuples(st.sampled_from(["v0", "v1", "v2"]), st.integers(1, 6)))):
        kind = draw(KINDS)
        units += running(version, instance) if kind == "running" else [made[kind](version, instance)]
    return units


@given(clusters(), st.integers(1, 6), st.none() | st.integers(1, 6), st.booleans(), st.booleans())
def test_any_plan_ends_with_exactly_what_is_wanted(
    units: list[Unit], count: int, batch: int | None, destroy_previous: bool, recreate: bool
) -> None:
    change = wanted("carousel", "v2", count, destroy_previous, batch, recreate=recreate)
    plan = plan_deploy(change, units, [u.name for u in units])
    taken = {u.name for u in units}
    touched = plan.start + plan.watch + plan.keep + plan.retire
    assert len(plan.start + plan.watch + plan.keep) == count
    assert not taken & set(plan.start)
    assert len(touched) == len(set(touched))
    left = {u.name for u in units} - set(plan.retire)
    assert {n for n in left if n.version == "v2"} == set(plan.watch + plan.keep)
    assert not destroy_previous or all(n.version == "v2" for n in left)


@given(clusters(), st.integers(1, 6))
def test_a_plan_carried_out_leaves_nothing_to_do(units: list[Unit], count: int) -> None:
    change = wanted("carousel", "v2", count, destroy_previous=True)
    plan = plan_deploy(change, units, [u.name for u in units])
    after = running("v2", *(n.instance for n in plan.start + plan.watch + plan.keep))
    assert plan_deploy(change, after, [u.name for u in after]).empty


def test_a_job_that_has_ended_well_is_not_run_again_by_the_same_deploy() -> None:
    done = [unit._replace(active="inactive", sub="dead") for unit in running("v2", 1)]
    assert deploy(1, done).start == (name("v2", 2),)
    job = deploy(1, done, oneshot=True)
    assert (job.empty, job.keep) == (True, (name("v2", 1),))


def test_a_unit_on_a_machine_that_is_left_out_keeps_its_name_and_is_told_apart_from_a_foreign_one() -> None:
    out, foreign = (unit._replace(foreign=True) for unit in running("v2", 1, 2))
    plan = deploy(1, [out._replace(aside=True), foreign])
    assert (plan.start, plan.aside, plan.beside) == ((name("v2", 3),), (out.name,), (foreign.name,))
    assert plan_destroy("carousel", "v2", [out._replace(aside=True)]).aside == (out.name,)
