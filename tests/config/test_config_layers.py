"""What a file or a variable says wrongly is refused: with its place, what is wrong and the nearest right word."""

from __future__ import annotations

import pytest

from tests.config.given import PROJECT, Load, refusal


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
        ("[services.web]\ninstances = 0", "must be a whole number from 1 to 1000, not 0."),
        ("[services.web]\nhealth = 'up'", "must be a path that begins with /, without spaces, not 'up'."),
        ("[services.web]\nconflicts = 'yes'", "must be true or false, not 'yes'."),
        ("[services.web]\nvolumes = '/a:/b'", "must be a list of [SOURCE:]/TARGET[:OPTIONS], not '/a:/b'."),
        ("[services.web]\nvolumes = ['data']", "must be a list of [SOURCE:]/TARGET[:OPTIONS], not 'data'."),
        ("[services.web]\nmachine_metadata = ['zone']", "must be a list of KEY=VALUE, not 'zone'."),
        ("[services.web]\ncommand = 1979-05-27", "must be text on one line, not a date or time."),
        ('[services.web]\ncommand = "a\\nb"', r"must be text on one line, not 'a\nb'."),
        ("[services.web]\ntemplate = '../x'", "must be a template's name, not '../x'."),
        ("services = 1", "deployster.toml:1: [services] must be a table, not 1."),
        ("[[services.web]]", "deployster.toml:1: [services.web] must be a table, not a list."),
        ("[services]\nweb = 1", "deployster.toml:2: [services.web] must be a table, not 1."),
        ("[services.Web]", "deployster.toml:1: 'Web' can't name a service: "),
        (
            "[services.web.env]\n'1X' = 'a'",
            "deployster.toml:2: '1X' can't name an environment variable: letters, digits and _, no digit first.",
        ),
        ("engine = 'docker'", "deployster.toml:1: engine must be 'fleet' or 'local' or 'ssh', not 'docker'."),
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
        (
            "[local]\nmanager = 'launchd'",
            "must be 'auto' or 'system' or 'user' or 'supervisor' or 'systemctl3', not 'launchd'.",
        ),
        ("[services.'a\u0301\tb']", "can't name a service"),
    ],
)
def test_a_fault_names_file_line_and_what_is_wrong(load: Load, text: str, said: str) -> None:
    assert said in refusal(load, text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "[services.web]\nport = 1\nprt = 2",
            "deployster.toml:3: no setting 'prt' in [services.web]; did you mean 'port'?",
        ),
        ("[services.web]\nport = 1\nhealth = 'up'", "deployster.toml:3: health in [services.web] must be a path"),
        ("[fleet]\nendpoint = 'a'\ntunnl = 'b'", "deployster.toml:3: no setting 'tunnl' in [fleet]; did you mean"),
        (
            "[services.web.env]\nA = 'a'\n1X = 'b'",
            "deployster.toml:3: '1X' can't name an environment variable: letters, digits and _, no digit first.",
        ),
        ("[services.web.set]\na = 'a'\nport = 3", "deployster.toml:3: port is a setting of Deployster's"),
        ("[services.web.set]\nenv = 'a'", "deployster.toml:2: env is a setting of Deployster's"),
        ("[services.web.set]\nset = 'a'", "deployster.toml:2: set is a setting of Deployster's"),
        ("[services.web]\n[services.Web]", "deployster.toml:2: 'Web' can't name a service: "),
        ("[clusters.a]\n[clusters.' b']", "deployster.toml:2: ' b' can't name a cluster."),
        ("engine = 'local'\nengin = 'fleet'", "deployster.toml:2: no setting 'engin'; did you mean 'engine'?"),
        ("[clustrs.a]\nengine = 'local'", "deployster.toml:1: no setting 'clustrs'; did you mean 'clusters'?"),
        ("[clusters.a.clustrs]\nx = 1", "deployster.toml:1: no setting 'clustrs' in [clusters.a]; there are "),
    ],
)
def test_a_fault_behind_what_is_right_is_found_too(load: Load, text: str, said: str) -> None:
    assert said in refusal(load, text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("memory = '1k'", "memory in [services.web] must be a number of bytes, or one with k, m or g behind it, 6m at"),
        ("memory = '2000000g'", "memory in [services.web] must be a number of bytes"),
        ("cpu = 0.001", "cpu in [services.web] must be a number of processors from 0.01 to 1024 (0.5), not 0.001."),
        ("restart = 'never'", "restart in [services.web] must be 'always' or 'on-failure' or 'no', not 'never'."),
        ("instances = 1001", "instances in [services.web] must be a whole number from 1 to 1000, not 1001."),
        (
            "machine_metadata = ['a=b=c']",
            "machine_metadata in [services.web] must be a list of KEY=VALUE, not 'a=b=c",
        ),
        ("health = '/a b'", "health in [services.web] must be a path that begins with /, without spaces, not '/a b'."),
        ("secrets = ['A', '1B']", "secrets in [services.web] must be a list of a variable's NAME, not 'A, 1B'."),
        ("env_file = '/etc/../x'", "env_file '/etc/../x' can't be used: an absolute path without .. is wanted."),
        (f"directory = '/{'x' * 256}'", "can't be used: a part of it is over 255 bytes long."),
    ],
)
def test_a_limit_of_a_service_is_told_with_its_line(load: Load, text: str, said: str) -> None:
    fault = refusal(load, f"[services.web]\n{text}")
    assert (fault.startswith("deployster.toml:2: "), said in fault) == (True, True)


