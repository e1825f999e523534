"""Lists that people keep (experiments, calendar events, media plans) land as the lists they are."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml

from pipelines.config import Settings, WarehouseSettings
from pipelines.errors import ConfigError, InputError
from pipelines.landing.ingest import ingest_account
from pipelines.landing.overlaps import overlapping
from pipelines.secret_settings import Secrets
from pipelines.shipped import shipped
from pipelines.source_settings import FileSettings
from pipelines.sources.base import Source
from pipelines.sources.files.draft import write_draft
from pipelines.sources.files.source import load_mapping, open_source
from pipelines.warehouse import open_warehouse
from tests.unit.ledger_rows import NOW

READY = shipped("infra") / "mappings"
TEST = {
    "experiment_id": "x1",
    "name": "Brand off in the north",
    "kind": "geo_test",
    "channel": "google_ads:brand",
    "outcome": "orders",
    "status": "DONE",
    "measured_by": "own",
    "start_date": "2026-02-02",
    "end_date": "2026-03-01",
    "post_end_date": "2026-03-15",
    "spend_test": "0",
    "spend_baseline": "12000.50",
    "effect": "-40",
    "effect_low": "-70.5",
    "effect_high": "-15",
    "population_share": "0.25",
    "geos": "Oslo; Bergen",
}
SALE = {
    "event_id": "e1",
    "name": "Summer sale",
    "kind": "promotion",
    "start_date": "2026-06-15",
    "end_date": "2026-06-28",
    "market": "",
    "population_share": "",
    "intensity": "20%",
    "expected_sign": "1",
    "known_in_advance": "true",
}


LINE = {
    "plan_id": "2026-Q3",
    "line_id": "7",
    "platform": "google_ads",
    "campaign_name": "NO Search Brand",
    "market": "NO",
    "product": "",
    "start_date": "2026-07-01",
    "end_date": "2026-09-30",
    "planned_spend": "9200.50",
    "currency": "NOK",
    "updated_at": "2026-06-30 14:05 +0200",
}


def source(path: Path, table: str, *rows: dict[str, str], **keys: Any) -> Source:
    """A file of rows under the ready mapping, with other keys."""
    header = list(rows[0])
    lines = [",".join(header), *(",".join(row.get(name, "") for name in header) for row in rows)]
    path.write_text("\n".join(lines) + "\n")
    mapping = path.with_name(f"{path.stem}.yaml")
    mapping.write_text(yaml.safe_dump(yaml.safe_load((READY / f"{table}.yaml").read_text()) | keys))
    return open_source(FileSettings(path=path, mapping=mapping), Secrets())


def read(made: Source) -> list[dict[str, Any]]:
    (batch,) = made.snapshot(made.account_ids[0], NOW.date())
    rows = batch.rows if isinstance(batch.rows, pa.Table) else batch.rows.read_all()
    return list(rows.to_pylist())


def columns(**changed: str | None) -> dict[str, str]:
    """The columns of the ready mapping of experiments, without those that are None."""
    ready = yaml.safe_load((READY / "experiments.yaml").read_text())["columns"]
    return {name: column for name, column in (ready | changed).items() if column is not None}


def test_an_experiment_lands_with_a_standard_error_of_its_interval_and_its_change_of_spend(
    tmp_path: Path,
) -> None:
    (row,) = read(source(tmp_path / "list.csv", "experiments", TEST))
    # the wider half, 30.5, over the 95% quantile of a normal
    assert row.pop("standard_error") == pytest.approx(30.5 / 1.6448536, rel=1e-6)
    assert row == {
        "account_id": "growth-team",
        "experiment_id": "x1",
        "name": "Brand off in the north",
        "kind": "geo_test",
        "channel": "google_ads:brand",
        "measured_by": "own",
        "status": "DONE",
        "start_date": date(2026, 2, 2),
        "end_date": date(2026, 3, 1),
        "post_end_date": date(2026, 3, 15),
        "spend_test_micros": 0,
        "spend_baseline_micros": 12_000_500_000,
        "spend_delta_micros": -12_000_500_000,
        "currency_code": "USD",
        "outcome": "orders",
        "effect": -40.0,
        "effect_low": -70.5,
        "effect_high": -15.0,
        "interval_level": 0.9,
        "population_share": 0.25,
        "geos": ["Oslo", "Bergen"],
        "time_zone": "America/New_York",
    }


def test_an_interval_of_95_percent_and_one_of_a_half_tell_the_same_error(tmp_path: Path) -> None:
    rows = [
        TEST | {"experiment_id": i, "effect_low": f"{-40 - half}", "effect_high": f"{-40 + half}"}
        for i, half in (("wide", 19.59964), ("narrow", 6.744898))
    ]
    levels = [row | {"level": level} for row, level in zip(rows, ("95", "0.5"), strict=True)]
    made = source(
        tmp_path / "list.csv",
        "experiments",
        *levels,
        interval_level=None,
        columns=columns(interval_level="level"),
    )
    assert [row["standard_error"] for row in read(made)] == pytest.approx([10, 10], rel=1e-6)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"end_date": "2026-02-01"}, "it ends before it starts"),
        ({"post_end_date": "2026-02-20"}, "counted to a day before its end"),
        ({"population_share": "25"}, "population share"),
        ({"effect": "-90"}, "its effect doesn't lie in its interval"),
        ({"effect": ""}, "it is DONE and has no effect"),
        ({"spend_baseline": "0"}, "it is DONE and changed no spend"),
        ({"effect_low": ""}, "neither a standard error nor an interval"),
        ({"kind": "guess"}, "column kind"),
        ({"start_date": "1926-02-02"}, "is not a day that can be"),
    ],
    ids=["ends", "counted", "share", "outside", "no-effect", "no-spend", "no-error", "kind", "day"],
)
def test_a_bad_experiment_is_set_aside_and_the_others_land(
    changed: dict[str, str], reason: str, tmp_path: Path
) -> None:
    good = [TEST | {"experiment_id": f"good {n}"} for n in range(3)]
    made = source(tmp_path / "list.csv", "experiments", *good, TEST | changed)
    (batch,) = made.snapshot(made.account_ids[0], NOW.date())
    assert isinstance(batch.rows, pa.RecordBatchReader)
    assert batch.rows.read_all().num_rows == 3
    assert [reason in one.why for one in batch.unreadable] == [True]


def test_a_standard_error_below_nothing_is_refused(tmp_path: Path) -> None:
    named = columns(effect_low=None, effect_high=None, standard_error="se")
    keys = {"interval_level": None, "columns": named}
    with pytest.raises(InputError, match="its standard error isn't above 0"):
        read(source(tmp_path / "list.csv", "experiments", TEST | {"se": "-3"}, **keys))


def test_two_experiments_of_one_id_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="experiment_id x1 was in row 2 already"):
        read(source(tmp_path / "list.csv", "experiments", TEST, TEST | {"effect": "-41"}))


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ({"interval_level": None}, "an interval has one level"),
        ({"columns": columns(effect_high=None)}, "effect_low and effect_high"),
        ({"columns": columns(spend_baseline=None)}, "or spend_delta"),
        ({"kind": {"column": "kind", "values": {"Geo": "geolift"}}}, "'geolift' is none of"),
    ],
    ids=["level", "one-end", "no-baseline", "kind"],
)
def test_a_mapping_that_leaves_something_to_guess_is_refused(
    keys: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=reason):
        source(tmp_path / "list.csv", "experiments", TEST, **keys)


def test_an_event_to_come_lands_and_a_stock_out_was_not_known(tmp_path: Path) -> None:
    coming = (date.today() + timedelta(days=200)).isoformat()
    mug = {"name": "No mugs", "kind": "stock_out", "end_date": "", "intensity": "-0.5"}
    made = source(
        tmp_path / "calendar.csv",
        "calendar_events",
        SALE,
        SALE | {"name": "Winter sale", "start_date": coming, "end_date": coming},
        SALE | mug | {"market": "NO"},
        known_in_advance=None,
        columns={
            name: name
            for name in ("name", "start_date", "end_date", "market", "intensity", "expected_sign")
        },
    )
    rows = {row["event_id"]: row for row in read(made)}
    assert set(rows) == {
        "Summer sale 2026-06-15",
        f"Winter sale {coming}",
        "No mugs NO 2026-06-15",
    }
    sale, out = rows["Summer sale 2026-06-15"], rows["No mugs NO 2026-06-15"]
    assert (sale["intensity"], sale["expected_sign"], sale["known_in_advance"]) == (20, 1, True)
    assert (out["end_date"], out["intensity"]) == (date(2026, 6, 15), -0.5)
    assert (out["market"], out["known_in_advance"]) == ("NO", False)


def test_a_line_of_a_media_plan_lands_with_its_flight_in_micros_and_utc(tmp_path: Path) -> None:
    (row,) = read(source(tmp_path / "plan.csv", "media_plans", LINE))
    assert row.pop("updated_at").astimezone(UTC) == datetime(2026, 6, 30, 12, 5, tzinfo=UTC)
    assert row == {
        "account_id": "growth-team",
        "plan_id": "2026-Q3",
        "line_id": "7",
        "ad_platform": "google_ads",
        "campaign_name": "NO Search Brand",
        "market": "NO",
        "product": None,
        "start_date": date(2026, 7, 1),
        "end_date": date(2026, 9, 30),
        "planned_spend_micros": 9_200_500_000,
        "currency_code": "NOK",
        "time_zone": "America/New_York",
    }


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"end_date": "2026-06-30"}, "it ends before it starts"),
        ({"planned_spend": ""}, "it says nothing of what may be spent"),
        ({"planned_spend": "-5"}, "column planned_spend"),
        ({"platform": "Google"}, "column platform"),
        ({"updated_at": "2026-06-30"}, "column updated_at"),
    ],
    ids=["ends", "no-spend", "negative", "platform", "no-hour"],
)
def test_a_bad_line_is_set_aside_and_the_others_land(
    changed: dict[str, str], reason: str, tmp_path: Path
) -> None:
    good = [LINE | {"line_id": f"good {n}"} for n in range(3)]
    made = source(tmp_path / "plan.csv", "media_plans", *good, LINE | changed)
    (batch,) = made.snapshot(made.account_ids[0], NOW.date())
    assert isinstance(batch.rows, pa.RecordBatchReader)
    assert batch.rows.read_all().num_rows == 3
    assert [reason in one.why for one in batch.unreadable] == [True]


def test_a_line_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="plan_id 2026-Q3, line_id 7 was in row 2 already"):
        read(source(tmp_path / "plan.csv", "media_plans", LINE, LINE | {"planned_spend": "1"}))


def test_a_media_plan_without_an_offset_of_its_times_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="are of no certain hour"):
        source(tmp_path / "plan.csv", "media_plans", LINE, times="%Y-%m-%d")


def test_a_file_is_the_whole_list_unless_it_says_that_it_is_not(tmp_path: Path) -> None:
    warehouse = open_warehouse(Settings(warehouse=WarehouseSettings(path=tmp_path / "w.duckdb")))

    def listed() -> list[tuple[str, int]]:
        rows = warehouse.query("SELECT event_id, start_date FROM raw.calendar_events ORDER BY 1")
        return [(r["event_id"], r["start_date"].day) for r in rows.to_pylist()]

    def ingest(*rows: dict[str, str], **keys: Any) -> None:
        made = source(tmp_path / "calendar.csv", "calendar_events", *rows, **keys)
        ingest_account(warehouse, made, "growth-team", now=NOW)

    second = SALE | {"event_id": "e2", "start_date": "2026-08-01", "end_date": "2026-08-02"}
    ingest(SALE, second)
    assert listed() == [("e1", 15), ("e2", 1)]
    # an event that moved stands once, and what the list has no longer is gone
    ingest(SALE | {"start_date": "2026-06-20"})
    assert listed() == [("e1", 20)]
    ingest(second, complete=False)
    assert listed() == [("e1", 20), ("e2", 1)]


@pytest.mark.parametrize("table", ["media_plans", "experiments", "calendar_events"])
@pytest.mark.slow
def test_a_list_that_has_not_changed_is_not_published_again_the_day_after(
    table: str, tmp_path: Path
) -> None:
    made = {"media_plans": LINE, "experiments": TEST, "calendar_events": SALE}[table]
    warehouse = open_warehouse(Settings(warehouse=WarehouseSettings(path=tmp_path / "w.duckdb")))

    def outcome(days: int, row: dict[str, str]) -> str:
        lists = source(tmp_path / "list.csv", table, row)
        now = NOW + timedelta(days=days)
        ingested = ingest_account(
            warehouse, lists, lists.account_ids[0], now=now, allow_withdrawals=True
        )
        return ingested.landed[0].outcome

    other = made | {next(iter(made)): "other"}
    assert [outcome(day, row) for day, row in enumerate((made, made, other, made, made))] == [
        *("published", "unchanged", "published", "published", "unchanged")
    ]


def test_a_media_plan_of_several_platforms_is_one_list(tmp_path: Path) -> None:
    warehouse = open_warehouse(Settings(warehouse=WarehouseSettings(path=tmp_path / "w.duckdb")))
    meta = LINE | {"line_id": "8", "platform": "meta_ads"}
    for lines in ((LINE, meta), (meta,)):
        made = source(tmp_path / "plan.csv", "media_plans", *lines)
        ingest_account(warehouse, made, "growth-team", now=NOW, allow_withdrawals=True)
        rows = warehouse.query("SELECT line_id FROM raw.media_plans ORDER BY 1").to_pylist()
        assert [row["line_id"] for row in rows] == [line["line_id"] for line in lines]


def test_two_lists_of_one_account_are_not_landed_together(tmp_path: Path) -> None:
    late = SALE | {"start_date": "2026-09-01", "end_date": "2026-09-02"}
    lists = [
        source(tmp_path / f"{name}.csv", "calendar_events", row)
        for name, row in (("a", SALE), ("b", late))
    ]
    assert len(overlapping(lists)) == 2


@pytest.mark.parametrize("table", ["experiments", "calendar_events", "media_plans"])
def test_the_ready_mapping_of_a_list_is_usable_as_it_is(table: str) -> None:
    assert load_mapping(READY / f"{table}.yaml").table == table


@pytest.mark.parametrize(
    ("table", "row"),
    [("experiments", TEST), ("calendar_events", SALE), ("media_plans", LINE)],
    ids=["tests", "events", "plans"],
)
def test_a_list_is_known_by_its_columns_and_its_draft_is_usable_once_completed(
    table: str, row: dict[str, str], tmp_path: Path
) -> None:
    path = tmp_path / "list.csv"
    renamed = {{"kind": "Type", "start_date": "Start date"}.get(k, k): v for k, v in row.items()}
    source(path, table, renamed)
    text = write_draft(path, None).read_text()
    drafted = yaml.safe_load(text)
    if "kind" in row:
        assert drafted["kind"] == {"column": "Type"}
    assert drafted["columns"]["start_date"] == "Start date"
    for line, value in (
        ("account_id: {constant: TODO}", "account_id: {constant: team}"),
        ("time_zone: TODO", "time_zone: Europe/Oslo"),
        ("currency: {constant: TODO}", "currency: {constant: NOK}"),
        ("interval_level: TODO", "interval_level: 90"),
    ):
        text = text.replace(line, value)
    assert "TODO}" not in text
    path.with_name("mapping.yaml").write_text(text)
    settings = FileSettings(path=path, mapping=path.with_name("mapping.yaml"))
    (landed,) = read(open_source(settings, Secrets()))
    assert landed["start_date"] == date.fromisoformat(row["start_date"])
