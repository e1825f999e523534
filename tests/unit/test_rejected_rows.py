"""One bad row sets itself aside: kept, counted and with its reason; too many stop the batch."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.contracts import Contract, load_contract, load_contracts
from pipelines.errors import AuditError
from pipelines.landing.audit import Audited, audit
from pipelines.landing.expectations import Failure
from pipelines.landing.ingest import Ingested
from pipelines.landing.publish import sweep
from pipelines.landing.rejected import set_aside as part
from pipelines.landing.spool import spooled
from pipelines.privacy.declared import RECORDS, person_tables
from pipelines.sources.base import Batch, Unreadable, Window
from pipelines.suites import Suite, suite_of
from pipelines.warehouse import Statement, Warehouse
from pipelines.warehouse.base import Question
from pipelines.warehouse.duckdb import DuckDBWarehouse
from tests.unit.campaign_rows import JUNE, PULLED, TABLE, campaigns, land, spent
from tests.unit.warehouse_files import empty_warehouse

pytestmark = pytest.mark.slow

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
LABELS = {table: contract.labels for table, contract in load_contracts().items()}
TEN = [f"c{n}" for n in range(10)]


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return empty_warehouse(tmp_path / "w.duckdb")


def with_one(value: object, usual: object, rows: int = 10) -> list[object]:
    return [value, *[usual] * (rows - 1)]


def set_aside(warehouse: Warehouse) -> list[dict[str, Any]]:
    rows = warehouse.query("SELECT * FROM raw.rejected_rows ORDER BY row_number")
    return list(rows.to_pylist())


def audited(batch: Batch) -> Audited:
    with spooled(batch, load_contract(batch.table)) as spool:
        return audit(spool, lambda: "the stage")


def test_a_bad_row_is_kept_with_its_reason_and_the_others_land(warehouse: Warehouse) -> None:
    landed = land(warehouse, campaigns(TEN, impressions=with_one(-5, 10)))
    assert (landed.rows, landed.rejected_rows) == (9, 1)
    assert set(spent(warehouse)) == set(TEN) - {"c0"}
    (row,) = set_aside(warehouse)
    assert row["why"] == "impressions are counts"
    assert row["expectation"] == "expect_column_values_to_be_between(impressions)"
    assert json.loads(row["row_key"])["campaign_id"] == "c0"
    assert json.loads(row["row_json"])["impressions"] == -5
    assert (row["day"], row["run_id"]) == (date(2026, 6, 1), landed.run_id)
    ledger = warehouse.query("SELECT row_count, rejected_rows FROM raw.load_ledger").to_pylist()
    assert ledger == [{"row_count": 9, "rejected_rows": 1}]


def test_what_was_set_aside_is_said_with_the_command_that_shows_it(warehouse: Warehouse) -> None:
    landed = land(warehouse, campaigns(TEN, impressions=with_one(-5, 10)))
    line = str(Ingested("google_ads", "1", (landed,)))
    assert "9 rows" in line
    assert "1 set aside (ads_campaign_performance: impressions are counts;" in line
    command = line.split('adcanary query "')[1].split('"', maxsplit=1)[0]
    assert warehouse.query(command).num_rows == 1


@pytest.mark.parametrize(
    ("column", "value", "expectation"),
    [
        ("clicks", None, "not_null(clicks)"),
        ("campaign_id", None, "not_null(campaign_id)"),
        ("date", None, "not_null(date)"),
        ("conversion_value", float("inf"), "finite(conversion_value)"),
        ("conversions", float("nan"), "finite(conversions)"),
        ("date", date(2026, 9, 1), "in_slice"),
        ("account_id", "2", "in_slice"),
        ("currency_code", "usd", "expect_column_values_to_match_regex(currency_code)"),
        ("cost_micros", 10**18, "expect_column_values_to_be_between(cost_micros in USD)"),
    ],
)
def test_a_fault_of_one_row_is_that_rows(column: str, value: object, expectation: str) -> None:
    batch = campaigns(TEN)
    assert isinstance(batch.rows, pa.Table)
    values = with_one(value, None)
    usual = batch.rows[column].to_pylist()[1:]
    place = batch.rows.column_names.index(column)
    column_of = pa.array([values[0], *usual], batch.rows[column].type)
    batch = replace(batch, rows=batch.rows.set_column(place, column, column_of))
    with spooled(batch, load_contract(TABLE)) as spool:
        result = audit(spool, lambda: "the stage")
        assert (result.spool.rows, result.rejected.rows) == (9, 1)
        assert result.rejected.path
        (row,) = pq.read_table(result.rejected.path).to_pylist()
    assert expectation in row["expectation"].split("; ")


def test_a_row_that_fails_several_expectations_is_one_row(warehouse: Warehouse) -> None:
    bad: dict[str, Any] = {"impressions": with_one(-1, 10), "currency_code": with_one("?", "USD")}
    land(warehouse, campaigns(TEN, **bad))
    (row,) = set_aside(warehouse)
    assert row["why"] == "impressions are counts; currencies are ISO 4217 codes"


def test_the_same_pull_again_changes_nothing_and_still_says_it(warehouse: Warehouse) -> None:
    batch = campaigns(TEN, impressions=with_one(-5, 10))
    first = land(warehouse, batch)
    before = set_aside(warehouse)
    again = land(warehouse, replace(batch, pulled_at=PULLED + timedelta(hours=1)))
    assert (again.outcome, again.run_id) == ("unchanged", first.run_id)
    assert again.rejected_rows == 1
    assert set_aside(warehouse) == before


def test_a_good_pull_clears_what_was_set_aside_in_its_slice_and_nothing_else(
    warehouse: Warehouse,
) -> None:
    may = Window(date(2026, 5, 1), date(2026, 5, 31))
    days = [date(2026, 5, 1)] * 10
    land(warehouse, campaigns(TEN, window=may, date=days, impressions=with_one(-2, 10)))
    land(warehouse, campaigns(TEN, impressions=with_one(-5, 10)))
    assert len(set_aside(warehouse)) == 2
    land(warehouse, campaigns(TEN, pulled_at=PULLED + timedelta(hours=1)))
    assert [row["day"].month for row in set_aside(warehouse)] == [5]
    assert len(spent(warehouse)) == 10


def test_a_row_that_a_later_suite_allows_lands_with_the_same_pull(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = campaigns(TEN, impressions=with_one(-5, 10))
    land(warehouse, batch)
    without = Suite(suite_of(load_contract(TABLE)).expectations[1:])
    for room in ("audit", "expectations"):
        monkeypatch.setattr(f"pipelines.landing.{room}.suite_of", lambda _: without)
    landed = land(warehouse, batch)
    assert (landed.outcome, landed.rows, set_aside(warehouse)) == ("published", 10, [])


class Broken(BaseException):
    """The process ends here."""


class Breaking(DuckDBWarehouse):
    """One whose process ends after so many calls that write."""

    left = 0

    def stage(self, contract: Contract, name: str, rows: pa.Table | Path) -> str:
        stage = super().stage(contract, name, rows)
        self._count()
        return stage

    def transaction(
        self, statements: Sequence[Statement], *, label: str, first: Question | None = None
    ) -> Mapping[str, int]:
        answer = super().transaction(statements, label=label, first=first)
        self._count()
        return answer

    def drop_stages(self, stages: Iterable[str]) -> None:
        super().drop_stages(stages)
        self._count()

    def _count(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise Broken


def test_a_process_that_ends_between_steps_leaves_no_row_twice_and_none_out(
    tmp_path: Path,
) -> None:
    opened = Breaking(tmp_path / "w.duckdb")
    opened.create_tables(load_contracts().values())
    for steps in range(1, 6):
        # each time another content, so that each time something is published
        later = PULLED + timedelta(hours=steps)
        batch = campaigns(TEN, clicks=with_one(-steps, steps), pulled_at=later)
        opened.left = steps
        with suppress(Broken):
            land(opened, batch)
        opened.left = 0
        landed = land(opened, batch)
        sweep(opened, [batch])
        assert (landed.rejected_rows, len(spent(opened)), opened.stages()) == (1, 9, [])
        (row,) = set_aside(opened)
        assert (row["run_id"], json.loads(row["row_json"])["clicks"]) == (landed.run_id, -steps)


def test_money_that_does_not_reconcile_without_the_row_stops_the_batch(
    warehouse: Warehouse,
) -> None:
    batch = campaigns(TEN, impressions=with_one(-5, 10))
    total = {date(2026, 6, 1): 10_000_000}
    with pytest.raises(AuditError, match=r"(?s)impressions.*campaigns 9,000,000, account 10,000"):
        land(warehouse, replace(batch, account_spend=total))
    assert set_aside(warehouse) == []
    free = campaigns(TEN, impressions=with_one(-5, 10), cost_micros=with_one(0, 1_000_000))
    landed = land(warehouse, replace(free, account_spend={date(2026, 6, 1): 9_000_000}))
    assert landed.rejected_rows == 1


@pytest.mark.parametrize(
    ("rows", "most"), [(0, 0), (1, 0), (2, 0), (3, 1), (5, 2), (7, 3), (299, 3), (1000, 10)]
)
def test_one_in_a_hundred_may_be_set_aside_and_three_while_most_are_in_order(
    rows: int, most: int
) -> None:
    assert Suite(()).most_rejected(rows) == most
    assert Suite((), rejected_share=0).most_rejected(rows) == 0


def test_more_than_the_share_stop_the_batch_and_all_of_it_is_kept(warehouse: Warehouse) -> None:
    bad = [-1] * 4 + [10] * 6
    with pytest.raises(AuditError, match="too many rows to set aside: 4 of 10, and 3 may") as no:
        land(warehouse, campaigns(TEN, impressions=bad))
    (stage,) = warehouse.stages()
    assert warehouse.query(f"SELECT * FROM {stage}").num_rows == 10
    assert stage in str(no.value.kept)
    assert "expectations/" not in str(no.value.fix)


@settings(max_examples=10)
@given(bad=st.lists(st.booleans(), min_size=1, max_size=12))
def test_every_row_lands_or_is_set_aside_or_none_does(bad: list[bool]) -> None:
    ids = [f"c{n}" for n in range(len(bad))]
    batch = campaigns(ids, impressions=[-1 if b else 1 for b in bad])
    try:
        result = audited(batch)
    except AuditError:
        assert sum(bad) > suite_of(load_contract(TABLE)).most_rejected(len(bad))
    else:
        assert (result.spool.rows, result.rejected.rows) == (len(bad) - sum(bad), sum(bad))


def test_a_stream_is_parted_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.landing.spool.CHUNK_ROWS", 4)
    batch = campaigns(TEN, clicks=[1, 1, 1, 1, -1, 1, 1, 1, 1, -1])
    assert isinstance(batch.rows, pa.Table)
    reader = pa.RecordBatchReader.from_batches(batch.rows.schema, batch.rows.to_batches())
    with spooled(replace(batch, rows=reader), load_contract(TABLE)) as spool:
        result = audit(spool, lambda: "the stage")
        left = result.spool.query("SELECT campaign_id FROM spool ORDER BY 1")
        assert [c for (c,) in left] == [c for c in TEN if c not in ("c4", "c9")]


def test_what_a_platform_does_though_it_is_odd_lands_and_is_said(warehouse: Warehouse) -> None:
    odd: dict[str, Any] = {
        "cost_micros": with_one(-5, 10),
        "conversions": with_one(-0.5, 1.0),
        "status": with_one("IN_REVIEW", "ENABLED"),
    }
    landed = land(warehouse, campaigns(TEN, **odd))
    assert (landed.rows, landed.rejected_rows) == (10, 0)
    for why in ("what a platform gives back", "takes back", "adcanary doesn't know yet"):
        assert why in landed.note


def order(number: int, **given: Any) -> dict[str, Any]:
    return {
        **{"shop_id": "s", "order_id": f"o{number}", "order_date": NOON.date()},
        **{"ordered_at": NOON, "is_new_customer": True, "revenue_micros": 100_000_000},
        **{"refunded_micros": 0, "currency_code": "USD", "time_zone": "UTC", "status": "PAID"},
        **{"updated_at": NOON, "presentment_revenue_micros": 137_000_000},
        **{"presentment_refunded_micros": 0, "presentment_currency_code": "CAD"},
        **given,
    }


def orders(*rows: dict[str, Any], unreadable: tuple[Unreadable, ...] = ()) -> Batch:
    table = pa.Table.from_pylist(list(rows))
    return Batch(*("shopify", "raw.orders", "s", None, JUNE, table, PULLED), unreadable=unreadable)


@pytest.mark.parametrize(
    ("refunded", "why"),
    [
        ({"refunded_micros": 104_000_000}, "so net revenue is negative"),
        ({"presentment_refunded_micros": 137_010_000}, "in the customer's currency"),
    ],
)
def test_an_order_refunded_above_its_price_lands_and_is_said(
    warehouse: Warehouse, refunded: dict[str, int], why: str
) -> None:
    landed = land(warehouse, orders(order(1, **refunded)))
    assert (landed.rows, landed.rejected_rows) == (1, 0)
    assert why in landed.note
    assert "o1" in landed.note


def test_an_order_that_its_source_cannot_read_is_set_aside(warehouse: Warehouse) -> None:
    lost = Unreadable({"shop_id": "s", "order_id": "o9"}, "the order can't be read", NOON.date())
    landed = land(warehouse, orders(*map(order, range(5)), unreadable=(lost,)))
    assert (landed.rows, landed.rejected_rows) == (5, 1)
    (row,) = set_aside(warehouse)
    assert json.loads(row["row_key"]) == {"order_id": "o9", "shop_id": "s"}
    again = land(warehouse, orders(*map(order, range(5)), unreadable=(lost,)))
    assert again.outcome == "unchanged"
    land(warehouse, orders(*map(order, range(5))))
    assert set_aside(warehouse) == []
    with pytest.raises(AuditError, match="the order can't be read"):
        land(warehouse, orders(order(1), unreadable=(lost,)))


LANDED = [t for t in person_tables() if "account_column" in LABELS.get(t, ())]


@pytest.mark.parametrize("table", LANDED)
def test_a_row_is_set_aside_without_what_is_a_persons(table: str) -> None:
    contract, person = load_contract(table), person_tables()[table]
    kinds: dict[str, Any] = {"STRING": "x", "DATE": NOON.date(), "TIMESTAMP": NOON, "BOOL": False}
    given = [c for c in contract.columns if c.is_scalar and c.name != "_run_id"]
    ids = {c.path: f"ada-{c.path}" for c in person.columns if not c.nested}
    row = {c.name: kinds.get(c.type, 0) for c in given} | ids
    schema = pa.schema([contract.arrow_schema.field(c.name) for c in given])
    platform = "x" if "platform" in contract.column_names else None
    rows = pa.Table.from_pylist([row], schema)
    with spooled(Batch("x", table, "x", platform, JUNE, rows, PULLED), contract) as spool:
        _, rejected = part(spool, [Failure("readable", "why", count=1, rows=[0])])
        assert rejected.path
        said = str(pq.read_table(rejected.path).to_pylist())
    records = {c.path for c in person.columns if c.kind in RECORDS}
    assert {name for name, value in ids.items() if f'"{value}"' in said} == records & set(ids)


def test_addresses_and_numbers_in_a_row_are_blotted_out(warehouse: Warehouse) -> None:
    note = with_one("call ada@example.org or +49 30 1234567", "-")
    land(warehouse, campaigns(TEN, impressions=with_one(-5, 10), attribution_window=note))
    (row,) = set_aside(warehouse)
    assert json.loads(row["row_json"])["attribution_window"] == "call (e-mail) or (phone)"
