"""The engine through the real fleetctl and a real sshd: host keys, and all else that keeps a tunnel from standing."""

from __future__ import annotations

import os
import shlex
import signal
import time

import pytest

from deployster_cli.engines.fleet.declaration import FleetOptions
from deployster_cli.engines.fleet.engine import FleetEngine
from deployster_cli.engines.fleet.ssh.host_keys import Asking, HostKey, asked
from deployster_cli.errors import EngineUnreachable
from tests.engines.fleet.sshd import Sshd, new_key, run, sshd

__all__ = ["sshd"]

pytestmark = pytest.mark.process


def error(options: FleetOptions) -> EngineUnreachable:
    with pytest.raises(EngineUnreachable) as caught:
        FleetEngine(options).units()
    return caught.value


def test_a_known_key_is_asked_of_nobody(sshd: Sshd) -> None:
    sshd.know(sshd.home / "host_ecdsa.pub")
    assert FleetEngine(sshd.options).units() == ()


def test_an_unknown_key_is_told_with_the_fingerprint_that_ssh_keygen_tells(sshd: Sshd) -> None:
    says = error(sshd.options).message
    assert says.startswith(f"The ssh host key of {sshd.host} is not known here; it shows the fingerprint {sshd.sha256}")
    assert not sshd.known_hosts.exists()


def test_a_yes_puts_the_key_into_fleetctls_own_file(sshd: Sshd) -> None:
    with asked(Asking(lambda _: True)):
        assert FleetEngine(sshd.options).units() == ()
    kind, blob, *_ = (sshd.home / "host_ecdsa.pub").read_text().split()
    assert sshd.known_hosts.read_text() == f"{sshd.host} {kind} {blob}\n"


def test_the_person_sees_the_key_that_ssh_keygen_tells(sshd: Sshd) -> None:
    shown: list[HostKey] = []

    def no(key: HostKey) -> bool:
        shown.append(key)
        return False

    with asked(Asking(no)), pytest.raises(EngineUnreachable):
        FleetEngine(sshd.options).units()
    assert [(key.host, key.kind, f"SHA256:{key.sha256}") for key in shown] == [(sshd.host, "ECDSA", sshd.sha256)]


def test_a_no_leaves_the_file_alone(sshd: Sshd) -> None:
    with asked(Asking(lambda _: False)), pytest.raises(EngineUnreachable, match="was not taken: nothing was changed"):
        FleetEngine(sshd.options).units()
    assert not sshd.known_hosts.exists()


def test_a_changed_key_is_refused_with_its_line_and_asked_of_nobody(sshd: Sshd) -> None:
    sshd.know(new_key(sshd.home / "old", "ecdsa"))
    with asked(Asking(lambda _: pytest.fail("it asked"))):
        told = error(sshd.options)
    assert told.message.startswith(
        f"THE SSH HOST KEY OF {sshd.host} HAS CHANGED: it is not the one in line 2 of {sshd.known_hosts}, and shows the"
        f" fingerprint {sshd.sha256}"
    )


def test_the_command_that_is_named_cures_a_changed_key(sshd: Sshd) -> None:
    sshd.know(new_key(sshd.home / "old", "ecdsa"))
    cure = error(sshd.options).hint.rpartition("take the old one out: ")[2]
    run(*shlex.split(cure))
    with asked(Asking(lambda _: True)):
        assert FleetEngine(sshd.options).units() == ()


def test_without_strict_checking_no_key_is_known_or_asked_about(sshd: Sshd) -> None:
    assert FleetEngine(sshd.options._replace(strict_host_key_checking=False)).units() == ()
    assert not sshd.known_hosts.exists()


def test_a_file_of_known_hosts_that_cannot_be_written_is_said(sshd: Sshd) -> None:
    sshd.known_hosts.mkdir()
    with asked(Asking(lambda _: True)):
        assert error(sshd.options).message.endswith(f"was not taken: fleetctl can't write it to {sshd.known_hosts}.")


@pytest.fixture
def open_to(sshd: Sshd) -> FleetOptions:
    """The way to a daemon whose key is known."""
    sshd.know(sshd.home / "host_ecdsa.pub")
    return sshd.options._replace(ssh_timeout=2.0)


def test_no_agent(open_to: FleetOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK")
    assert error(open_to).message == "fleetctl takes its ssh keys from an ssh-agent, and none is running here."


def test_an_agent_that_is_gone(open_to: FleetOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", "/nonexistent/agent")
    assert "the one that SSH_AUTH_SOCK names does not answer" in error(open_to).message


def test_an_agent_without_a_key(open_to: FleetOptions) -> None:
    run("ssh-add", "-D")
    assert error(open_to).message == "The ssh-agent holds no key, so no machine lets fleetctl in."


def test_a_key_that_is_not_let_in(open_to: FleetOptions, sshd: Sshd) -> None:
    (sshd.home / "login.pub").write_text("")
    assert error(open_to).message == f"The machine refuses the ssh-agent's one key for the user {open_to.ssh_username}."


def test_a_user_who_is_not_there(open_to: FleetOptions) -> None:
    says = error(open_to._replace(ssh_username="no-such-user")).message
    assert says == "The machine refuses the ssh-agent's one key for the user no-such-user."


def test_a_port_that_is_closed(open_to: FleetOptions, sshd: Sshd) -> None:
    sshd.process.terminate()
    sshd.process.wait(timeout=10)
    assert error(open_to).message == f"Nothing takes ssh connections at {open_to.tunnel}."


def test_a_machine_that_says_nothing(open_to: FleetOptions, sshd: Sshd) -> None:
    os.kill(sshd.process.pid, signal.SIGSTOP)
    began = time.monotonic()
    try:
        assert error(open_to).message.startswith("The ssh connection was not made in time")
    finally:
        os.kill(sshd.process.pid, signal.SIGCONT)
    assert time.monotonic() - began < open_to.ssh_timeout + 5


def test_a_port_that_is_not_sshs(open_to: FleetOptions) -> None:
    options = open_to._replace(tunnel=open_to.endpoint.removeprefix("http://"))
    assert error(options).message.startswith("The ssh connection was broken off before it began: ")


def test_an_endpoint_that_the_machine_cannot_reach(open_to: FleetOptions) -> None:
    says = error(open_to._replace(endpoint="http://127.0.0.1:1")).message
    assert says.startswith("The ssh connection stands, but the endpoint is not to be had through it: ")
