"""Names and their text are one to one; what is no name of ours is refused or not recognised."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployster_cli.domain.record import unit_name
from deployster_cli.domain.units.names import (
    INSTANCE,
    LONGEST_SERVICE,
    LONGEST_UNIT_NAME,
    MOST_INSTANCES,
    SERVICE,
    VERSION,
    UnitName,
    check_service,
    check_version,
    image,
    printable,
    quoted,
    stampable,
)
from deployster_cli.errors import InvalidInput

services = st.from_regex(re.compile(SERVICE.pattern, re.ASCII), fullmatch=True).filter(lambda text: len(text) < 80)
versions = st.from_regex(re.compile(VERSION.pattern, re.ASCII), fullmatch=True).filter(lambda text: len(text) < 40)
instances = st.integers(1, MOST_INSTANCES)
moments = st.datetimes().map(lambda at: f"{at:%Y.%m.%d-%H.%M.%S}".rjust(19, "0"))
unit_names = st.builds(UnitName, services, versions, instances, st.just("")) | st.builds(
    UnitName, services, versions, instances, moments
)
near_misses = (
    st.text("ab1-_.:@\\x2d ", max_size=12).map(lambda head: f"{head}@1.service")
    | st.text("ab1-_.:", max_size=12).map(lambda head: f"{head}:2015.03.02-00.31.45@1.service")
    | st.text(max_size=40)
)


@given(unit_names)
def test_a_name_reads_back_from_its_text(name: UnitName) -> None:
    assert UnitName.parse(name.text) == name


@given(near_misses)
def test_text_is_a_name_only_where_it_is_exactly_that_names_text(text: str) -> None:
    name = UnitName.parse(text)
    assert name is None or name.text == text


@given(unit_names)
def test_the_parts_of_a_name_are_accepted_again(name: UnitName) -> None:
    assert UnitName.checked(name.service, name.version, name.instance) == name._replace(made="")


@given(unit_names, unit_names)
def test_two_names_share_neither_text_nor_container(one: UnitName, other: UnitName) -> None:
    assert (one == other) == (one.text == other.text) == (one.container == other.container)


def test_the_form_is_the_go_services() -> None:
    assert UnitName("carousel", "9f88701", 1).text == "carousel-9f88701@1.service"


def test_the_form_of_the_go_services_later_versions_is_read() -> None:
    name = UnitName("carousel", "9f88701", 1, "2015.03.02-00.31.45")
    assert UnitName.parse("carousel:9f88701:2015.03.02-00.31.45@1.service") == name
    assert name.short == "carousel 9f88701 @1 (2015.03.02-00.31.45)"


def test_a_dash_in_the_version_is_escaped_as_systemd_does() -> None:
    assert UnitName("my-app", "v1-rc-2", 3).text == r"my-app-v1\x2drc\x2d2@3.service"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "carousel.service",
        "carousel@1.service",
        "carousel-1.service",
        "carousel-1@1",
        "carousel-1@1.socket",
        "carousel-1@0.service",
        "carousel-1@01.service",
        "carousel-1@x.service",
        "carousel-1@1@2.service",
        "Carousel-1@1.service",
        "carousel--1@1.service",
        "carousel-.1@1.service",
        r"carousel-1\x2e2@1.service",
        "carousel:1@1.service",
        "carousel:1:@1.service",
        "carousel:1:2015.03.02-00.31.4@1.service",
        "carousel:1:2015.03.02-00.31.45.service",
        "carousel:.1:2015.03.02-00.31.45@1.service",
        "carousel:1:2:2015.03.02-00.31.45@1.service",
        "carousel:1:\u0662015.03.02-00.31.45@1.service",
        r"carousel-\x2d1@1.service",
        "carousel-1@1.service\n",
        "carousel-1@\u0661.service",
        "a" * LONGEST_UNIT_NAME + "-1@1.service",
    ],
)
def test_other_units_are_none_of_ours(text: str) -> None:
    assert UnitName.parse(text) is None


@pytest.mark.parametrize("text", ["", "A", "-a", "a-", "a--b", "a b", "a/b", "a\n", "é", "--privileged"])
def test_a_service_that_no_image_could_have_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="can't name a service: lower-case letters and digits"):
        check_service(text)


@pytest.mark.parametrize("text", ["", ".1", "-1", "a b", "a:b", "a/b", "a\n", "x" * 129, "é"])
def test_a_version_that_no_tag_could_have_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="can't be a version: up to 128 letters"):
        check_version(text)


@pytest.mark.parametrize("instance", [-1, 0, MOST_INSTANCES + 1])
def test_an_instance_out_of_range_is_refused(instance: int) -> None:
    with pytest.raises(InvalidInput, match=f"^{instance} can't be an instance: they are numbered 1 to 999999.$"):
        UnitName.checked("carousel", "1", instance)


@pytest.mark.parametrize(("service", "version"), [("A Service", "1"), ("carousel", "a version")])
def test_each_part_of_a_name_is_checked(service: str, version: str) -> None:
    with pytest.raises(InvalidInput, match="can't"):
        UnitName.checked(service, version, 1)


def test_a_name_that_fleet_would_find_too_long_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"would be 256 characters, 255 is the most"):
        UnitName.checked("a" * 244, "1", 1)


@pytest.mark.parametrize(
    ("service", "version"),
    [("a" * 237, "1"), ("a-b" + "c" * 231, "1"), ("a" * 103, "1" + "-" * 19 + "2"), ("a", "1" + "-" * 33 + "2" * 5)],
)
def test_the_longest_name_that_systemd_loads_is_accepted_and_one_longer_is_refused(service: str, version: str) -> None:
    name = UnitName.checked(service, version, 1)
    assert UnitName.parse(name.text) == name
    with pytest.raises(InvalidInput, match=r"systemd can't load .* would be 243 characters, 242 is the most: shorten"):
        UnitName.checked(f"{service}a", version, 1)


def test_a_name_that_systemd_could_not_load_is_still_read() -> None:
    name = UnitName("a" * 243, "1", 1)
    assert UnitName.parse(name.text) == name


def test_instances_are_ordered_as_numbers() -> None:
    names = [UnitName("carousel", "1", n) for n in (10, 9, 2)]
    assert [name.instance for name in sorted(names)] == [2, 9, 10]


def test_the_highest_instance_can_be_written() -> None:
    assert INSTANCE.fullmatch(str(MOST_INSTANCES))


def test_the_short_form_is_for_people() -> None:
    assert UnitName("carousel", "9f88701", 1).short == "carousel 9f88701 @1"


def test_containers_of_services_with_dashes_differ() -> None:
    assert UnitName("a", "b-1", 1).container != UnitName("a-b", "1", 1).container


@pytest.mark.parametrize(
    ("owners", "wanted"),
    [
        ({}, "carousel:1"),
        ({"docker_hub_username": "acme"}, "acme/carousel:1"),
        ({"registry_url": "host:5000"}, "host:5000/carousel:1"),
        ({"docker_hub_username": "acme", "registry_url": "host:5000"}, "host:5000/carousel:1"),
    ],
)
def test_an_image_belongs_to_the_registry_or_else_the_user(owners: dict[str, str], wanted: str) -> None:
    assert image("carousel", "1", **owners) == wanted


@pytest.mark.parametrize(
    ("text", "shown"),
    [("a b", "'a b'"), ("a\nb", r"'a\nb'"), ("x" * 61, "'" + "x" * 60 + "…'"), ("\x1b[31m", r"'\x1b[31m'")],
)
def test_text_is_quoted_on_one_short_line(text: str, shown: str) -> None:
    assert quoted(text) == shown


@pytest.mark.parametrize(("length", "shown"), [(60, "x" * 60), (61, "x" * 60 + "\u2026")])
def test_what_is_quoted_is_cut_behind_sixty_characters(length: int, shown: str) -> None:
    assert quoted("x" * length) == f"'{shown}'"


@pytest.mark.parametrize(
    ("text", "more", "shown"),
    [
        ("plain", (), "plain"),
        ("a\x1b[2Jb\n", (), "a\ufffd[2Jb\ufffd"),
        ("a\x1bb\nc", ("?",), "a?b?c"),
        ("a\x1bb\nc\td", ("?", "\n\t"), "a?b\nc\td"),
    ],
)
def test_what_could_change_a_terminal_is_replaced_but_for_what_is_let_through(
    text: str, more: tuple[str, ...], shown: str
) -> None:
    assert printable(text, *more) == shown


def test_who_asks_is_stamped_without_what_a_unit_file_could_read_otherwise() -> None:
    assert stampable('J\u00f6rg "%n" O\\Neil\x7f@ci') == "JrgnONeil@ci"


def test_what_is_checked_is_handed_on() -> None:
    assert (check_service("web"), check_version("v1")) == ("web", "v1")


def test_the_longest_service_that_is_changed_has_a_record_of_the_longest_name() -> None:
    assert len(unit_name("a" * LONGEST_SERVICE)) == 255
