"""What goes into a template is never taken for one, and a template reaches nothing of Python's insides."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from deployster_cli.domain.templates.render import Templates
from deployster_cli.domain.units.model import Service
from deployster_cli.domain.units.names import UnitName, check_service, check_version
from deployster_cli.domain.units.unitfile import Stamp
from deployster_cli.errors import InvalidInput, TemplateFault

STAMP = Stamp("carousel", "v1", 1, "2026-01-02T03:04:05Z", "ann@laptop", "own")

INJECTED = (
    "{{7*7}}",
    "${7*7}",
    "#{7*7}",
    "{{ config }}",
    "{{ ''.__class__.__mro__ }}",
    "{% for x in (1,2) %}x{% endfor %}",
    "{# gone #}",
    "{version.__class__.__init__.__globals__}",
    "{0.__class__}",
    "%(version)s",
)

ESCAPES = (
    "{{ ''.__class__ }}",
    "{{ ''['__class__'] }}",
    "{{ ''|attr('__class__') }}",
    "{{ service.__init__.__globals__ }}",
    "{{ fail.__globals__ }}",
    "{{ '{0.__class__}'.format(service) }}",
    "{{ '{a.__class__.__mro__}'.format_map({'a': service}) }}",
    "{{ dict.__subclasses__() }}",
    "{{ namespace.__init__.__globals__ }}",
    "{{ self.__init__.__globals__ }}",
    "{{ cycler.__init__.__globals__ }}",
    "{{ range(999999999)|list }}",
    "{% include '/etc/passwd' %}",
    "{% import 'os' as os %}",
)


def rendered(template: str, value: str) -> str:
    service = Service("carousel", template="own", env={"A": value}, extra={"x": value} if "{{ x" in template else {})
    return Templates({"own.service.j2": template}).render(UnitName("carousel", "v1", 1), service, STAMP).text


@pytest.mark.parametrize("value", INJECTED)
def test_a_value_is_the_characters_that_it_is(value: str) -> None:
    unit = rendered("[Service]\nExecStart=/bin/true {{ x|arg }} {{ env.A|arg }}\n", value)
    written = value.replace("$", "$$").replace("%", "%%").replace("\\", "\\\\").replace('"', '\\"')
    assert unit.count(f'"{written}"') == 2


@pytest.mark.parametrize("check", [check_service, check_version])
@pytest.mark.parametrize("value", INJECTED)
def test_neither_a_service_nor_a_version_can_hold_one(value: str, check: Callable[[str], object]) -> None:
    with pytest.raises(InvalidInput):
        check(value)


@pytest.mark.parametrize("escape", ESCAPES)
def test_a_template_can_not_leave_its_sandbox(escape: str) -> None:
    with pytest.raises(TemplateFault):
        rendered(f"[Service]\nExecStart=/bin/true {escape}\n", "harmless")
