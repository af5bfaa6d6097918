"""GET /metrics: what is counted, and that nobody can make it grow."""

from __future__ import annotations

import re

from tests.server.app_given import Client


def value(client: Client, name: str) -> float:
    found = re.search(rf"^{re.escape(name)} (.*)$", client.get("/metrics").text, re.MULTILINE)
    assert found, f"there is no {name}"
    return float(found[1])


def test_requests_are_counted_by_route_and_status(client: Client) -> None:
    client.get("/v1/services/carousel/units")
    client.get("/v1/services/other/units")
    labels = '{method="GET",route="/v1/services/{service}/units",status="200"}'
    assert value(client, f"deployster_http_requests_total{labels}") == 2


def test_paths_that_nobody_knows_are_one_label(client: Client) -> None:
    for number in range(5):
        client.get(f"/no/{number}")
    assert value(client, 'deployster_http_requests_total{method="GET",route="none",status="404"}') == 5


def test_methods_that_nobody_knows_are_one_label(client: Client) -> None:
    for method in ("BREW", "FOO"):
        client.request(method, "/no")
    assert value(client, 'deployster_http_requests_total{method="other",route="none",status="404"}') == 2


def test_listings_are_counted(client: Client) -> None:
    client.get("/v1/units")
    assert (value(client, "deployster_listings_total"), value(client, "deployster_units")) == (1, 2)


def test_jobs_are_counted_by_state(client: Client) -> None:
    assert value(client, 'deployster_jobs{state="queued"}') == 0
