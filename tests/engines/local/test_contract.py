"""What a unit does is the same whether our supervisors run it, a real systemd does, or one that is reached over ssh:
each test is run on all of them.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engines.local.machine import REPOSITORY, Machine, emptying

Told = Callable[..., str]

PRELUDE = r"""
import os, pathlib, signal, sys, tempfile, time
from tests.engines.local.units import unit
here = pathlib.Path(tempfile.mkdtemp())
LONG = "ExecStart=/bin/sleep 300"
NAME = unit("9f8").name
def sh(line, option="ExecStart"):
    quoted = line.replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$").replace("%", "%%")
    return f'{option}=/bin/sh -c "{quoted}"'
def conditions():
    return {found.name.version: str(found.condition) for found in engine.units() if found.name.service == "carousel"}
def wait(done, seconds=15):
    end = time.monotonic() + seconds
    while True:
        now = conditions()
        if done(now):
            return now.get("9f8")
        if time.monotonic() > end:
            sys.exit(f"still {now}")
        time.sleep(0.05)
def until(done, seconds=15):
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            sys.exit("it never came to that")
        time.sleep(0.05)
def settled(*service):
    engine.start([unit("9f8", *service)])
    return wait(lambda now: not {"starting", "stopping", "waiting"} & set(now.values()))
def becomes(condition):
    return wait(lambda now: now.get("9f8") == condition)
def stopped():
    engine.stop([NAME])
    return wait(lambda now: now["9f8"] in ("stopped", "failed"))
def read(name):
    until(lambda: (here / name).exists() and (here / name).read_text().endswith("\n"))
    return (here / name).read_text().removesuffix("\n")
def alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
def forsaken():
    # what looks after the unit is killed; nobody kills PID 1
    words = {"deployster_cli.engines.local.supervisor.runner", kept_in()}
    def told():
        ours = [pid for pid in os.listdir("/proc") if alive(pid) and words <= set(argv(pid))]
        for pid in ours:
            os.kill(int(pid), signal.SIGKILL)
        return not ours
    until(told)
