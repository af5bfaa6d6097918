"""Jobs run one a service at a time, survive what happens to the server, and are told of."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from deployster_cli.domain.events import Gone, LockHeld, Starting, TaskStarted, Tell
from deployster_cli.domain.payloads import encode_event
from deployster_cli.errors import EngineUnreachable, InvalidInput, Locked
from deployster_cli.operations.rollout import Result
from deployster_cli.server.jobs import queue as module
from deployster_cli.server.jobs.job import NotNow, State
from deployster_cli.server.jobs.queue import Jobs
from deployster_cli.server.jobs.store import JobStore, StoreUnusable
from deployster_cli.server.jobs.worker import Commission
from tests.server.given import NAME, PLAN, Script, a_job, deploying, ended, opened, until

STARTING = Starting(1, 1, (NAME,))


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
def jobs(tmp_path: Path, script: Script) -> Iterator[Jobs]:
    yield from opened(tmp_path, script)


def store_at(path: Path) -> JobStore:
    return JobStore(path / "jobs.sqlite")


def left_behind(path: Path, *jobs: object, events: tuple[object, ...] = ()) -> list[str]:
    """A store as a killed server leaves it, these jobs in it; their ids."""
    store = store_at(path)
    added = [store.add(job)[0] for job in jobs]  # type: ignore[arg-type]
    for job in added:
        store.tell(job.id, [("2026-11-23T11:00:01Z", event) for event in events])  # type: ignore[misc]
    store.close()
    return [job.id for job in added]


TakenUp = Callable[[Script], Jobs]


@pytest.fixture
def taken_up(tmp_path: Path) -> Iterator[TakenUp]:
    """The jobs that a server left behind, taken up by the next one."""
    with contextlib.ExitStack() as stack:
        yield lambda script: stack.enter_context(contextlib.contextmanager(opened)(tmp_path, script))


def test_an_accepted_job_is_in_the_store_before_it_is_answered(tmp_path: Path, script: Script) -> None:
    jobs = Jobs(tmp_path / "jobs.sqlite", script)
    job = jobs.accept(deploying(), "ann")
    jobs.stop(1)
    store = store_at(tmp_path)
    assert [one.id for one in store.unfinished()] == [job.id]
    store.close()


def test_a_job_that_succeeds_is_done_with_its_plan(jobs: Jobs) -> None:
    done = ended(jobs, jobs.accept(deploying(), "ann"))
    assert (done.state, done.plan, done.error, done.intent) == (State.DONE, PLAN, None, None)
    assert done.created_at <= done.started_at <= done.ended_at


def test_a_job_that_fails_keeps_what_was_said(jobs: Jobs, script: Script) -> None:
    script.end = Locked("carousel is locked.", "Wait.")
    failed = ended(jobs, jobs.accept(deploying(), "ann"))
    assert failed.error == {"message": "carousel is locked.", "hint": "Wait.", "exit_code": 5}
    assert (isinstance(failed.failure(), Locked), failed.seconds) == (True, 0)


def test_a_fault_of_ours_fails_the_job_and_tells_nobody_why(
    jobs: Jobs, script: Script, caplog: pytest.LogCaptureFixture
) -> None:
    script.end = ZeroDivisionError("secret")
    failed = ended(jobs, jobs.accept(deploying(), "ann"))
    assert failed.error and failed.error["exit_code"] == 3
    assert "secret" not in str(failed.shape())
    assert "ZeroDivisionError" in caplog.text


def test_a_fault_of_one_job_does_not_hold_up_the_next(jobs: Jobs, script: Script) -> None:
    script.end = ZeroDivisionError()
    ended(jobs, jobs.accept(deploying(), "ann"))
    script.end = None
    assert ended(jobs, jobs.accept(deploying(), "ann")).state is State.DONE


def test_jobs_of_one_service_run_one_after_the_other_in_order_of_acceptance(jobs: Jobs, script: Script) -> None:
    asked = [jobs.accept(deploying(version=f"v{n}"), "ann") for n in range(20)]
    for job in asked:
        ended(jobs, job)
    assert [job.intent.version for job in script.seen] == [f"v{n}" for n in range(20)]
    assert script.overlaps == []


def test_jobs_of_different_services_run_side_by_side_up_to_a_limit(jobs: Jobs, script: Script) -> None:
    script.gate = threading.Semaphore(0)
    asked = [jobs.accept(deploying(f"s{n}"), "ann") for n in range(12)]
    until(lambda: len(script.seen) == 8)
    script.gate.release(100)
    assert {ended(jobs, job).state for job in asked} == {State.DONE}
    assert script.at_once == 8


def test_each_event_is_in_the_store_before_the_next_step(jobs: Jobs, script: Script) -> None:
    script.events, script.gate = (STARTING, Gone(NAME, 1.0)), threading.Semaphore(1)
    job = jobs.accept(deploying(), "ann")
    until(lambda: jobs.events(job.id, 0, 10))
    script.gate.release(10)
    ended(jobs, job)
    assert [(n, e["kind"]) for n, _, e in jobs.events(job.id, 0, 10)] == [(1, "Starting"), (2, "Gone")]


def test_values_of_env_and_set_are_masked_in_what_is_shown(jobs: Jobs) -> None:
    request = {"version": "v1", "env": {"TOKEN": "geheim"}, "set": {"port": "1"}}
    job = jobs.accept(deploying(envs=("TOKEN=geheim",)), "ann", request)
    assert job.shape()["request"] == {"version": "v1", "env": {"TOKEN": "***"}, "set": {"port": "***"}}


def test_the_same_key_runs_once(jobs: Jobs, script: Script) -> None:
    asked = [jobs.accept(deploying(), "ann", key="k", digest="d") for _ in range(5)]
    ended(jobs, asked[0])
    again = jobs.accept(deploying(), "ann", key="k", digest="d")
    assert ({job.id for job in asked}, again.state, len(script.seen)) == ({again.id}, State.DONE, 1)


def test_too_many_waiting_jobs_are_refused(jobs: Jobs, script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 2)
    script.gate = threading.Semaphore(0)
    for _ in range(3):
        jobs.accept(deploying(), "ann")
        until(lambda: script.seen)
    with pytest.raises(NotNow, match="waiting already"):
        jobs.accept(deploying(), "ann")
    assert len(jobs.of("carousel", 10)) == 3


def test_a_thousand_jobs_may_wait(tmp_path: Path, script: Script) -> None:
    jobs = Jobs(tmp_path / "jobs.sqlite", script)
    jobs._waiting += [a_job()] * 999
    jobs.accept(deploying(), "ann")
    with pytest.raises(NotNow, match="1000 jobs are waiting already"):
        jobs.accept(deploying(), "ann")
    jobs.stop(1)


def test_a_stopped_server_leaves_the_job_running_for_the_next(tmp_path: Path, taken_up: TakenUp) -> None:
    script = Script(events=(STARTING,), gate=threading.Semaphore(1))
    jobs = Jobs(tmp_path / "jobs.sqlite", script)
    jobs.begin()
    job = jobs.accept(deploying(), "ann")
    until(lambda: jobs.events(job.id, 0, 10))
    assert jobs.stop(5)
    again = taken_up(Script())
    assert ended(again, job).starts == 2


def test_a_stopping_server_accepts_nothing(jobs: Jobs) -> None:
    jobs.stop(1)
    with pytest.raises(NotNow, match="stopping"):
        jobs.accept(deploying(), "ann")


def test_what_befalls_a_job_that_was_left_in_its_step_is_not_recorded(tmp_path: Path) -> None:
    killed = threading.Event()

    def carry(_: Commission, tell: Tell) -> Result:
        tell(STARTING)
        killed.wait(5)
        raise EngineUnreachable("fleetctl was killed.")

    jobs = Jobs(tmp_path / "jobs.sqlite", carry)
    jobs.begin()
    job = jobs.accept(deploying(), "ann")
    until(lambda: jobs.events(job.id, 0, 10))
    assert not jobs.stop(0.1)
    thread = next(thread for thread in threading.enumerate() if thread.name == "job carousel")
    killed.set()
    thread.join(5)
    left = jobs.get(job.id)
    jobs.stop(5)
    assert left
    assert left.state is State.RUNNING


def test_a_jobs_seconds_are_those_of_what_it_did(jobs: Jobs) -> None:
    assert ended(jobs, jobs.accept(deploying(), "ann")).seconds == 1.0


def test_stopping_waits_no_longer_than_it_may(tmp_path: Path) -> None:
    hang = threading.Event()

    def stubborn(_: object, tell: Tell) -> Result:
        hang.wait()
        tell(STARTING)
        return Result(PLAN, 1.0)

    jobs = Jobs(tmp_path / "jobs.sqlite", stubborn)
    jobs.begin()
    for number in range(8):
        jobs.accept(deploying(f"s{number}"), "ann")
    began = time.monotonic()
    assert (jobs.stop(0.1), time.monotonic() - began < 5) == (False, True)
    hang.set()
    jobs.stop(5)


def test_what_a_killed_server_left_runs_before_what_came_later(tmp_path: Path) -> None:
    old = left_behind(tmp_path, a_job(state=State.RUNNING, starts=1), a_job())
    script = Script()
    jobs = Jobs(tmp_path / "jobs.sqlite", script)
    new = jobs.accept(deploying(version="v9"), "ann")
    jobs.begin()
    assert ended(jobs, new).state is State.DONE
    assert [job.intent.version for job in script.seen] == ["v1", "v1", "v9"]
    assert [jobs.get(job_id).state for job_id in old] == [State.DONE, State.DONE]  # type: ignore[union-attr]
    jobs.stop(1)


def test_a_job_runs_again_with_what_it_had_planned(tmp_path: Path, taken_up: TakenUp) -> None:
    job = a_job(state=State.RUNNING, starts=1, plan=PLAN, planned_at="2026-11-23T11:00:01Z")
    (job_id,) = left_behind(tmp_path, job, events=(encode_event(STARTING), {"kind": "FromTheFuture"}))
    script = Script()
    jobs = taken_up(script)
    ended(jobs, replace(job, id=job_id))
    assert script.seen[0].earlier == PLAN


def test_a_job_that_goes_on_was_started_when_it_was_first(tmp_path: Path, taken_up: TakenUp) -> None:
    job = a_job(state=State.RUNNING, starts=1, started_at="2026-11-23T11:00:01Z")
    (job_id,) = left_behind(tmp_path, job)
    assert ended(taken_up(Script()), replace(job, id=job_id)).started_at == "2026-11-23T11:00:01Z"


def test_a_job_cut_off_in_a_task_is_failed_and_not_run_again(tmp_path: Path, taken_up: TakenUp) -> None:
    job = a_job(state=State.RUNNING, starts=1)
    (job_id,) = left_behind(tmp_path, job, events=(encode_event(TaskStarted("rake db:migrate")),))
    script = Script()
    jobs = taken_up(script)
    failed = ended(jobs, replace(job, id=job_id))
    assert (failed.state, script.seen) == (State.FAILED, [])
    assert "cut off after rake db:migrate had begun" in failed.failure().message


@pytest.mark.parametrize(("begun", "state", "runs"), [(4, State.DONE, 1), (5, State.FAILED, 0), (6, State.FAILED, 0)])
def test_a_job_is_begun_five_times_at_the_most(
    tmp_path: Path, taken_up: TakenUp, begun: int, state: State, runs: int
) -> None:
    job = a_job(state=State.RUNNING, starts=begun)
    (job_id,) = left_behind(tmp_path, job)
    script = Script()
    over = ended(taken_up(script), replace(job, id=job_id))
    assert (over.state, len(script.seen)) == (state, runs)
    if not runs:
        said = f"The server was cut off {begun} times while this ran, so it is left alone."
        assert over.failure().message == said


def test_a_job_that_was_asked_for_over_an_hour_ago_is_not_taken_up(tmp_path: Path, taken_up: TakenUp) -> None:
    left_behind(tmp_path, a_job(created_at="2026-11-23T11:00:00Z"))
    script = Script()
    (failed,) = taken_up(script).of(None, 10)
    assert (failed.state, script.seen) == (State.FAILED, [])
    assert failed.failure().message.endswith("asked for over an hour ago: it was not taken up again.")


class FullDisk:
    """Makes a store refuse to write for as long as it is full."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.full = False
        for name in ("save", "tell", "add"):
            real = getattr(JobStore, name)

            def write(*given: object, real: object = real, **more: object) -> object:
                if self.full:
                    raise StoreUnusable("The disk is full.")
                return real(*given, **more)  # type: ignore[operator]

            monkeypatch.setattr(JobStore, name, write)
        monkeypatch.setattr(module, "_TRY_AGAIN", 0.01)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> FullDisk:
    return FullDisk(monkeypatch)


