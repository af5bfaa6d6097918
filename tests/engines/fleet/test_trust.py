"""What an engine makes of calls that ssh stopped: whom it asks, how often, and what it says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from pytest_subprocess import FakeProcess

from deployster_cli.domain.units.model import Machine
from deployster_cli.domain.units.names import UnitName
from deployster_cli.engines import process
from deployster_cli.engines.fleet import commands
from deployster_cli.engines.fleet.declaration import FleetOptions
from deployster_cli.engines.fleet.engine import FleetEngine
from deployster_cli.engines.fleet.ssh.host_keys import Asking as Person
from deployster_cli.engines.fleet.ssh.host_keys import HostKey, asked
from deployster_cli.errors import EngineUnreachable
from tests.engines.fleet.asking import KEY, Asking, asking
from tests.engines.fleet.recorded import recording

__all__ = ["asking"]

ONE = UnitName("carousel", "9f88701", 1)
MACHINE = Machine("bf35490ded73387d062d0ac45672e720", "10.77.0.12")
TUNNEL = FleetOptions(tunnel="10.77.0.12", endpoint="unix:///var/run/fleet.sock")
DIRECT = FleetOptions(endpoint="http://10.77.0.12:49153")

# The key behind the fingerprints that were recorded.
PUBLIC = (
    "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBPmqZfk4kRAiMSBL8LojMWL/Sg39s6/10fJQo2q/8mds"
    "97hZQAdXS/pxhZCHEN6GPavVU2XN8C6OX5MsY2VKOOw="
)

SHA256 = "arvrMDuxwFUSVzlGg7njsS2W61bQTEqRwTQ2+6QcbkE"


def said(name: str) -> dict[str, Any]:
    """What fleetctl printed in a recorded call, for ``fp.register``."""
    call = recording(name)
    return {"stdout": call["stdout"], "stderr": call["stderr"], "returncode": call["exit"]}


def scanned(fp: FakeProcess, out: str, host: str = "10.77.0.12") -> None:
    fp.register(["ssh-keyscan", "-T", "3", "-p", "22", host], stdout=out)


@pytest.fixture
def no_openssh(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that has fleetctl and none of ssh's programs."""
    start = process.Running.__init__

    def starts(self: process.Running, argv: Sequence[str], **rest: Any) -> None:
        if argv[0].startswith("ssh-"):
            raise process.NotStarted(argv, "No such file or directory")
        start(self, argv, **rest)

    monkeypatch.setattr(process.Running, "__init__", starts)


def error(engine: FleetEngine) -> EngineUnreachable:
    with pytest.raises(EngineUnreachable) as caught:
        engine.machines()
    return caught.value


class Someone:
    """A person who answers in this way, and the keys shown to them."""

    def __init__(self, answer: bool) -> None:
        self.shown: list[HostKey] = []
        self._answer = answer

    def __call__(self, key: HostKey) -> bool:
        self.shown.append(key)
        return self._answer


# --- an unknown key and nobody there


def test_an_unknown_key_is_told_with_both_fingerprints(fp: FakeProcess) -> None:
    fp.register(commands.list_machines(TUNNEL), **said("078-tunnel-unknown-host"))
    scanned(fp, f"# 10.77.0.12:22 SSH-2.0\n10.77.0.12 ssh-ed25519 AAAA\n10.77.0.12 ecdsa-sha2-nistp256 {PUBLIC}\n")
    assert error(FleetEngine(TUNNEL)).message == (
        f"The ssh host key of 10.77.0.12 is not known here; it shows the fingerprint SHA256:{SHA256}"
        " (ECDSA, MD5 b9:82:17:2f:f5:96:ad:44:01:05:fa:cd:c8:bc:9a:3f)."
    )


@pytest.mark.parametrize("out", ["", "10.77.0.12 ssh-rsa AAAA\n", "10.77.0.12 ssh-rsa !\nnonsense\n"])
def test_of_a_key_that_cannot_be_had_only_what_fleetctl_said_is_told(fp: FakeProcess, out: str) -> None:
    fp.register(commands.list_machines(TUNNEL), **said("078-tunnel-unknown-host"))
    scanned(fp, out)
    assert "the fingerprint MD5 b9:82:17:2f:f5:96:ad:44:01:05:fa:cd:c8:bc:9a:3f (ECDSA)." in str(
        error(FleetEngine(TUNNEL))
    )


def test_without_ssh_keyscan_it_is_told_all_the_same(fp: FakeProcess, no_openssh: None) -> None:
    fp.register(commands.list_machines(TUNNEL), **said("078-tunnel-unknown-host"))
    assert "MD5 b9:82:17" in error(FleetEngine(TUNNEL)).message


