"""Touches, conversions, paths and credit, from raw rows to marts on DuckDB."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipelines.build import build
from pipelines.config import Settings, WarehouseSettings
from pipelines.errors import AuditError
from pipelines.warehouse import Warehouse, open_warehouse
from pipelines.warehouse.duckdb import DuckDBWarehouse
from tests.wire.journey_rows import (
    DAY_OF,
    Rows,
    at,
    event,
    hand_made,
    months_of_visits,
    publish,
)
from tests.wire.raw_rows import insert

pytestmark = pytest.mark.xdist_group("build")

MODELS = (
    "resource_type:seed "
    "+path:models/marts/journeys,resource_type:model +path:models/marts/core,resource_type:model"
)
FIRST = date(2025, 1, 1)
# People are named when a day is built, so their keys are no facts of it.
_NAMES = {"journey_key", "person_id"}


def _warehouse(folder: Path) -> tuple[Settings, Warehouse]:
    folder.mkdir(exist_ok=True)
    settings = Settings(warehouse=WarehouseSettings(path=folder / "w.duckdb"))
    return settings, open_warehouse(settings)


def _rows(warehouse: Warehouse, sql: str) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in warehouse.query(sql).to_pylist()]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    settings, warehouse = _warehouse(tmp_path_factory.mktemp("journeys"))
    publish(warehouse, hand_made(), date(2025, 1, 1), date(2025, 12, 31))
    campaign = {"entity_type": "campaign", "status": "ENABLED", "advertising_type": "X"}
    insert(
        warehouse,
        "raw.ads_entities",
        [
            {**campaign, "platform": p, "account_id": a, "entity_id": i, "name": n}
            for p, a, i, n in [
                ("google_ads", "g1", "c1", "Brand"),
                ("meta_ads", "m1", "c9", "Social"),
            ]
        ],
    )
    build(settings, select="+path:models/marts/journeys +path:models/marts/core")
    return warehouse


def test_a_click_is_one_touch_whoever_saw_it(built: Warehouse) -> None:
    rows = _rows(
        built,
        "SELECT touch_source, touch_class, default_channel_group, platform, account_id, "
        "campaign_name, click_id, COALESCE(lead_id, '') AS lead "
        "FROM marts.persistent_touchpoints ORDER BY touch_source, touched_at, lead",
    )
    assert rows == [
        ("ads", "paid", "Paid Search", "google_ads", "g1", "Brand", "G3", ""),
        ("crm", "paid", "Paid Social", "linkedin_ads", None, None, "L1", "l2"),
        ("crm", "owned", "Email", None, None, None, None, "l3"),
        ("ga4", "paid", "Paid Social", "meta_ads", "m1", "Social", None, ""),
        ("ga4", "paid", "Paid Search", "google_ads", "g1", "Brand", "G1", ""),
        ("ga4", "direct", "Direct", None, None, None, None, ""),
        ("server", "paid", "Paid Social", "tiktok_ads", None, None, "T1", ""),
        ("server", "paid", "Paid Search", "google_ads", "g1", "Brand", "G2", ""),
    ]


def test_a_touch_costs_what_its_ad_cost_a_click(built: Warehouse) -> None:
    rows = _rows(
        built,
        "SELECT click_id, cost_micros, cost_currency_code, cost_basis "
        "FROM marts.persistent_touchpoints WHERE cost_basis IS NOT NULL ORDER BY click_id",
    )
    assert rows == [(g, 150, "USD", "ad") for g in ("G1", "G2", "G3")]


def test_a_day_only_touch_stands_at_the_accounts_midnight(built: Warehouse) -> None:
    rows = _rows(
        built,
        "SELECT CAST(UNIX_SECONDS(touched_at) AS INT64) AS at "
        "FROM marts.persistent_touchpoints WHERE is_day_only",
    )
    assert rows == [(1740805200,)]  # 2025-03-01 05:00 UTC, 00:00 in New York


def test_every_conversion_is_counted_once(built: Warehouse) -> None:
    rows = _rows(
        built,
        "SELECT source, conversion_type, CAST(conversion_date AS STRING) AS day, "
        "COALESCE(order_id, lead_id, ad_network_campaign_id) AS id, value_micros, "
        "net_value_micros, currency_code FROM marts.fct_conversions "
        "ORDER BY source, conversion_type, id",
    )
    assert rows == [
        *[("crm", "lead", "2025-03-01", f"l{n}", None, None, None) for n in (1, 2, 3, 4)],
        ("crm", "opportunity", "2025-03-01", "l1", 7, 7, "EUR"),
        # 01:00 UTC on the 2nd is the 1st in New York.
        ("crm", "opportunity_won", "2025-04-01", "l1", 7, 7, "EUR"),
        ("orders", "purchase", "2025-03-01", "o1", 10, 6, "USD"),
        ("skan", "install", "2025-03-01", "0123", None, None, None),
    ]


def test_credit_and_spend_stand_side_by_side_and_neither_is_lost(built: Warehouse) -> None:
    rows = _rows(
        built,
        "SELECT default_channel_group, campaign_id, cost_micros, first_touch_conversions_micros, "
        "last_touch_conversions_micros, last_non_direct_value_micros, linear_value_micros "
        "FROM marts.attribution_touch_daily ORDER BY default_channel_group, campaign_id",
    )
    assert rows == [
        ("Direct", "(none)", 0, 0, 1_000_000, 0, 3),
        ("Paid Search", "c1", 1_000, 1_000_000, 0, 6, 3),
        ("Paid Search", "c2", 5, 0, 0, 0, 0),
    ]


def test_a_purchase_is_counted_where_it_was_sent_first_whatever_lands_later(
    tmp_path: Path,
) -> None:
    """The page is opened on four days; which of them are landed changes from build to build."""
    settings, warehouse = _warehouse(tmp_path / "again")
    days = [date(2025, 3, n) for n in (1, 8, 9, 20)]
    bought = {"transaction_id": "T7", "purchase_revenue": 10.0}
    # a template's white space is no part of a number
    spelt = {"09:00:00": bought, "09:20:00": {**bought, "transaction_id": "\tT7 \u00a0"}}
    sent = {
        day: [
            event("d1", at(f"{day} {hour}"), "purchase", ecommerce=sale)
            for hour, sale in spelt.items()
        ]
        for day in days
    }
    # another device, months later, has another order of that number
    other = date(2025, 6, 1)
    sent[other] = [event("d2", at(f"{other} 09:00:00"), "purchase", ecommerce=bought)]

    def counted(*landed: date, first: date, last: date) -> list[str]:
        rows = [row for day in landed for row in sent[day]]
        publish(warehouse, {"raw.ga4_events": rows}, first, last)
        counts = "+int_journeys_conversions,resource_type:model +ga4_daily,resource_type:model"
        build(settings, select=f"resource_type:seed {counts}")
        by_session = "SELECT date, SUM(purchases) AS n FROM marts.ga4_daily GROUP BY date"
        bought_on = _rows(warehouse, f"SELECT CAST(date AS STRING) FROM ({by_session}) WHERE n > 0")
        found = _rows(
            warehouse,
            "SELECT CAST(conversion_date AS STRING) AS day, value_micros "
            "FROM intermediate.int_journeys_conversions ORDER BY day",
        )
        assert sorted(day for (day,) in bought_on) == [day for day, _ in found]
        assert {value for _, value in found} == {10_000_000}
        return [day for day, _ in found]

    first, second, third, _ = days
    assert counted(*days[1:], other, first=second, last=other) == ["2025-03-08", "2025-06-01"]
    # the first day comes late, and is withdrawn
    assert counted(first, first=first, last=first) == ["2025-03-01", "2025-06-01"]
    assert counted(third, first=first, last=third) == ["2025-03-09", "2025-06-01"]
    assert counted(first=third, last=third) == ["2025-03-20", "2025-06-01"]


def test_a_session_over_midnight_is_of_the_day_it_began_on(built: Warehouse) -> None:
    rows = _rows(
        built,
        "SELECT CAST(session_date AS STRING) AS day, events FROM marts.journey_sessions "
        "WHERE ad_platform IS NULL",
    )
    assert rows == [("2025-03-01", 2)]


def test_journeys_are_not_followed_by_the_persons_of_another_run(built: Warehouse) -> None:
    assert isinstance(built, DuckDBWarehouse)
    settings = Settings(warehouse=WarehouseSettings(path=built.path))
    steps = "SELECT * FROM intermediate.int_journeys_path_steps ORDER BY journey_id, step"
    before = _rows(built, steps)
    assert before
    with pytest.raises(AuditError, match="int_journeys_persons was not built in this run"):
        build(settings, select="int_journeys_path_steps")
    assert _rows(built, steps) == before


def _compared(warehouse: Warehouse) -> dict[str, list[str]]:
    """Rows by table; persons are kept only of the days that the last build read."""
    tables = _rows(
        warehouse,
        "SELECT table_schema, table_name FROM information_schema.tables "
        "WHERE (table_schema = 'intermediate' AND table_name LIKE 'int_journeys_%' "
        "AND table_name NOT LIKE 'int_journeys_person%' "
        # of campaigns, whom nobody visits here
        "AND table_name NOT IN ('int_journeys_tagged_campaigns', 'int_journeys_campaign_names')) "
        "OR table_name IN ('ga4_daily', 'ga4_lagged_daily', 'journey_paths_daily', "
        "'journey_paths_weekly', 'journey_transitions_daily', 'attribution_touch_daily', "
        "'fct_conversions')",
    )
    result = {}
    for schema, table in tables:
        rows = warehouse.query(f"SELECT * FROM {schema}.{table}").to_pylist()
        kept = [{k: v for k, v in row.items() if k not in _NAMES} for row in rows]
        result[table] = sorted(map(str, kept))
    return result


def _some_missing(rows: Rows, since: date) -> Rows:
    """The rows as landed before every third record of the days from ``since`` on was known."""
    return {
        table: [r for i, r in enumerate(all_rows) if i % 3 or r[DAY_OF[table]] < since]
        for table, all_rows in rows.items()
    }


def test_days_built_one_after_the_other_are_what_a_full_build_gives(tmp_path: Path) -> None:
    rows = months_of_visits(FIRST, days=130, people=25)
    settings, one_by_one = _warehouse(tmp_path / "days")
    restated, last = FIRST + timedelta(days=90), FIRST + timedelta(days=129)
    publish(one_by_one, _some_missing(rows, restated), FIRST, FIRST + timedelta(days=99))
    build(settings, select=MODELS)
    publish(one_by_one, rows, restated, last)
    build(settings, select=MODELS)
    rebuilt = _rows(
        one_by_one,
        "SELECT rebuilt FROM intermediate.model_builds "
        "WHERE STARTS_WITH(model, 'intermediate.int_journeys') "
        "AND model != 'intermediate.int_journeys_persons' "
        "QUALIFY ROW_NUMBER() OVER (PARTITION BY model ORDER BY started_at DESC) = 1",
    )
    assert rebuilt
    assert all(".." in spans for (spans,) in rebuilt)

    whole_settings, whole = _warehouse(tmp_path / "whole")
    publish(whole, rows, FIRST, last)
    build(whole_settings, select=MODELS)
    expected, found = _compared(whole), _compared(one_by_one)
    assert set(found) == set(expected)
    for table in expected:
        assert found[table] == expected[table], table
        assert expected[table], table


def test_people_who_turn_out_to_be_one_are_one_in_all_of_the_week(tmp_path: Path) -> None:
    """Two devices buy on Monday and turn out to be one person's on Wednesday."""
    settings, warehouse = _warehouse(tmp_path / "merged")
    monday, wednesday = date(2025, 3, 3), date(2025, 3, 5)
    bought = {"purchase_revenue": 9.5}
    rows = {
        "raw.ga4_events": [
            *(
                event(d, at(f"{monday} 09:00:00"), "purchase", ecommerce=bought)
                for d in ("d1", "d2")
            ),
            *(event(d, at(f"{wednesday} 09:00:00"), user_id="A") for d in ("d1", "d2")),
        ]
    }
    persons = {}
    for day in (monday, wednesday):
        publish(warehouse, rows, day, day)
        build(settings, select=MODELS)
        counted = _rows(
            warehouse, "SELECT persons, conversions FROM intermediate.int_journeys_paths_weekly"
        )
        by_day = _rows(warehouse, "SELECT persons, conversions FROM marts.journey_paths_daily")
        assert counted == by_day
        persons[day] = counted
    assert persons == {monday: [(2, 2)], wednesday: [(1, 2)]}
