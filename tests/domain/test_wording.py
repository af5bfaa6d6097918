"""Facts as words."""

from __future__ import annotations

import pytest

from deployster_cli.domain.events import Failure, headline, rules_and_machines
from deployster_cli.domain.rollout.tracking import Reason
from deployster_cli.domain.units.model import Machine, State, Unit
from deployster_cli.domain.units.names import UnitName
from deployster_cli.domain.units.unitfile import UnitFile
from deployster_cli.domain.wording import (
    capitalized,
    count,
    did_you_mean,
    joined,
    left_alone,
    left_out,
    not_known,
    passed_over,
    resized,
    some_names,
    taken_over,
    where,
)
from deployster_cli.domain.wording import on as on_place

NEW = UnitName("carousel", "v2", 1)
M1, M2 = Machine("m1", "10.0.0.1", {"zone": "z1", "name": "m1"}), Machine("abcdef0123", "")
RULES = (("X-Fleet", "MachineMetadata", "zone=z9"), ("X-Fleet", "Conflicts", "carousel-*"))


def on(machine: Machine, version: str) -> Unit:
    return Unit(UnitName("carousel", version, 1), State.LAUNCHED, machine=machine)


def test_why_no_machine_fits_is_the_rules_beside_the_machines() -> None:
    assert rules_and_machines(UnitFile(NEW, RULES[:1]), [M1, M2], []) == (
        "It asks for MachineMetadata=zone=z9. The machines: m1 has name=m1, zone=z1; abcdef01 has no metadata."
    )


def test_where_units_are_kept_apart_those_in_the_way_are_named() -> None:
    said = rules_and_machines(UnitFile(NEW, RULES[1:]), [M1, M2], [on(M1, "v1")])
    assert said.endswith("m1 has name=m1, zone=z1 and runs carousel v1 @1; abcdef01 has no metadata.")


def test_without_rules_and_machines_it_says_so() -> None:
    assert rules_and_machines(None, [], []) == "It asks for nothing special. The machines: none answers."


def test_a_unit_file_that_systemd_can_not_load_is_said_to_be_so() -> None:
    unit = Unit(NEW, State.LAUNCHED, load="bad-setting", machine=M1)
    said = headline(Failure(Reason.FAILED, (NEW,), unit))
    assert said == "carousel v2 @1 failed on 10.0.0.1: systemd can't load its unit file (bad-setting)"


def test_names_are_gathered_by_release_and_a_long_run_is_shortened() -> None:
    names = [UnitName("a", "1", n) for n in (2, 1)] + [UnitName("b", "2", n) for n in range(1, 7)]
    assert some_names(names) == "a 1 @1 @2, b 2 @1..@6"


@pytest.mark.parametrize(("number", "text"), [(1, "1 unit"), (0, "0 units"), (3, "3 units")])
def test_things_are_counted(number: int, text: str) -> None:
    assert count(number, "unit") == text


def test_a_unit_is_told_by_its_machines_address_else_its_name() -> None:
    assert [where(on(M1, "v")), where(on(M2, "v")), where(Unit(NEW))] == ["10.0.0.1", "abcdef01", "-"]


def test_the_nearest_known_word_is_proposed() -> None:
    assert did_you_mean("carosel", ["other", "carousel"]) == " Did you mean carousel?"


def test_nothing_is_proposed_where_nothing_is_near() -> None:
    assert did_you_mean("x", ["other", "carousel"]) == ""


@pytest.mark.parametrize(("place", "said"), [("staging", " on staging"), ("", "")])
def test_a_place_is_named_where_there_is_one(place: str, said: str) -> None:
    assert on_place(place) == said


def test_foreign_units_are_named_as_left_alone_or_taken_over() -> None:
    two = (NEW, NEW._replace(instance=2))
    assert left_alone(()) == taken_over(()) == ""
    assert left_alone((NEW,)) == "carousel v2 @1 was not created by Deployster, and is left alone."
    assert left_alone(two) == "carousel v2 @1 @2 were not created by Deployster, and are left alone."
    assert taken_over(two) == "Takes over carousel v2 @1 @2, which Deployster did not create."


def test_a_change_of_the_number_is_said_with_its_reason() -> None:
    assert resized(1, 3, "deployster.toml") == "3 → 1 instance: deployster.toml"


@pytest.mark.parametrize(
    ("text", "said"),
    [("", ""), ("a", "A"), ("the unit web@1 FAILED", "The unit web@1 FAILED"), ("écrit", "Écrit"), ("4 run", "4 run")],
)
def test_a_sentence_begins_with_a_capital_and_goes_on_as_it_is(text: str, said: str) -> None:
    assert capitalized(text) == said


def test_what_may_run_on_a_machine_that_is_left_out_is_told() -> None:
    one, two = UnitName("carousel", "v1", 1), UnitName("carousel", "v1", 2)
    assert left_out([]) == ""
    assert left_out([one]) == "carousel v1 @1 may still run on a machine that is left out: it is left alone."
    assert left_out([one, two]).endswith(
        "carousel v1 @1 @2 may still run on a machine that is left out: they are left alone."
    )


def test_machines_that_are_passed_over_are_named() -> None:
    assert passed_over("web", ["m2"]) == "m2 does not answer; web has nothing there, and goes on without."
    assert passed_over("web", ["m3", "m2"]) == "m2, m3 do not answer; web has nothing there, and goes on without."
    assert passed_over("web", []) == ""


def test_words_are_joined() -> None:
    assert [joined(words) for words in (["a"], ["a", "b"], ["a", "b", "c"])] == ["a", "a and b", "a, b and c"]


def test_of_several_that_failed_no_machine_is_named_as_theirs() -> None:
    unit = Unit(NEW, State.LAUNCHED, State.LAUNCHED, machine=Machine("m1", "10.0.0.1"))
    two = (NEW, UnitName(NEW.service, NEW.version, 2))
    assert " on " not in headline(Failure(Reason.NOT_YET, two, unit))
    assert headline(Failure(Reason.NOT_YET, (NEW,), unit)).endswith(" did not come up in time on 10.0.0.1")


@pytest.mark.parametrize("why", ["m2 does not answer: no route", "m2 does not answer: no route."])
def test_what_a_silence_means_is_a_sentence_of_its_own(why: str) -> None:
    assert not_known(why) == "m2 does not answer: no route. What runs there is not known."
