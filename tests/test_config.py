"""deployster.toml, variables and flags → Settings: who wins, where it came from, and what is refused in which words."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deployster_cli import config
from deployster_cli.config_file import LARGEST, line_index
from deployster_cli.config_layers import SETTINGS, variable
from deployster_cli.config_schema import FLEET, LOCAL, SERVICE
from deployster_cli.domain.model import Service
from deployster_cli.engines.base import TABLE
from deployster_cli.engines.fleetctl.args import FleetOptions
from deployster_cli.engines.systemctl.args import LocalOptions
from deployster_cli.errors import ConfigError, InvalidInput

Load = Callable[..., config.Settings]

PROJECT = """\
engine = "local"
docker_hub_username = "acme"

[fleet]
endpoint = "http://127.0.0.1:49153"
read_timeout = 5

[clusters.staging.fleet]
tunnel = "staging.example.com"

[clusters.staging.services.carousel]
instances = 1
env = { RAILS_ENV = "staging" }

[services.carousel]
template = "process"
instances = 2
port = 3000
health = "/up"
command = "bin/serve --port $PORT"
directory = "releases/{version}"
volumes = [
  "/var/lib/carousel:/data",
  "/tmp:/tmp:ro,z",
]
env = { RAILS_ENV = "production", LANG = "C" }
env_file = "/etc/carousel.env"
machine_metadata = ["zone=z1"]
conflicts = true
"""


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """``load(text, flags…, environ=…)`` in an empty folder that holds ``text`` as its deployster.toml."""

    def loaded(text: str | None = None, environ: Mapping[str, str] | None = None, **flags: object) -> config.Settings:
        if text is not None:
            (tmp_path / "deployster.toml").write_text(text)
        return config.load(flags, environ or {}, tmp_path)

    return loaded


def refusal(load: Load, text: str | None = None, environ: Mapping[str, str] | None = None, **flags: object) -> str:
    with pytest.raises(ConfigError) as caught:
        load(text, environ, **flags)
    return caught.value.message


# What the file says


def test_without_a_file_everything_is_default(load: Load) -> None:
    assert (load().engine, load().file, load().fleet, load().services) == ("fleet", None, FleetOptions(), {})


def test_every_setting_of_a_service_is_read(load: Load, tmp_path: Path) -> None:
    assert load(PROJECT).service("carousel") == Service(
        "carousel",
        template="process",
        instances=2,
        port=3000,
        health="/up",
        command="bin/serve --port $PORT",
        directory=f"{tmp_path}/releases/{{version}}",
        volumes=("/var/lib/carousel:/data", "/tmp:/tmp:ro,z"),
        env={"RAILS_ENV": "production", "LANG": "C"},
        env_file="/etc/carousel.env",
        machine_metadata=("zone=z1",),
        conflicts=True,
        docker_hub_username="acme",
    )


def test_a_service_that_the_file_does_not_name_has_the_projects_defaults(load: Load) -> None:
    assert load(PROJECT).service("web") == Service("web", docker_hub_username="acme")


def test_a_service_without_a_single_setting_is_a_service(load: Load) -> None:
    assert set(load("[services.web]").services) == {"web"}


def test_a_service_whose_name_is_none_is_refused(load: Load) -> None:
    with pytest.raises(InvalidInput, match="can't name a service"):
        load().service("../etc")


def test_every_option_of_the_engines_has_its_row_and_the_other_way_round() -> None:
    fields = [{field.name for field in dataclasses.fields(options)} for options in (FleetOptions, LocalOptions)]
    assert fields == [set(FLEET), set(LOCAL)]


def test_every_setting_of_a_service_has_its_row() -> None:
    fields = {field.name for field in dataclasses.fields(Service)}
    assert fields - set(SERVICE) == {"name", "env", "extra", "docker_hub_username", "registry_url"}


def test_the_file_is_found_in_a_folder_above(tmp_path: Path) -> None:
    (tmp_path / "deployster.toml").write_text('engine = "local"')
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert config.load({}, {}, below).file == tmp_path / "deployster.toml"


def test_config_names_the_file_from_where_the_run_starts(load: Load, tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text('engine = "local"')
    assert load('engine = "fleet"', config="other.toml").engine == "local"


def test_a_strangers_file_in_a_folder_open_to_all_is_not_picked_up(
    load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o1777)
    monkeypatch.setattr(os, "geteuid", lambda: 54321)
    assert "belongs to another user" in refusal(load, "")


def test_a_strangers_file_is_used_where_it_is_named(
    load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o1777)
    monkeypatch.setattr(os, "geteuid", lambda: 54321)
    assert load('engine = "local"', config="deployster.toml").engine == "local"


# Who wins


@pytest.mark.parametrize(
    ("given", "endpoint", "source"),
    [
        ({}, "", "default"),
        ({"FLEETCTL_ENDPOINT": "http://a"}, "http://a", "FLEETCTL_ENDPOINT"),
        ({"FLEETCTL_ENDPOINT": "http://a", "toml": "http://b"}, "http://b", "deployster.toml:2"),
        ({"toml": "http://b", "cluster": "http://c"}, "http://c", "deployster.toml:4"),
        ({"cluster": "http://c", "DEPLOYSTER_FLEET_ENDPOINT": "http://d"}, "http://d", "DEPLOYSTER_FLEET_ENDPOINT"),
        ({"DEPLOYSTER_FLEET_ENDPOINT": "http://d", "flag": "http://e"}, "http://e", "flag --endpoint"),
    ],
)
def test_the_nearest_source_wins_and_is_named(load: Load, given: dict[str, str], endpoint: str, source: str) -> None:
    text = f'[fleet]\nendpoint = "{given.pop("toml")}"\n' if "toml" in given else "[fleet]\n\n"
    cluster = "x" if "cluster" in given else None
    text += f'[clusters.x.fleet]\nendpoint = "{given.pop("cluster")}"\n' if cluster else ""
    found = load(text, cluster=cluster, endpoint=given.pop("flag", None), environ=given)
    assert (found.fleet.endpoint, found.sources["fleet.endpoint"]) == (endpoint, source)


def test_a_cluster_counts_only_where_it_is_chosen(load: Load) -> None:
    assert load(PROJECT).fleet.tunnel == ""


def test_a_clusters_tunnel_does_not_keep_the_files_endpoint(load: Load) -> None:
    fleet = load(PROJECT, cluster="staging").fleet
    assert (fleet.tunnel, fleet.endpoint, fleet.read_timeout) == ("staging.example.com", "", 5)


def test_an_endpoint_on_the_command_line_is_not_carried_off_by_fleetctls_tunnel_variable(load: Load) -> None:
    found = load(endpoint="http://127.0.0.1:1", environ={"FLEETCTL_TUNNEL": "production"})
    assert (found.fleet.tunnel, found.sources["fleet.tunnel"]) == ("", "default")


def test_endpoint_and_tunnel_of_one_source_go_together(load: Load) -> None:
    found = load(environ={"FLEETCTL_TUNNEL": "host", "FLEETCTL_ENDPOINT": "unix:///run/f.sock"})
    assert (found.fleet.tunnel, found.fleet.endpoint) == ("host", "unix:///run/f.sock")


def test_a_cluster_may_change_a_service_and_leaves_the_rest_of_it(load: Load) -> None:
    carousel = load(PROJECT, environ={"DEPLOYSTER_CLUSTER": "staging"}).service("carousel")
    assert (carousel.instances, carousel.port, carousel.env) == (1, 3000, {"RAILS_ENV": "staging", "LANG": "C"})


def test_an_empty_variable_is_one_that_is_not_set(load: Load) -> None:
    assert load(environ={"DEPLOYSTER_ENGINE": ""}).engine == "fleet"


@pytest.mark.parametrize(
    ("text", "value"), [("false", False), ("no", False), ("0", False), ("TRUE", True), ("yes", True)]
)
def test_a_yes_or_no_variable_reads_both_ways(load: Load, text: str, value: bool) -> None:
    found = load(environ={"DEPLOYSTER_FLEET_STRICT_HOST_KEY_CHECKING": text})
    assert found.fleet.strict_host_key_checking is value


@pytest.mark.parametrize("keys", SETTINGS, ids=".".join)
def test_every_setting_has_a_source(load: Load, keys: tuple[str, ...]) -> None:
    assert load().sources[".".join(keys)] == "default"


def test_a_services_settings_have_their_lines(load: Load) -> None:
    sources = load(PROJECT).sources
    assert (sources["services.carousel.port"], sources["services.carousel.env.LANG"]) == (
        "deployster.toml:18",
        "deployster.toml:26",
    )


def test_flags_that_are_no_settings_are_left_alone(load: Load) -> None:
    assert load(output="json", quiet=True, server=None).sources == load().sources


@pytest.mark.parametrize(("text", "seconds"), [("5", 5.0), ("0.5", 0.5), ('"90s"', 90.0), ('"1h"', 3600.0)])
def test_a_time_limit_is_seconds_or_a_duration(load: Load, text: str, seconds: float) -> None:
    assert load(f"[fleet]\nread_timeout = {text}").fleet.read_timeout == seconds


# Paths


def test_paths_in_the_file_start_at_the_files_folder(load: Load, tmp_path: Path) -> None:
    fleet = load('[fleet]\nfleetctl = "bin/fleetctl"\nca_file = "ca.pem"').fleet
    assert (fleet.fleetctl, fleet.ca_file) == (f"{tmp_path}/bin/fleetctl", f"{tmp_path}/ca.pem")


def test_a_bare_program_name_stays_one(load: Load) -> None:
    assert load('[fleet]\nfleetctl = "fleetctl-0.13"').fleet.fleetctl == "fleetctl-0.13"


def test_a_tilde_is_the_home(load: Load) -> None:
    found = load('[fleet]\nkey_file = "~/key.pem"', environ={"HOME": "/home/ann"})
    assert found.fleet.key_file == "/home/ann/key.pem"


def test_a_services_folder_on_a_fleet_is_left_as_it_is(load: Load) -> None:
    assert load(PROJECT, engine="fleet").service("carousel").directory == "releases/{version}"


def test_an_absolute_folder_stays(load: Load) -> None:
    text = 'engine = "local"\n[services.web]\ndirectory = "/srv/web/{version}"'
    assert load(text).service("web").directory == "/srv/web/{version}"


@pytest.mark.parametrize(
    ("environ", "root"),
    [
        ({"HOME": "/home/ann"}, "/home/ann/.local/state/deployster/local"),
        ({"HOME": "/home/ann", "XDG_STATE_HOME": "/state"}, "/state/deployster/local"),
        ({"HOME": "/home/ann", "XDG_STATE_HOME": "relative"}, "/home/ann/.local/state/deployster/local"),
        ({}, ""),
    ],
)
def test_the_local_root_is_in_the_users_state_folder(load: Load, environ: dict[str, str], root: str) -> None:
    assert load(environ=environ).local.root == root


def test_a_local_root_in_the_file_is_beside_it(load: Load, tmp_path: Path) -> None:
    assert load('[local]\nroot = ".deployster"').local.root == f"{tmp_path}/.deployster"


def test_templates_beside_the_file_are_the_users(load: Load, tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    assert load("").templates_dir == tmp_path / "templates"


def test_without_that_folder_there_are_none(load: Load) -> None:
    assert load("").templates_dir is None


def test_a_templates_folder_that_is_not_there_is_an_error(load: Load, tmp_path: Path) -> None:
    said = refusal(load, '\ntemplates = "units"')
    assert said == f"deployster.toml:2: templates names {tmp_path}/units, and there is no such folder."


# What is refused, and in which words


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "[services.carousel]\n\ninstnces = 2",
            "deployster.toml:3: no setting 'instnces' in [services.carousel]; did you mean 'instances'?",
        ),
        ("engin = 'local'", "deployster.toml:1: no setting 'engin'; did you mean 'engine'?"),
        ("[flete]\nx = 1", "deployster.toml:1: no setting 'flete'; did you mean 'fleet'?"),
        ("[fleet]\nenv = {}", "deployster.toml:2: no setting 'env' in [fleet]; there are "),
        ("[clusters.x.clusters.y]", "deployster.toml:1: no setting 'clusters' in [clusters.x]; there are"),
        ("[clusters.x.flet]\na = 1", "deployster.toml:1: no setting 'flet' in [clusters.x]; did you mean 'fleet'?"),
        (
            '\n[services.web]\nport = "3000"',
            "deployster.toml:3: port in [services.web] must be a whole number from 1 to 65535, not '3000'.",
        ),
        ("[services.web]\nport = true", "deployster.toml:2: port in [services.web] must be a whole number"),
        ("[services.web]\nport = 70000", "65535, not 70000."),
        ("[services.web]\ninstances = 0", "must be a whole number from 1 to 999999, not 0."),
        ("[services.web]\nhealth = 'up'", "must be a path that begins with /, not 'up'."),
        ("[services.web]\nconflicts = 'yes'", "must be true or false, not 'yes'."),
        ("[services.web]\nvolumes = '/a:/b'", "must be a list of [SOURCE:]/TARGET[:OPTIONS], not '/a:/b'."),
        ("[services.web]\nvolumes = ['data']", "must be a list of [SOURCE:]/TARGET[:OPTIONS], not a list."),
        ("[services.web]\nmachine_metadata = ['zone']", "must be a list of KEY=VALUE, not a list."),
        ("[services.web]\ncommand = 1979-05-27", "must be text on one line, not a date or time."),
        ('[services.web]\ncommand = "a\\nb"', r"must be text on one line, not 'a\nb'."),
        ("[services.web]\ntemplate = '../x'", "must be a template's name, not '../x'."),
        ("services = 1", "deployster.toml:1: [services] must be a table, not 1."),
        ("[[services.web]]", "deployster.toml:1: [services.web] must be a table, not a list."),
        ("[services]\nweb = 1", "deployster.toml:2: [services.web] must be a table, not 1."),
        ("[services.Web]", "deployster.toml:1: 'Web' can't name a service: "),
        ("[services.web.env]\n'1X' = 'a'", "deployster.toml:1: '1X' can't name an environment variable."),
        ("engine = 'docker'", "deployster.toml:1: engine must be 'fleet' or 'local', not 'docker'."),
        ("registry_url = 'https://host:5000'", "must be HOST[:PORT][/PATH] without https://, not"),
        ("docker_hub_username = 'Acme/x'", "must be a Docker Hub user"),
        (
            "[fleet]\nread_timeout = inf",
            "deployster.toml:2: read_timeout in [fleet] must be a time above 0, an hour at most",
        ),
        ("[fleet]\nread_timeout = nan", "(15, 90s, 5m), not nan."),
        ("[fleet]\nread_timeout = 0", "(15, 90s, 5m), not 0."),
        ("[fleet]\nread_timeout = true", "(15, 90s, 5m), not true."),
        ("[fleet]\nread_timeout = 1" + "0" * 400, "(15, 90s, 5m), not 1000"),
        ("[fleet]\nread_timeout = 'soon'", "(15, 90s, 5m), not 'soon'."),
        ("[fleet]\nread_timeout = '2h'", "(15, 90s, 5m), not '2h'."),
        ("[fleet]\nendpoint = '--debug'", "must be one word, not '--debug'."),
        ("[local]\nmanager = 'launchd'", "must be 'auto' or 'system' or 'user' or 'systemctl3', not 'launchd'."),
        ("[services.'a\u0301\tb']", "can't name a service"),
    ],
)
def test_a_fault_names_file_line_and_what_is_wrong(load: Load, text: str, said: str) -> None:
    assert said in refusal(load, text)


def test_a_cluster_that_is_not_chosen_is_checked_too(load: Load) -> None:
    assert refusal(load, "[clusters.x.fleet]\ntunnl = 'a'").startswith("deployster.toml:2: no setting 'tunnl'")


def test_an_environment_value_is_never_repeated(load: Load) -> None:
    said = refusal(load, '[services.web.env]\nTOKEN = "hunter2\\n"')
    assert said == "deployster.toml:2: TOKEN in [services.web.env] must be text on one line, in quotes."


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("engine = \n", "deployster.toml:1: this is no TOML: invalid value."),
        ("a = 1\nb", "deployster.toml:2: this is no TOML: expected '=' after a key in a key/value pair."),
        ("a = 1\na = 2", "deployster.toml:2: this is no TOML: cannot overwrite a value."),
        ("a = 2026-99-99", "deployster.toml:1: this is no TOML: "),
        ("a = " + "[" * 100_000, "deployster.toml is nested too deeply."),
        ("a = " + "9" * 10_000, "deployster.toml: this is no TOML: "),
    ],
)
def test_what_is_no_toml_is_one_sentence(load: Load, text: str, said: str) -> None:
    assert refusal(load, text).startswith(said)


def test_bytes_that_are_no_utf8_name_their_line(load: Load, tmp_path: Path) -> None:
    (tmp_path / "deployster.toml").write_bytes(b'engine = "local"\n# caf\xe9\n')
    assert refusal(load) == "deployster.toml:2: this line is no UTF-8 text."


def test_a_folder_of_that_name_is_refused(load: Load, tmp_path: Path) -> None:
    (tmp_path / "deployster.toml").mkdir()
    assert refusal(load) == "deployster.toml is a folder."


def test_a_pipe_is_refused_and_not_waited_for(load: Load, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "deployster.toml")
    assert refusal(load) == "deployster.toml is no regular file."


def test_a_file_that_is_not_there_is_refused(load: Load) -> None:
    assert refusal(load, config="none.toml") == "none.toml can't be read: No such file or directory."


def test_a_dangling_link_is_refused(load: Load, tmp_path: Path) -> None:
    (tmp_path / "deployster.toml").symlink_to("none.toml")
    assert refusal(load) == "deployster.toml can't be read: No such file or directory."


def test_a_huge_file_is_refused(load: Load) -> None:
    assert "larger than 1,000,000 bytes" in refusal(load, "#" * (LARGEST + 1))


def test_an_unknown_cluster_names_the_nearest(load: Load) -> None:
    said = refusal(load, PROJECT, cluster="stagin")
    assert said == "deployster.toml: there is no cluster 'stagin'; did you mean 'staging'?"


def test_a_cluster_without_a_file_is_refused(load: Load) -> None:
    assert "no deployster.toml" in refusal(load, cluster="staging")


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"DEPLOYSTER_FLEET_ENDPONT": "x"}, "did you mean 'DEPLOYSTER_FLEET_ENDPOINT'?"),
        ({"DEPLOYSTER_ENGINE": "k8s"}, "DEPLOYSTER_ENGINE must be 'fleet' or 'local', not 'k8s'."),
        ({"DEPLOYSTER_FLEET_READ_TIMEOUT": "1e9"}, "DEPLOYSTER_FLEET_READ_TIMEOUT must be a time above 0"),
        ({"FLEETCTL_SSH_TIMEOUT": "soon"}, "FLEETCTL_SSH_TIMEOUT must be a time above 0"),
        ({"FLEETCTL_STRICT_HOST_KEY_CHECKING": "maybe"}, "must be true or false, not 'maybe'."),
    ],
)
def test_a_variable_that_can_not_be_used_is_named(load: Load, environ: dict[str, str], said: str) -> None:
    assert said in refusal(load, environ=environ)


def test_other_programs_variables_are_left_alone(load: Load) -> None:
    assert load(environ={"DEPLOYSTER_PORT": "tcp://10.0.0.1:3000", "FLEETCTL_DEBUG": "1"}).engine == "fleet"


# The engine


@pytest.mark.parametrize("engine", TABLE)
def test_every_engine_of_the_table_opens_with_its_options(load: Load, engine: str) -> None:
    assert type(config.open_engine(load(engine=engine))).__name__ == TABLE[engine].partition(":")[2]


# --set and --env


def with_values(load: Load, *sets: str, env: tuple[str, ...] = (), text: str = PROJECT) -> Service:
    found = load(text)
    return found.with_values(found.service("carousel"), sets, env)


@pytest.mark.parametrize(
    ("sets", "key", "value"),
    [
        (("port=4000",), "port", 4000),
        (("port=1", "port=2"), "port", 2),
        (("conflicts=no",), "conflicts", False),
        (("command=a=b, c",), "command", "a=b, c"),
        (("machine_metadata=zone=z1,disk=ssd",), "machine_metadata", ("zone=z1", "disk=ssd")),
        (("machine_metadata=zone=z1", "machine_metadata=disk=ssd"), "machine_metadata", ("zone=z1", "disk=ssd")),
        (("volumes=",), "volumes", ()),
        (("registry_url=host:5000",), "registry_url", "host:5000"),
        (("colour=blue", "size="), "extra", {"colour": "blue", "size": ""}),
    ],
)
def test_set_is_typed_as_the_file_is(load: Load, sets: tuple[str, ...], key: str, value: object) -> None:
    assert getattr(with_values(load, *sets), key) == value


def test_set_starts_a_relative_folder_where_the_run_started(load: Load, tmp_path: Path) -> None:
    assert with_values(load, "directory=new").directory == f"{tmp_path}/new"


def test_env_goes_over_the_files(load: Load) -> None:
    assert with_values(load, env=("LANG=de=1", "X=")).env == {"RAILS_ENV": "production", "LANG": "de=1", "X": ""}


def test_nothing_given_changes_nothing(load: Load) -> None:
    assert with_values(load) == load(PROJECT).service("carousel")


@pytest.mark.parametrize(
    ("sets", "said"),
    [
        (("port=abc",), "--set port must be a whole number from 1 to 65535, not 'abc'."),
        (("port=٤",), "--set port must be a whole number from 1 to 65535, not '٤'."),
        (("port",), "--set takes NAME=VALUE, and number 1 is none."),
        (("port=1", "=x"), "--set takes NAME=VALUE, and number 2 is none."),
        (("command=a\nb",), r"--set command must be text on one line, not 'a\nb'."),
        (("volumes=/a:/b:ro,z",), "--set volumes must be a list of [SOURCE:]/TARGET[:OPTIONS], not a list."),
        (("colour=a\x1bb",), "--set colour must be text on one line, without control characters."),
        (("colour=\udcff",), "--set colour must be text on one line, without control characters."),
        (("a b=c",), "--set: 'a b' can't name a setting: letters, digits and _, no digit first."),
        (("env=A",), "--set can't give env: use --env NAME=VALUE."),
    ],
)
def test_a_set_that_can_not_be_used_is_one_sentence(load: Load, sets: tuple[str, ...], said: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        with_values(load, *sets)
    assert caught.value.message == said


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ("hunter2", "--env takes NAME=VALUE, and number 1 is none."),
        ("TOKEN=hunter2\nExecStart=/bin/sh", "--env TOKEN must be text on one line, without control characters."),
        ("1A=hunter2", "--env: '1A' can't name an environment variable: letters, digits and _, no digit first."),
    ],
)
def test_an_env_that_can_not_be_used_is_one_sentence_without_its_value(load: Load, env: str, said: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        with_values(load, env=(env,))
    assert caught.value.message == said


@given(value=st.text())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_value_of_set_or_env_ever_brings_a_second_line(load: Load, value: str) -> None:
    try:
        found = with_values(load, f"colour={value}", env=(f"X={value}",), text="")
    except InvalidInput:
        return
    assert (found.env["X"] + "x").splitlines() == [found.extra["colour"] + "x"]


# Lines


@pytest.mark.parametrize(
    ("text", "keys", "line"),
    [
        ('a = """\nb = 1\n"""\nb = 2', ("b",), 4),
        ("a = '''\n[t]\n'''\n[t]\nb = 2", ("t", "b"), 5),
        ("a = \"# \\\" '''\"\nb = 2", ("b",), 2),
        ("# '''\nb = 2", ("b",), 2),
        ("[ t . 'u v' ]\n\"b\" = 1", ("t", "u v", "b"), 2),
        ("a.b.c = 1", ("a",), 1),
        ("a = [\n '''x''',\n '''\n''']\nb = 1", ("b",), 5),
    ],
)
def test_a_keys_line_is_found(text: str, keys: tuple[str, ...], line: int) -> None:
    assert line_index(text)[keys] == line


# Start-up


def test_the_variable_of_a_setting_is_its_keys_in_capitals() -> None:
    assert variable(("fleet", "endpoint")) == "DEPLOYSTER_FLEET_ENDPOINT"


@pytest.mark.process
def test_loading_imports_nothing_heavy(tmp_path: Path) -> None:
    heavy = {"click", "rich", "jinja2", "tomllib", "difflib", "subprocess", "pexpect"}
    script = (
        "import sys, pathlib; from deployster_cli import config; config.load({}, {}, pathlib.Path('/'));"
        f"print(sorted({heavy} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=True)
    assert ran.stdout == "[]\n"
