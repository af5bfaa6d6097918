"""deployster.toml, variables and flags → Settings: who wins, and where each value came from."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from deployster_cli.config.layers import SETTINGS, variable
from deployster_cli.config.load import open_engine
from deployster_cli.domain.limits import FIELDS, SERVICE
from deployster_cli.domain.units.model import Service
from deployster_cli.engines.declaration import TABLE, declared
from deployster_cli.engines.fleet.declaration import FleetOptions
from deployster_cli.errors import InvalidInput
from tests.config.given import PROJECT, Load, refusal

# What the file says


def test_without_a_file_everything_is_default(load: Load) -> None:
    assert (load().engine, load().file, load().engines["fleet"], load().services) == ("fleet", None, FleetOptions(), {})


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


@pytest.mark.parametrize("engine", TABLE)
def test_every_option_of_an_engine_has_its_kind_which_takes_its_default(engine: str) -> None:
    options, kinds = declared()[engine].options, declared()[engine].kinds
    assert [key for key in options._fields if kinds[key].fault(getattr(options(), key))] == []


def test_every_setting_of_a_service_has_its_row() -> None:
    fields = set(Service._fields)
    assert fields - {FIELDS.get(key, key) for key in SERVICE} == {
        "name",
        "env",
        "extra",
        "docker_hub_username",
        "registry_url",
    }


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
    assert (found.engines["fleet"].endpoint, found.sources["fleet.endpoint"]) == (endpoint, source)


def test_a_cluster_counts_only_where_it_is_chosen(load: Load) -> None:
    assert load(PROJECT).engines["fleet"].tunnel == ""


def test_a_clusters_tunnel_does_not_keep_the_files_endpoint(load: Load) -> None:
    fleet = load(PROJECT, cluster="staging").engines["fleet"]
    assert (fleet.tunnel, fleet.endpoint, fleet.read_timeout) == ("staging.example.com", "", 5)


def test_an_endpoint_on_the_command_line_is_not_carried_off_by_fleetctls_tunnel_variable(load: Load) -> None:
    found = load(endpoint="http://127.0.0.1:1", environ={"FLEETCTL_TUNNEL": "production"})
    assert (found.engines["fleet"].tunnel, found.sources["fleet.tunnel"]) == ("", "default")


@pytest.mark.parametrize("flags", [{"endpoint": "http://127.0.0.1:1"}, {"tunnel": "production"}])
def test_a_cluster_on_the_command_line_is_refused_where_the_engine_is_this_machine(
    load: Load, flags: dict[str, str]
) -> None:
    assert refusal(load, 'engine = "local"\n', None, **flags) == (
        f"--{next(iter(flags))} names a fleet cluster, and the engine is local, this machine (deployster.toml:1)."
    )


def test_one_in_the_environment_is_not(load: Load) -> None:
    assert load('engine = "local"\n', environ={"DEPLOYSTER_FLEET_TUNNEL": "production"}).engine == "local"


def test_an_engine_beside_it_makes_it_meant(load: Load) -> None:
    assert load('engine = "local"\n', engine="fleet", tunnel="production").engines["fleet"].tunnel == "production"


def test_endpoint_and_tunnel_of_one_source_go_together(load: Load) -> None:
    found = load(environ={"FLEETCTL_TUNNEL": "host", "FLEETCTL_ENDPOINT": "unix:///run/f.sock"})
    assert (found.engines["fleet"].tunnel, found.engines["fleet"].endpoint) == ("host", "unix:///run/f.sock")


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
    assert found.engines["fleet"].strict_host_key_checking is value


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
    assert load(f"[fleet]\nread_timeout = {text}").engines["fleet"].read_timeout == seconds


# Paths


def test_paths_in_the_file_start_at_the_files_folder(load: Load, tmp_path: Path) -> None:
    fleet = load('[fleet]\nfleetctl = "bin/fleetctl"\nca_file = "ca.pem"').engines["fleet"]
    assert (fleet.fleetctl, fleet.ca_file) == (f"{tmp_path}/bin/fleetctl", f"{tmp_path}/ca.pem")


def test_a_bare_program_name_stays_one(load: Load) -> None:
    assert load('[fleet]\nfleetctl = "fleetctl-0.13"').engines["fleet"].fleetctl == "fleetctl-0.13"


def test_a_tilde_is_the_home(load: Load) -> None:
    found = load('[fleet]\nkey_file = "~/key.pem"', environ={"HOME": "/home/ann"})
    assert found.engines["fleet"].key_file == "/home/ann/key.pem"


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
    assert load(environ=environ).engines["local"].root == root


def test_a_local_root_in_the_file_is_beside_it(load: Load, tmp_path: Path) -> None:
    assert load('[local]\nroot = ".deployster"').engines["local"].root == f"{tmp_path}/.deployster"


def test_templates_beside_the_file_are_the_users(load: Load, tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    assert load("").templates_dir == tmp_path / "templates"


def test_without_that_folder_there_are_none(load: Load) -> None:
    assert load("").templates_dir is None


def test_a_templates_folder_that_is_set_is_used(load: Load, tmp_path: Path) -> None:
    (tmp_path / "units").mkdir()
    assert load(environ={"DEPLOYSTER_TEMPLATES": "units"}).templates_dir == tmp_path / "units"


def test_a_templates_folder_that_no_system_could_have_is_an_error(load: Load) -> None:
    assert "can't be seen: File name too long." in refusal(load, f'templates = "{"x" * 300}"')


def test_a_templates_folder_that_is_not_there_is_an_error(load: Load, tmp_path: Path) -> None:
    said = refusal(load, '\ntemplates = "units"')
    assert said == f"deployster.toml:2: templates names {tmp_path}/units, which does not exist."


# The engine


@pytest.mark.parametrize("engine", TABLE)
def test_every_engine_of_the_table_opens_with_its_options(load: Load, engine: str) -> None:
    settings = load('[ssh]\nmachines = ["web1"]\n', engine=engine)
    assert open_engine(settings).is_local is declared()[engine].is_local


# Start-up


def test_the_variable_of_a_setting_is_its_keys_in_capitals() -> None:
    assert variable(("fleet", "endpoint")) == "DEPLOYSTER_FLEET_ENDPOINT"


@pytest.mark.process
def test_loading_imports_nothing_heavy(tmp_path: Path) -> None:
    heavy = {"click", "rich", "jinja2", "tomllib", "difflib", "subprocess", "pexpect"}
    script = (
        "import sys, pathlib; from deployster_cli.config.load import load; load({}, {}, pathlib.Path('/'));"
        f"print(sorted({heavy} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=True)
    assert ran.stdout == "[]\n"
