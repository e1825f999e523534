"""Event-level rows expire on their day; one salt a warehouse."""

import os
from datetime import date, timedelta
from pathlib import Path

import pytest

from pipelines.contracts import load_contract
from pipelines.errors import ConfigError, UsageError
from pipelines.privacy.export import write
from pipelines.privacy.retention import expire
from pipelines.privacy.salt import check_salt
from tests.unit import people
from tests.unit.people import event, fill, put, rows_of

TODAY = people.DAY + timedelta(days=90)
OLD = people.DAY - timedelta(days=1)


@pytest.fixture
def warehouse(tmp_path: Path) -> people.DuckDBWarehouse:
    return fill(tmp_path / "w.duckdb")


def test_rows_older_than_the_retention_go_from_events_and_stages_and_nothing_else(
    warehouse: people.DuckDBWarehouse,
) -> None:
    put(
        warehouse,
        {
            "raw.ga4_events": [event("old", "d", event_date=OLD)],
            "raw.server_events": [{"event_id": "old", "event_date": date(2020, 1, 1)}],
            "raw.orders": [{"order_id": "old", "order_date": OLD}],
            "contracts.interest_cluster_members": [{"person_id": "old", "as_of": OLD}],
        },
    )
    staged = rows_of("raw.ga4_events", [event("old", "d", event_date=OLD), event("new", "d")])
    stage = warehouse.stage(load_contract("raw.ga4_events"), "failed", staged)
    assert expire(warehouse, TODAY, 90) == {
        "contracts.interest_cluster_members": 1,
        "raw.ads_clicks": 0,
        "raw.ga4_events": 1,
        "raw.rejected_rows": 0,
        "raw.server_events": 1,
        stage: 1,
    }
    assert warehouse.query(f"SELECT event_key FROM {stage}").to_pylist() == [{"event_key": "new"}]
    assert warehouse.query("SELECT * FROM raw.orders WHERE order_id = 'old'").num_rows == 1
    assert set(expire(warehouse, TODAY, 90).values()) == {0}


def test_a_retention_of_no_day_is_refused(warehouse: people.DuckDBWarehouse) -> None:
    with pytest.raises(UsageError, match="would keep nothing"):
        expire(warehouse, TODAY, 0)


def test_another_salt_is_refused_and_its_fingerprint_does_not_tell_it(
    warehouse: people.DuckDBWarehouse,
) -> None:
    check_salt(warehouse, people.SALT)
    check_salt(warehouse, people.SALT)
    with pytest.raises(ConfigError, match="every person gets new ids") as caught:
        check_salt(warehouse, "another")
    assert people.SALT not in str(caught.value)
    rows = warehouse.query("SELECT * FROM raw.hash_salt").to_pylist()
    assert len(rows) == 1
    assert people.SALT not in str(rows)


def test_an_export_file_is_its_owners_only_and_overwrites_nothing(tmp_path: Path) -> None:
    path = tmp_path / "ada.json"
    before = os.umask(0)
    try:
        write({"tables": {}}, path)
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(UsageError, match="File exists"):
        write({"tables": {}}, path)
