"""docs/templates.md says what is so: its tables are the program's, its examples render."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from deployster_cli.domain.templates.render import FILTERS
from deployster_cli.domain.templates.variables import NAMES
from deployster_cli.domain.units.model import Service
from deployster_cli.errors import TemplateFault
from deployster_cli.operations import templates
from tests.templates.cases import FULL, HOSTILE, NASTY, rendered

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "templates.md").read_text()
EXAMPLES = re.findall(r"^```jinja\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def first_cells(heading: str) -> list[str]:
    """The names in the first column of the first table under a heading."""
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE)


def test_the_table_of_names_is_what_templates_are_given() -> None:
    assert tuple(first_cells("What a template may use")) == NAMES


def test_the_table_of_filters_is_what_templates_have() -> None:
    assert set(re.findall(r"\{\{ x\\\|(\w+) \}\}", PAGE)) == set(FILTERS)


def test_the_table_of_templates_is_what_is_built_in() -> None:
    assert sorted(re.findall(r"^\| `([\w-]+)` \| .*$", PAGE.partition("\n## ")[0], re.MULTILINE)) == sorted(
        templates.names(None)
    )


def test_the_table_of_blocks_is_what_the_docker_template_has() -> None:
    blocks = re.findall(r"\{%-? block (\w+)", templates.load(None)["docker.service.j2"])
    assert first_cells("Changing a built-in one") == blocks


def test_the_process_template_has_the_blocks_that_the_page_says() -> None:
    blocks = re.findall(r"\{%-? block (\w+)", templates.load(None)["process.service.j2"])
    said = [block for block in first_cells("Changing a built-in one") if not block.startswith("run_")]
    assert blocks == said


def test_the_task_template_has_the_blocks_that_the_page_says() -> None:
    blocks = re.findall(r"\{%-? block (\w+)", templates.load(None)["task.service.j2"])
    said = PAGE.partition("\n## Commands before a deploy\n")[2].partition("its blocks\nare ")[2]
    assert [block for block in re.findall(r"`(\w+)`", said) if block != "directory"] == blocks


def test_what_the_page_says_of_a_refused_template_is_what_is_said() -> None:
    said = re.findall(r"^`(Template 'own': .*); the nearest", PAGE, re.MULTILINE)[0].partition("no, …")[0]
    with pytest.raises(TemplateFault, match=f"^{re.escape(said)}no, .*always; the nearest is always.$"):
        rendered(Service("a", template="own"), {"own.service.j2": "[Service]\nExecStart=a\nRestart=allways"})


def test_the_script_reads_as_the_page_says() -> None:
    unit = rendered(
        FULL._replace(template="own", env={}), {"own.service.j2": f"[Service]\nExecStart=/bin/true\n{EXAMPLES[0]}"}
    )
    script = """/bin/sh -c "for n in 1 2 3; do echo 9f88701 \\"$$n\\"; done\""""
    assert unit.values("Service", "ExecStartPre") == (script,)


@pytest.mark.parametrize("service", [FULL, NASTY], ids=["full", "nasty"])
def test_the_example_to_start_from_renders(service: Service) -> None:
    worker = service._replace(template="worker", command="bin/work", directory="/srv")
    unit = rendered(worker._replace(extra={"grace": "300"}), {"worker.service.j2": EXAMPLES[1]})
    assert unit.last("Service", "TimeoutStopSec") == "300"


def test_the_example_gives_every_variable() -> None:
    worker = NASTY._replace(template="worker", command="bin/work", directory="/srv")
    unit = rendered(worker, {"worker.service.j2": EXAMPLES[1]})
    assert len(unit.values("Service", "Environment")) == len(HOSTILE)


def test_the_example_that_extends_docker_adds_its_option() -> None:
    unit = rendered(FULL._replace(template="roomy"), {"roomy.service.j2": EXAMPLES[2]})
    assert " --shm-size=256m acme/carousel:9f88701" in unit.last("Service", "ExecStart")


def test_the_example_that_extends_docker_adds_its_line() -> None:
    unit = rendered(FULL._replace(template="roomy"), {"roomy.service.j2": EXAMPLES[2]})
    assert unit.last("Service", "ExecStartPost") == '/bin/sh -c "echo carousel-9f88701@1.service is up"'


# Block → a line that a template of one's own adds there, and its section.
BLOCKS = {
    "unit_options": ("Unit", "PartOf=a.service"),
    "service_options": ("Service", "User=core"),
    "pre_start": ("Service", "ExecStartPre=/bin/true"),
    "health": ("Service", "ExecStartPost=/bin/true"),
    "register": ("Service", "ExecStartPost=/bin/true"),
    "stop": ("Service", "ExecStop=/bin/true"),
}


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("template", ["docker", "docker-vulcand", "deployster", "process"])
def test_a_line_can_be_added_at_each_seam_and_all_else_stays(template: str, block: str) -> None:
    section, line = BLOCKS[block]
    own = (
        f'{{% extends "{template}.service.j2" %}}\n{{% block {block} %}}\n{{{{ super() }}}}\n{line}\n{{% endblock %}}\n'
    )
    service = FULL._replace(port=None, command="bin/serve")
    without = rendered(service._replace(template=template)).unstamped
    with_it = rendered(service._replace(template="own"), {"own.service.j2": own}).unstamped
    name, _, value = line.partition("=")
    assert sorted(with_it) == sorted((*without, (section, name, value)))


@pytest.mark.parametrize("template", ["docker", "docker-vulcand", "deployster", "process"])
def test_placement_can_be_replaced(template: str) -> None:
    own = f'{{% extends "{template}.service.j2" %}}{{% block placement %}}[X-Fleet]\nMachineID=abc{{% endblock %}}'
    service = FULL._replace(template="own", port=None, command="bin/serve")
    assert rendered(service, {"own.service.j2": own}).placement == ("MachineID=abc",)
