"""What a machine is asked, and how its answer is read."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from deployster_cli.errors import OutputUnreadable
from deployster_cli.operations.probe import Docker, Probe, probe

PROGRAM = "/usr/bin/docker"


def asked(said: str, *dockers: str, now: float = 1_800_000_000) -> Probe:
    return probe(lambda _: said, dockers, lambda: now)


@pytest.mark.parametrize(
    ("there", "skew"),
    [(1_800_000_000, 0), (1_799_999_999, 0), (1_800_000_009, 9), (1_799_999_990, -9)],
)
def test_a_clocks_skew_is_what_it_is_off_at_the_least(there: int, skew: float) -> None:
    assert asked(f"{there}\n").skew == skew


@pytest.mark.parametrize("said", ["", "date: not found", "-1", "tomorrow\n1800000000x"])
def test_an_answer_without_the_time_is_refused(said: str) -> None:
    with pytest.raises(OutputUnreadable):
        asked(said)


@pytest.mark.parametrize(
    ("said", "docker"),
    [
        ("docker 0 24.0.5", Docker("24.0.5")),
        (
            "docker 0 Emulate Docker CLI using podman. Create /etc/containers/nodocker to quiet msg. 4.3.1",
            Docker("4.3.1"),
        ),
        ("docker 127 sh: 1: docker: not found", Docker(problem="/usr/bin/docker not found.", there=False)),
        (
            "docker 1 Cannot connect. Is it up?",
            Docker(problem="/usr/bin/docker version failed: Cannot connect. Is it up?"),
        ),
        ("docker 1 ", Docker(problem="/usr/bin/docker version failed: exit code 1.")),
        ("docker 0 ", Docker(problem="/usr/bin/docker version failed: exit code 0.")),
        ("", Docker(problem="It gave no answer when asked for its version.")),
    ],
)
def test_a_docker_is_there_or_has_a_problem(said: str, docker: Docker) -> None:
    assert asked(f"1800000000\n{said}\n", PROGRAM).dockers == {PROGRAM: docker}


def test_what_a_docker_says_is_one_short_printable_line() -> None:
    problem = asked(f"1800000000\ndocker 1 \x1b[31m{'x' * 999}", PROGRAM).dockers[PROGRAM].problem
    assert (problem.isprintable(), len(problem) < 300) == (True, True)


@pytest.mark.process
def test_a_real_shell_answers_the_question(tmp_path: Path) -> None:
    program = tmp_path / "a docker"
    program.write_text('#!/bin/sh\necho "$3"\n')
    program.chmod(0o755)
    missing = str(tmp_path / "none")

    def shell(line: str) -> str:
        return subprocess.run(["/bin/sh", "-c", line], capture_output=True, text=True, timeout=30, check=True).stdout

    found = probe(shell, [str(program), missing], lambda: 0).dockers
    assert found == {
        str(program): Docker("{{.Server.Version}}"),
        missing: Docker(problem=f"{missing} not found.", there=False),
    }
