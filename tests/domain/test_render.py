"""Templates become unit files that can run, or one sentence says what is wrong with them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployster_cli.domain.templates.escaping import unwritable
from deployster_cli.domain.templates.render import Templates
from deployster_cli.domain.units.model import Service
from deployster_cli.domain.units.names import UnitName
from deployster_cli.domain.units.unitfile import Stamp, UnitFile
from deployster_cli.errors import InvalidInput, TemplateFault

texts = st.text(max_size=40).filter(lambda text: not unwritable(text) and not text.endswith("\\"))

NAME = UnitName("carousel", "9f88701", 1)
STAMP = Stamp("carousel", "9f88701", 1, "2026-01-02T03:04:05Z", "ada@laptop", "own")
RUN = "[Service]\nExecStart=/bin/true\n"


def render(text: str, port: int | None = None, more: dict[str, str] | None = None, **settings: Any) -> UnitFile:
    """The unit that a template's text renders for a service with these settings."""
    stamp = Stamp("carousel", "9f88701", 1, "2026-01-02T03:04:05Z", "ada@laptop", "own", port=port)
    templates = Templates({"own.service.j2": text} | (more or {}))
    return templates.render(NAME, Service("carousel", template="own", **settings), stamp)


def fault(text: str, more: dict[str, str] | None = None, **settings: Any) -> str:
    """What is said about a template that can't be used."""
    with pytest.raises(TemplateFault) as caught:
        render(text, more=more, **settings)
    return caught.value.message


def test_the_names_of_templates_are_in_order_and_without_those_of_other_files() -> None:
    assert Templates({"web.service.j2": "", "a.service.j2": "", "part.j2": ""}).names == ("a", "web")


def test_of_several_values_without_a_use_the_first_in_order_is_told_of() -> None:
    said = fault(RUN, extra=dict.fromkeys([f"value_{number}" for number in range(99, 9, -1)], "x"))
    assert said.split("it never uses ")[1].startswith("value_10")


def test_the_unit_is_stamped() -> None:
    assert render(RUN).stamp == STAMP


def test_a_stamp_that_the_template_brings_is_replaced() -> None:
    assert render(RUN + "[X-Deployster]\nService=other\nOwner=me").stamp == STAMP


def test_a_unit_without_a_description_gets_one() -> None:
    assert render(RUN).text.startswith("[Unit]\nDescription=carousel 9f88701 instance 1\n\n[Service]\n")


def test_it_is_the_first_of_the_file_where_there_is_no_unit_section() -> None:
    assert render("[Service]\nType=simple\nExecStart=/bin/true\n").options[0][:2] == ("Unit", "Description")
    late = render("[Service]\nExecStart=/bin/true\n[Unit]\nAfter=a.service\n")
    assert [option[:2] for option in late.options[:3]] == [
        ("Service", "ExecStart"),
        ("Unit", "Description"),
        ("Unit", "After"),
    ]


def test_a_templates_description_is_kept() -> None:
    described = render("[Unit]\nDescription=Mine\n" + RUN).values("Unit", "Description")
    assert described == ("Mine (carousel 9f88701 instance 1)",)


@pytest.mark.parametrize("said", ["Mine", "Mine port 20001"])
def test_a_description_ends_with_the_port_once(said: str) -> None:
    described = render(f"[Unit]\nDescription={said}\n{RUN}", port=20001).last("Unit", "Description")
    assert described == "Mine (carousel 9f88701 instance 1) port 20001"


def test_the_port_is_in_the_stamp() -> None:
    stamp = render(RUN, port=20001).stamp
    assert stamp is not None
    assert stamp.port == 20001


def test_a_template_that_never_says_machine_port_takes_none() -> None:
    assert not Templates({"own.service.j2": RUN + "{{ port }}"}).takes_port("own")


def test_a_template_that_extends_one_that_does_takes_a_port() -> None:
    base = {"own.service.j2": '{% extends "base.service.j2" %}', "base.service.j2": RUN + "{{ machine_port }}"}
    assert Templates(base).takes_port("own")


def test_a_port_setting_takes_the_place_of_a_port_that_is_found() -> None:
    templates = Templates({"own.service.j2": RUN + "Environment=PORT={{ machine_port }}"})
    assert not templates.renderer(Service("carousel", template="own", port=3000)).takes_port


