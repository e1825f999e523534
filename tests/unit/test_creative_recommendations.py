"""What goes with a return is found, and what only seems to isn't: campaigns, age and chance."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipelines.jobs.creatives.recommend import MIN_LIFT, Tested, detectable_ratio, recommend
from pipelines.jobs.creatives.returns import returns_of
from pipelines.jobs.creatives.traits import traits_of
from tests.unit.creative_market import TRAITS, ads_with_traits

pytestmark = pytest.mark.slow


def by_name(tested: list[Tested]) -> dict[str, Tested]:
    return {t.trait: t for t in tested}


def test_a_trait_that_sells_better_is_recommended_with_interval_count_and_examples() -> None:
    returns, traits = ads_with_traits(1, 1.6)
    planted = by_name(recommend(returns, traits))["planted"]
    assert planted.verdict == "TRY"
    assert planted.low < 1.6 < planted.high
    assert planted.lift >= MIN_LIFT
    assert planted.q_value < 0.05
    assert planted.ads_with == traits["planted"].sum()
    assert all(traits["planted"][int(ad)] == 1 for ad in planted.examples)


def test_a_trait_that_sells_worse_is_to_be_avoided() -> None:
    returns, traits = ads_with_traits(2, 1 / 1.7)
    assert by_name(recommend(returns, traits))["planted"].verdict == "AVOID"


def test_what_only_marks_a_good_campaign_or_old_ads_does_not_win() -> None:
    returns, traits = ads_with_traits(3, 1.0)
    tested = by_name(recommend(returns, traits))
    assert "marks the best campaign" not in tested  # it can't be told from the campaign
    assert tested["marks old ads"].verdict == "NONE"


def test_traits_that_nearly_always_come_together_are_named_together() -> None:
    returns, traits = ads_with_traits(4, 1.6)
    twin = traits["planted"].copy()
    twin[:3] = 1 - twin[:3]
    tested = by_name(recommend(returns, {**traits, "twin": twin}))
    assert tested["planted"].together_with == ("twin",)
    assert tested["trait 00"].together_with == ()


def test_a_rare_trait_is_not_tested() -> None:
    returns, traits = ads_with_traits(5, 1.0)
    rare = np.zeros(len(returns))
    rare[:4] = 1
    assert "rare" not in by_name(recommend(returns, {**traits, "rare": rare}))


def test_an_ad_of_which_a_trait_is_not_known_counts_for_nothing_there() -> None:
    returns, traits = ads_with_traits(6, 1.6)
    unknown = traits["planted"].copy()
    unknown[: len(unknown) // 3] = np.nan
    tested = by_name(recommend(returns, {**traits, "planted": unknown}))["planted"]
    assert tested.ads == len(returns) - len(unknown) // 3
    assert tested.low < 1.6 < tested.high


def test_the_order_of_ads_and_of_traits_changes_nothing_that_is_said() -> None:
    returns, traits = ads_with_traits(7, 1.5)
    backwards = dict(reversed(traits.items()))
    assert recommend(returns, backwards) == recommend(returns, traits)


def test_no_trait_gives_no_recommendation() -> None:
    returns, _ = ads_with_traits(8, 1.0)
    assert recommend(returns, {}) == []


def test_fewer_orders_need_a_larger_difference_to_be_seen() -> None:
    many, few = (ads_with_traits(9, 1.0, orders)[0] for orders in (80.0, 3.0))
    assert 1.1 < detectable_ratio(many, TRAITS) < detectable_ratio(few, TRAITS)


def week(ad: str, number: int, cost: int, value: int | None, **other: Any) -> dict[str, Any]:
    usual = {"platform": "meta_ads", "account_id": "a", "campaign_id": "c", "age_days": 10.0}
    return {
        **usual,
        "ad_id": ad,
        "week": number,
        "cost_reporting_micros": cost,
        "order_value_micros": value,
        "orders": 10,
        **other,
    }


def test_an_ad_is_compared_with_its_campaign_in_the_same_weeks_alone() -> None:
    """In the good season x spends little and y much; by week, both bring as much for the money."""
    weeks = [
        *(week("x", 0, 10, 100), week("y", 0, 90, 900)),
        *(week("x", 8, 90, 90), week("y", 8, 10, 10)),
    ]
    returns = returns_of(pd.DataFrame(weeks), 1)
    assert returns.relative.tolist() == pytest.approx([0.0, 0.0])
    assert [ad for _, _, ad in returns.ads] == ["x", "y"]


def test_who_runs_alone_and_whose_orders_are_too_few_is_not_compared() -> None:
    alone = week("z", 0, 50, 50, campaign_id="d")
    small = week("s", 0, 1, 0, orders=0)
    weeks = pd.DataFrame([week("x", 0, 50, 60), week("y", 0, 50, 40), alone, small])
    assert [ad for _, _, ad in returns_of(weeks, 5).ads] == ["x", "y"]


def test_a_week_whose_value_is_not_known_is_left_out_and_not_taken_for_nothing() -> None:
    weeks = [week("x", 0, 50, 50), week("y", 0, 50, 50), week("y", 1, 50, None)]
    returns = returns_of(pd.DataFrame(weeks), 1)
    assert returns.relative.tolist() == pytest.approx([0.0, 0.0])


def test_an_ad_whose_orders_were_paid_back_and_more_brought_nothing() -> None:
    weeks = [week("x", 0, 50, 100), week("y", 0, 50, -20)]
    returns = returns_of(pd.DataFrame(weeks), 1)
    assert np.isfinite(returns.relative).all()
    assert returns.relative[0] > 0 > returns.relative[1]


def test_numbers_become_traits_above_their_median_and_words_each_one() -> None:
    features = [
        {"n": i, "yes": i > 2, "word": "a" if i < 5 else "b", "void": None} for i in range(10)
    ]
    traits = traits_of(features)
    assert set(traits) == {"n > 4.5", "yes", "word = a", "word = b", "void"}
    assert traits["n > 4.5"].has.tolist() == [0.0] * 5 + [1.0] * 5
    assert np.isnan(traits["void"].has).all()


def test_returns_keep_their_ads_when_one_is_left_out() -> None:
    returns, traits = ads_with_traits(10, 1.6)
    first = replace(
        returns,
        **{
            name: getattr(returns, name)[1:]
            for name in ("ads", "campaign", "relative", "weight", "age")
        },
    )
    shorter = {name: has[1:] for name, has in traits.items()}
    assert by_name(recommend(first, shorter))["planted"].verdict == "TRY"


def test_a_trait_that_only_often_comes_with_the_one_that_sells_is_not_recommended() -> None:
    returns, traits = ads_with_traits(11, 1.9, orders=120)
    rng = np.random.default_rng(11)
    companion = np.where(rng.random(len(returns)) < 0.6, traits["planted"], traits["trait 00"])
    tested = by_name(recommend(returns, {**traits, "companion": companion}))
    assert tested["companion"].together_with == ()
    assert tested["companion"].q_value < 0.05  # it goes with return, through the other
    assert (tested["planted"].verdict, tested["companion"].verdict) == ("TRY", "NONE")


def test_without_a_week_nobody_is_compared() -> None:
    columns = list(week("x", 0, 1, 1))
    assert len(returns_of(pd.DataFrame([], columns=columns), 1)) == 0
