"""What a batch withdraws is told apart from what it changes; much of it needs a person's word."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from pipelines.contracts import load_contracts
from pipelines.errors import AuditError
from pipelines.landing.ingest import Ingested, ingest_account
from pipelines.landing.overlaps import overlapping
from pipelines.sources.base import Account, Batch, Window
from pipelines.suites import Suite, suite_of
from pipelines.warehouse import Warehouse
from pipelines.warehouse.duckdb import DuckDBWarehouse
from tests.unit.campaign_rows import JUNE, PULLED, campaigns, land, spent
from tests.unit.warehouse_files import empty_warehouse

pytestmark = pytest.mark.slow

TEN = [f"c{n}" for n in range(10)]


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return empty_warehouse(tmp_path / "w.duckdb")


def later(batch: Batch, hours: int = 1) -> Batch:
    return replace(batch, pulled_at=PULLED + timedelta(hours=hours))


def test_withdrawn_rows_are_counted_apart_from_restated_ones(warehouse: Warehouse) -> None:
    land(warehouse, campaigns(TEN, days=2))
    costs = [1_000_000] * 15 + [5] * 3
    landed = land(warehouse, later(campaigns(TEN[:9], days=2, cost_micros=costs)))
    assert (landed.restated_rows, landed.withdrawn_rows, landed.withdrawn_campaigns) == (3, 2, 1)
    line = str(Ingested("google_ads", "1", (landed,)))
    assert "3 restated, 2 withdrawn (of 1 campaign)" in line
    rows = warehouse.query("SELECT restated_rows, withdrawn_rows FROM raw.load_ledger").to_pylist()
    assert {"restated_rows": 3, "withdrawn_rows": 2} in rows


def test_more_than_the_share_is_withdrawn_on_a_persons_word_alone(warehouse: Warehouse) -> None:
    land(warehouse, campaigns(TEN))
    cut = later(campaigns(TEN[:7]))
    with pytest.raises(AuditError, match=r"3 of 10 published rows \(of 3 campaigns\)") as refused:
        land(warehouse, cut)
    assert len(spent(warehouse)) == 10
    assert "--allow-withdrawals" in str(refused.value.fix)
    assert all(stage in str(refused.value.kept) for stage in warehouse.stages())
    landed = land(warehouse, cut, allow_withdrawals=True)
    assert (landed.outcome, landed.withdrawn_rows, len(spent(warehouse))) == ("published", 3, 7)


def test_an_empty_reply_withdraws_nothing_without_a_word(warehouse: Warehouse) -> None:
    land(warehouse, campaigns(TEN))
    with pytest.raises(AuditError, match="10 of 10 published rows"):
        land(warehouse, later(campaigns([], date=pa.array([], pa.date32()).to_pylist())))
    assert len(spent(warehouse)) == 10


def test_spend_that_turns_to_nothing_in_every_row_is_refused(warehouse: Warehouse) -> None:
    land(warehouse, campaigns(TEN))
    with pytest.raises(AuditError, match=r"all 10 rows of this batch have no spend.*10\.00"):
        land(warehouse, later(campaigns(TEN, cost_micros=0)))
    assert land(warehouse, later(campaigns(TEN, cost_micros=0)), allow_withdrawals=True).rows == 10


def test_a_row_that_is_set_aside_is_no_withdrawal(warehouse: Warehouse) -> None:
    land(warehouse, campaigns(TEN[:3], days=3))
    bad = [-1, -1, -1] + [1] * 6
    landed = land(warehouse, later(campaigns(TEN[:3], days=3, clicks=bad)))
    assert (landed.rejected_rows, landed.rows) == (3, 6)


@pytest.mark.parametrize(
    ("withdrawn", "published", "refused"),
    [(0, 0, False), (1, 1, False), (2, 2, True), (2, 10, False), (3, 10, True), (21, 100, True)],
)
def test_a_fifth_may_go_and_one_row_always(withdrawn: int, published: int, refused: bool) -> None:
    assert Suite(()).refuses_withdrawal(withdrawn, published) is refused
    assert not Suite((), withdrawn_share=1).refuses_withdrawal(withdrawn, published)


def test_tables_of_the_present_state_and_reattributed_ones_are_not_hindered() -> None:
    free = {
        *("raw.ads_entities", "raw.ads_campaign_budgets", "raw.crm_leads"),
        "raw.ads_adgroup_settings",
        "raw.creative_assets",
        "raw.ads_audiences",
        *("raw.crm_opportunities", "raw.ga4_events", "raw.ga4_daily_report"),
        "raw.ads_conversion_action_stats",
    }
    landed = [c for c in load_contracts().values() if "account_column" in c.labels]
    assert {c.table for c in landed if suite_of(c).withdrawn_share == 1} == free


def test_a_batch_of_some_campaigns_leaves_the_others_as_they_are(warehouse: Warehouse) -> None:
    first, second = campaigns(TEN[:2], days=2), campaigns(TEN[2:5], days=2)
    for batch in (first, second):
        landed = land(warehouse, replace(batch, complete=False))
        assert (landed.outcome, landed.withdrawn_rows) == ("published", 0)
    assert spent(warehouse) == dict.fromkeys(TEN[:5], 2_000_000)
    for hours, batch in enumerate((first, second), start=1):
        again = land(warehouse, later(replace(batch, complete=False), hours))
        assert again.outcome == "unchanged"
    restated = later(replace(campaigns(TEN[:2], days=2, cost_micros=7), complete=False), 5)
    landed = land(warehouse, restated)
    assert (landed.restated_rows, landed.withdrawn_rows) == (4, 0)
    assert spent(warehouse) == {"c0": 14, "c1": 14} | dict.fromkeys(TEN[2:5], 2_000_000)


def test_a_day_of_its_own_campaigns_that_a_partial_batch_lacks_is_withdrawn(
    warehouse: Warehouse,
) -> None:
    land(warehouse, replace(campaigns(TEN[:5], days=2), complete=False))
    shorter = [(c, d) for d in (1, 2) for c in TEN[:5]][:-1]
    one_less = campaigns(TEN[:5], days=2)
    assert isinstance(one_less.rows, pa.Table)
    batch = replace(one_less, rows=one_less.rows.slice(0, len(shorter)), complete=False)
    assert land(warehouse, later(batch)).withdrawn_rows == 1
    assert spent(warehouse)["c4"] == 1_000_000


def test_a_later_partial_batch_does_not_keep_an_earlier_one_of_other_campaigns_out(
    warehouse: Warehouse,
) -> None:
    land(warehouse, later(replace(campaigns(["b"]), complete=False)))
    landed = land(warehouse, replace(campaigns(["a"]), complete=False))
    assert (landed.outcome, set(spent(warehouse))) == ("published", {"a", "b"})
    old = replace(campaigns(["c"]), complete=False)
    land(warehouse, later(campaigns(["a", "b"]), 2))
    assert land(warehouse, old).outcome == "superseded"


def test_what_was_set_aside_of_other_campaigns_stays(warehouse: Warehouse) -> None:
    bad = [-1, *[1] * 4]
    land(warehouse, replace(campaigns(TEN[:5], clicks=bad), complete=False))
    land(warehouse, later(replace(campaigns(TEN[5:], clicks=bad), complete=False)))
    keys = "SELECT row_key FROM raw.rejected_rows ORDER BY row_key"
    assert warehouse.query(keys).num_rows == 2
    land(warehouse, later(replace(campaigns(TEN[:5]), complete=False), 2))
    (left,) = warehouse.query(keys)["row_key"].to_pylist()
    assert '"c5"' in left


@dataclass
class File:
    """A file as a source, of one account."""

    batches: Callable[[Window], Iterator[Batch]] = field(default=lambda _: iter(()))
    name: str = "files"
    platform: str = "reddit_ads"
    path: Path = Path("a.csv")
    span: Window = JUNE
    complete: bool = True
    account_ids: tuple[str, ...] = ("1",)
    tables: tuple[str, ...] = ("raw.ads_campaign_performance",)
    lookback_days: int = 30
    max_window_days: int = 400

    def account(self, account_id: str) -> Account:
        return Account(account_id, "A", "USD", "UTC")

    def pull(self, account_id: str, window: Window) -> Iterator[Batch]:
        return self.batches(window)

    def snapshot(self, account_id: str, day: date) -> Iterator[Batch]:
        return iter(())


JULY = Window(date(2026, 7, 1), date(2026, 7, 31))


@pytest.mark.parametrize(
    ("other", "refused"),
    [
        (File(path=Path("b.csv")), True),
        (File(path=Path("b.csv"), span=Window(JUNE.end, JULY.end)), True),
        (File(path=Path("b.csv"), complete=False), True),
        (File(path=Path("b.csv"), span=JULY), False),
        (File(path=Path("b.csv"), account_ids=("2",)), False),
        (File(path=Path("b.csv"), platform="meta_ads"), False),
        (File(path=Path("b.csv"), tables=("raw.ads_ad_performance",)), False),
    ],
)
def test_two_files_with_days_of_one_account_are_refused_by_name(other: File, refused: bool) -> None:
    errors = overlapping([File(), other])
    assert len(errors) == 2 * refused
    for error in errors.values():
        assert "reddit_ads account 1: a.csv (2026-06-01..2026-06-30) and b.csv" in error.message


def test_files_that_all_say_they_are_not_complete_land_together() -> None:
    halves = [File(complete=False), File(path=Path("b.csv"), complete=False)]
    assert not overlapping(halves)


NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)


def ingested(warehouse: Warehouse, *batches: Batch, tables: tuple[str, ...]) -> Ingested:
    source = File(lambda _: iter(batches), tables=tables)
    return ingest_account(warehouse, source, "1", now=NOW)


def test_a_batch_that_is_refused_keeps_no_other_one_out(warehouse: Warehouse) -> None:
    bad, good = campaigns(TEN, clicks=-1), replace(campaigns(TEN), account_id="1")
    with pytest.raises(AuditError, match="clicks are counts") as refused:
        ingested(
            warehouse,
            bad,
            replace(good, window=JULY, rows=campaigns(TEN, date=[JULY.start] * 10).rows),
            tables=(bad.table,),
        )
    assert "1 other batch of the account is published" in str(refused.value.kept)
    assert len(spent(warehouse)) == 10


def test_ads_without_campaign_rows_are_said(warehouse: Warehouse) -> None:
    ads = campaigns(TEN, adgroup_id="g", ad_id="a")
    ads = replace(ads, table="raw.ads_ad_performance")
    tables = ("raw.ads_ad_performance",)
    said = "no campaign rows, so this spend is in no sum of campaigns"
    assert said in str(ingested(warehouse, ads, tables=tables))
    land(warehouse, campaigns(TEN))
    assert said not in str(ingested(warehouse, later(ads), tables=tables))


@pytest.mark.parametrize("share", [0.0, 0.2, 0.07, 1.0])
def test_a_warehouse_refuses_what_a_suite_does(tmp_path: Path, share: float) -> None:
    warehouse = DuckDBWarehouse(tmp_path / "w.duckdb")
    warehouse.create_tables([])
    suite = Suite((), withdrawn_share=share)
    condition = suite.refuses_withdrawal_sql("gone", "published", "@share")
    rows = warehouse.query(
        f"SELECT gone, published, {condition} AS refused "
        "FROM UNNEST(GENERATE_ARRAY(0, 60)) AS gone, UNNEST(GENERATE_ARRAY(0, 120)) AS published",
        {"share": share},
    ).to_pylist()
    assert len(rows) == 61 * 121
    for row in rows:
        assert row["refused"] is suite.refuses_withdrawal(row["gone"], row["published"])
