"""What templates are given, and the settings that no unit file could hold."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from deployster_cli.domain.templates.variables import NAMES, values
from deployster_cli.domain.units.model import Service
from deployster_cli.domain.units.names import UnitName
from deployster_cli.domain.units.unitfile import Stamp
from deployster_cli.errors import InvalidInput

NAME = UnitName("carousel", "v1-2", 3)
STAMP = Stamp("carousel", "v1-2", 3, "2026-01-02T03:04:05Z", "ada@laptop", "docker", previous=("v1-1",))


def given(stamp: Stamp = STAMP, **settings: Any) -> dict[str, object]:
    return values(NAME, Service("carousel", **settings), stamp)


def as_settings(name: str, value: object) -> dict[str, Any]:
    return {name: value}


def test_every_template_has_the_same_names() -> None:
    assert tuple(given()) == NAMES


def test_set_values_come_after_them() -> None:
    assert tuple(given(extra={"colour": "red"})) == (*NAMES, "colour")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("service", "carousel"),
        ("version", "v1-2"),
        ("instance", 3),
        ("unit", r"carousel-v1\x2d2@3.service"),
        ("container", "carousel--v1-2-3"),
        ("image", "carousel:v1-2"),
        ("description", "carousel v1-2 instance 3"),
        ("port", None),
        ("machine_port", None),
        ("health", ""),
        ("volumes", ()),
        ("env", {}),
        ("conflicts", False),
        ("previous", ("v1-1",)),
    ],
)
def test_a_bare_service_has_a_value_for_each(name: str, value: object) -> None:
    assert given()[name] == value


def test_the_port_is_the_settings() -> None:
    assert given(port=3000)["port"] == 3000


def test_the_port_that_the_unit_was_given_comes_first() -> None:
    assert given(replace(STAMP, port=20001), port=3000)["port"] == 20001


@pytest.mark.parametrize("setting", ["command", "directory"])
def test_placeholders_are_filled_in_and_other_braces_left(setting: str) -> None:
    text = "/{service}/{version}/{instance}/${HOME}/{other}/{}"
    assert given(**as_settings(setting, text))[setting] == "/carousel/v1-2/3/${HOME}/{other}/{}"


def test_the_image_is_the_users() -> None:
    assert given(docker_hub_username="acme")["image"] == "acme/carousel:v1-2"


@pytest.mark.parametrize("setting", ["registry_url", "docker_hub_username"])
@pytest.mark.parametrize("owner", ["--privileged", "a b", "$(id)", "-v"])
def test_an_image_can_not_be_made_to_look_like_an_option(setting: str, owner: str) -> None:
    with pytest.raises(InvalidInput, match=f"^{setting} must be .*, not "):
        given(**as_settings(setting, owner))


def test_a_registry_may_be_an_ipv6_address() -> None:
    assert given(registry_url="[::1]:5000")["image"] == "[::1]:5000/carousel:v1-2"


@pytest.mark.parametrize("end", ["\n", "\r", "\0", "\u2028", "\x85"])
@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"health": "/up{}"}, "health"),
        ({"command": "a{}b"}, "command"),
        ({"directory": "/a{}b"}, "directory"),
        ({"env_file": "/a{}b"}, "env_file"),
        ({"docker_hub_username": "a{}b"}, "docker_hub_username"),
        ({"registry_url": "a{}b"}, "registry_url"),
        ({"volumes": ("/a:/b{}c",)}, "volumes"),
        ({"machine_metadata": ("a=b{}c",)}, "machine_metadata"),
        ({"env": {"A": "b{}c"}}, "env A"),
        ({"env": {"A{}B": "c"}}, "a name in env"),
        ({"extra": {"a": "b{}c"}}, "--set a"),
        ({"extra": {"a{}b": "c"}}, "a name in --set"),
        ({"extra": {"task": "b{}c"}}, "--set task"),
        ({"extra": {"task": "b{}c"}, "template": "task"}, "the command given to task, --before or before_deploy"),
        ({"extra": {"a": "b{}c"}, "template": "task"}, "--set a"),
    ],
)
def test_a_value_that_would_end_its_line_is_refused_by_name(end: str, settings: dict[str, Any], named: str) -> None:
    def broken(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(map(broken, value))
        if isinstance(value, dict):
            return {broken(key): broken(item) for key, item in value.items()}
        return value.replace("{}", end)

    with pytest.raises(InvalidInput) as caught:
        given(**{setting: broken(value) for setting, value in settings.items()})
    assert caught.value.message == f"{named} has a line break or control character in it, which no unit file can hold."


@pytest.mark.parametrize("field", ["deployed_at", "deployed_by"])
def test_a_stamp_that_would_add_a_line_is_refused(field: str) -> None:
    with pytest.raises(InvalidInput, match=f"^{field} has a line break"):
        given(replace(STAMP, **as_settings(field, "a\nExecStart=/bin/evil")))


@pytest.mark.parametrize("by", ["ada\\", " ada", "ada "])
def test_a_stamp_that_would_not_read_back_is_refused(by: str) -> None:
    with pytest.raises(InvalidInput, match=r"^deployed_by .* can't be written down"):
        given(replace(STAMP, deployed_by=by))


def test_an_earlier_release_that_is_no_version_is_refused() -> None:
    with pytest.raises(InvalidInput, match="can't be a version"):
        given(replace(STAMP, previous=("a b",)))


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_port_out_of_range_is_refused(port: int) -> None:
    with pytest.raises(InvalidInput, match=f"^port must be a whole number from 1 to 65535, not {port}.$"):
        given(port=port)


@pytest.mark.parametrize("setting", ["directory", "env_file"])
@pytest.mark.parametrize("path", ["srv", "~/srv", "-/srv", "/srv/../etc", "/srv ", "/srv\\"])
def test_a_path_that_systemd_would_drop_is_refused(setting: str, path: str) -> None:
    with pytest.raises(InvalidInput, match=f"^{setting} .* an absolute path without .. is wanted.$"):
        given(**as_settings(setting, path))


@pytest.mark.parametrize("health", ["up", "http://x/", "/a b", " /up"])
def test_a_health_path_is_a_path(health: str) -> None:
    with pytest.raises(InvalidInput, match=r"^health must be a path that begins with /, without spaces, not "):
        given(health=health)


@pytest.mark.parametrize("name", ["", "1A", "A-B", "A B", "A=B", "É"])
def test_a_variable_has_a_name_that_shells_know(name: str) -> None:
    with pytest.raises(InvalidInput, match=r"^env: .* can't name an environment variable: letters"):
        given(env={name: "x"})


def test_a_usual_variable_is_given() -> None:
    assert given(env={"_A1": "x"})["env"] == {"_A1": "x"}


@pytest.mark.parametrize(
    ("name", "said"),
    [("", "can't name a setting"), ("a-b", "can't name a setting"), ("image", "image is a name that all templates")],
)
def test_a_set_value_has_a_name_of_its_own(name: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        given(extra={name: "x"})


@pytest.mark.parametrize("rule", ["zone", "=z1", "zone=", "a=b=c", ""])
def test_metadata_that_fleet_would_ignore_is_refused(rule: str) -> None:
    with pytest.raises(InvalidInput, match=r"^machine_metadata must be a list of KEY=VALUE, not "):
        given(machine_metadata=(rule,))


def test_usual_metadata_is_given() -> None:
    assert given(machine_metadata=("zone=z1",))["machine_metadata"] == ("zone=z1",)


@pytest.mark.parametrize("setting", ["directory", "env_file"])
def test_a_path_with_a_part_too_long_for_systemd_is_refused(setting: str) -> None:
    with pytest.raises(InvalidInput, match=f"^{setting} .* can't be used: a part of it is over 255 bytes long.$"):
        given(**as_settings(setting, "/srv/" + "é" * 128))


@pytest.mark.parametrize("setting", ["directory", "env_file"])
def test_a_long_path_of_short_parts_is_taken(setting: str) -> None:
    path = f"/{'é' * 127}/{'a' * 255}"
    assert given(**as_settings(setting, path))[setting] == path


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("memory", "5m", "6m at least (512m), not '5m'."),
        ("memory", "much", "6m at least (512m), not 'much'."),
        ("cpu", 0.001, "a number of processors from 0.01 to 1024 (0.5), not 0.001."),
        ("cpu", 2000.0, "a number of processors from 0.01 to 1024 (0.5), not 2000.0."),
        ("restart", "allways", "'always' or 'on-failure' or 'no', not 'allways'."),
        ("secrets", ("A B",), "a list of a variable's NAME, not 'A B'."),
    ],
)
def test_a_limit_that_nothing_can_keep_is_refused(setting: str, value: object, said: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        given(**as_settings(setting, value))
    assert caught.value.message.startswith(f"{setting} must be ")
    assert caught.value.message.endswith(said)


@pytest.mark.parametrize("memory", ["6m", "6291456", "6291456b", "6144k", "2g"])
def test_memory_is_given_as_docker_takes_it(memory: str) -> None:
    assert given(memory=memory)["memory"] == memory
