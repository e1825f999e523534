"""A small table, its rows and slices, for the tests of both warehouses."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import date, timedelta

import pyarrow as pa

from pipelines.config import WarehouseSettings
from pipelines.contracts import Contract, load_contract
from pipelines.warehouse import Slice, Warehouse
from pipelines.warehouse.base import Value, publish_stage

BUDGETS = load_contract("raw.ads_campaign_budgets")
MONDAY = date(2026, 3, 2)


def settings(url: str) -> WarehouseSettings:
    project = f"test-{uuid.uuid4().hex[:12]}"
    return WarehouseSettings(kind="bigquery", project=project, api_endpoint=url)


def row(**values: Value) -> dict[str, Value]:
    return {
        "platform": "google_ads",
        "account_id": "1",
        "campaign_id": "c1",
        "effective_from": MONDAY,
        "daily_budget_micros": 5,
        "currency_code": "USD",
        "time_zone": "UTC",
        "_run_id": "r",
        **values,
    }


def rows(account: str, values: list[tuple[str, date, int]]) -> pa.Table:
    found = [
        row(
            account_id=account, campaign_id=campaign, effective_from=day, daily_budget_micros=micros
        )
        for campaign, day, micros in values
    ]
    return pa.Table.from_pylist(found, BUDGETS.arrow_schema)


def slice_of(account: str, start: date = MONDAY) -> Slice:
    keys = {"platform": "google_ads", "account_id": account}
    whole = Slice(BUDGETS.table, keys, "effective_from", MONDAY, MONDAY + timedelta(days=6))
    return whole if start == MONDAY else replace(whole, start=start, end=date(2026, 12, 31))


def replace_slice(
    warehouse: Warehouse, contract: Contract, slice_: Slice, rows: pa.Table, *, run_id: str
) -> None:
    """Stage rows and publish them over a slice."""
    stage = warehouse.stage(contract, run_id, rows)
    publish_stage(warehouse, contract, slice_, stage, run_id=run_id)
    warehouse.drop_stages([stage])


def publish(
    warehouse: Warehouse,
    account: str,
    values: list[tuple[str, date, int]],
    start: date = MONDAY,
) -> None:
    run_id = uuid.uuid4().hex
    slice_ = slice_of(account, start)
    replace_slice(warehouse, BUDGETS, slice_, rows(account, values), run_id=run_id)


def budgets(warehouse: Warehouse) -> list[tuple[str, str, date, int]]:
    found = warehouse.query(
        "SELECT account_id, campaign_id, effective_from, daily_budget_micros "
        "FROM raw.ads_campaign_budgets ORDER BY 1, 2, 3"
    )
    return [tuple(row.values()) for row in found.to_pylist()]
