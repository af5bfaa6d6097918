"""Jobs on the disk: nothing accepted is lost, nothing secret stays, and what can't be written is said to be so."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from deployster_cli.errors import InvalidInput, Locked
from deployster_cli.server.jobs import store as job_store
from deployster_cli.server.jobs.job import Job, State
from deployster_cli.server.jobs.store import JobStore, StoreUnusable
from tests.server.given import PLAN, a_job, deploying


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "serve" / "jobs.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[JobStore]:
    store = JobStore(path)
    yield store
    store.close()


def over(job: Job, state: State = State.DONE) -> Job:
    return replace(job, state=state, intent=None, ended_at="2026-11-23T11:01:00Z")


def test_a_job_comes_back_as_it_was_put_in(store: JobStore) -> None:
    job, _ = store.add(a_job(plan=PLAN, error={"message": "m", "hint": "", "exit_code": 1}))
    assert store.get(job.id) == job


def test_a_job_outlives_the_store(store: JobStore, path: Path) -> None:
    job, _ = store.add(a_job())
    store.close()
    again = JobStore(path)
    assert again.unfinished() == [job]
    again.close()


def test_ids_sort_in_order_of_acceptance(store: JobStore) -> None:
    ids = [store.add(a_job())[0].id for _ in range(20)]
    assert ids == sorted(ids)


def test_an_id_is_never_given_twice_even_if_all_jobs_are_gone(store: JobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_store, "MOST_KEPT", 0)
    first, _ = store.add(a_job())
    store.save(over(first))
    assert (store.get(first.id), store.add(a_job())[0].id > first.id) == (None, True)


def test_the_file_is_its_owners_alone(store: JobStore, path: Path) -> None:
    store.add(a_job())
    assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == {0o600}


def test_a_file_that_others_could_read_is_closed_to_them(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.touch(mode=0o644)
    JobStore(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("forgotten", [True, False])
def test_values_of_env_are_nowhere_in_the_folder_once_the_job_has_ended(
    store: JobStore, path: Path, forgotten: bool
) -> None:
    job, _ = store.add(a_job(intent=deploying(envs=("TOKEN=geheim",))))
    assert any(b"geheim" in file.read_bytes() for file in path.parent.iterdir())
    store.save(over(job) if forgotten else replace(over(job), intent=job.intent))
    assert not any(b"geheim" in file.read_bytes() for file in path.parent.iterdir())


def test_the_same_key_gives_the_same_job(store: JobStore) -> None:
    first, new = store.add(a_job(), "k", "d")
    assert (new, store.add(a_job(), "k", "d")) == (True, (first, False))


def test_a_key_of_another_request_is_refused(store: JobStore) -> None:
    store.add(a_job(), "k", "d")
    with pytest.raises(InvalidInput, match="used for another request"):
        store.add(a_job(), "k", "other")
    assert len(store.newest(None, 10)) == 1


def test_events_are_numbered_from_one_in_order(store: JobStore) -> None:
    job, _ = store.add(a_job())
    store.tell(job.id, [("t1", {"n": 1}), ("t2", {"n": 2})])
    store.tell(job.id, [("t3", {"n": 3})])
    assert store.events(job.id) == [(1, "t1", {"n": 1}), (2, "t2", {"n": 2}), (3, "t3", {"n": 3})]
    assert store.events(job.id, after=1, limit=1) == [(2, "t2", {"n": 2})]


def test_no_more_than_so_many_events_are_kept_of_a_job(store: JobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_store, "MOST_EVENTS", 3)
    job, _ = store.add(a_job())
    for _ in range(3):
        store.tell(job.id, [("t", {}), ("t", {})])
    assert len(store.events(job.id)) == 3


def test_the_oldest_jobs_go_with_their_events_and_no_unfinished_one_does(
    store: JobStore, monkeypatch: pytest.MonkeyPatch, path: Path
) -> None:
    monkeypatch.setattr(job_store, "MOST_KEPT", 2)
    waiting, _ = store.add(a_job())
    jobs = [store.add(a_job())[0] for _ in range(4)]
    for job in jobs:
        store.tell(job.id, [("t", {})])
        store.save(over(job))
    assert {job.id for job in store.newest(None, 10)} == {waiting.id, jobs[2].id, jobs[3].id}
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        assert db.execute("SELECT count(*) FROM events").fetchone() == (2,)
    db.close()


def test_counts_name_every_state(store: JobStore) -> None:
    store.add(a_job())
    assert store.counts() == {"queued": 1, "running": 0, "done": 0, "failed": 0}


def test_a_second_server_is_refused_in_one_sentence(store: JobStore, path: Path) -> None:
    with pytest.raises(Locked, match="two of them can't share one record of jobs"):
        JobStore(path)


def test_a_closed_store_lets_the_next_one_in(store: JobStore, path: Path) -> None:
    store.close()
    again = JobStore(path)
    assert again.newest(None, 1) == []
    again.close()


def test_a_closed_store_holds_no_file_open(path: Path) -> None:
    before = set(Path("/proc/self/fd").iterdir())
    stores = [JobStore(path.with_name(f"{number}.sqlite")) for number in range(3)]
    for store in stores:
        store.close()
    assert set(Path("/proc/self/fd").iterdir()) <= before


def test_a_file_of_a_newer_version_is_left_alone(store: JobStore, path: Path) -> None:
    store.close()
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    before = set(Path("/proc/self/fd").iterdir())
    with pytest.raises(StoreUnusable, match="newer deployster") as refused:
        JobStore(path)
    assert set(Path("/proc/self/fd").iterdir()) <= before, "it holds no file open"
    del refused


def test_a_file_that_is_no_database_is_said_to_be_none(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_text("hello, I am a shopping list" * 100)
    with pytest.raises(StoreUnusable, match="can't be used: file is not a database"):
        JobStore(path)


def test_a_full_disk_refuses_the_job_and_keeps_the_others(store: JobStore) -> None:
    job, _ = store.add(a_job())
    store._writer.execute("PRAGMA max_page_count = 1")
    with pytest.raises(StoreUnusable, match="database or disk is full"):
        for _ in range(100):
            store.add(a_job(request={"version": "v" * 2000}))
    store._writer.execute("PRAGMA max_page_count = 100000")
    assert (job in store.unfinished(), store.add(a_job())[1]) == (True, True)


def test_a_folder_that_can_not_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnusable, match=r"Not a directory|File exists"):
        JobStore(tmp_path / "file" / "jobs.sqlite")


def test_an_intent_that_this_version_can_not_read_is_none(store: JobStore) -> None:
    job, _ = store.add(a_job())
    store._writer.execute('UPDATE jobs SET intent = \'{"verb": "dance"}\'')
    assert store.unfinished() == [replace(job, intent=None)]


class StoreAgainstAModel(RuleBasedStateMachine):
    """Whatever is done, a store opened anew holds exactly what a dict would."""

    jobs = Bundle("jobs")

    def __init__(self) -> None:
        super().__init__()
        import tempfile

        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "jobs.sqlite"
        self.store = JobStore(self.path)
        self.model: dict[str, Job] = {}
        self.keys: dict[str, str] = {}
        self.told: dict[str, list[int]] = {}

    @rule(target=jobs, service=st.sampled_from("ab"), key=st.sampled_from(["", "k1", "k2"]))
    def add(self, service: str, key: str) -> str:
        job, new = self.store.add(a_job(service), key or None, "")
        assert new is (job.id not in self.model)
        assert new is (not key or key not in self.keys)
        if new:
            self.model[job.id], self.told[job.id] = job, []
            self.keys |= {key: job.id} if key else {}
        return job.id

    @rule(job_id=jobs, state=st.sampled_from(State), starts=st.integers(0, 9))
    def save(self, job_id: str, state: State, starts: int) -> None:
        intent = None if state in {State.DONE, State.FAILED} else self.model[job_id].intent
        self.model[job_id] = replace(self.model[job_id], state=state, starts=starts, intent=intent)
        self.store.save(self.model[job_id])

    @rule(job_id=jobs, number=st.integers(1, 3))
    def tell(self, job_id: str, number: int) -> None:
        self.store.tell(job_id, [("t", {"n": n}) for n in range(number)])
        self.told[job_id] += range(number)

    @rule()
    def open_anew(self) -> None:
        self.store.close()
        self.store = JobStore(self.path)

    @invariant()
    def holds_what_the_model_holds(self) -> None:
        everything = list(reversed(self.model.values()))
        assert self.store.newest(None, 1000) == everything
        assert self.store.newest("a", 1000) == [job for job in everything if job.service == "a"]
        assert self.store.unfinished() == [job for job in self.model.values() if not job.over]
        for job_id, told in self.told.items():
            assert [event["n"] for _, _, event in self.store.events(job_id)] == told

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()


StoreAgainstAModel.TestCase.settings = settings(max_examples=20, stateful_step_count=20, deadline=None)
TestStoreAgainstAModel = StoreAgainstAModel.TestCase


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_the_right_to_write_is_said_to_be_so(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StoreUnusable, match="Permission denied"):
        JobStore(tmp_path / "jobs.sqlite")
