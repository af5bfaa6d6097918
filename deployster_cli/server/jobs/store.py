"""Jobs and their events in SQLite: what is accepted is on the disk before anybody is told so.

One process has the file (a lock on a file beside it). It is its owner's alone: until a job has ended its intent is in
it, with the values of --env; then they are wiped. The newest MOST_KEPT jobs are kept.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from deployster_cli.domain import payloads
from deployster_cli.domain.change import Change
from deployster_cli.domain.rollout.plan import Plan
from deployster_cli.errors import InvalidInput, Locked
from deployster_cli.server.jobs.job import Job, Json, NotNow, State

# Jobs that are kept once they have ended.
MOST_KEPT = 1000

# Events that are kept of one job: the first ones.
MOST_EVENTS = 20_000

VERSION = 1

_SCHEMA = """
CREATE TABLE jobs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, service TEXT NOT NULL, version TEXT,
    verb TEXT NOT NULL, state TEXT NOT NULL, "by" TEXT NOT NULL, request TEXT NOT NULL, intent TEXT, plan TEXT,
    planned_at TEXT NOT NULL, created_at TEXT NOT NULL, started_at TEXT NOT NULL, ended_at TEXT NOT NULL,
    starts INTEGER NOT NULL, seconds REAL NOT NULL, error TEXT, key TEXT UNIQUE, digest TEXT NOT NULL
) STRICT;
CREATE INDEX jobs_of_service ON jobs (service, seq);
CREATE INDEX jobs_in_state ON jobs (state, seq);
CREATE TABLE events (
    job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE, number INTEGER NOT NULL, at TEXT NOT NULL,
    event TEXT NOT NULL, PRIMARY KEY (job, number)
) STRICT, WITHOUT ROWID;
"""

_OVER = f"('{State.DONE}', '{State.FAILED}')"


class StoreUnusable(NotNow):
    """The file can't be read or written now: a full disk, a folder without the right to write. HTTP's 503."""


class JobStore:
    """The jobs in the file at ``path``. StoreUnusable from every method where the file fails.

    Writers wait for each other; readers, with a connection of their own, wait for no writer.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._blaming():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._claim: int | None = _claimed(path)
            with contextlib.ExitStack() as undone:
                undone.callback(os.close, self._claim)
                _own(path)
                self._writer, self._reader = self._connection(undone), self._connection(undone)
                self._migrate()
                undone.pop_all()
        self._writing, self._reading = threading.Lock(), threading.Lock()

    def close(self) -> None:
        """Let go of the file. Once is enough."""
        with self._writing, self._reading:
            self._writer.close()
            self._reader.close()
            claim, self._claim = self._claim, None
        if claim is not None:
            os.close(claim)

    def add(self, job: Job, key: str | None = None, digest: str = "") -> tuple[Job, bool]:
        """Return the job with its number added to its id, and True; or the one there is of the same ``key``, and False.

        InvalidInput where that one was asked for with another ``digest``. Once this returns, it is on the disk.
        """
        with self._write() as db:
            found = db.execute("SELECT * FROM jobs WHERE key = ?", (key,)).fetchone() if key else None
            if found:
                return _same(found, digest), False
            row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'jobs'").fetchone()
            added = replace(job, id=f"{job.id}-{(row['seq'] if row else 0) + 1:08x}")
            values = {**_columns(added), "key": key, "digest": digest}
            names = ", ".join(f'"{name}"' for name in values)
            db.execute(f"INSERT INTO jobs ({names}) VALUES ({_marks(values)})", tuple(values.values()))  # noqa: S608 - names of ours  # nosec B608
            return added, True

    def save(self, job: Job) -> None:
        """Keep the job as it is now. One that has ended leaves no secret behind, and the oldest beyond MOST_KEPT go."""
        with self._write() as db:
            values = _columns(job)
            names = ", ".join(f'"{name}" = ?' for name in values)
            db.execute(f"UPDATE jobs SET {names} WHERE id = ?", (*values.values(), job.id))  # noqa: S608 - names of ours  # nosec B608
            if job.over:
                db.execute(
                    f"DELETE FROM jobs WHERE state IN {_OVER} AND seq <= "  # noqa: S608 - a constant  # nosec B608
                    f"(SELECT seq FROM jobs WHERE state IN {_OVER} ORDER BY seq DESC LIMIT 1 OFFSET ?)",
                    (MOST_KEPT,),
                )
        if job.over:
            self._forget_old_pages()

    def tell(self, job_id: str, events: Sequence[tuple[str, Json]]) -> None:
        """Events (when, what) of a job, behind those it has."""
        with self._write() as db:
            count = db.execute("SELECT coalesce(max(number), 0) FROM events WHERE job = ?", (job_id,)).fetchone()[0]
            rows = [(job_id, count + n, at, _text(event)) for n, (at, event) in enumerate(events, 1)]
            db.executemany("INSERT INTO events VALUES (?, ?, ?, ?)", rows[: max(0, MOST_EVENTS - count)])

    def get(self, job_id: str) -> Job | None:
        """One job."""
        with self._read() as db:
            row = db.execute("SELECT * FROM jobs WHERE id = ?", (job_id,)).fetchone()
            return _job(row) if row else None

    def newest(self, service: str | None, limit: int) -> list[Job]:
        """Return the last jobs of a service, or of all, newest first."""
        where, values = ("WHERE service = ?", (service,)) if service is not None else ("", ())
        with self._read() as db:
            rows = db.execute(f"SELECT * FROM jobs {where} ORDER BY seq DESC LIMIT ?", (*values, limit))  # noqa: S608 - constants  # nosec B608
            return [_job(row) for row in rows]

    def counts(self) -> dict[str, int]:
        """How many jobs there are in each state."""
        with self._read() as db:
            return dict.fromkeys(State, 0) | {
                row["state"]: row["count"] for row in db.execute("SELECT state, count(*) AS count FROM jobs GROUP BY 1")
            }

    def unfinished(self) -> list[Job]:
        """Every job that has not ended, in order of acceptance."""
        with self._read() as db:
            return [_job(row) for row in db.execute(f"SELECT * FROM jobs WHERE state NOT IN {_OVER} ORDER BY seq")]  # noqa: S608 - a constant  # nosec B608

    def events(self, job_id: str, after: int = 0, limit: int = MOST_EVENTS) -> list[tuple[int, str, Json]]:
        """Events (number, when, what) of a job behind that number, in order."""
        with self._read() as db:
            rows = db.execute(
                "SELECT number, at, event FROM events WHERE job = ? AND number > ? ORDER BY number LIMIT ?",
                (job_id, after, limit),
            )
            return [(row["number"], row["at"], json.loads(row["event"])) for row in rows]

    def _connection(self, undone: contextlib.ExitStack) -> sqlite3.Connection:
        db = sqlite3.connect(self._path, timeout=5, isolation_level=None, check_same_thread=False)
        undone.callback(db.close)
        db.row_factory = sqlite3.Row
        for setting in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "secure_delete = ON"):
            db.execute(f"PRAGMA {setting}")
        return db

    def _migrate(self) -> None:
        found = self._writer.execute("PRAGMA user_version").fetchone()[0]
        if found > VERSION:
            raise StoreUnusable(f"{self._path} was written by a newer deployster.", "Use that one, or another file.")
        if found < VERSION:
            self._writer.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;")

    def _forget_old_pages(self) -> None:
        """Empty the write-ahead log, where pages with secrets may be; a reader or a full disk leaves it to the next."""
        with contextlib.suppress(sqlite3.Error), self._writing:
            self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    @contextlib.contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        """One transaction, on the disk when this ends; all of it or nothing."""
        with self._blaming(), self._writing:
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def _read(self) -> Iterator[sqlite3.Connection]:
        with self._blaming(), self._reading:
            yield self._reader

    @contextlib.contextmanager
    def _blaming(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            hint = "See that the disk has room and this user may write there; or name another file."
            raise StoreUnusable(f"The record of jobs, {self._path}, can't be used: {why}.", hint) from error


def _claimed(path: Path) -> int:
    """Return the file whose lock says that the jobs are ours; Locked where another process has it."""
    claim = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(claim)
        raise Locked(
            f"Another deployster serve is using {path}: two of them can't share one record of jobs.",
            "Stop it, or give this one a file of its own.",
        ) from None
    return claim


def _own(path: Path) -> None:
    """Make the file its owner's alone, before SQLite makes it; SQLite gives its other files the same mode."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        os.fchmod(file, 0o600)
    finally:
        os.close(file)


def _same(row: sqlite3.Row, digest: str) -> Job:
    if row["digest"] != digest:
        raise InvalidInput("This Idempotency-Key was used for another request.", "Give each request a key of its own.")
    return _job(row)


def _columns(job: Job) -> dict[str, object]:
    return {
        "id": job.id,
        "service": job.service,
        "version": job.version,
        "verb": job.verb,
        "state": job.state.value,
        "by": job.by,
        "request": _text(job.request),
        "intent": None if job.over or job.intent is None else _text(payloads.encode(job.intent)),
        "plan": None if job.plan is None else _text(payloads.encode(job.plan)),
        "planned_at": job.planned_at,
        "created_at": job.created_at,
        "started_at": job.started_at,
        "ended_at": job.ended_at,
        "starts": job.starts,
        "seconds": job.seconds,
        "error": None if job.error is None else _text(job.error),
    }


def _job(row: sqlite3.Row) -> Job:
    columns = dict(row)
    intent, plan = _wishes(columns.pop("intent"), columns.pop("plan"))
    for name in ("seq", "key", "digest"):
        del columns[name]
    columns["request"] = json.loads(columns["request"])
    columns["error"] = json.loads(columns["error"] or "null")
    columns["state"] = State(columns["state"])
    return Job(**columns, intent=intent, plan=plan)


def _wishes(intent: str | None, plan: str | None) -> tuple[Change | None, Plan | None]:
    """Both, or None where one can't be read: another version of deployster may have written it."""
    try:
        return (
            payloads.decode(Change, json.loads(intent)) if intent else None,
            payloads.decode(Plan, json.loads(plan)) if plan else None,
        )
    except InvalidInput:
        return None, None


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _marks(values: dict[str, object]) -> str:
    return ", ".join("?" * len(values))
