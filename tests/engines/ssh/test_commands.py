"""Machines as they are configured, and ssh's argv."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from deployster_cli.engines.ssh import commands
from deployster_cli.engines.ssh.declaration import SshOptions
from deployster_cli.engines.ssh.engine import SshEngine
from deployster_cli.engines.ssh.hosts import MACHINES, Host, host, machine
from deployster_cli.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "address", "port", "name"),
    [
        ("web1", "web1", "", "web1"),
        ("deploy@web2.example.com:2222", "deploy@web2.example.com", "2222", "web2.example.com:2222"),
        ("10.0.0.1", "10.0.0.1", "", "10.0.0.1"),
        ("fe80::1%eth0", "", "", ""),
        ("2001:db8::1", "2001:db8::1", "", "2001:db8::1"),
        ("root@[2001:db8::1]:22", "root@2001:db8::1", "22", "2001:db8::1:22"),
        ("[::1]", "::1", "", "::1"),
    ],
)
def test_what_ssh_takes_is_a_machine(text: str, address: str, port: str, name: str) -> None:
    found = host(text)
    assert (found.address, found.port, found.name, str(found)) == (address, port, name, text) if found else not address


@pytest.mark.parametrize(
    "text",
    ["", "-oProxyCommand=x", "@web1", "-l@web1", "web1:", "web1:0", "web1:65536", "a b", "web1;x", "web1\n", "$(x)"],
)
def test_what_would_be_an_option_or_two_words_is_none(text: str) -> None:
    assert host(text) is None


def test_a_machine_may_have_metadata() -> None:
    assert machine({"host": "web3", "metadata": {"zone": "z2"}}) == Host("web3", "web3", "", (("zone", "z2"),))
    assert machine({"host": "web3"}) == machine("web3")


@pytest.mark.parametrize(
    "value",
    [3, {}, {"host": 3}, {"host": "a", "port": 1}, {"host": "a", "metadata": 1}, {"host": "a", "metadata": {"k": 1}}],
)
def test_any_other_value_is_no_machine(value: object) -> None:
    assert machine(value) is None
    assert MACHINES.fault([value])


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        (["fresh", "fresh"], "must not name fresh twice"),
        (["fresh", "bob@fresh"], "must not name fresh twice"),
        ([{"host": "a", "meta": {}}], "must not have the key 'meta' in element 1 (did you mean 'metadata'?)"),
        (["b", {"host": "a", "x": 1}], "must not have the key 'x' in element 2 (there are host and metadata)"),
        ([{"metadata": {}}], 'must have a host = "web3", as ssh takes it, in element 1'),
        ([{"host": "a b"}], 'must have a host = "web3", as ssh takes it, in element 1'),
        (["b", {"host": "a", "metadata": {"k": 1}}], 'must have metadata like { zone = "z2" } in element 2'),
        (["fresh", 5], f"must be {MACHINES.wanted}, and element 2 is 5"),
        ("fresh", f"must be {MACHINES.wanted}, not 'fresh'"),
    ],
)
def test_a_refused_list_of_machines_names_its_flaw(value: object, fault: str) -> None:
    assert MACHINES.fault(value) == fault


def test_no_machine_is_named_twice() -> None:
    assert not MACHINES.fault(["web1", "web1:2222"])
    assert MACHINES.fault("web1")
    assert MACHINES.convert(MACHINES.parse("web1, web2")) == (host("web1"), host("web2"))
    assert MACHINES.convert(MACHINES.parse("")) == ()


def test_ssh_asks_nobody_and_notices_a_machine_that_was_cut_off() -> None:
    argv = commands.ssh(SshOptions(), Host("web1", "web1"), "/s/c", "list")
    assert {"BatchMode=yes", "ServerAliveInterval=2", "ServerAliveCountMax=2", "ConnectTimeout=3"} <= set(argv)
    assert argv[-3:-1] == ("--", "web1")
    assert shlex.split(argv[-1])[:3] == ["exec", "sh", "-c"]
    assert "sudo -n" in argv[-1]
    assert argv[-1].endswith(" deployster-list")


def test_the_options_name_what_ssh_reads() -> None:
    options = SshOptions(config="/a b/config", identity_file="/k", known_hosts_file="/a b/50%", user=True)
    argv = commands.ssh(options, Host("u@web1:22", "u@web1", "22"), "/s/c", "list")
    assert argv[:7] == ("ssh", "-F", "/a b/config", "-i", "/k", "-o", "IdentitiesOnly=yes")
    assert 'UserKnownHostsFile="/a b/50%%"' in argv
    assert argv[argv.index("-p") : argv.index("-p") + 2] == ("-p", "22")
    assert "sudo" not in argv[-1]


def test_a_users_command_is_one_word_of_the_shell_there() -> None:
    argv = commands.attached(SshOptions(), Host("web1", "web1"), "/s/c", ("echo", "a b", "$x"), terminal=True)
    assert (argv[-1], "-t" in argv) == ("exec echo 'a b' '$x'", True)
    shell = commands.attached(SshOptions(), Host("web1", "web1"), "/s/c", (), terminal=False)
    assert (shell[-2:], "-T" in shell) == (("--", "web1"), True)


def test_a_connection_is_shared_by_who_would_make_the_same() -> None:
    one, other = Host("web1", "web1"), Host("web2", "web2")
    names = {
        commands.control_name(SshOptions(), one, 0),
        commands.control_name(SshOptions(), other, 0),
        commands.control_name(SshOptions(), one, 1),
        commands.control_name(SshOptions(known_hosts_file="/k"), one, 0),
        commands.control_name(SshOptions(config="/c"), one, 0),
    }
    assert len(names) == 5
    assert commands.control_name(SshOptions(read_timeout=1), one, 0) in names
    assert all(Path(name).name == name and len(name) == 16 for name in names)


def test_machines_are_left_out_by_either_name() -> None:
    machines = (Host("u@a:22", "u@a", "22"), Host("b", "b"), Host("c", "c"))
    options = SshOptions(machines, without=("a:22", "b"))
    assert commands.left_out(options) == {"u@a:22", "b"}
    for without, said in (("d",), "d can't be left out: .* names a:22, b, c"), (("a:22", "b", "c"), "All machines"):
        with pytest.raises(InvalidInput, match=said):
            commands.left_out(options._replace(without=without))


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("web1", "web1"),
        ("deploy@web2", "deploy@web2"),
        ("deploy@web2:2222", "ssh://deploy@web2:2222"),
        ("web3:22", "ssh://web3:22"),
        ("[fd00::1]:22", "ssh://[fd00::1]:22"),
        ("fd00::1", "fd00::1"),
    ],
)
def test_a_machine_is_one_word_for_ssh(text: str, target: str) -> None:
    found = host(text)
    assert found
    assert found.target == target


@pytest.mark.parametrize("options", [SshOptions(), SshOptions(without=("a",))])
def test_there_is_no_engine_without_machines(options: SshOptions) -> None:
    with pytest.raises(InvalidInput, match="must name at least one machine"):
        SshEngine(options)
