"""fleetctl calls of real commands on the modelled cluster: as many for several instances as for one."""

from __future__ import annotations

import pytest

from bench.calls import beside_looks, counted


def test_looks_are_not_counted() -> None:
    look = ["list-units", "list-unit-files"]
    assert beside_looks([*look, "cat", *look, "list-unit-files", "start", *look]) == 3


def test_a_lock_that_is_renewed_after_a_long_time_is_no_call_more() -> None:
    assert beside_looks(["submit", "renewal", "renewal", "destroy"]) == 2


STARTING = ("deploy", "the same deploy again")


@pytest.mark.process
def test_ten_instances_are_started_and_looked_through_in_as_many_calls_as_one() -> None:
    assert counted(10, STARTING) == counted(1, STARTING)
