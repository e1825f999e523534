"""Spend in the reporting currency, by the finest level told, from hand-made rows and rates."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipelines.build import artifacts_folder, build
from pipelines.config import Settings, WarehouseSettings
from pipelines.errors import AuditError
from pipelines.warehouse import Statement, Warehouse, open_warehouse
from tests.wire.raw_rows import GOOGLE, META, campaign_day, insert

pytestmark = pytest.mark.xdist_group("build")

FRIDAY, SUNDAY, MONDAY = "2025-03-07", "2025-03-09", "2025-03-10"
SPEND = "+fct_ad_spend_by_ad_daily fct_ad_spend_daily"


def _settings(folder: Path, reporting_currency: str = "USD") -> Settings:
    return Settings(
        reporting_currency=reporting_currency,
        warehouse=WarehouseSettings(path=folder / "w.duckdb"),
    )


def _rates(warehouse: Warehouse, day: str, rates: dict[str, float]) -> None:
    rows = [
        {
            "account_id": "ecb",
            "date": date.fromisoformat(day),
            "base_currency": "EUR",
            "quote_currency": currency,
            "rate": rate,
            "rate_text": str(rate),
        }
        for currency, rate in rates.items()
    ]
    insert(warehouse, "raw.fx_rates", rows)


def _publish(warehouse: Warehouse, table: str, start: str, end: str) -> None:
    """The ledger's row of a batch that was just published."""
    now = datetime.now(UTC)
    load = {
        "run_id": f"{table} {start}..{end} {now}",
        "source": "fx_rates",
        "table_name": table,
        "account_id": "ecb",
        "window_start": date.fromisoformat(start),
        "window_end": date.fromisoformat(end),
        **dict.fromkeys(("row_count", "restated_rows", "dropped_rows"), 0),
        **dict.fromkeys(("checksum", "schema_hash"), "x"),
        **dict.fromkeys(("pulled_at", "staged_at", "published_at"), now),
    }
    insert(warehouse, "raw.load_ledger", [load])


def _age_builds(warehouse: Warehouse) -> None:
    """Two hours pass: the last build's batches are no longer looked at again."""
    past = {"then": datetime.now(UTC) - timedelta(hours=2)}
    warehouse.transaction(
        [Statement("UPDATE raw.load_ledger SET published_at = @then", past)], label="test"
    )


def _in(currency: str, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**row, "currency_code": currency} for row in rows]


def _spend(warehouse: Warehouse) -> dict[tuple[str, str], int | None]:
    rows = warehouse.query(
        "SELECT campaign_id, CAST(date AS STRING) AS day, cost_reporting_micros "
        "FROM marts.fct_ad_spend_daily"
    ).to_pylist()
    return {(r["campaign_id"], r["day"]): r["cost_reporting_micros"] for r in rows}


def _reported_in(warehouse: Warehouse) -> set[str]:
    sql = "SELECT reporting_currency_code FROM marts.fct_ad_spend_daily"
    return set(warehouse.query(sql)["reporting_currency_code"].to_pylist())


