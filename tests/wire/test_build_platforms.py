"""A platform that isn't in platforms.yaml fails the build by its name, until its entry is there."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipelines import platforms
from pipelines.build import build
from pipelines.config import Settings, WarehouseSettings
from pipelines.errors import ConfigError
from pipelines.warehouse import Statement, Warehouse, open_warehouse
from tests.wire.journey_rows import at, event, publish
from tests.wire.raw_rows import campaign_day

pytestmark = pytest.mark.xdist_group("build")

DAY = date(2025, 3, 1)
TOY = """
  toy_ads:
    channel: Paid Social
    click_ids: {toyclid: {paid: true, identity: true}}
    sources: [toynet]
    daily_cap: [{times: 3.0, source: "a page of Toy's"}]

other_click_ids:"""


def _visit(device: str, hour: int, page: str, **traffic: str) -> dict[str, Any]:
    parameter = {"key": "page_location", "value": {"string_value": f"https://s.example/{page}"}}
    return event(
        device,
        at(f"2025-03-01 {hour:02}:00:00"),
        event_params=[parameter],
        collected_traffic_source=traffic or None,
    )


def _rows(warehouse: Warehouse, sql: str) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in warehouse.query(sql).to_pylist()]


def test_an_unknown_platform_fails_the_build_by_its_name_and_needs_no_more_than_its_entry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(warehouse=WarehouseSettings(path=tmp_path / "w.duckdb"))
    warehouse = open_warehouse(settings)
    spend = campaign_day(("toy_ads", "t1"), "2025-03-01", "c1", 5_000_000)
    rows = {
        "raw.ads_campaign_performance": [spend],
        "raw.ga4_events": [
            _visit("d1", 8, "?toyclid=T-1"),
            _visit("d2", 9, "", manual_source="toynet", manual_medium="cpc"),
            _visit("d3", 10, "", manual_source="toynet", manual_medium="referral"),
        ],
    }
    publish(warehouse, rows, DAY, DAY)
    told = "UPDATE raw.load_ledger SET platform = 'toy_ads' WHERE table_name LIKE '%.ads_%'"
    warehouse.transaction([Statement(told)], label="test")
    with pytest.raises(ConfigError) as raised:
        build(settings)
    assert "toy_ads: no ad platform of" in raised.value.message
    assert raised.value.kept == "every mart is unchanged."

    table = tmp_path / "platforms.yaml"
    table.write_text(platforms.FILE.read_text().replace("\nother_click_ids:", TOY, 1))
    monkeypatch.setattr(platforms, "FILE", table)
    build(settings, select="resource_type:seed +attribution_touch_daily,resource_type:model")

    visits = (
        "SELECT default_channel_group, ad_platform, mkt_clickid "
        "FROM intermediate.int_journeys_sessions ORDER BY start_tstamp"
    )
    assert _rows(warehouse, visits) == [
        ("Paid Social", "toy_ads", "T-1"),
        ("Paid Social", "toy_ads", None),
        ("Organic Social", None, None),
    ]
    spent = "SELECT default_channel_group, platform, cost_micros FROM marts.attribution_touch_daily"
    assert _rows(warehouse, spent) == [("Paid Social", "toy_ads", 5_000_000)]
    known = "SELECT node_id FROM marts.identity_map WHERE node_type = 'toyclid'"
    assert _rows(warehouse, known) == [("T-1",)]
    assert platforms.daily_cap("toy_ads", DAY) == 3.0
