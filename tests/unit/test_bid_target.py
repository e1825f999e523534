"""No bid target is landed, so none is proposed: what the curves say of it is said in a sentence."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from pipelines.money import Money, Rates
from pipelines.policy_settings import GuardrailSettings
from pipelines.proposals.evidence import JobEvidence
from pipelines.proposals.kinds import bid_target
from pipelines.proposals.kinds.base import Stamp
from pipelines.proposals.kinds.bid_target import Inputs, NextOrder
from pipelines.proposals.market import Market

AS_OF = date(2026, 6, 30)
STAMP = Stamp(AS_OF, datetime(2026, 7, 8, tzinfo=UTC), "ann")
MMM = JobEvidence("mmm", "m1", AS_OF, "PASS", "")
MARKET = Market(AS_OF, Rates("USD", AS_OF, {}), (), {})


def usd(amount: float | None) -> Money | None:
    return None if amount is None else Money(round(amount * 1e6), "USD")


def refusals(ceiling: int | None, *costs: float | None, verdict: str = "PASS") -> tuple[str, ...]:
    job = JobEvidence("mmm", "m1", AS_OF, verdict, "")
    inputs = Inputs(job, (NextOrder("tv", *map(usd, costs)),))
    caps = GuardrailSettings(cac_ceiling_micros=ceiling)
    drafted = bid_target.KIND.draft(MARKET, inputs, caps, STAMP)
    assert drafted.proposals == ()
    return drafted.refused


@pytest.mark.parametrize("p10", [50.01, None])
def test_a_channel_whose_next_order_surely_costs_too_much_is_named(p10: float | None) -> None:
    (refusal,) = refusals(50_000_000, p10, 70, None)
    assert refusal.startswith("tv: the next order costs 70.00 USD, at least ")
    assert "the CAC ceiling is 50.00 USD" in refusal
    assert "no source lands a campaign's bid strategy or target" in refusal


def test_nothing_is_said_of_a_channel_that_may_be_within_the_ceiling() -> None:
    assert refusals(50_000_000, 49, 70, 90) == ()


def test_without_a_ceiling_or_a_media_mix_that_passed_there_is_nothing_to_say() -> None:
    assert refusals(None, 60, 70, 80) == ()
    assert refusals(50_000_000, 60, 70, 80, verdict="INCONCLUSIVE") == ()
    caps = GuardrailSettings(cac_ceiling_micros=1)
    assert bid_target.KIND.draft(MARKET, Inputs(None, ()), caps, STAMP).refused == ()
