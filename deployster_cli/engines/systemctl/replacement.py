"""systemctl3 as manager of our units, on a machine without systemd: everything lies below one folder of the user's.

``tree`` is systemctl3's root: unit files in etc/systemd/system, its notes in run, journals in var/log/journal.
``jobs`` beside it holds our own (see jobs.py). systemctl3 starts no died process again, whatever Restart= says.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from deployster_cli.domain.journal import lines_of
from deployster_cli.domain.names import UnitName
from deployster_cli.engines import process
from deployster_cli.engines.systemctl import args, output
from deployster_cli.engines.systemctl.args import LocalOptions
from deployster_cli.engines.systemctl.calls import call
from deployster_cli.engines.systemctl.folder import UnitFolder, refusal, told
from deployster_cli.engines.systemctl.jobs import Jobs, read_record, write_record
from deployster_cli.engines.systemctl.layout import Layout
from deployster_cli.engines.systemctl.locks import LocalLocks
from deployster_cli.engines.systemctl.logfile import LogFile
from deployster_cli.engines.systemctl.output import Record, Shown
from deployster_cli.engines.systemctl.records import LocalRecords
from deployster_cli.errors import EngineError, EngineMissing

_UNUSABLE = set("%{}\n\0")
"""systemctl3 reads these as specifiers or placeholders of its own in every path below its root."""

_BROKEN = re.compile(r"^(?:PermissionError|NotADirectoryError|OSError): |No module named ", re.MULTILINE)
"""What systemctl3 ends with where looking again never helps."""

_LOOKS = 10

_PACKAGES = Path(__file__).parents[3]
"""The folder that deployster_cli lies in."""

_LOGGED = re.compile(r"[A-Z]+:(systemctl|deployster):")

_INSTALL = "pip install 'deployster[local]'"


def installed() -> bool:
    """Whether systemctl3 can be run by this very Python."""
    return importlib.util.find_spec("systemctl3") is not None


class Replacement:
    """systemctl3, and our runners of its starts and stops."""

    def __init__(self, options: LocalOptions) -> None:
        self._options = options
        self._layout = Layout(Path(options.root or _state_folder()).absolute())
        self._jobs = Jobs(self._layout.jobs)
        self.folder = UnitFolder(self._layout.units, "multi-user.target")
        self.locks = LocalLocks(self._layout.locks)
        self.records = LocalRecords(self._layout.records)

    def missing(self) -> str:
        """Why nothing can be asked here, in one sentence; empty where it can: to be looked at, a folder that can be
        read is enough.
        """
        if not installed():
            return (
                "Neither systemd nor systemctl3, which takes its place, can run units on this machine: "
                f"install it with {_INSTALL}."
            )
        root = self._layout.root
        if _UNUSABLE & set(str(root)):
            return f"The state folder's path {root} has a % or a brace in it: choose another one."
        return "" if os.access(self._layout.units, os.R_OK | os.X_OK) else self._unwritable()

    def check(self) -> str:
        """Why no units can be run here, in one sentence; empty where they can."""
        return self.missing() or self._unwritable()

    def _unwritable(self) -> str:
        root = self._layout.root
        refused = next(filter(None, map(refusal, self._layout.written)), "")
        if not refused:
            return ""
        return (
            f"The state folder {root} can't be written to ({refused.removeprefix(f'{root}: ')}): "
            "choose another one by root in [local] or XDG_STATE_HOME, or change its owner."
        )

    def states(self) -> dict[str, Shown]:
        """What systemctl3 shows, set right by the jobs under way before and after it looked."""
        self._require(self.missing())
        with told(self._layout.root):
            if not self._layout.units.is_dir():
                return {}
            before = self._jobs.read()
            with self._looked_at() as tree:
                shown = output.parse_show(self._look(tree))
            after = self._jobs.read()
        return {name: _set_right(one, before.get(name), after.get(name)) for name, one in shown.items()}

    @contextlib.contextmanager
    def _looked_at(self) -> Iterator[Path]:
        """The tree for systemctl3 to look at, as it writes even then: a copy, where ours can only be read."""
        if not self._unwritable():
            yield self._layout.tree
            return
        import shutil  # noqa: PLC0415 - only where it has come to this
        import tempfile  # noqa: PLC0415

        with tempfile.TemporaryDirectory(prefix="deployster-look-") as folder:
            copy = Path(folder, *self._layout.tree.parts[-3:])
            shutil.copytree(self._layout.tree, copy, ignore=_journals, copy_function=_copied, symlinks=True)
            for path in (copy, *copy.rglob("*")):
                if path.is_dir() and not path.is_symlink():
                    path.chmod(0o700)
            yield copy

    def start(self, names: Sequence[UnitName]) -> None:
        """Start these side by side, each in a process of its own that outlives us."""
        self._require(self.check())
        for name in names:
            if not self._run("start", name):
                raise EngineError(f"{name.text} is still stopping; it was not started.", hint="Try again in a while.")

    def stop(self, names: Sequence[UnitName]) -> None:
        """Stop these, each in a process of its own."""
        for name in names:
            if self.folder.get(name):
                self._run("stop", name)

    def remove(self, names: Sequence[UnitName]) -> None:
        """Remove journals, notes, jobs, and the unit files last: killed in between, it is done again."""
        for name in names:
            with told(self._layout.root):
                self._layout.clear(name)
                self._jobs.remove(name)
            self.folder.remove(name)

    def journal(self, name: UnitName, lines: int) -> Iterator[str]:
        """The end of what the unit wrote and how it ended; where that is nothing, what its start said, else a line
        that says so.
        """
        path = self._layout.journal(name)
        with told(path):
            said = _complaints(self._layout.log(name))
            if path.is_file() and path.stat().st_size:
                written = lines_of(call(args.tail(str(path), lines), self._options.read_timeout))
                return iter([*written, *(line for line in said if output.tells_an_end(line))][-lines:])
            return iter(said[-lines:] or [f"-- {name.text} has written nothing --"])

    def entries(self, name: UnitName, lines: int | None, *, follow: bool, after: str) -> LogFile:
        """The end of what the unit wrote; where that is nothing, and won't be waited for, what its start said."""
        said = self._layout.log(name)
        return LogFile(self._layout.journal(name), lines, follow, lambda: _complaints(said), after=after)

    def exit_code(self, name: UnitName) -> int | None:
        """As systemctl3 told it when the unit, a oneshot, ended; None for any other."""
        log = self._layout.log(name)
        return output.oneshot_ended(log.read_text(errors="replace")) if log.is_file() else None

    def _look(self, tree: Path) -> str:
        """What systemctl3 shows. It breaks where a job removes a unit's notes under its eyes, so it may look again."""
        base = args.systemctl3(sys.executable, str(tree))
        for left in reversed(range(_LOOKS)):
            try:
                return call(args.show(base), self._options.read_timeout, env=_env(), called="systemctl3 show")
            except EngineError as error:
                if _BROKEN.search(error.err):
                    raise EngineMissing(
                        error.message, f"Its files lie in {self._layout.tree}.", argv=error.argv
                    ) from error
                if not left or "FileNotFoundError" not in error.err:
                    raise
        raise AssertionError("the last look returns or raises")

    def _run(self, verb: str, name: UnitName) -> bool:
        with told(self._layout.jobs), self._jobs.claimed(name, verb) as lock:
            if lock is None:
                return False
            known = read_record(lock)
            run = known.run if known and verb == "stop" else os.urandom(16).hex()
            write_record(lock, Record(verb, 0, "", run))
            self._layout.prepare(name)
            argv = args.job(sys.executable, verb, name, str(self._layout.root), lock)
            try:
                process.detach(argv, log=str(self._layout.log(name)), env=_env_with_us(), keep=[lock])
            except process.NotStarted as error:
                raise EngineMissing(f"{argv[0]} can't be run: {error.reason}.", argv=argv) from error
        return True

    @staticmethod
    def _require(why: str) -> None:
        if why:
            raise EngineMissing(why)