def test_the_cure_compares_the_same_kind_of_fingerprint_and_says_what_to_run(fp: FakeProcess) -> None:
    fp.register(commands.list_machines(TUNNEL), **said("078-tunnel-unknown-host"))
    scanned(fp, "")
    assert error(FleetEngine(TUNNEL)).hint == (
        "Compare it with what ssh-keygen -E md5 -lf /etc/ssh/ssh_host_ecdsa_key.pub prints there, then run deployster"
        " check in a terminal and say yes."
    )


@pytest.mark.parametrize(
    ("kind", "file"), [("ECDSA", "ecdsa"), ("RSA", "rsa"), ("ssh-ed25519", "ed25519"), ("ECDSA256", "ecdsa")]
)
def test_the_file_to_compare_with_is_the_kinds_own(kind: str, file: str) -> None:
    assert HostKey("h", kind, "m", "s").compare == f"ssh-keygen -lf /etc/ssh/ssh_host_{file}_key.pub"


@pytest.mark.process
def test_a_journal_that_is_streamed_says_it_too(asking: Asking) -> None:
    with pytest.raises(EngineUnreachable, match=r"is not known here; it shows the fingerprint MD5 b9:82.* \(ECDSA\)"):
        list(FleetEngine(DIRECT).entries(ONE, 5))


def test_nothing_is_run_on_a_terminal_of_fleetctls_own_while_the_key_is_unknown(fp: FakeProcess) -> None:
    fp.register(commands.ssh(DIRECT, ONE, ("true",)), **said("082-journal-unknown-host"))
    scanned(fp, "")
    with pytest.raises(EngineUnreachable, match="is not known here"):
        FleetEngine(DIRECT).exec(ONE, ("rake",))


# --- a person there


@pytest.mark.process
def test_a_person_is_asked_once_and_the_call_goes_on(asking: Asking) -> None:
    someone, engine = Someone(answer=True), FleetEngine(FleetOptions(tunnel="127.0.0.1:1"))
    with asked(Person(someone)):
        assert (engine.units(), engine.units(), engine.machines()) == ((), (), ())
    assert someone.shown == [KEY]


@pytest.mark.process
def test_a_no_is_an_error_and_nothing_is_known(asking: Asking) -> None:
    with asked(Person(Someone(answer=False))):
        told = error(FleetEngine(FleetOptions(tunnel="127.0.0.1:1")))
    assert told.message == "The ssh host key of [127.0.0.1]:1 was not taken: nothing was changed."
    assert not asking.known