@pytest.mark.parametrize(("said", "takes"), [("{{ machine_port }}", True), ("3000", False)])
def test_a_service_takes_a_port_where_its_template_has_a_use_for_one(said: str, takes: bool) -> None:
    templates = Templates({"own.service.j2": f"{RUN}Environment=PORT={said}"})
    assert templates.renderer(Service("carousel", template="own")).takes_port is takes


def test_a_service_with_a_fixed_port_is_listed_with_it() -> None:
    templates = Templates({"own.service.j2": RUN + "Environment=PORT={{ machine_port }}"})
    unit = templates.renderer(Service("carousel", template="own", port=3000))(NAME, STAMP)
    assert unit.last("Unit", "Description").endswith(" port 3000")


class Counted(Templates):
    """Counts what is rendered."""

    rendered = 0

    def body(self, name: UnitName, service: Service, stamp: Stamp) -> UnitFile:
        self.rendered += 1
        return super().body(name, service, stamp)


@pytest.mark.parametrize(("line", "count"), [("", 1), ("Environment=BEFORE={{ previous|join(' ')|env }}", 2)])
def test_a_unit_is_rendered_once_whatever_its_stamp_unless_the_template_shows_what_was_before(
    line: str, count: int
) -> None:
    templates = Counted({"own.service.j2": RUN + line})
    renderer, later = templates.renderer(Service("carousel", template="own")), replace(STAMP, previous=("v1",))
    assert [renderer(NAME, stamp).stamp for stamp in (STAMP, later)] == [STAMP, later]
    assert templates.rendered == count


def test_a_stamp_that_can_not_be_written_down_is_refused_though_its_unit_was_rendered() -> None:
    renderer = Templates({"own.service.j2": RUN}).renderer(Service("carousel", template="own"))
    renderer(NAME, STAMP)
    with pytest.raises(InvalidInput, match="deployed_by"):
        renderer(NAME, replace(STAMP, deployed_by="ann "))


def test_a_command_that_is_too_long_for_fleet_is_told_where_to_keep_its_values() -> None:
    with pytest.raises(TemplateFault, match="ExecStart is 3020 bytes long") as caught:
        render("[Service]\nExecStart=/bin/echo {{ command|arg }}", command="x" * 3000)
    assert "(env_file)" in caught.value.hint


def test_a_block_can_be_extended_without_escaping_it_twice() -> None:
    base = "[Service]\nExecStart=/bin/true\n{% block more %}Nice=1\nSlice={{ command }}%i\n{% endblock %}"
    unit = render(
        '{% extends "base.j2" %}{% block more %}{{ super() }}UMask=7{% endblock %}',
        more={"base.j2": base},
        command="50%",
    )
    assert unit.last("Service", "Slice") == "50%%%i"


def test_a_macro_from_another_file_can_be_used() -> None:
    macros = "{% macro run(what) %}ExecStart=/bin/echo {{ what|arg }}{% endmacro %}"
    unit = render('{% import "m.j2" as m %}[Service]\n{{ m.run("a b") }}', more={"m.j2": macros})
    assert unit.last("Service", "ExecStart") == '/bin/echo "a b"'


@given(texts)
def test_no_value_adds_an_option_to_any_place(text: str) -> None:
    template = (
        "[Service]\nExecStart=/bin/echo {{ command|arg }}\nEnvironment={{ ('A=' ~ command)|env }}\n"
        "{% set script %}echo {{ command|sh }}{% endset %}ExecStop=/bin/sh -c {{ script|arg }}\n"
        "Slice=x{{ command }}x\n"
    )
    names = [name for section, name, _ in render(template, command=text).options if section == "Service"]
    assert sorted({*names, "Environment"}) == ["Environment", "ExecStart", "ExecStop", "Slice"]