def _set_right(one: Shown, before: tuple[Record, bool] | None, after: tuple[Record, bool] | None) -> Shown:
    """systemctl3's word for a unit, corrected by what its jobs know.

    While a job runs it is the truth. Afterwards a start that failed or was killed leaves "inactive" behind, or what
    it has started so far as "running"; a oneshot that is through and what RemainAfterExit keeps are "running" too.
    """
    for record, busy in filter(None, (after, before)):
        if busy:
            active = "activating" if record.verb == "start" else "deactivating"
            return replace(one, active=active, sub=record.verb)
    unfinished = after is not None and after[0].verb == "start" and after[0].result != "done"
    if unfinished or one.active == "failed":
        return replace(one, active="failed", sub="failed")
    if one.active == "active" and one.main_pid is None:
        return replace(one, sub="exited") if one.remains else replace(one, active="inactive", sub="dead")
    return one


def _journals(folder: str, _: object) -> list[str]:
    """What of a tree no look needs, and may be large."""
    return ["log"] if Path(folder).name == "var" else []


def _copied(source: str, copy: str) -> None:
    with contextlib.suppress(FileNotFoundError):  # it was taken out just now
        Path(copy).write_bytes(Path(source).read_bytes())


def _complaints(log: Path) -> list[str]:
    """What systemctl3 said of a start or stop that a person wants to read: no details, and each line without its kind.

    What is no line of its log is the end of a Python that broke.
    """
    lines = log.read_text(errors="replace").splitlines() if log.is_file() else []
    plain = (line for line in lines if not line.startswith(("DEBUG:", "INFO:", "NOTE:", "HINT:", "\t")))
    found = list(dict.fromkeys(line.split(":", 2)[-1] if _LOGGED.match(line) else line for line in plain))
    return [line for line in found if not line.endswith(" start not active")] or found


def _state_folder() -> Path:
    try:
        states = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    except RuntimeError as error:
        raise EngineMissing(
            "This user has no home: name a state folder by root in [local] or XDG_STATE_HOME."
        ) from error
    return Path(states) / "deployster" / "local"


def _env() -> dict[str, str]:
    """Ours, without what would have systemctl3 look for units elsewhere."""
    return {name: value for name, value in os.environ.items() if not name.startswith("SYSTEMD_")}


def _env_with_us() -> dict[str, str]:
    """The same for our own module, which is found where this one was, installed or not. No unit inherits it."""
    known = os.environ.get("PYTHONPATH")
    return {**_env(), "PYTHONPATH": os.pathsep.join([str(_PACKAGES), *([known] if known else [])])}
