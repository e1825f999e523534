"""A shift is proposed only if the media mix recommends it."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from pipelines.money import Money, Rates
from pipelines.policy_settings import GuardrailSettings
from pipelines.proposals.evidence import Allocation, JobEvidence
from pipelines.proposals.kinds import budget_shift
from pipelines.proposals.kinds.base import Stamp
from pipelines.proposals.market import Campaign, Market
from pipelines.proposals.proposal import Interval

AS_OF = date(2026, 6, 30)
STAMP = Stamp(AS_OF, datetime(2026, 7, 8, tzinfo=UTC), "ann")
CAPS = GuardrailSettings(cac_ceiling_micros=80_000_000)
MMM = JobEvidence("mmm", "m1", AS_OF, "PASS", "it may gain nothing, so the present one is kept.")


def usd(amount: float) -> Money:
    return Money(round(amount * 1e6), "USD")


CAMPAIGNS = tuple(
    Campaign(channel, "1", channel, channel, "ENABLED", usd(100), "USD", AS_OF)
    for channel in ("tv", "radio")
)
SPLIT = tuple(
    Allocation(channel, usd(700), usd(700 * (1 + share)), "NONE", Interval(-1, 2, 5), usd(80))
    for channel, share in (("tv", -0.04), ("radio", 0.04))
)


@pytest.mark.parametrize("recommended", [True, False])
def test_a_split_that_may_gain_nothing_is_not_proposed(recommended: bool) -> None:
    split = tuple(replace(part, recommended=recommended) for part in SPLIT)
    inputs = budget_shift.Inputs(MMM, split, None, None, ())
    market = Market(AS_OF, Rates("USD", AS_OF, {}), CAMPAIGNS, {})
    drafted = budget_shift.KIND.draft(market, inputs, CAPS, STAMP)
    assert len(drafted.proposals) == (2 if recommended else 0)
    if not recommended:
        assert drafted.refused == (f"mmm run m1 recommends no shift: {MMM.reason}",)