@given(texts)
def test_what_was_rendered_reads_back(text: str) -> None:
    unit = render("[Service]\nExecStart=/bin/echo {{ command|arg }}\nSlice=x{{ command }}x", command=text)
    assert UnitFile.parse(NAME, unit.text) == unit


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "[Service]\n{% if %}",
            "Template 'own', line 2 of own.service.j2: Expected an expression, got 'end of statement",
        ),
        (RUN + "{{ a|nosuch }}", "Template 'own', line 3 of own.service.j2: No filter named 'nosuch'"),
        (
            RUN + "{{ verison }}",
            "Template 'own', line 3 of own.service.j2: verison is nothing that a template may use; "
            "the nearest is version.",
        ),
        (RUN + "{{ zzz }}", "Template 'own', line 3 of own.service.j2: zzz is nothing that a template may use."),
        (RUN + "{{ env.NOPE }}", "Template 'own', line 3 of own.service.j2: 'dict object' has no attribute 'NOPE'."),
        (RUN + "{{ 1 // 0 }}", "Template 'own', line 3 of own.service.j2: "),
        (RUN + "{{ env.pop('A') }}", "Template 'own', line 3 of own.service.j2: "),
        (RUN + "{{ volumes }}", "Template 'own': a tuple can't be put into a unit file whole: loop over it."),
        (
            '{% extends "dokcer.service.j2" %}',
            "Template 'own': no template file 'dokcer.service.j2'; the nearest is docker.service.j2.",
        ),
        (
            "{% extends command %}",
            "Template 'own': it names another template by an expression: write that name in quotes.",
        ),
        ("{{ fail('it needs a volume.') }}", "Template 'own': it needs a volume."),
        ("[Unit]\nAfter=a", "Template 'own': its [Service] has no ExecStart, so there is nothing to run."),
        ("[Service]\nExecStart=\n", "Template 'own': its [Service] has no ExecStart, so there is nothing to run."),
        (
            RUN + "ExecStart=/bin/false",
            "Template 'own': its [Service] has 2 ExecStart, and only Type=oneshot may have more than one.",
        ),
        (
            "[Sevice]\nExecStart=/bin/true",
            "Template 'own': [Sevice] is not a section of a service's unit file; the nearest is Service.",
        ),
        (RUN + "Exec Stop=a", "Template 'own': 'Exec Stop' in [Service] can't be an option's name."),
        (RUN + "Slice=a\tb", "Template 'own': Slice in [Service] has a control character in it."),
        (RUN + "word", "Template 'own': line 3 of the unit file is neither [Section] nor Name=value: 'word'"),
        (RUN + "Restart=allways", "Template 'own': Restart can't be 'allways': it is one of no, on-success,"),
        ("[Service]\nExecStart={{ command }}", "Template 'own': ExecStart can't be 'bin/serve': a program is"),
        (RUN + "{{ 'a\\nb' }}", "Template 'own': 'a\\nb' has a line break or control character"),
    ],
)
def test_a_template_that_can_not_be_used_is_explained_in_a_sentence(text: str, said: str) -> None:
    assert fault(text, more={"docker.service.j2": RUN}, command="bin/serve").startswith(said)


def test_a_template_that_extends_itself_is_told_so() -> None:
    assert fault('{% extends "own.service.j2" %}').endswith(": it extends or imports itself.")


def test_a_command_that_was_taken_back_does_not_count() -> None:
    unit = render("[Service]\nExecStart=/bin/true\nExecStart=\nExecStart=/bin/false")
    assert unit.last("Service", "ExecStart") == "/bin/false"


def test_a_oneshot_may_run_several_commands() -> None:
    unit = render("[Service]\nType=oneshot\nExecStart=/bin/true\nExecStart=/bin/false")
    assert len(unit.values("Service", "ExecStart")) == 2


def test_a_template_that_is_not_there_is_named_with_the_nearest() -> None:
    templates = Templates({"docker.service.j2": RUN, "process.service.j2": RUN, "_macros.j2": ""})
    with pytest.raises(TemplateFault) as caught:
        templates.render(NAME, Service("carousel", template="dokcer"), STAMP)
    assert (caught.value.message, caught.value.hint) == (
        "Template 'dokcer': no template has that name; the nearest is docker.",
        "Templates: docker, process.",
    )


def test_asking_a_missing_template_for_its_port_says_so_too() -> None:
    with pytest.raises(TemplateFault, match=r"^Template 'x': no template has that name"):
        Templates({}).takes_port("x")


