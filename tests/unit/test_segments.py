"""A segment's allocation is its own campaigns', whoever else is on the platform."""

from dataclasses import replace

from pipelines.proposals import shift_plan
from pipelines.proposals.evidence import Allocation
from tests.unit.test_shared_budgets import CAPS, ORDERS, PACING, SHIFT, campaign, market, usd

BRAND, OTHERS = "google_ads:brand", "google_ads"


def test_a_segments_campaigns_get_its_shift_and_the_rest_of_the_platform_another() -> None:
    brand = replace(campaign("google_ads", "b", 100), segment=BRAND)
    others = replace(campaign("google_ads", "o", 300), segment=OTHERS)
    inputs = replace(
        SHIFT,
        allocations=(
            Allocation(BRAND, usd(700), usd(665), "NONE", ORDERS.scaled(-0.1), usd(80)),
            Allocation(OTHERS, usd(2_100), usd(2_205), "NONE", ORDERS.scaled(0.1), usd(80)),
        ),
        pacing=PACING,
    )
    plan = shift_plan.make_plan(market(brand, others), inputs, CAPS)
    assert plan.channel(BRAND, after=False) == usd(100)
    # the cut of 5% of the brand's budget is all that there is to raise the others' by
    assert plan.deltas == {brand.key: usd(-5), others.key: usd(5)}