def argv(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except OSError:
        return []
def restarts():
    return engine.units()[0].restarts
def state():
    return states()[NAME.text]
"""

LOCAL = r"""
from deployster_cli.engines.local.declaration import LocalOptions
from deployster_cli.engines.local.engine import LocalEngine
engine = LocalEngine(LocalOptions(OPTIONS))
def states():
    return engine.manager.states()
def kept_in():
    return str(engine.manager.folder.path.parents[1])
"""

OVER_SSH = r"""
from deployster_cli.engines.ssh.declaration import SshOptions
from deployster_cli.engines.ssh.engine import SshEngine
from deployster_cli.engines.ssh.hosts import host
engine = SshEngine(SshOptions((host("root@127.0.0.1"),), config=CONFIG))
def states():
    engine.units()
    return next(iter(engine._cluster.last.machines.values())).shown
def kept_in():
    return "nowhere: systemd looks after them"
"""


@pytest.fixture(
    params=[
        pytest.param("supervisor", marks=pytest.mark.process),
        pytest.param("systemd", marks=pytest.mark.systemd),
        pytest.param("ssh", marks=[pytest.mark.systemd, pytest.mark.ssh]),
    ]
)
def told(request: pytest.FixtureRequest, tmp_path: Path) -> Told:
    """What these lines of Python print where units are run by one of the two; what they leave is taken away."""

    def tell(*lines: str) -> str:
        code = emptying(PRELUDE + (OVER_SSH if request.param == "ssh" else LOCAL), *lines)
        if request.param != "supervisor":
            machine: Machine = request.getfixturevalue("machine")
            config = machine.lets_itself_in() if request.param == "ssh" else ""
            return machine.python(code.replace("OPTIONS", "manager='system'").replace("CONFIG", repr(config)))
        options = f"manager='supervisor', root={str(tmp_path / 'a state')!r}"
        env = {"PATH": "/usr/bin:/bin", "HOME": "/root", "PYTHONPATH": f"{REPOSITORY}:{':'.join(sys.path)}"}
        argv = [sys.executable, "-B", "-c", code.replace("OPTIONS", options)]
        done = subprocess.run(argv, env=env, cwd="/", check=False, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return tell


@pytest.mark.parametrize(
    ("service", "condition"),
    [
        (["LONG"], "running"),
        (["'Type=exec'", "LONG"], "running"),
        (["'ExecStartPre=/bin/true'", "LONG"], "running"),
        (["'ExecStartPre=/bin/false'", "LONG"], "failed"),
        (["'ExecStartPre=-/bin/false'", "LONG"], "running"),
        (["LONG", "'ExecStartPost=/bin/false'"], "failed"),
        (["LONG", "'ExecStartPost=-/bin/false'"], "running"),
        (["'ExecStart=/bin/nonesuch'"], "failed"),
        (["'ExecStart=-/bin/nonesuch'"], "exited"),
        (["'WorkingDirectory=/nonesuch'", "LONG"], "failed"),
        (["'WorkingDirectory=-/nonesuch'", "LONG"], "running"),
        (["'User=nonesuch'", "LONG"], "failed"),
        (["'ExecStart=/bin/true'"], "exited"),
        (["'ExecStart=@/bin/sh true -c true'"], "exited"),
        (["'ExecStart=/bin/false'", "'SuccessExitStatus=1'"], "exited"),
        (["sh('kill -TERM $$')"], "exited"),
        (["sh('kill -TERM $$')", "'Type=oneshot'"], "failed"),
        (["sh('kill -KILL $$')"], "failed"),
        (["sh('kill -KILL $$')", "'SuccessExitStatus=SIGKILL'"], "exited"),
        (["'Type=oneshot'", "'ExecStart=/bin/true'"], "exited"),
        (["'Type=oneshot'", "'ExecStart=/bin/true ; /bin/false'"], "failed"),
        (["'Type=oneshot'", "'RemainAfterExit=yes'", "'ExecStart=/bin/true'"], "completed"),
        (["'RemainAfterExit=yes'", "'ExecStart=/bin/true'"], "completed"),
        (["'Type=oneshot'", "'RemainAfterExit=yes'", "'ExecStart=/bin/false'"], "failed"),
        (["'EnvironmentFile=/nonesuch'", "LONG"], "failed"),
        (["'EnvironmentFile=-/nonesuch'", "LONG"], "running"),
        (["'TimeoutStartSec=500ms'", "'ExecStartPre=/bin/sleep 300'", "LONG"], "failed"),
        (["'TimeoutStartSec=500ms'", "LONG", "'ExecStartPost=/bin/sleep 300'"], "failed"),
        (["'Type=oneshot'", "'TimeoutStartSec=500ms'", "LONG"], "failed"),
        (["'Restart=always'", "'RestartSec=60'", "'ExecStart=/bin/false'"], "restarting"),
        (["'Restart=always'", "'RestartSec=60'", "'ExecStart=/bin/true'"], "restarting"),
        (["'Restart=always'", "'RestartSec=60'", "'ExecStartPre=/bin/false'", "LONG"], "restarting"),
        (["'Restart=on-failure'", "'RestartSec=60'", "'ExecStart=/bin/true'"], "exited"),
        (["'Restart=on-failure'", "'RestartSec=60'", "'ExecStart=/bin/false'"], "restarting"),
        (["'Restart=on-failure'", "'RestartSec=60'", "'EnvironmentFile=/nonesuch'", "LONG"], "restarting"),
        (["'Restart=on-failure'", "'RestartPreventExitStatus=1'", "'ExecStart=/bin/false'"], "failed"),
        (["'Restart=no'", "'RestartForceExitStatus=1'", "'RestartSec=60'", "'ExecStart=/bin/false'"], "restarting"),
        (["'Restart=on-success'", "'RestartSec=60'", "'ExecStart=/bin/true'"], "restarting"),
        (["'Restart=on-abnormal'", "'RestartSec=60'", "'ExecStart=/bin/false'"], "failed"),
        (["'Restart=on-abort'", "'RestartSec=60'", "sh('kill -KILL $$')"], "restarting"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else value,
)
def test_a_unit_comes_to_the_same_end(told: Told, service: list[str], condition: str) -> None:
    seen = told(
        f"settled({', '.join(service)})", "time.sleep(0.4)", "print(wait(lambda now: now['9f8'] != 'starting'))"
    )
    assert seen == condition


WELL, BADLY = "stopped dead inactive", "stopped failed failed"
DEAF = "'TimeoutStopSec=1', sh('trap \"\" TERM; while :; do sleep 1; done')"

STOPPING = {
    "plain": ("LONG", WELL),
    "heeding no SIGTERM": (DEAF, BADLY),
    "by another signal": (
        "'KillSignal=SIGUSR1', sh('trap \"exit 0\" USR1; trap \"\" TERM; while :; do sleep 0.1; done')",
        WELL,
    ),
    "with an exit code": ("sh('trap \"exit 143\" TERM; while :; do sleep 0.1; done')", BADLY),
    "with a good exit code": (
        "'SuccessExitStatus=143', sh('trap \"exit 143\" TERM; while :; do sleep 0.1; done')",
        WELL,
    ),
    "with a hanging ExecStop": ("'TimeoutStopSec=1', 'ExecStop=/bin/sleep 300', LONG", BADLY),
    "with a failing ExecStop": ("'ExecStop=/bin/false', LONG", BADLY),
    "with one that may fail": ("'ExecStop=-/bin/false', 'ExecStopPost=-/bin/false', LONG", WELL),
    "with one that is missing": ("'ExecStop=/bin/nonesuch', LONG", BADLY),
    "with a hanging ExecStopPost": ("'TimeoutStopSec=1', 'ExecStopPost=/bin/sleep 300', LONG", BADLY),
    "suspended": ("sh('kill -STOP $$; exec sleep 300')", WELL),
    "done and kept": ("'Type=oneshot', 'RemainAfterExit=yes', 'ExecStart=/bin/true'", WELL),
    "mixed": ("'KillMode=mixed', " + DEAF, BADLY),
}


@pytest.mark.parametrize("case", STOPPING)
def test_a_unit_is_stopped_the_same_way(told: Told, case: str) -> None:
    service, end = STOPPING[case]
    lines = ["said = stopped()", "one = states().get(NAME.text)"]
    show = "print(said, one.sub if one else 'dead', one.active if one else 'inactive')"
    assert told(f"settled({service})", "time.sleep(0.3)", *lines, show) == end


def test_two_stops_at_once_are_one(told: Told) -> None:
    first = "settled('ExecStop=/bin/sh -c \"echo once >> ' + str(here) + '/seen; sleep 1\"', LONG)"
    lines = [
        "engine.stop([NAME])",
        "time.sleep(0.3)",
        "engine.stop([NAME])",
        "becomes('stopped')",
        "print(read('seen'))",
    ]
    assert told(first, *lines) == "once"


@pytest.mark.parametrize(
    "service", ["'ExecStartPre=/bin/sleep 300', LONG", "LONG, 'ExecStartPost=/bin/sleep 300'"], ids=["before", "after"]
)
def test_a_unit_that_starts_can_be_stopped(told: Told, service: str) -> None:
    begin = f"engine.start([unit('9f8', {service}, 'ExecStop=/bin/touch ' + str(here) + '/stop')])"
    assert told(begin, "time.sleep(1)", "print(stopped(), (here / 'stop').exists())") == "stopped False"


def test_a_unit_that_waits_for_its_restart_can_be_stopped(told: Told) -> None:
    begin = "engine.start([unit('9f8', 'Restart=always', 'RestartSec=60', 'ExecStart=/bin/false')])"
    wait = "becomes('restarting')"
    assert told(begin, wait, "print(conditions()['9f8'], stopped())") == "restarting stopped"


def test_a_failed_unit_can_be_started_again(told: Told) -> None:
    begin = "settled('ExecStartPre=/usr/bin/test -e ' + str(here) + '/ready', LONG)"
    again = ["(here / 'ready').touch()", "engine.resume([NAME])", "becomes('running')", "print(restarts())"]
    assert told(begin, *again) == "0"


def test_a_stopped_unit_can_be_started_again(told: Told) -> None:
    assert told("settled(LONG)", "stopped()", "engine.resume([NAME])", "print(becomes('running'))") == "running"


def test_restarts_are_counted(told: Told) -> None:
    begin = "settled('Restart=always', 'RestartSec=1', sh('echo x >> ' + str(here) + '/seen; exec sleep 300'))"
    kill = [
        "written = lambda n: read('seen').split() == ['x'] * n",  # it runs a moment before it has written
        "for n in 1, 2:",
        "    until(lambda: written(n))",
        "    os.kill(state().main_pid, signal.SIGKILL)",
        "    until(lambda: restarts() == n and state().sub == 'running')",
        "until(lambda: written(3))",
    ]
    assert told(begin, *kill, "print(restarts())") == "2"


def test_a_unit_that_ends_again_and_again_is_given_up(told: Told) -> None:
    begin = "settled('Restart=always', 'RestartSec=50ms', sh('echo x >> ' + str(here) + '/seen; exit 1'))"
    assert told(begin, "becomes('failed')", "print(len(read('seen').split()))") == "5"


def test_a_pause_is_kept_before_a_restart(told: Told) -> None:
    begin = "settled('Restart=always', 'RestartSec=1', sh('date +%s.%N >> ' + str(here) + '/seen; exit 1'))"
    lines = ["until(lambda: len(read('seen').split()) > 2)", "one, two, *_ = map(float, read('seen').split())"]
    assert told(begin, *lines, "print(1 <= two - one < 3)") == "True"


@pytest.mark.parametrize(
    "what",
    [
        "env_file.unlink()",
        "(env_file.unlink(), env_file.mkdir())",
        "env_file.write_bytes('A=1'.encode('utf-16'))",
        "env_file.chmod(0)",
    ],
    ids=["removed", "a folder", "UTF-16", "unreadable"],
)
def test_stopping_needs_no_environment(told: Told, what: str) -> None:
    begin = ["env_file = here / 'env'", "env_file.write_text('A=1\\n')", "settled(f'EnvironmentFile={env_file}', LONG)"]
    stop = [what, "pid = state().main_pid", "said = stopped()", "ran_on = alive(pid)"]
    assert told(*begin, *stop, "empty()", "print(said, ran_on, conditions())") == "stopped False {}"


@pytest.mark.parametrize(
    ("content", "seen"),
    [
        ("b'A=one\\nB=\"two 2\"\\n'", "running one two 2"),
        ("'A=é\\n'.encode()", "running é"),
        ("'\\ufeffA=1\\nB=2\\n'.encode()", "running 2"),
        ("b'export A=1\\nB=2\\n'", "running 2"),
        ("b'A=1\\n# caf\\xe9\\n'", "running 1"),
        ("'A=1\\n'.encode('utf-16')", "failed"),
        ("'A=é\\n'.encode('latin-1')", "failed"),
        ("b'A=1\\n\\0'", "failed"),
    ],
    ids=["good", "UTF-8", "BOM", "export", "comment", "UTF-16", "latin-1", "NUL"],
)
def test_a_file_of_variables_is_read_as_strictly(told: Told, content: str, seen: str) -> None:
    write = "echo \"$A $B\" > ' + str(here) + '/seen; exec sleep 300"
    begin = [
        f"(here / 'env').write_bytes({content})",
        f"said = settled('EnvironmentFile=' + str(here / 'env'), sh('{write}'))",
    ]
    assert told(*begin, "print(said, *read('seen').split() if said == 'running' else [])") == seen


DESCENDANTS = {
    "without an environment": "env -i /bin/sleep 301 & echo $! >> SEEN",
    "in a session of its own": "setsid /bin/sleep 301 & sleep 0.2; echo $! >> SEEN",
    "left by its parent": "(setsid env -i /bin/sh -c 'echo $$ >> SEEN; exec sleep 301' &) ; sleep 0.3",
    "under another name": "env -i python3 -c 'import ctypes, os, time; open(\"SEEN\", \"a\").write(str(os.getpid()))"
    "; ctypes.CDLL(None).prctl(15, b\"else\"); time.sleep(301)' & sleep 1; echo >> SEEN",
    "deaf to SIGTERM": "(trap '' TERM; echo $(exec sh -c 'echo $PPID') >> SEEN; while :; do sleep 1; done) &",
    "200 of them": "for n in $(seq 200); do env -i sleep 301 & echo $! >> SEEN; done",
}  # fmt: skip


@pytest.mark.parametrize("kind", DESCENDANTS)
def test_no_descendant_outlives_its_unit(told: Told, kind: str) -> None:
    script = DESCENDANTS[kind]
    begin = [
        f"script = {script!r}.replace('SEEN', str(here / 'seen'))",
        "(here / 'run').write_text(script + '\\necho done > ' + str(here / 'done') + '\\nexec sleep 300\\n')",
        "settled('TimeoutStopSec=2', f'ExecStart=/bin/sh {here}/run')",
        "read('done')",
        "pids = read('seen').split()",
        "before = sum(map(alive, pids))",
        "engine.stop([NAME])",
        "engine.destroy([NAME])",
        "wait(lambda now: not now)",
        "end = time.monotonic() + 2",
        "while any(map(alive, pids)) and time.monotonic() < end:",  # killed, and not yet looked after by PID 1
        "    time.sleep(0.05)",
        "print(before, sum(map(alive, pids)))",
    ]
    assert told(*begin) == f"{200 if kind.startswith('200') else 1} 0"


@pytest.mark.parametrize("last", ["engine.stop([NAME])", "engine.destroy([NAME])"])
def test_no_descendant_outlives_a_stop_though_whoever_looked_after_its_unit_was_killed(told: Told, last: str) -> None:
    """The descendant has no environment, no output and a session and parent of its own."""
    child = "(setsid env -i /bin/sh -c 'echo $$ > SEEN; exec sleep 301 > /dev/null 2>&1' &) ; exec sleep 300"
    begin = [f"settled(sh({child!r}.replace('SEEN', str(here / 'seen'))))", "pid = read('seen')", "forsaken()"]
    gone = "wait(lambda now: now.get('9f8', 'stopped') == 'stopped')"
    assert told(*begin, "before = alive(pid)", last, gone, "print(before, alive(pid))") == "True False"


# A process that only begins the next and ends, and so does that: whoever looks for it finds the one before.
CHAIN = """\
import os, sys, time
file, end = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT), time.monotonic() + 40
while time.monotonic() < end:
    if os.fork():
        os._exit(0)
    {step}
    os.pwrite(file, b"%9d\\n" % os.getpid(), 0)
