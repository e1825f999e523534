"""Rules of the platforms that show in what is asked of them, and in no answer of a good day."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pipelines import source_settings
from pipelines.contracts import load_contract
from pipelines.errors import SourceParked
from pipelines.landing.publish import land
from pipelines.sandbox.market.market import Market
from pipelines.sandbox.market.portfolio import PROPERTY_ID, SHOP_ID, SHOP_TIME_ZONE
from pipelines.sandbox.platforms.ga4_report.server import Ga4DataServer
from pipelines.sandbox.platforms.shopify.server import ShopifyServer
from pipelines.sandbox.serving.clock import Clock
from pipelines.source_settings import Ga4ReportSettings, ShopifySettings
from pipelines.sources.base import Batch, Window
from pipelines.sources.ga4_report.source import Ga4ReportSource
from pipelines.sources.google_ads.errors import Failure
from pipelines.sources.linkedin_ads.api import FIELDS, ROW_CAP
from pipelines.sources.meta_ads.reports import LEVELS, WINDOWS, Report
from pipelines.sources.shopify.source import ShopifySource
from pipelines.warehouse.duckdb import DuckDBWarehouse

PIPELINES = Path(__file__).parents[2] / "pipelines"
TODAY, DAY = date(2026, 6, 30), date(2026, 6, 28)
TOMBSTONES = "raw.privacy_tombstones"


@pytest.fixture(scope="module")
def market() -> Market:
    return Market(start=date(2026, 4, 20), end=date(2026, 6, 30), scale=0.1)


class AskedGa4(Ga4DataServer):
    """Keeps the requests; its next reply may say that no more server errors are allowed."""

    requests: list[Any]
    out_of_errors = False

    def run_report(self, request: Any, context: Any) -> Any:
        self.requests = [*getattr(self, "requests", []), request]
        reply = super().run_report(request, context)
        if self.out_of_errors:
            reply.property_quota.server_errors_per_project_per_hour.remaining = 0
        return reply


@pytest.fixture
def ga4(market: Market) -> Iterator[AskedGa4]:
    server = AskedGa4(market, Clock(TODAY))
    with server:
        yield server


def test_ga4_is_asked_for_empty_rows_full_pages_and_its_quotas(ga4: AskedGa4) -> None:
    source = Ga4ReportSource(Ga4ReportSettings(property_id=PROPERTY_ID, endpoint=ga4.endpoint))
    list(source.pull(PROPERTY_ID, Window(DAY, DAY)))
    (asked,) = ga4.requests
    assert (asked.keep_empty_rows, asked.return_property_quota) == (True, True)
    assert asked.limit == 250_000


def test_ga4_is_left_alone_for_the_hour_once_its_server_errors_are_used_up(ga4: AskedGa4) -> None:
    now = datetime(2026, 6, 30, 20, 10, tzinfo=UTC)
    settings = Ga4ReportSettings(property_id=PROPERTY_ID, endpoint=ga4.endpoint)
    source = Ga4ReportSource(settings, now=lambda: now)
    ga4.out_of_errors = True
    list(source.pull(PROPERTY_ID, Window(DAY, DAY)))
    with pytest.raises(SourceParked, match="server_errors_per_project_per_hour") as parked:
        list(source.pull(PROPERTY_ID, Window(DAY, DAY)))
    assert parked.value.until == datetime(2026, 6, 30, 21, tzinfo=UTC)
    assert len(ga4.requests) == 1


class AskedShop(ShopifyServer):
    """Keeps the bulk queries."""

    queries: list[str]

    def _run(self, query: str) -> dict[str, Any]:
        self.queries = [*getattr(self, "queries", []), query]
        return super()._run(query)


def test_shopify_is_asked_for_changes_from_an_hour_before_the_day(market: Market) -> None:
    server = AskedShop(market, Clock(TODAY))
    with server:
        settings = ShopifySettings(shop_id=SHOP_ID, url=server.url, time_zone=SHOP_TIME_ZONE)
        source = ShopifySource(settings, server.access_token, "salt", sleep=lambda _: None)
        source.changed_windows(SHOP_ID, DAY)
        list(source.pull(SHOP_ID, Window(DAY, DAY)))
    changes = [q for q in server.queries if "updated_at:" in q]
    assert len(changes) == 2
    # midnight in New York is four in the morning, UTC
    assert all("updated_at:>='2026-06-28T03:00:00Z'" in query for query in changes)


@pytest.mark.parametrize("level", ["account", *LEVELS])
def test_meta_is_asked_for_no_action_breakdown_and_each_attribution_window(level: str) -> None:
    params = Report(level, Window(DAY, DAY)).params()
    assert params["action_attribution_windows"] == list(WINDOWS)
    assert not {"action_breakdowns", "breakdowns"} & set(params)


def test_no_google_ads_query_has_a_segment_that_drops_rows_of_a_level() -> None:
    queries = {
        p.stem: p.read_text()
        for p in (PIPELINES / "sources" / "google_ads" / "queries").glob("*.gaql")
    }
    found = {
        name: set(re.findall(r"segments\.(\w+)", text.partition("FROM")[0]))
        for name, text in queries.items()
    }
    actions = found.pop("conversion_actions")
    assert {s for segments in found.values() for s in segments} == {"date"}
    assert {s.removesuffix("_name").removesuffix("_category") for s in actions} == {
        *("date", "conversion_action")
    }


@pytest.mark.parametrize(
    "code", ["TRANSIENT_ERROR", "INTERNAL_ERROR", "DEADLINE_EXCEEDED", "EXPIRED_PAGE_TOKEN"]
)
def test_what_google_ads_calls_passing_is_asked_again_whatever_the_status(code: str) -> None:
    assert Failure("UNKNOWN", (code,), "", None).is_transient
    assert not Failure("UNKNOWN", ("CUSTOMER_NOT_ENABLED",), "", None).is_transient


def test_linkedin_is_asked_for_twenty_fields_at_most_and_known_to_stop_at_15000_rows() -> None:
    assert len(FIELDS) <= 20
    assert ROW_CAP == 15_000


# how long each platform restates a day, by what its documentation and its users say
RESTATED_FOR = {
    "GoogleAdsSettings": 30,
    "MetaAdsSettings": 28,
    "LinkedinAdsSettings": 30,
    "TiktokAdsSettings": 28,
    "Ga4ExportSettings": 4,
    "Ga4ReportSettings": 4,
    "ShopifySettings": 30,
    "SkanSettings": 3,
    "ServerEventsSettings": 3,
}


@pytest.mark.parametrize("name", RESTATED_FOR)
def test_the_look_back_that_nobody_set_is_as_long_as_the_platform_restates(name: str) -> None:
    settings: Any = getattr(source_settings, name)
    assert settings.model_fields["lookback_days"].default >= RESTATED_FOR[name]


def test_nothing_is_streamed_into_bigquery_where_it_could_not_be_replaced() -> None:
    """Rows of insertAll can't be deleted for 30 minutes: a slice could not be published twice."""
    texts = [path.read_text() for path in PIPELINES.rglob("*.py")]
    assert len(texts) > 100
    streaming = re.compile(r"insert_rows|insertAll|insert_all|AppendRows|append_rows")
    assert [text for text in texts if streaming.search(text)] == []


