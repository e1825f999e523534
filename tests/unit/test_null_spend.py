"""Spend that a platform leaves out is missing where something was delivered, and never 0."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from google.ads.googleads.v26.services.types.google_ads_service import GoogleAdsRow

from pipelines.errors import SourceRejected
from pipelines.source_settings import TiktokAdsSettings
from pipelines.sources.base import Account, Window
from pipelines.sources.google_ads import tables as google
from pipelines.sources.google_ads.api import _READERS
from pipelines.sources.meta_ads import tables as meta
from pipelines.sources.shapes.ads_metrics import spends
from pipelines.sources.tiktok_ads.source import TiktokAdsSource

US = Account("42", "A shop", "USD", "UTC")
DAY = date(2026, 6, 1)


def refused(why: str) -> SourceRejected:
    return SourceRejected(why)


@pytest.mark.parametrize(
    ("costs", "impressions", "clicks"),
    [
        ([None], [1], [0]),
        ([None], [0], [1]),
        ([None, None], [10, 20], [1, 2]),
        ([5, None], [10, 20], [0, 0]),
    ],
)
def test_rows_that_were_delivered_without_spend_are_refused(
    costs: list[int | None], impressions: list[int], clicks: list[int]
) -> None:
    with pytest.raises(SourceRejected, match="rows have no spend and were delivered"):
        spends(costs, impressions, clicks, refused)


def test_a_row_without_spend_and_delivery_spent_nothing() -> None:
    assert spends([None, 0, 7], [0, 3, 4], [0, 0, 1], refused) == [0, 0, 7]


@pytest.mark.parametrize("spend", [None, "12.50"])
def test_meta_is_refused_by_account_where_its_spend_is_null(spend: str | None) -> None:
    row = {"date_start": "2026-06-01", "impressions": "9", "clicks": "1", "spend": spend}
    if spend:
        assert meta.account_rows(US, [row])["cost_micros"].to_pylist() == [12_500_000]
    else:
        with pytest.raises(SourceRejected, match="meta_ads account 42: 1 of 1 rows have no spend"):
            meta.account_rows(US, [row])


@pytest.mark.parametrize(("metrics", "cost"), [({}, None), ({"cost_micros": 0}, 0)])
def test_google_ads_knows_a_cost_of_nothing_from_none(
    metrics: dict[str, int], cost: int | None
) -> None:
    row = GoogleAdsRow.pb(GoogleAdsRow(metrics={"impressions": 9, **metrics}))
    assert _READERS["metrics.cost_micros"](row) == cost
    report: dict[str, list[Any]] = {
        "segments.date": ["2026-06-01"],
        "metrics.impressions": [9],
        "metrics.clicks": [0],
        "metrics.cost_micros": [cost],
    }
    if cost is None:
        with pytest.raises(SourceRejected, match="google_ads account 42: 1 of 1 rows"):
            google.account_rows(US, report)
    else:
        assert google.account_rows(US, report)["cost_micros"].to_pylist() == [0]


def test_tiktok_is_refused_by_account_where_its_spend_is_null(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = TiktokAdsSource(TiktokAdsSettings(accounts=("42",)), "a-token")
    row = {"stat_time_day": "2026-06-01 00:00:00", "impressions": "9", "clicks": "0"}
    monkeypatch.setattr(source._api, "report", lambda *_: [{**row, "spend": None}])
    with pytest.raises(SourceRejected, match="tiktok_ads account 42: 1 of 1 rows have no spend"):
        source._table(US, "account", Window(DAY, DAY), {})