@pytest.mark.process
def test_a_yes_that_changes_nothing_is_not_asked_for_again(asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASKS", "not")
    someone = Someone(answer=True)
    with asked(Person(someone)):
        told = error(FleetEngine(FleetOptions(tunnel="127.0.0.1:1")))
    assert told.message == "The ssh host key of [127.0.0.1]:1 was not taken: fleetctl still doesn't know it."
    assert len(someone.shown) == 1


@pytest.mark.process
@pytest.mark.parametrize(("machines", "asks"), [(False, 0), (True, 1)])
def test_the_clusters_machines_are_asked_about_only_where_the_command_is_about_them(
    asking: Asking, machines: bool, asks: int
) -> None:
    someone = Someone(answer=False)
    with asked(Person(someone, machines=machines)), pytest.raises(EngineUnreachable):
        FleetEngine(DIRECT).run_shell(MACHINE, "date")
    assert len(someone.shown) == asks


@pytest.mark.process
@pytest.mark.parametrize(
    "call",
    [
        lambda engine: engine.run_shell(MACHINE, "date"),
        lambda engine: list(engine.journal(ONE)),
        lambda engine: list(engine.entries(ONE, 1)),
        lambda engine: engine.exec(ONE, ("true",)),
    ],
    ids=["run_shell", "journal", "entries", "exec"],
)
def test_a_machines_key_is_taken_by_whatever_meets_it_first(asking: Asking, call: object) -> None:
    assert callable(call)
    with asked(Person(Someone(answer=True), machines=True)):
        call(FleetEngine(DIRECT))
    assert asking.known


# --- a changed key


def changed(fp: FakeProcess, options: FleetOptions, found: str) -> str:
    fp.register(commands.list_machines(options), **said("081-tunnel-changed-key"))
    fp.register(["ssh-keygen", "-F", "10.77.0.12", "-f", "changed"], stdout=found)
    scanned(fp, "")
    told = error(FleetEngine(options))
    return f"{told.message}\n{told.hint}"


def test_a_changed_key_is_refused_with_the_line_that_knows_the_old_one(fp: FakeProcess) -> None:
    assert changed(fp, TUNNEL, "# Host 10.77.0.12 found: line 3 \n10.77.0.12 ssh-rsa AAAA\n").startswith(
        "THE SSH HOST KEY OF 10.77.0.12 HAS CHANGED: it is not the one in line 3 of changed, and shows the fingerprint"
        " MD5 91:df:ba:84:4f:43:2a:32:fa:94:3e:a8:7c:da:27:f8 (ssh-ed25519). Nothing was sent.\n"
    )


def test_two_lines_are_both_named(fp: FakeProcess) -> None:
    found = "# Host 10.77.0.12 found: line 3 \nx\n# Host 10.77.0.12 found: line 9 \ny\n"
    assert "in lines 3 and 9 of changed" in changed(fp, TUNNEL, found)


def test_what_takes_the_old_key_out_is_said(fp: FakeProcess) -> None:
    assert changed(fp, TUNNEL, "").endswith("take the old one out: ssh-keygen -R 10.77.0.12 -f changed")


def test_a_person_is_not_asked_about_a_changed_key(fp: FakeProcess) -> None:
    someone = Someone(answer=True)
    with asked(Person(someone, machines=True)):
        changed(fp, TUNNEL, "")
    assert someone.shown == []


@pytest.mark.parametrize(
    ("row", "host"),
    [
        (f"{ONE.text}\t{MACHINE.id}/10.77.0.12\tloaded\tactive\trunning\t-\n", "10.77.0.12"),
        ("nonsense\n", "THE MACHINE"),
        ("", "THE MACHINE"),
    ],
)
def test_the_machine_of_a_unit_is_looked_up(fp: FakeProcess, row: str, host: str) -> None:
    fp.register(commands.journal(DIRECT, ONE, 5), **said("081-tunnel-changed-key"))
    fp.register(commands.list_units(DIRECT), stdout=row)
    fp.register(["ssh-keygen", fp.any()], stdout="")
    scanned(fp, "")
    with pytest.raises(EngineUnreachable, match=f"THE SSH HOST KEY OF {host} HAS CHANGED"):
        list(FleetEngine(DIRECT).journal(ONE, 5))


@pytest.mark.parametrize(("ip", "host"), [("10.77.0.12", "10.77.0.12"), ("fe80::1", "[fe80::1]")], ids=["IPv4", "IPv6"])
def test_the_machine_that_is_asked_is_named(fp: FakeProcess, ip: str, host: str) -> None:
    fp.register(commands.run_shell(DIRECT, MACHINE.id, "date"), **said("081-tunnel-changed-key"))
    fp.register(["ssh-keygen", fp.any()], stdout="")
    scanned(fp, "", ip)
    with pytest.raises(EngineUnreachable) as caught:
        FleetEngine(DIRECT).run_shell(Machine(MACHINE.id, ip), "date")
    assert f"KEY OF {host} HAS" in caught.value.message


@pytest.mark.parametrize("tunnel", ["[::1", "host:port", "no host"])
def test_a_tunnel_that_is_no_address_is_left_to_fleetctl_to_refuse(fp: FakeProcess, tunnel: str) -> None:
    options = FleetOptions(tunnel=tunnel)
    fp.register(commands.list_machines(options), **said("081-tunnel-changed-key"))
    assert "KEY OF THE MACHINE HAS CHANGED" in error(FleetEngine(options)).message


# --- nobody is let in


@pytest.mark.parametrize(
    ("code", "out", "says"),
    [
        (1, "The agent has no identities.\n", "The ssh-agent holds no key, so no machine lets fleetctl in."),
        (0, "256 SHA256:x a (ED25519)\n", "The machine refuses the ssh-agent's one key for the user core."),
        (0, "1\n2\n", "The machine refuses all 2 keys of the ssh-agent for the user core."),
        (2, "", "The machine refuses the ssh-agent's keys for the user core."),
    ],
)
def test_no_key_is_told_from_a_refused_one(fp: FakeProcess, code: int, out: str, says: str) -> None:
    fp.register(commands.list_machines(TUNNEL), **said("121-tunnel-agent-empty"))
    fp.register(["ssh-add", "-l"], stdout=out, returncode=code)
    assert error(FleetEngine(TUNNEL)).message == says


def test_the_user_who_is_refused_is_named(fp: FakeProcess, no_openssh: None) -> None:
    options = FleetOptions(tunnel="10.77.0.12", ssh_username="nobody")
    fp.register(commands.list_machines(options), **said("083-tunnel-user-refused"))
    assert error(FleetEngine(options)).message == "The machine refuses the ssh-agent's keys for the user nobody."


TROUBLES = (
    "046-journal-no-agent",
    "086-journal-agent-gone",
    "081-tunnel-changed-key",
    "078-tunnel-unknown-host",
    "083-tunnel-user-refused",
    "084-tunnel-silent",
    "085-tunnel-port-closed",
    "123-tunnel-unknown-name",
    "124-tunnel-not-ssh",
    "126-tunnel-no-socket",
)


def test_each_trouble_has_a_sentence_of_its_own() -> None:
    assert len({recording(name)["expected"]["says"] for name in TROUBLES}) == len(TROUBLES)