"""


@pytest.mark.parametrize("step", ["pass", "os.setsid()"], ids=["of one session", "each in a session of its own"])
def test_no_chain_of_processes_outruns_its_units_stop(told: Told, step: str) -> None:
    begin = [
        f"(here / 'chain').write_text({CHAIN.format(step=step)!r})",
        "settled('TimeoutStopSec=1', sh(f'python3 {here}/chain {here}/seen & exec sleep 300'))",
        "one = read('seen')",
        "until(lambda: read('seen') != one)",
        "engine.destroy([NAME])",
        "wait(lambda now: not now)",
        "one = read('seen')",
        "time.sleep(0.5)",
        "print(read('seen') == one)",
    ]
    assert told(*begin) == "True"


def test_a_crash_leaves_no_child(told: Told) -> None:
    begin = "settled(sh('setsid env -i sleep 301 & echo $! > ' + str(here) + '/seen; exec sleep 300'))"
    lines = ["child = read('seen')", "os.kill(state().main_pid, signal.SIGKILL)", "becomes('failed')"]
    assert told(begin, *lines, "until(lambda: not alive(child), 3)", "print(conditions())") == "{'9f8': 'failed'}"


def test_a_child_may_stay_by_kill_mode(told: Told) -> None:
    begin = "settled('KillMode=process', sh('sleep 301 & echo $! > ' + str(here) + '/seen; exec sleep 300'))"
    lines = [
        "child = int(read('seen'))",
        "said = stopped()",
        "print(said, alive(child))",
        "os.kill(child, signal.SIGKILL)",
    ]
    assert told(begin, *lines) == "stopped True"


def test_every_command_is_told_the_main_process(told: Told) -> None:
    note = "echo \"{0} $MAINPID\" >> ' + str(here) + '/seen"
    options = [
        f"sh('{note.format(option)}', '{option}')"
        for option in ("ExecStartPre", "ExecStartPost", "ExecStop", "ExecStopPost")
    ]
    begin = f"settled(LONG, {', '.join(options)})"
    lines = ["pid = state().main_pid", "stopped()", "print(read('seen').replace(str(pid), 'PID').split('\\n'))"]
    assert told(begin, *lines) == "['ExecStartPre ', 'ExecStartPost PID', 'ExecStop PID', 'ExecStopPost ']"


def test_a_crash_runs_ExecStopPost_and_no_ExecStop(told: Told) -> None:  # noqa: N802 - systemd's names
    options = [f"sh('echo {option} >> ' + str(here) + '/seen', '{option}')" for option in ("ExecStop", "ExecStopPost")]
    assert told(f"settled('ExecStart=/bin/false', {', '.join(options)})", "print(read('seen'))") == "ExecStopPost"


def test_a_unit_that_ends_well_runs_ExecStop_too(told: Told) -> None:  # noqa: N802
    options = [f"sh('echo {option} >> ' + str(here) + '/seen', '{option}')" for option in ("ExecStop", "ExecStopPost")]
    assert (
        told(f"settled('ExecStart=/bin/true', {', '.join(options)})", "print(read('seen').split())")
        == "['ExecStop', 'ExecStopPost']"
    )


@pytest.mark.parametrize(("line", "code"), [("exit 0", 0), ("exit 7", 7), ("kill -9 $$", 137)])
@pytest.mark.parametrize("kind", ["oneshot", "simple"])
def test_how_a_unit_ended_is_known(told: Told, kind: str, line: str, code: int) -> None:
    begin = f"settled('Type={kind}', sh('{line}'))"
    assert told(begin, "until(lambda: engine.exit_code(NAME) is not None)", "print(engine.exit_code(NAME))") == str(
        code
    )


def test_of_a_unit_that_never_ran_no_end_is_known(told: Told) -> None:
    assert told("settled('ExecStartPre=/bin/false', LONG)", "print(engine.exit_code(NAME))") == "None"


@pytest.mark.parametrize("phase", ["ExecStartPre", "ExecStart", "ExecStartPost"])
def test_a_unit_is_starting_for_as_long(told: Told, phase: str) -> None:
    options = [] if phase == "ExecStart" else ["LONG"]
    kind = "oneshot" if phase == "ExecStart" else "simple"
    begin = f"engine.start([unit('9f8', 'Type={kind}', {', '.join([*options, repr(f'{phase}=/bin/sleep 300')])})])"
    assert told(begin, "time.sleep(0.7)", "print(conditions()['9f8'])") == "starting"


def test_a_stopping_unit_is_stopping(told: Told) -> None:
    lines = [
        "settled('ExecStop=/bin/sleep 1', LONG)",
        "engine.stop([NAME])",
        "time.sleep(0.3)",
        "print(conditions()['9f8'])",
    ]
    assert told(*lines) == "stopping"


WORDS = (
    r"""x $A "$A" '$B' $NONE "${NONE}" ${A} x${B}y a$A $$ $${A} $$$$ ${A:-x} ${} ${A 100%% %i %n %p """
    r"""\x41\xc3\xa9 "a b" \; ';'"""
)
SHOW = (
    "import json, sys, time; open(sys.argv[0] + '.seen', 'w').write(json.dumps(sys.argv[1:]) + '\\n'); time.sleep(300)"
)


def test_a_command_gets_the_same_words(told: Told) -> None:
    begin = [
        f"(here / 'show').write_text({SHOW!r})",
        f"settled('Environment=\"A=one two\" B=3', f'ExecStart=/usr/bin/python3 {{here}}/show ' + {WORDS!r})",
    ]
    seen = json.loads(told(*begin, "print(read('show.seen'))"))
    assert seen == [
        *("x", "one", "two", "one", "two", "3", "", "one two", "x3y", "a$A", "$", "${A}", "$$", "${A:-x}", "", "${A"),
        *("100%", "1", "carousel-9f8@1.service", "carousel-9f8", "A\u00e9", "a b", ";", ";"),
    ]


def test_a_destroyed_unit_runs_again_from_its_file(told: Told) -> None:
    seen = told(
        "settled(LONG)",
        "files = engine.files(engine.units())",
        "stopped()",
        "engine.destroy([NAME])",
        "wait(lambda now: not now)",
        "engine.start(list(files.values()))",
        "print(becomes('running'))",
    )
    assert seen == "running"
