"""Raw rows of visits, orders, leads and clicks over months, for journeys that span them."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from pipelines.warehouse import Statement, Warehouse
from tests.wire.raw_rows import insert

Rows = dict[str, list[dict[str, Any]]]

DAY_OF = {
    "raw.ga4_events": "event_date",
    "raw.server_events": "event_date",
    "raw.orders": "order_date",
    "raw.crm_leads": "created_date",
    "raw.crm_opportunities": "created_date",
    "raw.ads_clicks": "date",
    "raw.skan_postbacks": "received_date",
    "raw.ads_campaign_performance": "date",
    "raw.ads_ad_performance": "date",
}
_TRAFFIC = [
    {},
    {"manual_source": "Google", "manual_medium": "organic"},
    {"manual_source": "newsletter", "manual_medium": "email"},
    {
        "manual_source": "facebook",
        "manual_medium": "paid_social",
        "manual_campaign_name": "Social",
    },
]


def at(text: str) -> datetime:
    """An instant, UTC, from ``2025-03-01 12:00:00``."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def event(
    device: str | None, when: datetime, name: str = "page_view", **columns: Any
) -> dict[str, Any]:
    """A GA4 event of property p1, whose days are UTC's."""
    return {
        "property_id": "p1",
        "event_date": when.date(),
        "event_timestamp": int(when.timestamp() * 1_000_000),
        "event_name": name,
        "user_pseudo_id": device,
        "stream_id": "s1",
        "event_key": f"{device} {when} {name}",
        **columns,
    }


def order(order_id: str, when: datetime, revenue: int, **columns: Any) -> dict[str, Any]:
    """An order of the shop, in USD, by UTC's days."""
    return {
        "shop_id": "shop",
        "order_id": order_id,
        "order_date": when.date(),
        "ordered_at": when,
        "is_new_customer": False,
        "revenue_micros": revenue,
        "refunded_micros": 0,
        "currency_code": "USD",
        "time_zone": "UTC",
        "status": "PAID",
        "updated_at": when,
        **columns,
    }


def click(click_id: str, day: date, campaign: str = "c1") -> dict[str, Any]:
    """A click of Google's own records."""
    return {
        "platform": "google_ads",
        "account_id": "g1",
        "date": day,
        "click_id": click_id,
        "campaign_id": campaign,
        "adgroup_id": "g",
        "ad_id": "a",
        "time_zone": "America/New_York",
    }


def delivery(day: date, cost_micros: int, clicks: int, **columns: Any) -> dict[str, Any]:
    """Campaign delivery of Google's c1; with adgroup_id and ad_id, ad delivery."""
    return {
        "platform": "google_ads",
        "account_id": "g1",
        "date": day,
        "campaign_id": "c1",
        "impressions": 100,
        "clicks": clicks,
        "cost_micros": cost_micros,
        "conversions": 0.0,
        "conversion_value": 0.0,
        "currency_code": "USD",
        "time_zone": "America/New_York",
        "attribution_window": "30d_click",
        "status": "ENABLED",
        **columns,
    }


def months_of_visits(first: date, days: int, people: int, seed: int = 7) -> Rows:
    """Visits of people who sign in everywhere and buy now and then, some of them over midnight.

    Nobody becomes known later, so that people are the same however the days are built.
    """
    rng = random.Random(seed)
    start = datetime.combine(first, datetime.min.time(), UTC)
    rows: Rows = {table: [] for table in DAY_OF}
    for person in range(people):
        device, user = f"d{person}", f"u{person}"
        when = start + timedelta(hours=rng.uniform(0, 24 * 20))
        while when < start + timedelta(days=days):
            traffic = rng.choice([*_TRAFFIC, "gclid"])
            columns: dict[str, Any] = {"user_id": user}
            if traffic == "gclid":
                columns["gclid"] = f"G{person}-{when:%Y%m%d%H%M}"
                rows["raw.ads_clicks"].append(click(columns["gclid"], when.date()))
            else:
                columns["collected_traffic_source"] = traffic
            for _ in range(rng.randint(1, 6)):
                rows["raw.ga4_events"].append(event(device, when, **columns))
                when += timedelta(minutes=rng.uniform(1, 40))
            if rng.random() < 0.4:
                order_id = f"o{person}-{when:%Y%m%d%H%M}"
                bought = {"transaction_id": order_id, "purchase_revenue": 9.5}
                rows["raw.ga4_events"].append(
                    event(device, when, "purchase", user_id=user, ecommerce=bought)
                )
                if rng.random() < 0.8:
                    rows["raw.orders"].append(order(order_id, when, 9_500_000, customer_id=user))
                # the page of thanks is opened again, days or weeks later
                opened = when
                while rng.random() < 0.4:
                    opened += timedelta(days=rng.uniform(0.01, 25))
                    again = event(device, opened, "purchase", user_id=user, ecommerce=bought)
                    rows["raw.ga4_events"].append(again)
            when += timedelta(days=rng.expovariate(1 / 9))
        rows["raw.ads_clicks"].append(click(f"unseen{person}", first + timedelta(days=person)))
    for table, day in DAY_OF.items():
        rows[table] = [r for r in rows[table] if r[day] < first + timedelta(days=days)]
    return rows