TEXTS = {
    "server": "https://a.example",
    "docker_hub_username": "acme",
    "registry_url": "host:5000",
    "fleet.endpoint": "http://a",
    "fleet.fleetctl": "fleetctl",
    "serve.listen": "host:3000",
    "serve.username": "ann",
    "serve.password": "geheim",
    "services.web.template": "process",
    "services.web.health": "/up",
    "services.web.command": "./serve",
    "services.web.memory": "512m",
}


@pytest.mark.parametrize("setting", TEXTS)
@pytest.mark.parametrize("character", ["", "\\n", "\\u001b", "\\u0000", "\\u007f"])
def test_no_setting_takes_a_control_character(load: Load, setting: str, character: str) -> None:
    text = f'{setting} = "{TEXTS[setting]}{character}"'
    if character:
        assert " must be " in refusal(load, text)
    else:
        load(text)


def test_a_server_whose_address_has_a_login_is_refused_without_the_login(load: Load) -> None:
    fault = refusal(load, "server = 'https://ann:geheim@deployster.example.com'")
    assert ("must be an address like" in fault, "geheim" in fault) == (True, False)


def test_the_servers_password_shows_in_no_traceback(load: Load) -> None:
    settings = load("[serve]\npassword = 'geheim'")
    assert (settings.serve.password, "geheim" in repr(settings)) == ("geheim", False)


def test_a_relative_path_that_no_machine_of_the_cluster_has_is_for_its_template_to_refuse(load: Load) -> None:
    assert load("[services.web]\ndirectory = 'releases'").service("web").directory == "releases"


def test_a_cluster_that_is_not_chosen_is_checked_too(load: Load) -> None:
    assert refusal(load, "[clusters.x.fleet]\ntunnl = 'a'").startswith("deployster.toml:2: no setting 'tunnl'")


def test_a_templates_own_value_may_be_called_as_what_is_said_of_a_cluster(load: Load) -> None:
    text = "[services.web.set]\nprotected = 'x'\n[clusters.staging]"
    assert load(text, cluster="staging").service("web").extra == {"protected": "x"}


def test_an_empty_flag_for_a_fleet_cluster_does_no_harm_on_this_machine(load: Load) -> None:
    assert load("engine = 'local'", tunnel="").engine == "local"


@pytest.mark.parametrize("lines", ["''", "' '", "['./a', ' ']", "['./a', 1]", "1"])
def test_what_is_no_shell_line_is_no_hook(load: Load, lines: str) -> None:
    assert "must be a shell line or a list of them" in refusal(load, f"[hooks]\npre_deploy = {lines}")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('TOKEN = "hunter2\\n"', "TOKEN in [services.web.env] must be text on one line, in quotes."),
        ("TOKEN = 12345", "TOKEN in [services.web.env] must be text on one line, in quotes."),
    ],
)
def test_an_environment_value_is_never_repeated(load: Load, text: str, said: str) -> None:
    assert refusal(load, f"[services.web.env]\n{text}") == f"deployster.toml:2: {said}"


def test_neither_is_one_that_stands_where_a_table_should(load: Load) -> None:
    said = refusal(load, '[services.web]\nenv = "TOKEN=hunter2"')
    assert said == 'deployster.toml:2: [services.web.env] must be a table: NAME = "value".'


def test_an_unknown_cluster_names_the_nearest(load: Load) -> None:
    said = refusal(load, PROJECT, cluster="stagin")
    assert said == "deployster.toml: no cluster 'stagin'; did you mean 'staging'?"


def test_a_cluster_without_a_file_is_refused(load: Load) -> None:
    assert "No deployster.toml" in refusal(load, cluster="staging")


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"DEPLOYSTER_FLEET_ENDPONT": "x"}, "did you mean 'DEPLOYSTER_FLEET_ENDPOINT'?"),
        ({"DEPLOYSTER_ENGINE": "k8s"}, "DEPLOYSTER_ENGINE must be 'fleet' or 'local' or 'ssh', not 'k8s'."),
        ({"DEPLOYSTER_FLEET_READ_TIMEOUT": "1e9"}, "DEPLOYSTER_FLEET_READ_TIMEOUT must be a time above 0"),
        ({"FLEETCTL_SSH_TIMEOUT": "soon"}, "FLEETCTL_SSH_TIMEOUT must be a time above 0"),
        ({"FLEETCTL_STRICT_HOST_KEY_CHECKING": "maybe"}, "must be true or false, not 'maybe'."),
    ],
)
def test_a_variable_that_can_not_be_used_is_named(load: Load, environ: dict[str, str], said: str) -> None:
    assert said in refusal(load, environ=environ)


def test_what_fleetctl_knows_no_variable_for_is_not_read_from_one(load: Load) -> None:
    fleet = load(
        environ={"FLEETCTL_READ_TIMEOUT": "7", "FLEETCTL_FLEETCTL": "x", "FLEETCTL_ENDPOINT": "http://a"}
    ).engines["fleet"]
    assert (fleet.read_timeout != 7, fleet.fleetctl, fleet.endpoint) == (
        True,
        load().engines["fleet"].fleetctl,
        "http://a",
    )


def test_other_programs_variables_are_left_alone(load: Load) -> None:
    assert load(environ={"DEPLOYSTER_PORT": "tcp://10.0.0.1:3000", "FLEETCTL_DEBUG": "1"}).engine == "fleet"
