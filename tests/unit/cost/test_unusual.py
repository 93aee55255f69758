"""What stands out does, and busy hours do not."""

from __future__ import annotations

import random
from decimal import Decimal

from daemon.cost.unusual import LEAST_HOURS, stand_out


def lognormal(count: int, seed: int = 1) -> dict[str, Decimal]:
    chance = random.Random(seed)
    return {f"h{number}": Decimal(f"{chance.lognormvariate(0, 1):.6f}") for number in range(count)}


def test_an_hour_a_thousand_times_dearer_than_usual_stands_out():
    costs = {f"h{number}": Decimal(1 + number % 3) for number in range(30)} | {"runaway": Decimal(2000)}

    assert ["runaway"] == [one.name for one in stand_out(costs, LEAST_HOURS)]
    assert 2 == stand_out(costs, LEAST_HOURS)[0].usual_usd


def test_hours_that_differ_as_spending_does_hardly_ever_stand_out():
    found = sum(len(stand_out(lognormal(500, seed), LEAST_HOURS)) for seed in range(20))

    assert found <= 10  # of 10,000; by dollars it would be a thousand


def test_where_all_cost_the_same_nothing_does():
    assert [] == stand_out({f"h{number}": Decimal(1) for number in range(30)}, LEAST_HOURS)


def test_one_that_differs_from_all_the_same_does():
    costs = {f"h{number}": Decimal(1) for number in range(30)} | {"other": Decimal(50)}

    assert ["other"] == [one.name for one in stand_out(costs, LEAST_HOURS)]


def test_with_little_to_compare_with_nothing_does():
    costs = {f"h{number}": Decimal(1 + number % 3) for number in range(20)} | {"runaway": Decimal(2000)}

    assert [] == stand_out(costs, LEAST_HOURS)


def test_what_cost_nothing_is_no_hour_to_compare_with():
    assert [] == stand_out({f"h{number}": Decimal(0) for number in range(100)} | {"a": Decimal(1)}, LEAST_HOURS)


def test_cheap_hours_never_do():
    costs = {f"h{number}": Decimal(1 + number % 3) for number in range(30)} | {"cheap": Decimal("0.0001")}

    assert [] == stand_out(costs, LEAST_HOURS)
