"""Secrets reach the unit, and nobody who looks."""

from __future__ import annotations

import pytest

from deployster_cli.domain.templates.render import Renderer, Templates
from deployster_cli.domain.templates.secrets import compared, hidden, masked, notice, with_secrets
from deployster_cli.domain.units.model import Service
from deployster_cli.domain.units.unitfile import UnitFile
from deployster_cli.errors import InvalidInput, TemplateFault
from tests.templates.cases import NAME, rendered, stamp

SERVICE = Service("carousel", env={"PLAIN": "b"}, secrets=("TOKEN",))
KNOWN = SERVICE._replace(env={"PLAIN": "b", "TOKEN": "first one"})


def test_a_secret_is_taken_from_the_environment() -> None:
    assert with_secrets(SERVICE, {"TOKEN": "x", "PLAIN": "c"}).env == {"PLAIN": "b", "TOKEN": "x"}


def test_a_secret_that_env_gives_is_that_one() -> None:
    assert with_secrets(KNOWN, {"TOKEN": "x"}).env == KNOWN.env


@pytest.mark.parametrize("environ", [{}, {"TOKEN": ""}])
def test_a_secret_that_is_nowhere_is_said_to_be(environ: dict[str, str]) -> None:
    with pytest.raises(InvalidInput, match=r"^carousel takes 'TOKEN' from your environment, where it is not set\.$"):
        with_secrets(SERVICE, environ)


def test_a_service_without_secrets_needs_no_environment() -> None:
    assert with_secrets(Service("carousel"), {}) == Service("carousel")


def test_a_masked_service_has_no_secret() -> None:
    assert masked(KNOWN).env == {"PLAIN": "b", "TOKEN": "***"}


@pytest.mark.parametrize(
    ("secrets", "said"),
    [((), ""), (("TOKEN",), "TOKEN: its value stands in the unit file"), (("A", "B"), "A, B: the values stand in the")],
)
def test_who_deploys_is_told_where_the_values_land(secrets: tuple[str, ...], said: str) -> None:
    assert notice(SERVICE._replace(secrets=secrets), "all may read")[: len(said) or None] == said


def test_where_nobody_else_reads_unit_files_nothing_is_said() -> None:
    assert notice(SERVICE._replace(secrets=("TOKEN",)), "") == ""


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("TOKEN=x y", "TOKEN=***"),
        ('"TOKEN=x y"', "TOKEN=***"),
        ("DEPLOYSTER_ENV_TOKEN=x", "DEPLOYSTER_ENV_TOKEN=***"),
        ('run "--env=TOKEN=x" image', 'run "--env=TOKEN=***'),
        ("MY_TOKEN=x", "MY_TOKEN=x"),
        ("TOKENS=x", "TOKENS=x"),
        ("TOKEN", "TOKEN"),
    ],
)
def test_what_follows_a_secrets_name_is_hidden(value: str, shown: str) -> None:
    assert hidden([("Service", "Environment", value)], ["TOKEN"]) == (("Service", "Environment", shown),)


def test_where_there_are_no_secrets_nothing_is_hidden() -> None:
    assert hidden([("Service", "Environment", "A==b")], []) == (("Service", "Environment", "A==b"),)


def seen(running: Service, wanted: Service, template: str = "") -> tuple[list[str], list[str]]:
    """The lines of both that differ, as they are shown."""
    own = {"own.service.j2": template} if template else {}
    units = (rendered(running, own), rendered(wanted, own), rendered(masked(wanted), own))
    old, new = compared(*units)
    return [o[2] for o in old if o not in new], [o[2] for o in new if o not in old]


def valued(value: str, service: Service = SERVICE) -> Service:
    return service._replace(env={**service.env, "TOKEN": value})


def test_the_same_secret_is_no_difference() -> None:
    assert seen(valued("one"), valued("one")) == ([], [])


@pytest.mark.parametrize(("one", "other"), [("one", "two"), ("one", "two words"), ('"', "$x"), ("***", "x")])
def test_another_secret_is_a_difference_that_shows_neither(one: str, other: str) -> None:
    name = "DEPLOYSTER_ENV_TOKEN"
    assert seen(valued(one), valued(other)) == ([f"{name}=***"], [f"{name}=*** (another value)"])


def test_a_value_that_was_a_secret_is_none_to_show_now() -> None:
    now = SERVICE._replace(secrets=())
    assert seen(valued("one"), now)[0][0] == "DEPLOYSTER_ENV_TOKEN=***"


OWN = "[Service]\nExecStart=/bin/serve --token {{ env.TOKEN|arg }}\nRestart=no\n"
LONGER = "[Service]\nExecStart=/bin/serve\n{% if env.TOKEN == 'one' %}\nEnvironment=A=b\n{% endif %}\n"


def test_a_line_that_holds_a_secret_in_another_way_is_hidden_whole() -> None:
    own = SERVICE._replace(template="own")
    assert seen(valued("one", own), valued("two", own), OWN) == (["***"], ["*** (another value)"])


def test_a_line_that_is_there_for_a_secrets_sake_is_hidden_whole() -> None:
    own = SERVICE._replace(template="own")
    assert seen(valued("two", own), valued("one", own), LONGER) == ([], ["***"])


def test_a_unit_that_is_not_ours_has_no_secrets() -> None:
    strange = UnitFile.parse(NAME, "[Service]\nEnvironment=A=b\nExecStart=/bin/true\n")
    assert compared(strange, strange, strange) == (strange.options, strange.options)


def test_the_stamp_names_the_secrets() -> None:
    stamp = rendered(KNOWN).stamp
    assert stamp
    assert stamp.secrets == ("TOKEN",)


@pytest.mark.parametrize("value", ["x" * 3000, 'a"b'])
def test_a_secret_that_can_not_be_put_in_is_not_repeated(value: str) -> None:
    own = valued(value)._replace(template="own")
    with pytest.raises(TemplateFault) as caught:
        rendered(own, {"own.service.j2": "[Service]\nExecStart=/bin/true\nEnvironment=T={{ env.TOKEN }}\n"})
    assert caught.value.message.startswith("Template 'own': a value of TOKEN can't be put in: it makes a line too long")


def test_a_fault_that_is_no_secrets_is_told_in_full() -> None:
    own = KNOWN._replace(template="own")
    with pytest.raises(TemplateFault, match=r"^Template 'own': Restart can't be 'allways'"):
        rendered(own, {"own.service.j2": "[Service]\nExecStart=/bin/true {{ env.TOKEN|arg }}\nRestart=allways\n"})


def renderer(service: Service, text: str) -> Renderer:
    return Templates({"own.service.j2": text}).renderer(service._replace(template="own"))


def test_what_is_shown_of_a_unit_has_no_secret() -> None:
    shown = renderer(valued("one"), "[Service]\nExecStart=/bin/serve {{ env.TOKEN|arg }}\n").shown(NAME, stamp())
    assert shown.last("Service", "ExecStart") == '/bin/serve "***"'


def test_what_could_not_be_started_is_not_shown_either() -> None:
    render = renderer(valued("x" * 3000), "[Service]\nExecStart=/bin/serve {{ env.TOKEN|arg }}\n")
    with pytest.raises(TemplateFault, match="a value of TOKEN can't be put in"):
        render.shown(NAME, stamp())
