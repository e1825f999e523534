"""No mart adds, joins or compares amounts of two currencies.

The Google account was in dollars until 8 March 2025 and is in euros from the 10th on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from pipelines.build import build
from pipelines.config import Settings, WarehouseSettings
from pipelines.warehouse import Warehouse, open_warehouse
from tests.unit.docs_pages import page
from tests.wire.journey_rows import click, event, order
from tests.wire.raw_rows import GOOGLE, META, campaign_day, insert

pytestmark = pytest.mark.xdist_group("build")

GUIDE = Path(__file__).parents[2] / "docs" / "analysts.md"
# how many of a currency a euro buys
PER_EURO = {"USD": 1.25, "JPY": 150.0}
EURO, YEN = {"currency_code": "EUR"}, {"currency_code": "JPY"}


def _at(day: int, clock: str = "12:00:00") -> datetime:
    return datetime.fromisoformat(f"2025-03-{day:02} {clock}").replace(tzinfo=UTC)


def _google(day: int, campaign: str, cost: int, **columns: Any) -> dict[str, Any]:
    return campaign_day(GOOGLE, f"2025-03-{day:02}", campaign, cost) | columns


def _budget(day: int, campaign: str, micros: int, currency: str) -> dict[str, Any]:
    return {
        "platform": GOOGLE[0],
        "account_id": GOOGLE[1],
        "campaign_id": campaign,
        "effective_from": date(2025, 3, day),
        "daily_budget_micros": micros,
        "currency_code": currency,
        "time_zone": "America/New_York",
    }


def _purchase(device: str, clock: str, revenue: float, currency: str | None) -> dict[str, Any]:
    parameters = [{"key": "currency", "value": {"string_value": currency}}] if currency else []
    bought = {"transaction_id": None, "purchase_revenue": revenue}
    return event(device, _at(10, clock), "purchase", ecommerce=bought, event_params=parameters)


def _load(table: str, account: tuple[str | None, str], *days: int) -> dict[str, Any]:
    now = datetime.now(UTC)
    return {
        "run_id": f"{table} {account}",
        "source": account[0] or "shopify",
        "table_name": table,
        "platform": account[0],
        "account_id": account[1],
        "window_start": date(2025, 3, days[0]),
        "window_end": date(2025, 3, days[1]),
        **dict.fromkeys(("row_count", "restated_rows", "dropped_rows"), 0),
        **dict.fromkeys(("checksum", "schema_hash"), "x"),
        **dict.fromkeys(("pulled_at", "staged_at", "published_at"), now),
    }


def _fill(warehouse: Warehouse) -> None:
    moved = [_google(7, "moved", 100), _google(8, "moved", 100)]
    moved += [_google(day, "moved", 80, **EURO) for day in (10, 11)]
    insert(
        warehouse,
        "raw.ads_campaign_performance",
        [
            *moved,
            _google(11, "stale", 9, **EURO),
            _google(7, "raised", 9),
            campaign_day(META, "2025-03-10", "social", 40),
        ],
    )
    # the ads of the 10th were not pulled again since
    ads = {"adgroup_id": "g", "ad_id": "a"}
    insert(
        warehouse,
        "raw.ads_ad_performance",
        [_google(8, "moved", 60) | ads, _google(10, "moved", 75) | ads],
    )
    insert(
        warehouse,
        "raw.ads_campaign_budgets",
        [
            *(_budget(5, "moved", 120, "USD"), _budget(11, "moved", 90, "EUR")),
            *(_budget(5, "stale", 50, "USD"), _budget(11, "raised", 40, "EUR")),
        ],
    )
    entity = {"entity_type": "campaign", "status": "ENABLED", "advertising_type": "SEARCH"}
    account = {"platform": GOOGLE[0], "account_id": GOOGLE[1]}
    names = [{**entity, **account, "entity_id": n, "name": n} for n in ("moved", "idle")]
    insert(warehouse, "raw.ads_entities", names)
    rates = [
        {"account_id": "ecb", "date": date(2025, 3, day), "base_currency": "EUR"}
        | {"quote_currency": currency, "rate": rate, "rate_text": str(rate)}
        for day in (7, 10)
        for currency, rate in PER_EURO.items()
    ]
    insert(warehouse, "raw.fx_rates", rates)
    yen = {"shop_id": "tokyo", "refunded_micros": 400_000_000, **YEN}
    insert(
        warehouse,
        "raw.orders",
        [
            order("o1", _at(10, "18:00:00"), 10_000_000, customer_id="A"),
            order("o2", _at(10, "19:00:00"), 1_000_000_000, **yen),
            # before the first rate that is known
            order("o0", _at(4), 1_000_000_000, **yen),
        ],
    )
    news = {"manual_source": "newsletter", "manual_medium": "email"}
    insert(warehouse, "raw.ads_clicks", [click("G1", date(2025, 3, 10), "moved")])
    insert(
        warehouse,
        "raw.ga4_events",
        [
            event("d1", _at(10, "17:00:00"), gclid="G1", user_id="A"),
            _purchase("d2", "10:00:00", 20, "EUR"),
            _purchase("d3", "11:00:00", 3_000, "JPY"),
            _purchase("d4", "12:00:00", 5, "EUR") | {"collected_traffic_source": news},
            _purchase("d4", "12:01:00", 6, "EUR"),
            event("d5", _at(10, "13:00:00"), collected_traffic_source=news),
            _purchase("d6", "14:00:00", 7, "EUR")
            | {"collected_traffic_source": {"manual_source": "partner"}},
            _purchase("d6", "14:01:00", 8, "JPY"),
        ],
    )
    performance = "raw.ads_campaign_performance"
    insert(
        warehouse,
        "raw.load_ledger",
        [
            *(_load(performance, GOOGLE, 3, 16), _load(performance, META, 3, 16)),
            *(_load("raw.orders", (None, shop), 3, 16) for shop in ("shop", "tokyo")),
            _load("raw.ga4_events", (None, "p1"), 3, 16),
        ],
    )


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    path = tmp_path_factory.mktemp("currencies") / "w.duckdb"
    settings = Settings(reporting_currency="USD", warehouse=WarehouseSettings(path=path))
    warehouse = open_warehouse(settings)
    _fill(warehouse)
    build(settings)
    return warehouse


def _rows(warehouse: Warehouse, sql: str) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in warehouse.query(sql).to_pylist()]


def test_a_day_has_a_budget_only_in_its_own_currency(built: Warehouse) -> None:
    rows = _rows(
        built,
        "SELECT EXTRACT(DAY FROM date) AS d, cost_micros, daily_budget_micros, currency_code "
        "FROM marts.ads_campaign_daily WHERE campaign_id = 'moved' ORDER BY d",
    )
    assert rows == [
        (7, 100, 120, "USD"),
        (8, 100, 120, "USD"),
        (10, 80, None, "EUR"),
        (11, 80, 90, "EUR"),
    ]


def test_a_budget_is_not_compared_with_one_of_another_currency(built: Warehouse) -> None:
    rows = _rows(
        built,
        "SELECT daily_budget_micros, previous_daily_budget_micros, currency_code "
        "FROM marts.ads_budget_history WHERE campaign_id = 'moved' ORDER BY valid_from",
    )
    assert rows == [(120, None, "USD"), (90, None, "EUR")]


def test_a_campaign_is_in_the_currency_that_was_seen_last(built: Warehouse) -> None:
    rows = _rows(
        built,
        "SELECT campaign_id, currency_code, daily_budget_micros FROM marts.dim_campaign "
        "WHERE platform = 'google_ads' ORDER BY campaign_id",
    )
    assert rows == [
        ("idle", "EUR", None),
        ("moved", "EUR", 90),
        ("raised", "EUR", 40),
        ("stale", "EUR", None),
    ]


def test_ads_account_for_spend_only_in_their_campaigns_currency(built: Warehouse) -> None:
    rows = _rows(
        built,
        "SELECT EXTRACT(DAY FROM date) AS d, ad_id, cost_micros, currency_code, "
        "cost_reporting_micros FROM marts.fct_ad_spend_by_ad_daily "
        "WHERE campaign_id = 'moved' AND date BETWEEN '2025-03-08' AND '2025-03-10' "
        "ORDER BY d, ad_id",
    )
    assert rows == [
        (8, "(none)", 40, "USD", 40),
        (8, "a", 60, "USD", 60),
        (10, "(none)", 80, "EUR", 100),
    ]


def test_cost_and_the_value_of_orders_stand_side_by_side_in_the_reporting_currency(
    built: Warehouse,
) -> None:
    rows = _rows(
        built,
        "SELECT default_channel_group, currency_code, cost_micros, cost_reporting_micros, "
        "linear_value_micros, linear_value_reporting_micros FROM marts.attribution_touch_daily "
        "WHERE campaign_id = 'moved' AND date = '2025-03-10' ORDER BY currency_code",
    )
    assert rows == [
        ("Paid Search", "EUR", 80, 100, 0, 0),
        ("Paid Search", "USD", 0, 0, 10_000_000, 10_000_000),
    ]


def test_the_guides_campaigns_without_orders_are_those_without_orders(built: Warehouse) -> None:
    section = page(GUIDE).split("\n## 3. ")[1]
    query = re.findall(r"```sql\n(.*?)```", section, re.DOTALL)[0]
    rows = built.query(
        query.replace("2026-06-01", "2025-03-10").replace("2026-06-30", "2025-03-10")
    )
    orders = {r["campaign_id"]: r["orders_last_non_direct"] for r in rows.to_pylist()}
    assert orders == {"moved": 1.0, "social": 0.0}


def _ga4_daily(warehouse: Warehouse) -> Mapping[str, tuple[Any, ...]]:
    rows = _rows(
        warehouse,
        "SELECT default_channel_group, purchases, purchase_revenue_micros, purchase_currency_code "
        "FROM marts.ga4_daily WHERE date = '2025-03-10'",
    )
    return {channel: tuple(rest) for channel, *rest in rows}


def test_ga4_revenue_of_several_currencies_is_not_a_sum(built: Warehouse) -> None:
    daily = _ga4_daily(built)
    assert daily["Direct"] == (2, None, "(mixed)")
    assert daily["Email"] == (2, 11_000_000, "EUR")
    # one session alone, in two currencies
    assert daily["Unassigned"] == (2, None, "(mixed)")


def test_a_purchase_that_only_ga4_saw_is_in_the_currency_of_its_event(built: Warehouse) -> None:
    rows = _rows(
        built,
        "SELECT value_micros, currency_code FROM marts.fct_conversions "
        "WHERE source = 'ga4' AND conversion_type = 'purchase' ORDER BY value_micros LIMIT 2",
    )
    assert rows == [(5_000_000, "EUR"), (6_000_000, "EUR")]


def test_two_shops_of_two_currencies_are_one_revenue_in_the_reporting_one(built: Warehouse) -> None:
    rows = _rows(
        built,
        "SELECT EXTRACT(DAY FROM week_start) AS monday, channel, currency_code, spend_micros, "
        "orders, revenue_micros, is_complete FROM marts.mmm_input_weekly ORDER BY monday, channel",
    )
    # of yen without a rate nothing is known; then 10 dollars, and 600 yen that 150 to the euro of
    # 1.25 dollars make 5
    unknown, both = (1, None, False), (2, 15_000_000, True)
    assert rows == [
        (3, "google_ads", "USD", 100 + 100 + 9, *unknown),
        (3, "meta_ads", "USD", 0, *unknown),
        # 80, 80 and 9 at 1.25, each rounded
        (10, "google_ads", "USD", 100 + 100 + 11, *both),
        (10, "meta_ads", "USD", 40, *both),
    ]
