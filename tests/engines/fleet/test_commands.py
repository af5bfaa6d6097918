"""What we want of fleetctl → its argv, by equality."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployster_cli.domain.units.names import UnitName
from deployster_cli.engines.fleet import commands
from deployster_cli.engines.fleet.declaration import DECLARATION, FleetOptions
from deployster_cli.errors import InvalidInput

PLAIN = FleetOptions()
ONE = UnitName("carousel", "9f88701", 1)
TWO = UnitName("carousel", "v1-rc", 2)
NAMES = (ONE.text, TWO.text)


def test_version_takes_no_global_flags() -> None:
    assert commands.version(FleetOptions(endpoint="http://10.0.0.1:49153")) == ("fleetctl", "--version")


def test_list_units() -> None:
    assert commands.list_units(PLAIN) == (
        "fleetctl",
        "list-units",
        "--full",
        "--no-legend",
        "--fields=unit,machine,load,active,sub,hash",
    )


def test_list_unit_files() -> None:
    assert commands.list_unit_files(PLAIN) == (
        "fleetctl",
        "list-unit-files",
        "--full",
        "--no-legend",
        "--fields=unit,hash,dstate,state,target,desc",
    )


def test_list_machines() -> None:
    assert commands.list_machines(PLAIN) == (
        "fleetctl",
        "list-machines",
        "--full",
        "--no-legend",
        "--fields=machine,ip,metadata",
    )


def test_start_names_files_in_the_folder_and_never_blocks() -> None:
    assert commands.start(PLAIN, "/tmp/x", NAMES) == (
        "fleetctl",
        "start",
        "--no-block",
        "/tmp/x/carousel-9f88701@1.service",
        "/tmp/x/carousel-v1\\x2drc@2.service",
    )


def test_load_names_files_in_the_folder() -> None:
    assert commands.load(PLAIN, "/tmp/x", [ONE.text]) == (
        "fleetctl",
        "load",
        "--no-block",
        "/tmp/x/carousel-9f88701@1.service",
    )


def test_stop_never_blocks() -> None:
    assert commands.stop(PLAIN, NAMES) == ("fleetctl", "stop", "--no-block", *NAMES)


def test_unload_never_blocks() -> None:
    assert commands.unload(PLAIN, NAMES) == ("fleetctl", "unload", "--no-block", *NAMES)


def test_destroy_is_never_given_no_block() -> None:
    assert commands.destroy(PLAIN, NAMES) == ("fleetctl", "destroy", *NAMES)


def test_cat() -> None:
    assert commands.cat(PLAIN, ONE.text) == ("fleetctl", "cat", ONE.text)


def test_journal() -> None:
    assert commands.journal(PLAIN, ONE, 25) == ("fleetctl", "journal", "--lines=25", ONE.text)


def test_entries_that_are_followed() -> None:
    flags = ("--lines=5", "--output=export", "--follow")
    assert commands.entries(PLAIN, ONE, 5, follow=True) == ("fleetctl", "journal", *flags, ONE.text)


def test_the_entries_of_a_global_unit_are_asked_of_a_machine() -> None:
    argv = commands.entries(PLAIN, ONE, 5, follow=True, machine="7f1e")
    assert argv[:4] == ("fleetctl", "ssh", "--machine=7f1e", "--")
    assert argv[4] == f"journalctl --no-pager --lines=5 --output=export --follow --unit={shlex.quote(ONE.text)}"


@pytest.mark.parametrize(
    ("lines", "after", "asked"),
    [(None, "", "--output=export"), (5, "s=1;i=2", "'--after-cursor=s=1;i=2' --output=export")],
)
def test_all_entries_and_those_behind_a_cursor_are_asked_of_journalctl(
    lines: int | None, after: str, asked: str
) -> None:
    argv = commands.entries(PLAIN, ONE, lines, follow=False, after=after)
    assert argv[:4] == ("fleetctl", "ssh", f"--unit={ONE.text}", "--")
    assert argv[4] == f"journalctl --no-pager {asked} --unit={shlex.quote(ONE.text)}"


def test_ssh_to_a_machine_of_a_global_unit() -> None:
    assert commands.ssh(PLAIN, ONE, (), "7f1e") == ("fleetctl", "ssh", "--machine=7f1e")


def test_how_a_unit_ended_is_asked_of_its_machine() -> None:
    assert commands.ended(PLAIN, ONE)[:3] == ("fleetctl", "ssh", f"--unit={ONE.text}")


def test_ssh_quotes_the_command_into_one_argument_behind_dashes() -> None:
    assert commands.ssh(PLAIN, ONE, ("sh", "-c", "echo 'a  b'")) == (
        "fleetctl",
        "ssh",
        f"--unit={ONE.text}",
        "--",
        "sh -c 'echo '\"'\"'a  b'\"'\"''",
    )


def test_ssh_without_a_command_opens_a_shell() -> None:
    assert commands.ssh(PLAIN, ONE, ()) == ("fleetctl", "ssh", f"--unit={ONE.text}")


def test_a_machine_is_asked_by_its_whole_id_and_one_quoted_line() -> None:
    assert commands.run_shell(PLAIN, "7f1e", "date; uname") == (
        "fleetctl",
        "ssh",
        "--machine=7f1e",
        "--",
        "/bin/sh -c 'date; uname'",
    )


def test_every_option_that_is_set_is_a_flag_before_the_command() -> None:
    options = FleetOptions(
        fleetctl="/opt/fleetctl",
        endpoint="https://10.0.0.1:49153",
        tunnel="staging.example.com",
        ssh_username="ada",
        ssh_timeout=2.5,
        strict_host_key_checking=False,
        known_hosts_file="~/.fleetctl/staging",
        ca_file="ca.pem",
        cert_file="cert.pem",
        key_file="key.pem",
    )
    assert commands.destroy(options, [ONE.text]) == (
        "/opt/fleetctl",
        "--endpoint=https://10.0.0.1:49153",
        "--tunnel=staging.example.com",
        "--ssh-username=ada",
        "--ssh-timeout=2.5",
        "--strict-host-key-checking=false",
        "--known-hosts-file=~/.fleetctl/staging",
        "--ca-file=ca.pem",
        "--cert-file=cert.pem",
        "--key-file=key.pem",
        "destroy",
        ONE.text,
    )


def test_the_variables_of_fleetctl_that_the_options_decide() -> None:
    decided = """ENDPOINT TUNNEL SSH_USERNAME SSH_TIMEOUT STRICT_HOST_KEY_CHECKING KNOWN_HOSTS_FILE
        CA_FILE CERT_FILE KEY_FILE"""
    assert {f"FLEETCTL_{name}" for name in decided.split()} == DECLARATION.variables.keys()


def test_a_value_that_looks_like_a_flag_stays_a_value() -> None:
    assert commands.cat(FleetOptions(tunnel="--driver=etcd"), ONE.text)[1] == "--tunnel=--driver=etcd"


@pytest.mark.parametrize("intent", [commands.stop, commands.unload, commands.destroy])
def test_a_name_that_fleetctl_would_take_for_a_flag_is_refused(intent: object) -> None:
    assert callable(intent)
    with pytest.raises(InvalidInput, match="begins with a dash"):
        intent(PLAIN, [UnitName("--replace", "1", 1).text])


def test_cat_of_a_name_that_fleetctl_would_take_for_a_flag_is_refused() -> None:
    with pytest.raises(InvalidInput):
        commands.cat(PLAIN, "--debug-1@1.service")


@given(st.lists(st.text("abé", min_size=1, max_size=40)), st.integers(0, 20), st.integers(50, 300))
def test_chunks_lose_no_name_and_keep_the_order(names: list[str], beside: int, room: int) -> None:
    assert [name for chunk in commands.chunks(names, beside, room) for name in chunk] == names


@given(st.lists(st.text("abé", min_size=1, max_size=40)), st.integers(0, 20), st.integers(150, 300))
def test_chunks_fit_the_room(names: list[str], beside: int, room: int) -> None:
    sizes = [sum(len(name.encode()) + beside + 1 for name in chunk) for chunk in commands.chunks(names, beside, room)]
    assert all(size <= room for size in sizes)


def test_a_name_longer_than_the_room_is_a_chunk_of_its_own() -> None:
    assert list(commands.chunks(["a", "b" * 99, "c"], room=10)) == [("a",), ("b" * 99,), ("c",)]


def test_thousands_of_usual_names_are_a_few_calls() -> None:
    names = [UnitName("carousel", "9f88701", instance).text for instance in range(1, 5001)]
    assert len(list(commands.chunks(names))) == 2
