"""How far ads have worn out is told with an interval that holds, and only where it can be told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from pipelines.jobs.creatives.fatigue import HORIZON, wear_of
from pipelines.jobs.creatives.wear import fatigue_rows
from tests.unit.creative_market import worn_campaigns

pytestmark = pytest.mark.slow
WORN = 0.6


def test_the_truth_lies_in_about_four_of_five_intervals() -> None:
    held, ads = 0, 0
    for seed in range(3):
        campaigns, truth = worn_campaigns(seed)
        for wear, (left, half, age) in zip(wear_of(campaigns, WORN), truth, strict=True):
            low, high = np.quantile(wear.freshness, (0.1, 0.9))
            held += low <= left + (1 - left) * 0.5 ** (age / half) <= high
            ads += 1
    assert 0.7 < held / ads < 0.92


def test_an_ad_that_lost_nearly_all_is_surely_worn_out_and_has_no_day_left() -> None:
    campaigns, _ = worn_campaigns(4, conversions=400)
    campaign = campaigns[0]
    oldest = int(campaign.today.argmax())
    decline = np.where(campaign.age[:, oldest] > 40, 0.1, 1.0)
    campaign.conversions[:, oldest] = np.round(campaign.conversions[:, oldest] * decline)
    wear = wear_of(campaigns, WORN)[oldest]
    assert (wear.days_left == 0).mean() > 0.9
    assert np.quantile(wear.freshness, 0.9) < WORN


def test_days_left_end_at_the_horizon_and_begin_at_nothing() -> None:
    campaigns, _ = worn_campaigns(5)
    for wear in wear_of(campaigns, WORN):
        assert wear.days_left.min() >= 0
        assert wear.days_left.max() <= HORIZON


def test_a_season_that_all_ads_share_says_nothing_of_wear() -> None:
    campaigns, _ = worn_campaigns(6)
    before = [float(np.median(w.freshness)) for w in wear_of(campaigns, WORN)]
    for campaign in campaigns:
        campaign.spend[13:] *= 3  # money and conversions of every ad alike
    after = [float(np.median(w.freshness)) for w in wear_of(campaigns, WORN)]
    assert np.abs(np.subtract(before, after)).max() < 0.2


def test_the_same_weeks_give_the_same_wear() -> None:
    campaigns, _ = worn_campaigns(7, ads=4)
    one, other = wear_of(campaigns, WORN), wear_of(campaigns, WORN)
    assert all(np.array_equal(a.freshness, b.freshness) for a, b in zip(one, other, strict=True))


def rows(decline: float, *, others: Sequence[str] = ("b", "c"), launched: int = 20) -> list[Any]:
    """Weeks of an account: ad ``a``, launched so many weeks ago, kept ``decline`` of its rate."""
    weeks = []
    for ad in ("a", *others):
        since = launched if ad == "a" else 24
        for number in range(since):
            rate = decline if ad == "a" and number < since - 5 else 1.0
            weeks.append(
                {
                    "platform": "meta_ads",
                    "account_id": "1",
                    "campaign_id": "2",
                    "adgroup_id": "3",
                    "ad_id": ad,
                    "week": number,
                    "impressions": 7_000,
                    "cost_micros": 70_000_000,
                    "conversions": float(round(80 * rate)),
                    "age_days": 7.0 * (since - 1 - number) + 3,
                    "last_age": 7 * (since - number) - 1,
                    "impressions_until": 7_000 * (since - number),
                    "days_before_launch": 7 * (60 - since),
                    "currency_code": "EUR",
                }
            )
    return weeks


def test_a_worn_out_ad_is_told_with_what_it_costs_and_who_would_do_better() -> None:
    # the same id on another platform is another ad
    names = {("meta_ads", "1", "a"): "Shoes", ("tiktok_ads", "1", "b"): "Boots"}
    found = {r["ad_id"]: r for r in fatigue_rows(rows(0.2), names, WORN)}
    worn = found["a"]
    assert worn["verdict"] == "FATIGUED"
    assert worn["days_left_high"] == 0
    assert (worn["others"], worn["daily_cost_micros"], worn["currency_code"]) == (
        2,
        10_000_000,
        "EUR",
    )
    assert worn["gain_low"] > 0
    assert worn["weekly_conversions"] == 16
    assert '"Shoes" brings' in worn["reason"]
    assert "It costs 10.00 EUR a day." in worn["reason"]
    assert found["b"]["verdict"] != "FATIGUED"
    assert found["b"]["is_creative_known"] is False


def test_an_ad_launched_before_what_is_looked_at_is_unknown_whatever_it_does() -> None:
    weeks = rows(0.2)
    for row in weeks:
        row["days_before_launch"] = 0
    assert {r["verdict"] for r in fatigue_rows(weeks, {}, WORN)} == {"UNKNOWN"}


def test_an_ad_that_runs_alone_in_its_campaign_is_not_judged() -> None:
    assert list(fatigue_rows(rows(0.2, others=()), {}, WORN)) == []


def test_an_ad_that_no_longer_runs_has_no_row() -> None:
    weeks = [row for row in rows(0.2) if row["ad_id"] != "a" or row["week"] > 2]
    assert {r["ad_id"] for r in fatigue_rows(weeks, {}, WORN)} == {"b", "c"}
