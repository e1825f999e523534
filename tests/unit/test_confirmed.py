"""What is found unchanged is noted in the ledger, unless another process published since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipelines.contracts import load_contracts
from pipelines.landing import ledger
from pipelines.landing.ingest import ingest_account
from pipelines.sources.base import Batch, Window
from pipelines.warehouse import Statement
from pipelines.warehouse.duckdb import DuckDBWarehouse
from tests.bench.bigquery_calls import DELIVERY, STATE, Small
from tests.unit.campaign_rows import PULLED, campaigns, land, spent

ACCOUNT = "1000000000"


class Overtaken(DuckDBWarehouse):
    """Another process publishes a batch just before something is noted."""

    between: Batch | None = None

    def transaction(self, statements: Sequence[Statement], **how: Any) -> Mapping[str, int]:
        if how["label"] == "confirm" and self.between is not None:
            batch, self.between = self.between, None
            assert land(DuckDBWarehouse(self.path), batch).outcome == "published"
        return super().transaction(statements, **how)


@pytest.fixture
def warehouse(tmp_path: Path) -> Overtaken:
    opened = Overtaken(tmp_path / "w.duckdb")
    opened.create_tables(load_contracts().values())
    return opened


def _window() -> Window:
    return Window(date(2026, 6, 28), date(2026, 6, 30))


def later(batch: Batch, hours: int) -> Batch:
    return replace(batch, pulled_at=PULLED + timedelta(hours=hours))


def test_a_batch_is_published_again_where_an_older_pull_came_between(warehouse: Overtaken) -> None:
    land(warehouse, campaigns("ab"))
    warehouse.between = later(campaigns("ab", cost_micros=7), 1)
    landed = land(warehouse, later(campaigns("ab"), 2))
    assert (landed.outcome, landed.restated_rows) == ("published", 2)
    assert spent(warehouse) == dict.fromkeys("ab", 1_000_000)


def test_so_is_one_of_a_pull_whose_batches_are_noted_together(warehouse: Overtaken) -> None:
    def ingest(hours: int) -> list[str]:
        now = PULLED + timedelta(hours=hours)
        done = ingest_account(warehouse, Small("first", now), ACCOUNT, now=now)
        return sorted(landed.outcome for landed in done.landed)

    assert ingest(0) == ["published"] * (len(DELIVERY) + len(STATE))
    (spends,) = (
        b for b in Small("restated", PULLED).pull(ACCOUNT, _window()) if "campaign_p" in b.table
    )
    warehouse.between = later(spends, 1)
    assert ingest(2) == ["published", *["unchanged"] * (len(DELIVERY) + len(STATE) - 1)]
    assert set(spent(warehouse).values()) == {3_000_000}
    noted = warehouse.query(
        "SELECT COUNT(*) AS n FROM raw.load_ledger WHERE pulled_at = @at",
        {"at": PULLED + timedelta(hours=2)},
    )
    assert noted["n"].to_pylist() == [len(DELIVERY) + len(STATE)]


def test_a_pull_is_looked_up_and_noted_once(warehouse: Overtaken) -> None:
    batches = list(Small("first", PULLED).pull(ACCOUNT, _window()))
    assert [seen.newest for seen in ledger.overlaps(warehouse, batches)] == [None] * len(batches)
    heads = warehouse.query("SELECT table_name, version FROM raw.load_heads").to_pylist()
    assert {row["table_name"] for row in heads} == set(DELIVERY)
    alone = [ledger.overlap(warehouse, batch) for batch in batches]
    assert ledger.overlaps(warehouse, batches) == alone
