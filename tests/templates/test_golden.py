"""Every built-in template, rendered for a plain, a full and a hostile service, is what it was.

``UPDATE_GOLDEN=1 pytest tests/templates/test_golden.py`` writes the files anew: read the difference before keeping it.
"""

from __future__ import annotations

import os

import pytest

from deployster_cli.domain.units.unitfile import UnitFile
from deployster_cli.operations import templates
from tests.templates.cases import GOLDEN, NAME, SERVICES, rendered


@pytest.mark.parametrize("case", SERVICES)
def test_renders_to_its_golden_unit(case: str) -> None:
    file = GOLDEN / f"{case}.service"
    text = rendered(SERVICES[case]).text
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(text)
    assert text == file.read_text()


def test_no_golden_unit_is_left_over() -> None:
    assert sorted(file.stem for file in GOLDEN.glob("*.service")) == sorted(SERVICES)


def test_every_built_in_template_has_a_golden_unit() -> None:
    assert set(templates.names(None)) == {service.template for service in SERVICES.values()}


@pytest.mark.parametrize("case", SERVICES)
def test_a_golden_unit_reads_back_as_it_was_rendered(case: str) -> None:
    unit = rendered(SERVICES[case])
    assert UnitFile.parse(NAME, unit.text) == unit
