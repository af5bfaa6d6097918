"""What a template sets itself, and what it has no use for: nobody's value is dropped without a word."""

from __future__ import annotations

import pytest

from deployster_cli.domain.templates.render import Templates
from deployster_cli.domain.units.model import Service
from deployster_cli.errors import InvalidInput
from deployster_cli.operations.templates import load
from tests.templates.cases import rendered

PORT = "the setting port fixes it (port = 3000, or --set port=3000)"
OURS = ("DEPLOYSTER_SERVICE", "DEPLOYSTER_VERSION", "DEPLOYSTER_INSTANCE")


def of(template: str, **env: str) -> Service:
    extra = {"task": "rake"} if template == "task" else {}
    return Service("carousel", template=template, command="bin/serve", directory="/srv", env=env, extra=extra)


def refusal(service: Service) -> str:
    with pytest.raises(InvalidInput) as refused:
        rendered(service)
    return refused.value.message


@pytest.mark.parametrize(("name", "cure"), [("PORT", PORT), *((name, "take another name") for name in OURS)])
def test_a_variable_that_process_sets_itself_is_refused(name: str, cure: str) -> None:
    said = f"Template 'process': it sets {name} itself, so env and --env can't: {cure}."
    assert refusal(of("process", LANG="C", **{name: "1"})) == said


@pytest.mark.parametrize("name", OURS[:2])
def test_so_is_one_that_a_task_has_set(name: str) -> None:
    assert refusal(of("task", **{name: "1"})).startswith(f"Template 'task': it sets {name} itself")


@pytest.mark.parametrize("template", ["docker", "docker-vulcand", "deployster", "task"])
def test_a_port_is_free_to_give_where_nothing_sets_one(template: str) -> None:
    assert "PORT=1" in rendered(of(template, PORT="1")).text


def test_a_name_that_only_begins_like_ours_is_free() -> None:
    assert "PORTS=1" in rendered(of("process", PORTS="1")).text


def test_variables_that_a_template_has_no_use_for_are_refused() -> None:
    own = {"own.service.j2": "[Service]\nExecStart=/bin/true"}
    with pytest.raises(InvalidInput) as refused:
        rendered(Service("carousel", template="own", env={"B": "2", "A": "1"}), own)
    assert refused.value.message == "Template 'own': it never uses env, so A, B would be dropped."


@pytest.mark.parametrize(
    ("template", "setting"),
    [("docker", "directory"), ("process", "volumes"), ("task", "health"), ("task", "conflicts"), ("task", "port")],
)
def test_a_setting_for_this_run_that_a_template_has_no_use_for_is_refused(template: str, setting: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        Templates(load(None)).renderer(of(template), ["memory", setting])
    assert refused.value.message == f"Template '{template}': it never uses {setting}, which --set gives."


@pytest.mark.parametrize(
    ("template", "settings"),
    [
        ("docker", ["port", "health", "volumes", "env_file", "registry_url", "docker_hub_username", "cpu", "restart"]),
        ("process", ["port", "health", "directory", "command", "env_file", "machine_metadata", "conflicts", "global"]),
        ("process", ["instances", "template", "secrets", "own"]),
        ("docker-vulcand", ["port", "memory"]),
    ],
)
def test_what_a_template_uses_is_taken(template: str, settings: list[str]) -> None:
    assert Templates(load(None)).renderer(of(template), settings)
