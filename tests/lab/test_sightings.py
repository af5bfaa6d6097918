"""What is read off the kernel: who listens, and for which unit a process runs."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from fleets import Fleet
from place import Lab
from sightings import Watch, listens, unit_of

CGROUPS = (
    "9:name=systemd:/payload/system.slice/system-broken\\x2dv2.slice/broken-v2@3.service\n"
    "4:memory:/elsewhere\n"
    "0::/payload/system.slice/system-broken\\x2dv2.slice/broken-v2@3.service\n"
)


def test_a_process_belongs_to_the_unit_that_systemd_runs_it_for() -> None:
    assert unit_of(CGROUPS, "broken") == ["broken-v2@3.service"]


@pytest.mark.parametrize("cgroups", ["", "0::/\n", "0::/payload/system.slice/ssh.service\n", "4:memory:/broken-v2\n"])
def test_other_processes_belong_to_none(cgroups: str) -> None:
    assert unit_of(cgroups, "broken") == []


def test_another_service_s_unit_is_none_of_ours() -> None:
    assert unit_of(CGROUPS, "broke") == []


@pytest.mark.parametrize("listening", [True, False])
def test_only_a_socket_that_listens_counts(listening: bool) -> None:
    with socket.socket() as open_socket:
        open_socket.bind(("127.0.0.1", 0))
        if listening:
            open_socket.listen()
        port = open_socket.getsockname()[1]
        assert listens(Path(f"/proc/{os.getpid()}/net/tcp").read_text(), port) is listening


def test_a_lab_that_is_down_serves_nothing(tmp_path: Path) -> None:
    with Watch(Lab(tmp_path, "no-lab", "10.79.0", Fleet()), "broken", 0.01) as watch:
        while not watch.counts:
            pass
    assert watch.least == 0
