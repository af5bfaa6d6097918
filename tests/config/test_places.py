"""What is said of clusters, hooks and a service's own values in deployster.toml."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployster_cli.domain.hooks import Hooks
from deployster_cli.errors import InvalidInput
from tests.config.given import Load, refusal

CLUSTERS = """\
protected = true
[clusters.staging]
engine = "local"
[clusters.production]
protected = true
"""


@pytest.mark.parametrize(("cluster", "protected"), [(None, True), ("staging", False), ("production", True)])
def test_protection_is_each_clusters_own(load: Load, cluster: str | None, protected: bool) -> None:
    assert load(CLUSTERS, cluster=cluster).protected is protected


def test_nothing_is_protected_by_default(load: Load) -> None:
    assert not load("").protected


def test_a_variable_can_not_take_protection_away(load: Load) -> None:
    assert load(CLUSTERS, {"DEPLOYSTER_PROTECTED": "false"}).protected


@pytest.mark.parametrize(("cluster", "place"), [(None, ""), ("staging", "staging")])
def test_the_place_is_the_chosen_clusters_name(load: Load, cluster: str | None, place: str) -> None:
    assert load(CLUSTERS, cluster=cluster).place == place


@pytest.mark.parametrize(
    ("environ", "flags", "source"),
    [
        ({"DEPLOYSTER_CLUSTER": "staging"}, {}, "DEPLOYSTER_CLUSTER"),
        ({"DEPLOYSTER_CLUSTER": "staging"}, {"cluster": "staging"}, "flag --cluster"),
        ({}, {}, "default"),
    ],
)
def test_who_chose_the_cluster_is_known(
    load: Load, environ: dict[str, str], flags: dict[str, str], source: str
) -> None:
    assert load(CLUSTERS, environ, **flags).sources["cluster"] == source


@pytest.mark.parametrize("name", ['""', '"a\\u0000b"', '" staging"'])
def test_a_name_that_nobody_could_type_is_refused(load: Load, name: str) -> None:
    assert "can't name a cluster" in refusal(load, f"[clusters.{name}]")


def test_a_hook_is_a_line_or_a_list_of_them(load: Load) -> None:
    found = load('[hooks]\npre_deploy = "a"\non_failure = ["b", "c"]\ntimeout = "90s"').hooks
    assert found == Hooks(pre_deploy=("a",), on_failure=("b", "c"), timeout=90.0)


def test_a_cluster_may_have_hooks_of_its_own(load: Load) -> None:
    text = '[hooks]\npre_deploy = "a"\npost_deploy = "b"\n[clusters.x.hooks]\npre_deploy = "c"'
    assert load(text, cluster="x").hooks == Hooks(pre_deploy=("c",), post_deploy=("b",))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("pre_deplo = 'a'", "deployster.toml:2: no setting 'pre_deplo' in [hooks]; did you mean 'pre_deploy'?"),
        ("pre_deploy = ''", "deployster.toml:2: pre_deploy in [hooks] must be a shell line or a list of them, not ''."),
        ("pre_deploy = [1]", "must be a shell line or a list of them, not a list."),
        ("timeout = '2h'", "timeout in [hooks] must be a time above 0"),
    ],
)
def test_a_hook_that_can_not_be_meant_is_refused(load: Load, text: str, said: str) -> None:
    assert said in refusal(load, f"[hooks]\n{text}")


def test_hooks_run_in_the_files_folder(load: Load, tmp_path: Path) -> None:
    assert load("").folder == tmp_path


def test_without_a_file_they_run_where_the_run_started(load: Load, tmp_path: Path) -> None:
    assert load().folder == tmp_path


def test_before_deploy_is_kept_beside_the_service(load: Load) -> None:
    assert load('[services.web]\nbefore_deploy = ["a", "b"]').before_deploy("web") == ("a", "b")


def test_most_services_have_none(load: Load) -> None:
    assert load("").before_deploy("web") == ()


def test_before_deploy_is_not_for_set_to_give(load: Load) -> None:
    settings = load("[services.web]")
    with pytest.raises(InvalidInput, match="--set can't give before_deploy: deploy --before CMD gives one"):
        settings.with_values(settings.service("web"), ["before_deploy=x"], [])


def test_a_templates_own_values_reach_the_service(load: Load) -> None:
    extra = load("[services.web.set]\nhealth_tries = 30\nslice = 'web'").service("web").extra
    assert extra == {"health_tries": "30", "slice": "web"}


@pytest.mark.parametrize("number", [-(1 << 63), (1 << 63) - 1])
def test_a_value_of_a_template_may_be_any_number_of_64_bits(load: Load, number: int) -> None:
    assert load(f"[services.web.set]\nnice = {number}").service("web").extra == {"nice": str(number)}


def test_set_on_the_command_line_counts_before_them(load: Load) -> None:
    settings = load("[services.web.set]\nnice = 5\nslice = 'web'")
    assert settings.with_values(settings.service("web"), ["nice=9"], []).extra == {"nice": "9", "slice": "web"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("port = 3", "port is a setting of Deployster's: it stands in [services.web]."),
        ("a-b = 'x'", "'a-b' can't name a value of a template: letters, digits and _, no digit first."),
        ("nice = true", "nice in [services.web.set] must be text on one line or a whole number."),
        ('nice = "a\\nb"', "nice in [services.web.set] must be text on one line or a whole number."),
    ],
)
def test_a_value_that_no_template_can_have_is_refused(load: Load, text: str, said: str) -> None:
    assert refusal(load, f"[services.web.set]\n{text}") == f"deployster.toml:2: {said}"