def publish(
    warehouse: Warehouse, rows: Mapping[str, Sequence[dict[str, Any]]], first: date, last: date
) -> None:
    """Replace the days of every table with those of ``rows``, with the ledger, as landing does.

    What was published before is made to look two hours old: a build looks an hour back.
    """
    now = datetime.now(UTC)
    loads = []
    statements = [
        Statement(f"UPDATE {table} SET published_at = @then", {"then": now - timedelta(hours=2)})
        for table in ("raw.load_ledger", "intermediate.restated_days")
    ]
    for table in rows:
        statements.append(
            Statement(f"DELETE FROM {table} WHERE {DAY_OF[table]} BETWEEN '{first}' AND '{last}'")
        )
        loads.append(
            {
                "run_id": f"{table} {first} {last} {now}",
                "source": "test",
                "table_name": table,
                "account_id": "all",
                "platform": None,
                "window_start": first,
                "window_end": last,
                **dict.fromkeys(("row_count", "restated_rows", "dropped_rows"), 0),
                **dict.fromkeys(("checksum", "schema_hash"), "x"),
                **dict.fromkeys(("pulled_at", "staged_at", "published_at"), now),
            }
        )
    warehouse.transaction(statements, label="test")
    for table, all_rows in rows.items():
        slice_ = [row for row in all_rows if first <= row[DAY_OF[table]] <= last]
        if slice_:
            insert(warehouse, table, slice_)
    insert(warehouse, "raw.load_ledger", loads)


def hand_made() -> Rows:
    """Touches of every kind around 1 March 2025, whose marts can be worked out by hand."""
    day = date(2025, 3, 1)
    ad = {"adgroup_id": "g", "ad_id": "a"}
    lead = {
        "account_id": "h",
        "crm": "hubspot",
        "created_date": day,
        "created_at": at("2025-03-01 18:00:00"),
        "updated_at": at("2025-03-01 18:00:00"),
        "status": "NEW",
        "raw_status": "lead/NEW",
        "time_zone": "UTC",
    }
    server = {
        "site_id": "site",
        "event_date": day,
        "event_name": "page_view",
        "time_zone": "UTC",
    }
    deal = {
        "account_id": "h",
        "crm": "hubspot",
        "created_date": day,
        "created_at": at("2025-03-01 19:00:00"),
        "updated_at": at("2025-04-02 00:00:00"),
        "stage": "won",
        "is_won": True,
        "is_closed": True,
        "currency_code": "EUR",
        "time_zone": "America/New_York",
    }
    postback = {
        "advertiser_id": "adv",
        "received_date": day,
        "received_at": at("2025-03-01 20:00:00"),
        "version": "4.0",
        "ad_network_id": "net.skadnetwork",
        "app_id": "1",
        "fidelity_type": 1,
        "source_identifier": "0123",
        "redownload": False,
    }
    return {
        "raw.ga4_events": [
            event("d1", at("2025-03-01 10:00:00"), gclid="G1", user_id="A"),
            event("d1", at("2025-03-01 23:50:00"), user_id="A"),
            event("d1", at("2025-03-02 00:10:00"), user_id="A"),
            event("d2", at("2025-03-01 09:00:00"), collected_traffic_source=_TRAFFIC[3]),
        ],
        "raw.server_events": [
            # Seen by GA4 as well; by nobody else; the same again; on a device of the site.
            {**server, "event_id": "e1", "occurred_at": at("2025-03-01 10:00:01"), "gclid": "G1"},
            {**server, "event_id": "e2", "occurred_at": at("2025-03-01 11:00:00"), "ttclid": "T1"},
            {**server, "event_id": "e3", "occurred_at": at("2025-03-01 12:00:00"), "ttclid": "T1"},
            {
                **server,
                "event_id": "e4",
                "occurred_at": at("2025-03-01 13:00:00"),
                "gclid": "G2",
                "client_id": "d9",
            },
        ],
        "raw.ads_clicks": [click(f"G{n}", day) for n in (1, 2, 3)],
        "raw.crm_leads": [
            {**lead, "lead_id": "l1", "gclid": "G1", "email_hash": "EA"},
            {**lead, "lead_id": "l2", "li_fat_id": "L1"},
            {**lead, "lead_id": "l3", "utm_source": "Newsletter", "utm_medium": "email"},
            {**lead, "lead_id": "l4"},
        ],
        "raw.crm_opportunities": [
            {
                **deal,
                "opportunity_id": "w1",
                "lead_id": "l1",
                "amount_micros": 7,
                "closed_at": at("2025-04-02 01:00:00"),
            }
        ],
        "raw.skan_postbacks": [
            {**postback, "transaction_id": "t1", "postback_sequence_index": 0, "did_win": True},
            {**postback, "transaction_id": "t1", "postback_sequence_index": 1, "did_win": True},
            {**postback, "transaction_id": "t2", "postback_sequence_index": 0, "did_win": False},
        ],
        "raw.orders": [
            order("o1", at("2025-03-01 23:55:00"), 10, refunded_micros=4, customer_id="A"),
            order("o2", at("2025-03-01 15:00:00"), 99, status="TEST", customer_id="A"),
        ],
        "raw.ads_campaign_performance": [
            delivery(day, 1_000, 10),
            delivery(day, 5, 0, campaign_id="c2"),
        ],
        "raw.ads_ad_performance": [delivery(day, 300, 2, **ad)],
    }
