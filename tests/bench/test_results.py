"""Medians, ratios, targets and figures."""

from __future__ import annotations

import math

import pytest

from bench.results import Comparison, Target, compared, figure


def found(ours: list[float], others: list[float], target: Target | None = None) -> Comparison:
    return compared("units", "fleetctl", "ms", list(zip(ours, others, strict=True)), target)


def test_the_ratio_is_that_of_the_medians() -> None:
    assert found([10, 900, 20], [4, 5, 0]).ratio == 5


def test_one_slow_run_of_ours_changes_no_ratio() -> None:
    assert found([10, 10, 5000], [10, 10, 10]).ratio == 1


def test_beside_nothing_the_ratio_is_infinite() -> None:
    assert math.isinf(found([1], [0]).ratio)


@pytest.mark.parametrize(
    ("target", "ours", "others", "met"),
    [
        (Target(1.25), 125, 100, "yes"),
        (Target(1.25), 126, 100, "NO"),
        (Target(60, own=True), 60, 1, "yes"),
        (Target(60, own=True), 61, 100, "NO"),
        (Target(1500, own=True, at_least=True), 1500, 9000, "yes"),
        (Target(1500, own=True, at_least=True), 1499, 1, "NO"),
        (None, 9, 1, ""),
    ],
)
def test_a_target_is_met_up_to_its_limit(target: Target | None, ours: float, others: float, met: str) -> None:
    assert found([ours], [others], target).met == met


@pytest.mark.parametrize(
    ("target", "told"),
    [
        (Target(1.25), "<= 1.25"),
        (Target(60, own=True), "<= 60 ms"),
        (Target(1500, own=True, at_least=True), ">= 1,500 ms"),
    ],
)
def test_a_target_tells_its_limit(target: Target, told: str) -> None:
    assert target.told("ms") == told


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (84.2371, "ms", "84.2 ms"),
        (0.08424, "ms", "0.08 ms"),
        (1812.4, "/s", "1,812 /s"),
        (7, "", "7"),
        (100, "MB", "100 MB"),
        (0, "ms", "0 ms"),
    ],
)
def test_a_figure_has_the_digits_that_tell_anything(value: float, unit: str, shown: str) -> None:
    assert figure(value, unit) == shown