def test_an_undefined_name_comes_with_all_that_may_be_used() -> None:
    with pytest.raises(TemplateFault) as caught:
        render(RUN + "{{ nope }}", extra={})
    assert caught.value.hint.startswith("A template may use service, version, instance, unit, container, image,")


def test_a_set_value_reaches_the_template() -> None:
    assert render(RUN + "Slice={{ slice }}", extra={"slice": "a.slice"}).last("Service", "Slice") == "a.slice"


def test_a_set_value_with_a_default_need_not_be_given() -> None:
    assert render(RUN + "Nice={{ nice|default(5) }}").last("Service", "Nice") == "5"


def test_a_set_value_that_nothing_uses_is_refused() -> None:
    said = fault(RUN + "{{ colour|default('') }}", extra={"color": "red"})
    assert said == (
        "Template 'own': it never uses color, which --set or [services.carousel.set] gives; the nearest is colour."
    )


def test_a_task_template_that_never_runs_the_task_is_refused() -> None:
    templates = Templates({"task.service.j2": RUN})
    by = "the command given to task, --before or before_deploy"
    with pytest.raises(TemplateFault, match=rf"^Template 'task': it never uses task, which {by} gives\.$"):
        templates.render(NAME, Service("carousel", template="task", extra={"task": "rake"}), STAMP)


def test_a_set_value_may_be_used_by_what_the_template_imports() -> None:
    base = {"base.j2": RUN + "Slice={{ slice }}"}
    assert render('{% extends "base.j2" %}', more=base, extra={"slice": "a"}).last("Service", "Slice") == "a"


def test_a_template_reads_no_file_but_templates() -> None:
    assert "no template file '/etc/passwd'" in fault(RUN + '{% include "/etc/passwd" %}')


def test_a_template_can_not_reach_python_behind_a_value() -> None:
    assert "unsafe" in fault(RUN + "{{ version.__class__.__mro__ }}")


def test_a_unit_section_that_comes_later_in_a_template_is_the_one_that_has_the_description() -> None:
    text = render(f"{RUN}\n[Unit]\nAfter=network.target\n").text
    assert text.count("[Unit]") == 1
    assert "[Unit]\nDescription=carousel 9f88701 instance 1\nAfter=network.target\n" in text


def test_a_container_port_is_no_port_of_the_machine() -> None:
    templates = Templates({"own.service.j2": RUN + "Environment=PORT={{ port }}"})
    unit = templates.renderer(Service("carousel", template="own", port=3000))(NAME, STAMP)
    assert unit.last("Unit", "Description") == "carousel 9f88701 instance 1"


def test_variables_that_the_template_has_no_use_for_are_refused() -> None:
    with pytest.raises(TemplateFault, match=r"^Template 'own': it never uses env, so A, B would be dropped\.$"):
        render(RUN, env={"B": "2", "A": "1"})


@pytest.mark.parametrize(("setting", "fits"), [("port", True), ("cpu", False), ("instances", True), ("own", True)])
def test_a_setting_for_this_run_has_to_be_used(setting: str, fits: bool) -> None:
    templates = Templates({"own.service.j2": RUN + "Environment=PORT={{ machine_port }}"})
    service = Service("carousel", template="own")
    if fits:
        assert templates.renderer(service, [setting])
        return
    with pytest.raises(TemplateFault, match=r"^Template 'own': it never uses cpu, which --set gives\.$"):
        templates.renderer(service, ["port", setting])


def test_a_template_that_says_image_runs_one() -> None:
    found = Templates({"a.service.j2": RUN + "Environment=IMAGE={{ image }}", "b.service.j2": RUN})
    assert (found.takes_image("a"), found.takes_image("b")) == (True, False)


@pytest.mark.parametrize(
    ("template", "builds"),
    [("process", True), ("mine", True), ("importing", True), ("other", False), ("nonesuch", False), ("broken", False)],
)
def test_a_template_builds_on_what_it_extends_or_imports_and_on_itself(template: str, builds: bool) -> None:
    texts = {
        "process": RUN,
        "mine": '{% extends "process.service.j2" %}',
        "importing": '{% import "process.service.j2" as it %}' + RUN,
        "other": RUN,
        "broken": "{% if %}",
    }
    templates = Templates({f"{name}.service.j2": text for name, text in texts.items()})
    assert templates.builds_on(template, "process") is builds
