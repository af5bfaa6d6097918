"""``deployster task`` in a container, on a real systemd with a real docker: what it prints, how it ends."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.docker.dock import Dock, wait

pytestmark = pytest.mark.docker

WEB = "[services.web]\n"
WORDS = 'correct horse "battery" $taple 100%'
DEAF = "trap '' TERM; echo begun; while :; do sleep 0.2; done"


def task(dock: Dock, line: str, *options: str, toml: str = "", **env: str) -> subprocess.CompletedProcess[str]:
    """A task of the service web, with the line's shell in its image."""
    dock.project(f"{WEB}{toml}\n")
    return dock.deployster("task web v1", *options, "--", line, **env)


def begun(dock: Dock, line: str, *env: str) -> None:
    """A task that runs in the background, once it has its container; its process id is in /run/it."""
    start = f'python3 -B -m deployster_cli task web v1 -- "{line}" >/dev/null 2>&1 & echo $! > /run/it'
    dock.run("env", "-C", "/srv/project", "PYTHONPATH=/opt/site", *env, "sh", "-c", start)
    wait(lambda: containers(dock), "its container")


def containers(dock: Dock) -> list[str]:
    return dock.docker("ps", "--all", "--format", "{{.Names}}").split()


def test_it_prints_what_it_prints_in_the_image(dock: Dock) -> None:
    line = 'echo "$(cat /version)"; echo two >&2'  # docker may put its two streams between two pieces of one line
    assert set(task(dock, line).stdout.split()) == {"v1", "two"}


def test_its_exit_code_is_ours(dock: Dock) -> None:
    assert task(dock, "exit 7").returncode == 7


def test_nothing_of_it_stays(dock: Dock) -> None:
    task(dock, "exit 7")
    units = dock.run("systemctl", "list-units", "--all", "--no-legend", "web.task-*")
    assert (containers(dock), units) == ([], "")


def test_its_output_comes_while_it_runs(dock: Dock) -> None:
    line = "for n in 1 2 3; do echo $n $(date +%s); sleep 2; done"
    dock.project(WEB)
    stamp = "import sys, time; [print(int(time.time()), line, end='') for line in sys.stdin]"
    argv = f"python3 -B -m deployster_cli task web v1 -- '{line}' | python3 -uc \"{stamp}\""
    done = dock.said("env", "-C", "/srv/project", "PYTHONPATH=/opt/site", "sh", "-c", argv)
    late = [int(came) - int(said) for came, _, said in map(str.split, done.stdout.splitlines())]
    assert (len(late), max(late) <= 2) == (3, True)


def test_one_that_heeds_no_signal_is_killed_at_its_time_limit(dock: Dock) -> None:
    done = task(dock, DEAF, "--timeout", "3s")
    assert (done.returncode, done.stdout, containers(dock)) == (124, "begun\n", [])


def test_what_a_killed_run_left_is_gone_with_the_next(dock: Dock) -> None:
    dock.project(WEB)
    begun(dock, "trap 'exit 0' TERM; sleep 600 & wait")
    dock.run("sh", "-c", "kill -9 $(cat /run/it)")
    assert (len(containers(dock)), task(dock, "true").returncode, containers(dock)) == (1, 0, [])


def test_it_is_held_to_the_services_limits(dock: Dock) -> None:
    inspect = "cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null"
    assert task(dock, inspect, toml="memory = '64m'\ncpu = 0.5").stdout.split() == [str(64 << 20)]


def test_it_has_the_services_environment_and_secrets(dock: Dock) -> None:
    toml = "env = { A = 'b  c' }\nsecrets = ['TOKEN']"
    line = 'echo "$A"; test "$TOKEN" = "$OTHER" && echo same'
    done = task(dock, line, "--env", f"OTHER={WORDS}", toml=toml, TOKEN=WORDS)
    assert done.stdout == "b  c\nsame\n"


def test_no_process_has_its_secret_among_its_arguments(dock: Dock) -> None:
    everything = (
        "import glob\nfound = []\nfor f in glob.glob('/proc/[0-9]*/cmdline'):\n"
        "    try: found.append(open(f).read())\n    except OSError: pass\nprint(json.dumps(found))"
    )
    dock.project(f"{WEB}secrets = ['TOKEN']\n")
    begun(dock, "sleep 4", f"TOKEN={WORDS}")
    found = json.loads(dock.run("python3", "-c", f"import json; {everything}"))
    wait(lambda: not containers(dock), "its end")
    assert (any("sleep" in argv for argv in found), any("battery" in argv for argv in found)) == (True, False)
