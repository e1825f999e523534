"""A few raw rows whose marts can be worked out by hand, for any warehouse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa

from pipelines.contracts import load_contract
from pipelines.warehouse import Statement, Warehouse

GOOGLE, META = ("google_ads", "g1"), ("meta_ads", "m1")

_PERFORMANCE = "raw.ads_campaign_performance"


def insert(warehouse: Warehouse, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add rows to a raw table; columns that are left out are NULL."""
    contract = load_contract(table)
    run = {} if table == "raw.load_ledger" else {"_run_id": "r1"}
    batch = pa.Table.from_pylist([{**run, **row} for row in rows], schema=contract.arrow_schema)
    stage = warehouse.stage(contract, "test", batch)
    insert = Statement(f"INSERT INTO {table} SELECT * FROM {stage}")
    warehouse.transaction([insert], label="test")
    warehouse.drop_stages([stage])


def _at(day: str, clock: str = "12:00:00") -> datetime:
    return datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=UTC)


def campaign_day(
    account: tuple[str, str], day: str, campaign: str, cost_micros: int
) -> dict[str, Any]:
    return {
        "platform": account[0],
        "account_id": account[1],
        "date": date.fromisoformat(day),
        "campaign_id": campaign,
        "impressions": 100,
        "clicks": 10,
        "cost_micros": cost_micros,
        "conversions": 1.5,
        "conversion_value": 20.0,
        "currency_code": "USD",
        "time_zone": "America/New_York",
        "attribution_window": "30d_click",
        "status": "ENABLED",
    }