def carried_out_with(disk: FullDisk, script: Script, gate: threading.Semaphore) -> None:
    """The rest of the script is carried out with a full disk, which is emptied then."""
    disk.full = True
    gate.release(10)
    until(lambda: not script.under_way["carousel"])
    disk.full = False


def test_a_full_disk_does_not_break_off_a_rollout_and_its_end_is_written_later(
    jobs: Jobs, script: Script, disk: FullDisk
) -> None:
    script.events, script.gate = (STARTING, Gone(NAME, 1.0)), threading.Semaphore(1)
    job = jobs.accept(deploying(), "ann")
    until(lambda: jobs.events(job.id, 0, 10))
    carried_out_with(disk, script, script.gate)
    assert ended(jobs, job).state is State.DONE
    assert [e["kind"] for _, _, e in jobs.events(job.id, 0, 10)] == ["Starting", "Gone"]


def test_a_full_disk_does_not_break_off_what_an_earlier_server_has_begun(
    tmp_path: Path, taken_up: TakenUp, disk: FullDisk
) -> None:
    job = a_job(state=State.RUNNING, starts=1, plan=PLAN, planned_at="2026-11-23T11:00:01Z")
    (job_id,) = left_behind(tmp_path, job, events=(encode_event(STARTING),))
    gate = threading.Semaphore(0)
    script = Script(events=(Gone(NAME, 1.0),), gate=gate)
    jobs = taken_up(script)
    until(lambda: script.under_way.get("carousel"))
    carried_out_with(disk, script, gate)
    assert ended(jobs, replace(job, id=job_id)).state is State.DONE
    assert [e["kind"] for _, _, e in jobs.events(job_id, 0, 10)] == ["Starting", "Gone"]


