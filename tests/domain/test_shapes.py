"""What is shown of units, releases, plans and journal lines, in JSON and in a word."""

from __future__ import annotations

import pytest

from deployster_cli.domain.change import Change, Verb
from deployster_cli.domain.kinds import shown
from deployster_cli.domain.payloads import log_line_shape, plan_shape, service_shape, unit_shape
from deployster_cli.domain.rollout.plan import Plan, Seat, Step
from deployster_cli.domain.templates.secrets import without_login
from deployster_cli.domain.templates.variables import values
from deployster_cli.domain.units.model import Machine, Release, Service, State, Unit
from deployster_cli.domain.units.names import UnitName, stampable
from deployster_cli.domain.units.unitfile import Stamp
from deployster_cli.domain.wording import release_state, state
from deployster_cli.errors import InvalidInput

ONE, TWO = UnitName("carousel", "v1", 1), UnitName("carousel", "v1", 2)
UP = Unit(ONE, State.LAUNCHED, State.LAUNCHED, "loaded", "active", "running", Machine("m1", "10.0.0.1"))
DOWN = Unit(TWO, State.LAUNCHED, State.LAUNCHED, "loaded", "failed", "failed", Machine("m2", ""))


def test_a_unit_has_the_six_fields_of_the_go_service_first() -> None:
    shape = unit_shape(UP)
    assert list(shape)[:6] == ["service", "instance", "version", "current_state", "desired_state", "machine_id"]
    assert (shape["instance"], shape["state"], shape["machine_ip"], shape["foreign"]) == (
        "1",
        "running",
        "10.0.0.1",
        False,
    )
    assert unit_shape(UP._replace(machine=None))["machine_ip"] is None


def test_a_release_is_as_well_as_its_worst_instance() -> None:
    release = Release("carousel", "v1", (UP, DOWN))
    assert service_shape(release) == {
        "service": "carousel",
        "version": "v1",
        "running": 1,
        "instances": 2,
        "state": "failed",
        "machines": ["m1", "m2"],
        "foreign": False,
    }
    assert release_state(Release("carousel", "v1", (UP.owned(foreign=True),))) == "foreign"


@pytest.mark.parametrize(
    ("unit", "word"),
    [(UP, "running"), (UP.owned(foreign=True), "foreign"), (UP._replace(aside=True, foreign=True), "left out")],
)
def test_a_units_state_is_one_word(unit: Unit, word: str) -> None:
    assert state(unit) == word


def test_a_plan_names_its_units_batch_by_batch_and_where_they_go() -> None:
    plan = Plan("carousel", "v1", (Step(start=(ONE,), retire=(TWO,)),), seats=(Seat(ONE, ("m1",)),))
    shape = plan_shape(plan)
    assert shape["steps"] == [{"start": [ONE.text], "watch": [], "retire": [TWO.text]}]
    assert shape["seats"] == [{"name": ONE.text, "machines": ["m1"]}]


@pytest.mark.parametrize("machine", ["", "m1"])
def test_a_line_of_a_journal_says_its_machine_where_that_is_not_known_by_its_unit(machine: str) -> None:
    shape = log_line_shape(ONE, None, machine, "hello")
    assert (shape["unit"], shape["line"], shape.get("machine")) == (ONE.text, "hello", machine or None)


def test_to_adopt_without_retiring_is_refused() -> None:
    with pytest.raises(InvalidInput, match="alone it would do nothing"):
        Change(Verb.DEPLOY, "carousel", "v1", adopt=True)


@pytest.mark.parametrize("verb", Verb)
def test_only_a_scale_keeps_units_whatever_would_be_rendered(verb: Verb) -> None:
    assert Change(verb, "carousel", "v1").keeps_units == (verb is Verb.SCALE)


def test_a_login_in_an_address_is_masked_and_a_stamps_author_is_plain() -> None:
    assert without_login("--endpoint=http://ann:secret@m1:4001") == "--endpoint=http://***@m1:4001"
    assert stampable('änn "b"%\\@host') == "nnb@host"


def test_a_port_that_no_stamp_can_have_is_refused() -> None:
    with pytest.raises(InvalidInput, match="port must be"):
        values(ONE, Service("carousel"), Stamp("carousel", "v1", 1, "2026-01-02T03:04:05Z", "ann", "own", port=70000))


def test_a_number_too_long_for_python_to_write_is_shown_in_hexadecimal() -> None:
    assert shown(16**4000).startswith("0x1000")