def publish(warehouse: Warehouse, start: str, end: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Replace a slice of Google's campaigns, as landing does."""
    gone = Statement(
        f"DELETE FROM {_PERFORMANCE} WHERE account_id = 'g1' AND date BETWEEN '{start}' AND '{end}'"
    )
    warehouse.transaction([gone], label="test")
    insert(warehouse, _PERFORMANCE, rows)
    now = datetime.now(UTC)
    load = {
        "run_id": f"{start}..{end} {now}",
        "source": "google_ads",
        "table_name": _PERFORMANCE,
        "account_id": "g1",
        "platform": "google_ads",
        "window_start": date.fromisoformat(start),
        "window_end": date.fromisoformat(end),
        **dict.fromkeys(("row_count", "restated_rows", "dropped_rows"), 0),
        **dict.fromkeys(("checksum", "schema_hash"), "x"),
        **dict.fromkeys(("pulled_at", "staged_at", "published_at"), now),
    }
    insert(warehouse, "raw.load_ledger", [load])


def _load(table: str, account_id: str, platform: str | None, days: str) -> dict[str, Any]:
    start, end = days.split("..")
    published = _at("2025-03-20" if platform else "2025-03-19")
    return {
        "run_id": f"{table}-{account_id}-{days}",
        "source": platform or "shopify",
        "table_name": table,
        "account_id": account_id,
        "platform": platform,
        "window_start": date.fromisoformat(start),
        "window_end": date.fromisoformat(end),
        "row_count": 1,
        "restated_rows": 0,
        "dropped_rows": 0,
        "checksum": "c",
        "schema_hash": "s",
        "pulled_at": published,
        "staged_at": published,
        "published_at": published,
    }


def _order(order_id: str, day: str, revenue: int, **columns: Any) -> dict[str, Any]:
    return {
        "shop_id": "shop",
        "order_id": order_id,
        "order_date": date.fromisoformat(day),
        "ordered_at": _at(day),
        "is_new_customer": False,
        "revenue_micros": revenue,
        "refunded_micros": 0,
        "currency_code": "USD",
        "time_zone": "America/New_York",
        "status": "PAID",
        "updated_at": _at(day),
        **columns,
    }


def event(device: str, clock: str, name: str = "page_view", **columns: Any) -> dict[str, Any]:
    micros = int(_at("2025-03-09", clock).timestamp()) * 1_000_000
    params = columns.pop("params", {})
    return {
        "property_id": "p1",
        "event_date": date(2025, 3, 9),
        "event_timestamp": micros,
        "event_name": name,
        "event_params": [
            {"key": key, "value": {"string_value": v} if isinstance(v, str) else {"int_value": v}}
            for key, v in params.items()
        ],
        "user_pseudo_id": device,
        "stream_id": "s1",
        "event_key": f"{device}-{clock}-{name}",
        **columns,
    }


def _listed(owner: str, days: str, **columns: Any) -> dict[str, Any]:
    """A row of a list: an experiment, or an event of a calendar."""
    first, last = (date.fromisoformat(day) for day in days.split(".."))
    own = {"account_id": owner, "start_date": first, "end_date": last, "time_zone": "UTC"}
    return own | columns


def fill_lists(warehouse: Warehouse) -> None:
    """A calendar, and experiments of the two weeks of :func:`fill`."""
    known, unknown = {"known_in_advance": True}, {"known_in_advance": False}
    sale = {"kind": "promotion", "name": "Spring Sale!", "expected_sign": 1, **known}
    insert(
        warehouse,
        "raw.calendar_events",
        [
            _listed("a", "2025-03-05..2025-03-07", event_id="1", intensity=0.2, **sale),
            _listed("a", "2025-03-15..2025-03-16", event_id="2", intensity=0.3, **sale)
            | {"name": "spring sale"},
            # of one day and market the stronger counts, and another market's is added
            _listed("a", "2025-03-16..2025-03-16", event_id="3", intensity=0.1, **sale),
            _listed("a", "2025-03-16..2025-03-16", event_id="4", intensity=0.5, **sale)
            | {"market": "NO", "population_share": 0.5},
            _listed("a", "2025-03-12..2025-03-13", event_id="5", kind="stock_out", name="Mugs")
            | {"population_share": 0.5, "expected_sign": -1, **unknown},
            _listed("a", "2025-03-03..2025-03-03", event_id="6", kind="other", name="Press")
            | {"intensity": 3.0, **known},
            _listed("a", "2025-03-10..2025-03-11", event_id="7", kind="other", name="Fair") | known,
            _listed("a", "2025-04-20..2025-04-20", event_id="8", kind="holiday", name="Easter")
            | known,
            _listed("a", "2019-03-04..2019-03-04", event_id="9", kind="price_change", name="Old")
            | known,
        ],
    )
    line = {"ad_platform": "google_ads", "campaign_name": "Summer", "planned_spend_micros": 9}
    insert(
        warehouse,
        "raw.media_plans",
        [
            _listed(
                "a", "2025-03-03..2025-03-30", plan_id="p", line_id="1", currency_code="USD", **line
            )
        ],
    )
    own = {"measured_by": "own", "status": "DONE", "currency_code": "USD", "outcome": "orders"}
    holdout = {"kind": "holdout", "channel": "meta_ads", **own, "geos": ["Oslo", "Bergen"]}
    spend = {"spend_test_micros": 0, "spend_baseline_micros": 70, "spend_delta_micros": -70}
    insert(
        warehouse,
        "raw.experiments",
        [
            _listed("a", "2025-03-05..2025-03-16", experiment_id="x", **holdout, **spend)
            | {"effect": -4.0, "standard_error": 1.5, "population_share": 0.5},
            _listed("a", "2025-03-04..2025-03-08", experiment_id="y", **holdout, **spend)
            | {"effect": 9.0, "standard_error": 2.0, "outcome": "revenue", "currency_code": "EUR"}
            | {"post_end_date": date(2025, 3, 20)},
            # on the site: of no channel's spend, and none that a media mix is held against
            _listed("gb", "2025-03-05..2025-03-16", experiment_id="z", kind="site_test")
            | {"measured_by": "own", "status": "DONE", "tracking_key": "banner"},
        ],
    )


def fill(warehouse: Warehouse) -> None:
    """Two weeks, 3 to 16 March 2025 (Monday to Sunday): Meta is missing the last four days."""
    fill_lists(warehouse)
    performance = "raw.ads_campaign_performance"
    insert(
        warehouse,
        performance,
        [
            campaign_day(GOOGLE, "2025-03-03", "c1", 1_000_001),
            campaign_day(GOOGLE, "2025-03-09", "c1", 2_000_002),
            campaign_day(GOOGLE, "2025-03-10", "c1", 5),
            campaign_day(META, "2025-03-04", "c9", 7),
        ],
    )
    ad = {"adgroup_id": "g", "ad_id": "a"}
    insert(
        warehouse, "raw.ads_ad_performance", [{**campaign_day(META, "2025-03-04", "c9", 7), **ad}]
    )
    campaigns = [
        {"platform": p, "account_id": a, "entity_type": "campaign", "entity_id": c, "name": name}
        | {"status": status, "advertising_type": "SEARCH", "labels": ["Mugs", f"{name} & more"]}
        for p, a, c, name, status in [
            (*GOOGLE, "c1", "Brand", "PAUSED"),
            (*GOOGLE, "c2", "Never ran", "ENABLED"),
            (*META, "c9", "Social", "ENABLED"),
        ]
    ]
    insert(warehouse, "raw.ads_entities", campaigns)
    budgets = [("2025-03-09", 100), ("2025-03-10", 200)]
    insert(
        warehouse,
        "raw.ads_campaign_budgets",
        [
            {
                "platform": GOOGLE[0],
                "account_id": GOOGLE[1],
                "campaign_id": "c1",
                "currency_code": "USD",
            }
            | {"effective_from": date.fromisoformat(day), "daily_budget_micros": micros}
            | {"time_zone": "America/New_York"}
            for day, micros in budgets
        ],
    )
    insert(
        warehouse,
        "raw.load_ledger",
        [
            _load(performance, GOOGLE[1], GOOGLE[0], "2025-03-03..2025-03-10"),
            _load(performance, GOOGLE[1], GOOGLE[0], "2025-03-08..2025-03-16"),
            _load(performance, META[1], META[0], "2025-03-03..2025-03-12"),
            _load("raw.ads_ad_performance", META[1], META[0], "2025-03-03..2025-03-31"),
            _load("raw.orders", "shop", None, "2025-03-03..2025-03-16"),
        ],
    )
    insert(
        warehouse,
        "raw.orders",
        [
            _order("o1", "2025-03-09", 10_000_000, refunded_micros=3_000_000, is_new_customer=True)
            # 23:30 in New York is the next day in UTC: the order is the shop's Sunday.
            | {"customer_id": "A", "email_hash": "EA", "ordered_at": _at("2025-03-10", "03:30:00")},
            _order("o2", "2025-03-09", 99_000_000, status="CANCELLED", customer_id="A"),
            _order("o3", "2025-03-09", 99_000_000, status="TEST", customer_id="T"),
            _order("o4", "2025-03-10", 4_000_000, email_hash="EB", gclid="G2"),
            _order("o5", "2025-03-11", 1_000_000, email_hash="EA"),
            _order("o6", "2025-03-12", 1_000_000),
        ],
    )
    ours = {"ga_session_id": 1}
    insert(
        warehouse,
        "raw.ga4_events",
        [
            event("d1", "10:00:00", "session_start", params=ours),
            event("d1", "10:00:00", params=ours, user_id="A"),
            event("d1", "10:30:00", params=ours | {"engagement_time_msec": 12_000}),
            event("d1", "11:00:01", params=ours, user_id="B"),
            event("d2", "12:00:00", params={"page_location": "https://s.example/?a=1&gclid=G2#x"}),
            event("d3", "13:00:00", "purchase", ecommerce={"purchase_revenue": 19.99}),
            event("d0", "13:00:00") | {"user_pseudo_id": None},
        ],
    )
