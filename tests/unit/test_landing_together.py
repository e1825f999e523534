"""What several threads pulled lands together, and yet each on its own."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml
from great_expectations.expectations.expectation import (
    ColumnMapExpectation,
    ColumnPairMapExpectation,
)
from great_expectations.expectations.registry import get_expectation_impl

from pipelines.contracts import load_contracts
from pipelines.errors import AuditError, StatementError, WarehouseLocked
from pipelines.landing import ledger, together
from pipelines.landing.expectations import passing
from pipelines.landing.publish import Terms
from pipelines.landing.spool import Spool
from pipelines.landing.together import Outcome, land_pull
from pipelines.shipped import shipped
from pipelines.sources.base import Batch
from pipelines.warehouse import Warehouse, duckdb_turns
from pipelines.warehouse.duckdb import DuckDBWarehouse
from tests.unit.campaign_rows import campaigns

FIRST_OF_JUNE = date(2026, 6, 1)


def of(account: str, ids: Iterable[str] = ("c1", "c2"), **given: Any) -> Batch:
    batch = campaigns(ids, **given)
    assert isinstance(batch.rows, pa.Table)
    at = batch.rows.schema.get_field_index("account_id")
    rows = batch.rows.set_column(at, "account_id", [[account] * batch.rows.num_rows])
    return replace(batch, account_id=account, rows=rows)


class Land:
    """Pulls that threads want landed while the file is taken: all but the first wait together."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.threads = ThreadPoolExecutor(8)

    def pulls(self, *pulls: list[Batch]) -> list[Future[list[Outcome]]]:
        futures = []
        warehouse = DuckDBWarehouse(self.path)
        with warehouse.unit():
            for number, pull in enumerate(pulls):
                own = DuckDBWarehouse(self.path)
                futures.append(self.threads.submit(land_pull, own, pull, Terms()))
                # the first waits for the file, and the others for the first
                while not (duckdb_turns._waiting and len(together._waiting) == number):
                    time.sleep(0.01)
        return futures


@pytest.fixture
def warehouse(tmp_path: Path) -> DuckDBWarehouse:
    opened = DuckDBWarehouse(tmp_path / "w.duckdb")
    opened.create_tables(load_contracts().values())
    return opened


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The accounts whose batches were held against their suites, question by question."""
    questions: list[list[str]] = []

    def counted(spools: Iterable[Spool]) -> set[str]:
        given = list(spools)
        questions.append([spool.batch.account_id for spool in given])
        return passing(given)

    monkeypatch.setattr("pipelines.landing.together.passing", counted)
    return questions


def published(warehouse: DuckDBWarehouse) -> list[str]:
    rows = warehouse.query("SELECT DISTINCT account_id FROM raw.ads_campaign_performance")
    return sorted(rows["account_id"].to_pylist())


def test_what_waits_for_the_file_lands_together(
    warehouse: DuckDBWarehouse, asked: list[list[str]]
) -> None:
    futures = Land(warehouse.path).pulls(*([of(str(n))] for n in range(1, 7)))
    outcomes = [outcome for future in futures for outcome in future.result()]
    assert [o for o in outcomes if isinstance(o, Exception)] == []
    assert [landed[0].outcome for landed in outcomes if isinstance(landed, list)] == (
        ["published"] * 6
    )
    assert published(warehouse) == ["1", "2", "3", "4", "5", "6"]
    assert asked[0] == ["1"]
    assert [len(accounts) for accounts in asked] == [1, 5]


def test_a_batch_with_bad_rows_keeps_no_other_account_out(warehouse: DuckDBWarehouse) -> None:
    futures = Land(warehouse.path).pulls([of("1")], [of("2", clicks=-1)], [of("3")])
    (refused,) = futures[1].result()
    assert isinstance(refused, AuditError)
    assert "account 2" in refused.message
    assert published(warehouse) == ["1", "3"]


def test_a_row_is_set_aside_for_its_own_account(warehouse: DuckDBWarehouse) -> None:
    ten = of("2", [f"c{n}" for n in range(10)], clicks=[-1] + [1] * 9)
    futures = Land(warehouse.path).pulls([of("1")], [ten], [of("3")])
    rejected = [
        landed.rejected_rows
        for future in futures
        for outcome in future.result()
        if isinstance(outcome, list)
        for landed in outcome
    ]
    assert rejected == [0, 1, 0]


def test_where_campaigns_do_not_add_up_the_pull_ends_and_the_others_land(
    warehouse: DuckDBWarehouse,
) -> None:
    off = of("2", account_spend={FIRST_OF_JUNE: 5})
    futures = Land(warehouse.path).pulls([of("1")], [off, of("4")], [of("3")])
    (refused,) = futures[1].result()
    assert isinstance(refused, AuditError)
    assert "adds up to the account's" in refused.message
    assert published(warehouse) == ["1", "3"]


def test_a_batch_that_does_not_fit_its_contract_is_its_own_accounts_error(
    warehouse: DuckDBWarehouse,
) -> None:
    odd = of("2", clicks="many")
    futures = Land(warehouse.path).pulls([of("1")], [odd], [of("3")])
    (refused,) = futures[1].result()
    assert isinstance(refused, AuditError)
    assert published(warehouse) == ["1", "3"]


def test_what_goes_wrong_beside_its_batches_is_the_error_of_one_account(
    warehouse: DuckDBWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    overlaps = ledger.overlaps

    def failing_for_2(opened: Warehouse, batches: Sequence[Batch]) -> list[ledger.Overlap]:
        if batches[0].account_id == "2":
            raise StatementError("refused", kept="nothing", fix="none")
        return overlaps(opened, batches)

    monkeypatch.setattr(ledger, "overlaps", failing_for_2)
    futures = Land(warehouse.path).pulls([of("1")], [of("2")], [of("3")])
    assert [type(outcome) for future in futures for outcome in future.result()] == [
        list,
        StatementError,
        list,
    ]


def test_a_pull_that_found_nothing_opens_no_file(tmp_path: Path) -> None:
    assert land_pull(DuckDBWarehouse(tmp_path / "w.duckdb"), [], Terms()) == []
    assert not (tmp_path / "w.duckdb").exists()


def test_a_file_that_is_held_is_every_accounts_error(tmp_path: Path) -> None:
    path = tmp_path / "w.duckdb"
    DuckDBWarehouse(path).create_tables(load_contracts().values())
    with _taken(path), ThreadPoolExecutor(3) as threads:
        impatient = DuckDBWarehouse(path, lock_timeout_seconds=0.2)
        futures = [threads.submit(land_pull, impatient, [of(n)], Terms()) for n in "123"]
        outcomes = [outcome for future in futures for outcome in future.result()]
    assert [type(outcome) for outcome in outcomes] == [WarehouseLocked] * 3


@contextmanager
def _taken(path: Path) -> Iterator[None]:
    with DuckDBWarehouse(path).unit():
        yield


def test_every_expectation_is_of_rows_so_that_batches_can_be_asked_about_together() -> None:
    for suite in (shipped("expectations") / "raw").glob("*.yaml"):
        for one in yaml.safe_load(suite.read_text())["expectations"]:
            kind = get_expectation_impl(one["type"])
            assert issubclass(kind, ColumnMapExpectation | ColumnPairMapExpectation), suite
            assert "mostly" not in one["kwargs"], suite
