"""Touches of ads, which nobody randomised, are compared as far as the data allow, or refused."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from pipelines.config import Settings
from pipelines.jobs.base import Outcome
from pipelines.jobs.uplift import UpliftJob
from pipelines.jobs.uplift.comparisons import Comparison, Unusable
from pipelines.jobs.uplift.job import SCORES, SEGMENTS
from pipelines.jobs.uplift.touches import TouchWeek, touch_comparisons
from tests.unit.experiments import TOUCH_INPUTS
from tests.unit.test_uplift_job import EXPOSURES, OUTCOMES, WEIGHTS

pytestmark = pytest.mark.slow

AS_OF = date(2026, 6, 30)  # a Tuesday: the last whole week ended with the 28th
WEEK = TouchWeek(datetime(2026, 6, 29, tzinfo=UTC))
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
Inputs = dict[str, pa.Table]


def inputs(visitors: list[dict[str, Any]], touches: Any, orders: Any) -> Inputs:
    lists = {"visitors": visitors, "touches": touches, "orders": orders}
    return {name: pa.Table.from_pylist(lists[name], schema=s) for name, s in TOUCH_INPUTS.items()}


def visitor(person: str, **changes: Any) -> dict[str, Any]:
    return {
        "person_id": person,
        "last_device": "mobile",
        "last_country": "Germany",
        "last_channel": "Direct",
        "earlier_sessions": 1,
        "earlier_orders": 0,
        "earlier_ad_visits": 0,
        "last_visit_at": WEEK.starts - 3 * DAY,
    } | changes


def shop(
    effect: float = 0.0, keen: float = 0.0, steep: float = 0.6, people: int = 4_000, seed: int = 5
) -> Inputs:
    """Earlier visitors of a week. Who came often is touched more (by ``steep``) and orders more.

    Args:
        effect: what a touch adds to the chance to order.
        keen: what being keen, which nobody sees, does to orders before and after, and to touches.
    """
    rng = np.random.default_rng(seed)
    visitors, touches, orders = [], [], []
    for i in range(people):
        sessions, is_keen, draw = 1 + int(rng.poisson(1)), rng.random() < 0.5, rng.random(5)
        more = keen * is_keen
        touched = draw[0] < 1 / (1 + np.exp(2 - steep * (sessions - 1) - 4 * more))
        person = f"p{i}"
        visitors.append(
            visitor(
                person,
                last_device=str(rng.choice(["mobile", "desktop"])),
                earlier_sessions=sessions,
                earlier_orders=int(draw[1] < 0.1 + more),
                last_visit_at=WEEK.starts - float(rng.integers(1, 20)) * DAY,
            )
        )
        at = WEEK.starts + 7 * DAY * float(np.sqrt(draw[2]))  # late in the week
        if touched:
            touches.append({"channel": "Paid Search", "person_id": person, "first_at": at})
        # whoever orders does so evenly over the week and the two after it
        chance = 0.1 + 0.08 * (sessions - 1) + more
        when = WEEK.starts + 21 * DAY * float(draw[3])
        if draw[4] < chance * 1.3:
            orders.append({"person_id": person, "ordered_at": when})
        elif touched and rng.random() < effect:
            orders.append({"person_id": person, "ordered_at": at + HOUR})
    return inputs(visitors, touches, orders)


def compute(touched: Inputs, **settings: Any) -> Outcome:
    own = {"learners": ["t"], **settings}
    job = UpliftJob()
    empty = {"exposures": EXPOSURES.empty_table(), "outcomes": OUTCOMES.empty_table()}
    empty["weights"] = WEIGHTS.empty_table()
    chosen = job.settings(Settings.model_validate({"jobs": {"uplift": own}}))
    return job.compute(empty | touched, chosen, AS_OF, lambda _: None)


def test_an_effect_of_ads_is_told_by_channel_with_what_it_rests_on() -> None:
    done = compute(shop(effect=0.2), detectable=0.4)
    assert done.verdict == "PASS", done.reason
    assert "weighted by propensity" in done.reason
    everybody = done.rows[SEGMENTS][0]
    assert everybody["experiment_id"] == "ads: Paid Search"
    assert everybody["basis"] == "propensity_weighted"
    assert everybody["e_value"] > 1.5
    assert everybody["uplift_low"] < 0.17 < everybody["uplift_high"]
    assert {row["basis"] for row in done.rows[SCORES]} == {"propensity_weighted"}


def test_ads_that_change_nothing_are_given_nothing_though_they_touch_those_who_buy() -> None:
    touched = shop(seed=6)
    (compared,) = touch_comparisons(touched, WEEK, 100)
    assert isinstance(compared, Comparison)
    treated, ordered = compared.sample.treated, compared.sample.outcome
    assert ordered[treated].mean() > ordered[~treated].mean() + 0.04
    everybody = compute(touched).rows[SEGMENTS][0]
    assert everybody["uplift_low"] < 0 < everybody["uplift_high"]
    assert everybody["e_value"] == 1


@pytest.mark.parametrize(
    ("shop_of", "reason"),
    [
        ({"keen": 0.5}, "an effect shows where there can be none"),
        ({"steep": 9.0}, "there is no overlap"),
        ({"people": 400}, "100 of each are needed"),
    ],
)
def test_what_weighting_cannot_mend_is_refused_in_words(
    shop_of: dict[str, Any], reason: str
) -> None:
    done = compute(shop(**shop_of))
    assert done.verdict == "INCONCLUSIVE"
    assert reason in done.reason
    assert {row["verdict"] for row in done.rows.get(SEGMENTS, [])} <= {"INCONCLUSIVE"}


def test_an_order_counts_from_the_touch_and_one_before_it_leaves_the_person_out() -> None:
    """The instants of the untouched are drawn from those of the touched: Wednesday, here."""
    touch = WEEK.starts + 2 * DAY
    people = [f"{arm}-{what}" for arm in "tu" for what in ("early", "soon", "late", "never")]
    orders = {"early": touch - HOUR, "soon": touch + 13 * DAY, "late": touch + 15 * DAY}
    touched = inputs(
        [visitor(person) for person in people],
        [
            {"channel": "Paid Social", "person_id": person, "first_at": touch}
            for person in [*people, "t-newcomer"]
            if person.startswith("t")
        ],
        [
            {"person_id": person, "ordered_at": orders[person[2:]]}
            for person in people
            if person[2:] in orders
        ],
    )
    (compared,) = touch_comparisons(touched, WEEK, 1)
    assert isinstance(compared, Comparison)
    assert dict(zip(compared.people, compared.sample.outcome, strict=True)) == {
        "t-soon": 1,
        "t-late": 0,
        "t-never": 0,
        "u-soon": 1,
        "u-late": 0,
        "u-never": 0,
    }
    assert compared.sample.treated.tolist() == [True] * 3 + [False] * 3


def test_a_channel_that_brought_back_nobody_who_was_known_is_said_to_be_unusable() -> None:
    stranger = {"channel": "Display", "person_id": "x", "first_at": WEEK.starts}
    (said,) = touch_comparisons(inputs([visitor("a")], [stranger], []), WEEK, 100)
    assert isinstance(said, Unusable)
    assert "its ads brought 0 back" in said.reason
