"""The split of the budget is the best one under the caps, to the micro budget-neutral."""

from itertools import product

import numpy as np
import numpy.typing as npt
import pytest

from pipelines.jobs.allocation.neutral import Box, Response, allocate_neutral, boxes
from pipelines.policy_settings import GuardrailSettings
from tests.unit.response_curves import false_claims

Floats = npt.NDArray[np.float64]
MILLION = 1_000_000
CURRENT = [900 * MILLION, 500 * MILLION, 600 * MILLION]
# coefficient, half-saturation in micros, slope: all S-shaped, each with its knee elsewhere
HILLS = [
    (120.0, 1_500 * MILLION, 4.0),
    (90.0, 300 * MILLION, 3.0),
    (150.0, 1_100 * MILLION, 5.0),
]


def response(channel: int, spend: Floats) -> Floats:
    top, half, slope = HILLS[channel]
    positive = np.maximum(spend, 1.0)
    return top / (1 + (half / positive) ** slope) * (spend > 0)


def allocate(current: list[int], limits: list[Box], curve: Response) -> list[int]:
    names = [f"channel {i}" for i in range(len(current))]
    spend = allocate_neutral(names, current, limits, curve).spend
    return [spend[name] for name in names]


def orders(split: list[int]) -> float:
    return sum(float(response(i, np.array([float(s)]))[0]) for i, s in enumerate(split))


def best_of_a_grid(limits: list[Box], steps: int) -> float:
    """Brute force over every split whose channels stand on a grid."""
    budget = sum(CURRENT)
    best = -np.inf
    axes = [np.linspace(box.lower, box.upper, steps) for box in limits[:2]]
    for first, second in product(*axes):
        third = budget - first - second
        if limits[2].lower <= third <= limits[2].upper:
            best = max(best, orders([int(first), int(second), int(third)]))
    return best


@pytest.mark.parametrize("percent", [5.0, 30.0, 100.0])
def test_no_split_of_a_grid_brings_more_orders(percent: float) -> None:
    caps = GuardrailSettings(max_change_percent=percent, max_daily_change_percent=100)
    limits = boxes(CURRENT, caps)

    split = allocate(CURRENT, limits, response)

    assert orders(split) >= best_of_a_grid(limits, 121) * (1 - 5e-4)
    assert orders(split) > orders(CURRENT)


def test_a_channel_below_its_knee_is_fed_where_a_climb_from_today_would_starve_it() -> None:
    """Small shifts to the second channel lose orders, and a large one wins."""
    current = [1_700 * MILLION, 300 * MILLION]
    hills = [(100.0, 400 * MILLION, 1.0), (200.0, 1_000 * MILLION, 8.0)]

    def curve(channel: int, spend: Floats) -> Floats:
        top, half, slope = hills[channel]
        return top / (1 + (half / np.maximum(spend, 1.0)) ** slope)

    def total(split: list[int]) -> float:
        return sum(float(curve(i, np.array([float(s)]))[0]) for i, s in enumerate(split))

    small_shift = [current[0] - 20 * MILLION, current[1] + 20 * MILLION]
    assert total(small_shift) < total(current)

    wide = [Box(0, sum(current))] * 2
    split = allocate(current, wide, curve)

    assert total(split) > 1.5 * total(current)
    assert split[1] > 1_000 * MILLION


def test_the_total_is_kept_to_the_micro_and_every_channel_stays_in_its_box() -> None:
    current = [333_333_333, 777_777_777, 1_234_567_891, 98_765]
    limits = boxes(current, GuardrailSettings())

    split = allocate(current, limits, lambda i, s: np.sqrt(s) * (i + 1))

    assert sum(split) == sum(current)
    assert all(box.lower <= s <= box.upper for box, s in zip(limits, split, strict=True))
    assert [box.binding(s) for box, s in zip(limits, split, strict=True)].count("NONE") <= 1


def test_the_floor_stops_cuts_and_never_forces_a_raise() -> None:
    caps = GuardrailSettings(max_change_percent=50, channel_floor_percent=10)
    small, at_floor, large = 50, 110, 840

    limits = boxes([small, at_floor, large], caps)

    assert limits[0].lower == small  # below the floor already: not cut, not forced up
    assert limits[1].lower == 100  # the floor: a tenth of 1,000
    assert limits[2].lower == 420


def test_the_exploration_reserve_holds_where_changes_are_unlimited() -> None:
    caps = GuardrailSettings(
        max_change_percent=100, channel_floor_percent=0, exploration_reserve_percent=10
    )

    assert [box.lower for box in boxes([1_000, 3_000], caps)] == [100, 300]


def test_a_neutral_split_says_which_boxes_bind_in_a_certificate_that_holds() -> None:
    limits = boxes(CURRENT, GuardrailSettings(max_change_percent=30))
    names = ("display", "search", "video")

    allocation = allocate_neutral(names, CURRENT, limits, response)

    binding = {f"caps of {name} {end}" for name in names for end in ("at least", "at most")}
    assert binding & set(allocation.certificate.binding)
    assert {"budget at least", "budget at most"} <= set(allocation.certificate.binding)
    assert false_claims(allocation.certificate, allocation.problem) == []


def test_one_channel_alone_keeps_its_budget() -> None:
    limits = boxes([500], GuardrailSettings())

    assert allocate([500], limits, lambda _, s: s) == [500]
