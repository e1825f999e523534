"""What is set aside, withdrawn and left alone is the same on both warehouses."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from pipelines.contracts import load_contract
from pipelines.errors import AuditError
from pipelines.warehouse import Warehouse
from pipelines.warehouse.duckdb import DuckDBWarehouse
from tests.unit.campaign_rows import PULLED, TABLE, campaigns, land, spent

pytestmark = pytest.mark.slow

TABLES = (
    *(TABLE, "raw.rejected_rows", "raw.load_ledger", "raw.load_heads"),
    "raw.privacy_tombstones",
)


@pytest.fixture(params=["duckdb", pytest.param("bigquery", marks=pytest.mark.emulator)])
def warehouse(request: pytest.FixtureRequest, tmp_path: Path) -> Warehouse:
    if request.param == "duckdb":
        return DuckDBWarehouse(tmp_path / "w.duckdb")
    opened: Warehouse = request.getfixturevalue("bigquery")
    return opened


def test_a_slice_is_replaced_with_what_was_set_aside_of_it(warehouse: Warehouse) -> None:
    warehouse.create_tables(map(load_contract, TABLES))
    aside = "SELECT why, row_number FROM raw.rejected_rows"
    first = land(warehouse, campaigns("abcdefgh", clicks=[-1, *[1] * 7]))
    assert (first.rows, warehouse.query(aside).to_pylist()) == (
        7,
        [{"why": "clicks are counts", "row_number": 0}],
    )
    more = replace(campaigns("ij"), complete=False, pulled_at=PULLED + timedelta(hours=1))
    assert land(warehouse, more).outcome == "published"
    assert land(warehouse, more).outcome == "unchanged"
    whole = replace(campaigns("abcdefgh", cost_micros=7), pulled_at=PULLED + timedelta(hours=2))
    cut = replace(campaigns("abcd"), pulled_at=PULLED + timedelta(hours=2))
    with pytest.raises(AuditError, match="6 of 9 published rows"):
        land(warehouse, cut)
    landed = land(warehouse, whole, allow_withdrawals=True)
    assert (landed.restated_rows, landed.withdrawn_rows, landed.withdrawn_campaigns) == (7, 2, 2)
    assert spent(warehouse) == dict.fromkeys("abcdefgh", 7)
    assert warehouse.query(aside).num_rows == 0
