"""What a piece of work costs is counted by whoever asks, and is no part of a result."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.build_results import read_cost
from pipelines.config import Settings
from pipelines.contracts import load_contract
from pipelines.jobs.run import run_job
from pipelines.warehouse.metering import bill, labels, metered
from tests.unit.fidelity_rows import AS_OF, warehouse_of

MEASURED = ("seconds", "bytes_billed", "slot_seconds")


def test_a_meter_counts_while_it_is_open_and_within_another() -> None:
    bill(1, 1)
    with metered(job="mmm") as outer:
        bill(10, 2000)
        with metered(run="r1") as inner:
            assert labels() == {"job": "mmm", "run": "r1"}
            bill(5, None)
        bill(None, 500)
    assert (outer.bytes_billed, outer.slot_seconds) == (15, 2.5)
    assert (inner.bytes_billed, inner.slot_seconds) == (5, None)
    assert labels() == {}


def test_nothing_billed_is_not_nothing_known() -> None:
    with metered() as meter:
        pass
    assert (meter.bytes_billed, meter.slot_seconds) == (None, None)


@pytest.mark.parametrize("table", ["contracts.job_runs", "contracts.builds"])
def test_what_is_measured_may_be_missing_in_a_deployed_table(table: str) -> None:
    columns = {c.name: c.nullable for c in load_contract(table).columns}
    assert {columns[name] for name in MEASURED if name in columns} == {True}
    assert {"bytes_billed", "slot_seconds"} <= columns.keys()


def test_what_dbt_was_billed_is_summed_over_its_queries(tmp_path: Path) -> None:
    results = tmp_path / "run_results.json"
    results.write_text(
        '{"results": [{"adapter_response": {"bytes_billed": 10, "slot_ms": 1500}},'
        ' {"adapter_response": {"bytes_billed": null}}, {"adapter_response": {"slot_ms": 500}},'
        ' {"adapter_response": {}}]}'
    )
    assert read_cost(tmp_path) == {"bytes_billed": 10, "slot_seconds": 2.0}
    results.write_text('{"results": [{"adapter_response": {"_message": "OK"}}]}')
    assert read_cost(tmp_path) == {}


@pytest.mark.slow
def test_a_run_on_duckdb_has_its_seconds_and_no_bill(tmp_path: Path) -> None:
    warehouse = warehouse_of(tmp_path / "w.duckdb", {}, {})
    assert run_job(warehouse, Settings(), "fidelity", AS_OF).verdict == "NO_DATA"
    (row,) = warehouse.query("SELECT * FROM contracts.job_runs").to_pylist()
    assert row["seconds"] > 0
    assert (row["bytes_billed"], row["slot_seconds"]) == (None, None)