def test_one_ad_in_two_ad_groups_is_two_rows(tmp_path: Path) -> None:
    warehouse = DuckDBWarehouse(tmp_path / "w.duckdb")
    tables = ("raw.ads_ad_performance", "raw.load_ledger", "raw.load_heads", TOMBSTONES)
    warehouse.create_tables(map(load_contract, tables))
    text = {
        **{"platform": "google_ads", "account_id": "1112223334", "campaign_id": "7", "ad_id": "9"},
        **{"currency_code": "USD", "time_zone": "UTC", "status": "ENABLED"},
        "attribution_window": "account_default",
    }
    numbers = {"impressions": 10, "clicks": 1, "cost_micros": 5}
    rows = pa.table(
        {
            **{name: [value] * 2 for name, value in {**text, **numbers}.items()},
            **{"conversions": [0.5] * 2, "conversion_value": [1.0] * 2},
            **{"date": [DAY] * 2, "adgroup_id": ["1", "2"]},
        }
    )
    window, pulled_at = Window(DAY, DAY), datetime(2026, 6, 30, tzinfo=UTC) - timedelta(days=1)
    batch = Batch("google_ads", tables[0], "1112223334", "google_ads", window, rows, pulled_at)
    assert [landed.rows for landed in land(warehouse, batch)] == [2]
