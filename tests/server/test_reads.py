"""Reading over HTTP: the shapes, and what becomes of names that nobody could have."""

from __future__ import annotations

import pytest

from deployster_cli.domain.units.model import Machine
from deployster_cli.engines.base import Silent
from deployster_cli.errors import EngineError, EngineMissing, EngineUnreachable, OutputUnreadable
from tests.server.app_given import Client, GatedEngine

SEED_FIELDS = ["service", "instance", "version", "current_state", "desired_state", "machine_id"]


def test_units_have_the_six_fields_of_the_go_service_first(client: Client) -> None:
    unit = client.get("/v1/services/carousel/units").json()["units"][0]
    assert list(unit)[:6] == SEED_FIELDS


def test_units_are_those_of_the_service(client: Client) -> None:
    units = client.get("/v1/services/carousel/units").json()["units"]
    assert [(unit["service"], unit["instance"]) for unit in units] == [("carousel", "1"), ("carousel", "2")]


def test_a_service_without_units_has_an_empty_list_of_them(client: Client) -> None:
    answer = client.get("/v1/services/nothing/units")
    assert (answer.status_code, answer.content) == (200, b'{"units":[]}')


def test_all_units_are_one_list(client: Client) -> None:
    assert len(client.get("/v1/units").json()["units"]) == 2


def test_a_machine_that_does_not_answer_is_named_beside_the_units(client: Client, engine: GatedEngine) -> None:
    engine.silent = (Silent(Machine("", "m2", {"name": "m2"}), "m2 is off.", passable=True),)
    for path in ("/v1/units", "/v1/services/carousel/history"):
        assert client.get(path).json()["silent"] == [{"machine": "m2", "why": "m2 is off."}]


def test_services_are_one_entry_a_release(client: Client) -> None:
    services = client.get("/v1/services").json()["services"]
    assert [(one["service"], one["version"], one["running"]) for one in services] == [("carousel", "v1", 2)]


def test_history_names_the_releases(client: Client) -> None:
    answer = client.get("/v1/services/carousel/history").json()
    assert (answer["service"], [entry["version"] for entry in answer["history"]]) == ("carousel", ["v1"])


def test_the_history_of_nothing_is_a_404_and_asks_the_engine_for_no_more_than_its_listing(
    client: Client, engine: GatedEngine
) -> None:
    answer = client.get("/v1/services/nothing/history")
    assert (answer.status_code, answer.json()["exit_code"], engine.looks) == (404, 6, 1)
    assert "No service" in answer.text


@pytest.mark.parametrize("name", ["BAD", "a:b", "-x", "a%0Ab", "%20", "x" * 300, "a..b", "é"])
@pytest.mark.parametrize("what", ["units", "history"])
def test_what_can_not_name_a_service_is_refused(client: Client, name: str, what: str) -> None:
    assert client.get(f"/v1/services/{name}/{what}").status_code == 422


def test_healthz_needs_no_login_and_no_engine(stranger: Client, engine: GatedEngine) -> None:
    answer = stranger.get("/healthz")
    assert (answer.status_code, answer.json(), engine.looks) == (200, {"status": "ok"}, 0)


def test_readyz_says_whether_the_engine_answers(client: Client) -> None:
    assert client.get("/readyz").status_code == 200


@pytest.mark.parametrize(
    ("error", "status"),
    [(EngineUnreachable, 503), (EngineMissing, 503), (OutputUnreadable, 503), (EngineError, 502)],
)
@pytest.mark.parametrize("path", ["/readyz", "/v1/units", "/v1/services", "/v1/services/carousel/history"])
def test_an_engine_that_fails_is_told_of(
    client: Client, engine: GatedEngine, error: type[EngineError], status: int, path: str
) -> None:
    engine.failure = error("fleetctl said no.", "Do this.")
    answer = client.get(path)
    assert (answer.status_code, answer.json()["detail"], answer.json()["hint"]) == (
        status,
        "fleetctl said no.",
        "Do this.",
    )


def test_an_engine_out_of_reach_is_to_be_asked_again_in_a_moment(client: Client, engine: GatedEngine) -> None:
    engine.failure = EngineUnreachable("fleetctl did not answer.")
    assert int(client.get("/v1/units").headers["retry-after"]) > 0
