"""The same daily flow on BigQuery, over its wire protocol: the same proposals as on DuckDB."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from pipelines.config import load_settings
from pipelines.sandbox.market.market import Market
from pipelines.sandbox.world import World
from pipelines.warehouse import open_warehouse
from tests.e2e.conftest import TODAY, Platform, run_once
from tests.wire.bigquery_emulator import Emulator

# One of each kind, and those with the longest way from raw.
MARTS = (
    "ad_features_daily",
    "attribution_touch_daily",
    "customer_acquisition_daily",
    "fct_ad_spend_by_ad_daily",
    "fct_conversions",
    "ga4_daily",
    "ga4_lagged_daily",
    "identity_map",
    "journey_paths_daily",
    "journey_paths_weekly",
    "journey_transitions_daily",
    "mmm_input_weekly",
    "persistent_touchpoints",
)

pytestmark = [pytest.mark.xdist_group("daily"), pytest.mark.emulator]


@pytest.fixture(scope="module")
def on_bigquery(
    tmp_path_factory: pytest.TempPathFactory, market: Market, emulator: Emulator
) -> Iterator[Platform]:
    overrides = {
        "warehouse": {
            "kind": "bigquery",
            "project": "daily-flow",
            "api_endpoint": emulator.rest_url,
        }
    }
    with World(tmp_path_factory.mktemp("bigquery"), market, TODAY, overrides) as world:
        yield run_once(world)


def proposals(platform: Platform) -> dict[str, dict[str, Any]]:
    rows = json.loads(platform.adcanary("proposals", "list", "--format", "json"))
    return {row["proposal_id"]: row for row in rows}


def test_the_proposals_are_the_same_as_on_duckdb_by_content_hash(
    on_bigquery: Platform, on_duckdb: Platform
) -> None:
    ours, theirs = proposals(on_bigquery), proposals(on_duckdb)
    assert ours
    assert {i: r["content_hash"] for i, r in ours.items()} == {
        i: r["content_hash"] for i, r in theirs.items()
    }
    assert ours == theirs


@pytest.mark.parametrize("mart", MARTS)
def test_a_mart_counts_and_sums_to_the_same(
    mart: str, on_bigquery: Platform, on_duckdb: Platform
) -> None:
    theirs, ours = (
        open_warehouse(load_settings(p.world.config), create=False)
        for p in (on_bigquery, on_duckdb)
    )
    columns = ours.query(
        "SELECT column_name FROM marts.INFORMATION_SCHEMA.COLUMNS "
        f"WHERE table_name = '{mart}' AND data_type IN ('BIGINT', 'INT64') ORDER BY column_name"
    )["column_name"]
    sums = "".join(f", SUM({column}) AS {column}" for column in columns.to_pylist())
    sql = f"SELECT COUNT(*) AS row_count{sums} FROM marts.{mart}"
    (found,) = ours.query(sql).to_pylist()
    assert found["row_count"] > 0
    assert theirs.query(sql).to_pylist() == [found]


def test_the_audit_log_verifies(on_bigquery: Platform) -> None:
    assert "form one chain" in on_bigquery.adcanary("audit", "verify")


def test_no_mutating_call_reaches_a_platform(on_bigquery: Platform) -> None:
    assert on_bigquery.world.mutations == []