def test_rates_that_come_late_reach_the_days_they_carry_to_and_no_other(tmp_path: Path) -> None:
    settings = _settings(tmp_path)
    warehouse = open_warehouse(settings)
    performance = "raw.ads_campaign_performance"
    euros = [campaign_day(GOOGLE, day, "euro", 101) for day in ("2025-02-01", FRIDAY, SUNDAY)]
    insert(warehouse, performance, _in("EUR", euros))
    insert(warehouse, performance, _in("SEK", [campaign_day(META, SUNDAY, "krona", 100)]))
    # An asset group has no ads, and its campaign has more than it: 101 = 30 + 50 + 21.
    part = {"adgroup_id": "g", "ad_id": "a"}
    adgroup, ad = ({**campaign_day(GOOGLE, SUNDAY, "euro", c), **part} for c in (80, 30))
    insert(warehouse, "raw.ads_ad_performance", _in("EUR", [ad]))
    adgroup.pop("ad_id")
    insert(warehouse, "raw.ads_adgroup_performance", _in("EUR", [adgroup]))
    _publish(warehouse, performance, "2025-02-01", SUNDAY)

    built = build(settings, select=SPEND)
    days = [("euro", "2025-02-01"), ("euro", FRIDAY), ("euro", SUNDAY), ("krona", SUNDAY)]
    assert _spend(warehouse) == dict.fromkeys(days)
    # What can't be told in the reporting currency is said, by currency, and stops nothing.
    assert [f.node for f in built.warnings] == ["rate_is_known_fct_ad_spend_daily_"]
    assert built.warnings[0].failing_rows == 2
    assert "2 failing row(s): No exchange rate is known for this currency" in str(built.warnings[0])
    assert f"{built.tests} tests passed, 1 warned, " in str(built)

    _age_builds(warehouse)
    # Nobody published this: the next build must not look at that day.
    _rates(warehouse, "2025-02-01", {"USD": 9.0})
    _rates(warehouse, FRIDAY, {"USD": 1.25, "GBP": 0.8})
    _publish(warehouse, "raw.fx_rates", FRIDAY, FRIDAY)
    build(settings, select=SPEND)
    assert _spend(warehouse) == {
        ("euro", "2025-02-01"): None,
        ("euro", FRIDAY): 126,
        ("euro", SUNDAY): 126,
        ("krona", SUNDAY): None,
    }
    ads = warehouse.query(
        "SELECT adgroup_id, ad_id, finest_level, cost_micros, cost_reporting_micros, fx_date "
        "FROM marts.fct_ad_spend_by_ad_daily WHERE campaign_id = 'euro' "
        f"AND date = '{SUNDAY}' ORDER BY adgroup_id, ad_id"
    ).to_pylist()
    friday = date.fromisoformat(FRIDAY)
    # The running total 21, 71, 101 at 1.25 is 26, 89, 126; the parts by themselves would be 127.
    assert [tuple(row.values()) for row in ads] == [
        ("(none)", "(none)", "campaign", 21, 26, friday),
        ("g", "(none)", "adgroup", 50, 63, friday),
        ("g", "a", "ad", 30, 37, friday),
    ]
    compiled = artifacts_folder(settings) / "compiled/adcanary/models"
    # The tests around the table read its restated days as well, not history.
    for folder, test in [
        ("staging/ads/_ads.yml", "grain_stg_ads__campaign_perfor*"),
        ("marts/marketing/_marketing.yml", "spend_is_the_landed_spend*"),
    ]:
        sql = next((compiled / folder).glob(test)).read_text()
        assert "date between cast('2025-03-07' as date) and cast('2025-03-14' as date)" in sql


def test_another_reporting_currency_is_refused_until_every_day_is_rebuilt(tmp_path: Path) -> None:
    dollars = _settings(tmp_path)
    warehouse = open_warehouse(dollars)
    performance = "raw.ads_campaign_performance"
    insert(warehouse, performance, [campaign_day(GOOGLE, SUNDAY, "c", 100)])
    _rates(warehouse, FRIDAY, {"USD": 1.25})
    _publish(warehouse, performance, FRIDAY, SUNDAY)
    build(dollars, select="+fct_ad_spend_daily")
    assert _spend(warehouse) == {("c", SUNDAY): 100}

    insert(warehouse, performance, [campaign_day(GOOGLE, MONDAY, "c", 10)])
    _publish(warehouse, performance, MONDAY, MONDAY)
    euros = _settings(tmp_path, "EUR")
    with pytest.raises(AuditError) as raised:
        build(euros, select="fct_ad_spend_daily")
    assert "fct_ad_spend_daily holds amounts in USD" in str(raised.value)
    assert "`adcanary build --full-refresh`" in str(raised.value)
    assert _spend(warehouse) == {("c", SUNDAY): 100}

    build(euros, select="+fct_ad_spend_daily", full_refresh=True)
    assert _spend(warehouse) == {("c", SUNDAY): 80, ("c", MONDAY): 8}


def test_another_reporting_currency_is_refused_by_a_run_that_rebuilds_no_day_near_another(
    tmp_path: Path,
) -> None:
    dollars = _settings(tmp_path)
    warehouse = open_warehouse(dollars)
    performance = "raw.ads_campaign_performance"
    insert(warehouse, performance, [campaign_day(GOOGLE, SUNDAY, "c", 100)])
    _rates(warehouse, FRIDAY, {"USD": 1.25})
    _publish(warehouse, performance, FRIDAY, SUNDAY)
    _publish(warehouse, "raw.fx_rates", FRIDAY, FRIDAY)
    build(dollars, select="+fct_ad_spend_daily")
    _age_builds(warehouse)

    # nothing new, then a backfill of long before
    for _ in range(2):
        with pytest.raises(AuditError, match="holds amounts in USD"):
            build(_settings(tmp_path, "EUR"), select="+fct_ad_spend_daily")
        assert _reported_in(warehouse) == {"USD"}
        _publish(warehouse, performance, "2024-01-01", "2024-01-07")
        _publish(warehouse, "raw.fx_rates", "2024-01-01", "2024-01-07")


@pytest.mark.parametrize("wrong", ["usd", "EURO", "€"])
def test_a_reporting_currency_that_is_no_iso_code_is_refused(tmp_path: Path, wrong: str) -> None:
    with pytest.raises(ValueError, match="reporting_currency"):
        _settings(tmp_path, wrong)