def test_while_the_disk_is_full_only_so_many_events_are_held_back(
    jobs: Jobs, script: Script, disk: FullDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_HELD", 2)
    seconds = (1.0, 2.0, 3.0)
    script.events, script.gate = (STARTING, *(Gone(NAME, at) for at in seconds)), threading.Semaphore(1)
    job = jobs.accept(deploying(), "ann")
    until(lambda: jobs.events(job.id, 0, 10))
    carried_out_with(disk, script, script.gate)
    ended(jobs, job)
    assert [e.get("seconds") for _, _, e in jobs.events(job.id, 0, 10)] == [None, 1.0, 2.0]


def test_on_a_full_disk_nothing_is_begun_unrecorded(jobs: Jobs, script: Script, disk: FullDisk) -> None:
    script.events, script.gate = (LockHeld("bob"), STARTING, Gone(NAME, 1.0)), threading.Semaphore(1)
    job = jobs.accept(deploying(), "ann")
    until(lambda: jobs.events(job.id, 0, 10))
    disk.full = True
    script.gate.release(1)
    until(lambda: not script.under_way["carousel"])
    disk.full = False
    assert ended(jobs, job).state is State.FAILED
    assert script.gate.acquire(timeout=0) is False


def test_on_a_full_disk_no_task_is_begun(jobs: Jobs, script: Script, disk: FullDisk) -> None:
    script.events, script.gate = (STARTING, TaskStarted("rake"), Gone(NAME, 1.0)), threading.Semaphore(1)
    job = jobs.accept(deploying(), "ann")
    until(lambda: jobs.events(job.id, 0, 10))
    disk.full = True
    script.gate.release(1)
    until(lambda: not script.under_way["carousel"])
    disk.full = False
    assert ended(jobs, job).failure().message == "The disk is full."


def test_a_job_that_could_not_be_noted_as_begun_before_the_server_stops_is_not_begun(
    tmp_path: Path, disk: FullDisk
) -> None:
    (job_id,) = left_behind(tmp_path, a_job())
    script, disk.full = Script(), True
    jobs = Jobs(tmp_path / "jobs.sqlite", script)
    jobs.begin()
    time.sleep(0.03)
    assert jobs.stop(5)
    assert script.seen == []
    store = store_at(tmp_path)
    found = store.get(job_id)
    store.close()
    assert found is not None
    assert (found.state, found.starts) == (State.QUEUED, 0)


def test_a_full_disk_refuses_the_request(jobs: Jobs, disk: FullDisk) -> None:
    disk.full = True
    with pytest.raises(NotNow):
        jobs.accept(deploying(), "ann")


def test_a_key_used_for_another_request_is_refused(jobs: Jobs) -> None:
    jobs.accept(deploying(), "ann", key="k", digest="one")
    with pytest.raises(InvalidInput):
        jobs.accept(deploying(), "ann", key="k", digest="two")


def test_who_listens_hears_of_each_state(tmp_path: Path) -> None:
    async def states() -> list[str]:
        script = Script(gate=threading.Semaphore(0))
        jobs = Jobs(tmp_path / "jobs.sqlite", script)
        found: list[str] = []
        with jobs.listening() as listener:
            jobs.accept(deploying(), "ann")
            while "done" not in found:
                seen = [jobs.get(job_id) for job_id in await listener.news()]
                found += [job.state for job in seen if job and job.state not in found]
                if found == ["queued"]:
                    jobs.begin()
                elif "running" in found and script.gate:
                    script.gate.release()
        await asyncio.to_thread(jobs.stop, 1)
        return found

    assert asyncio.run(states()) == ["queued", "running", "done"]


def test_who_listens_to_a_job_hears_of_each_event_while_it_runs(tmp_path: Path) -> None:
    async def heard() -> int:
        script = Script(events=(STARTING,), gate=threading.Semaphore(0))
        jobs = Jobs(tmp_path / "jobs.sqlite", script)
        job = jobs.accept(deploying(), "ann")
        jobs.begin()
        await asyncio.to_thread(until, lambda: script.seen)
        with jobs.listening(job.id) as listener:
            assert script.gate
            script.gate.release()
            found: list[object] = []
            while not found and await listener.news(2):  # of its plan it may hear too
                found = [*jobs.events(job.id, 0, 10)]
        await asyncio.to_thread(jobs.stop, 1)
        return len(found)

    assert asyncio.run(heard()) == 1


def test_whatever_changes_units_is_told_so_that_listings_are_made_anew(tmp_path: Path) -> None:
    changes: list[int] = []
    jobs = Jobs(tmp_path / "jobs.sqlite", Script(events=(STARTING,)), changed=lambda: changes.append(1))
    jobs.begin()
    ended(jobs, jobs.accept(deploying(), "ann"))
    jobs.stop(1)
    assert len(changes) == 2
