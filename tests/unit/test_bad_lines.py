"""A line, row or cell that can't be read is one row's fault: the others of its day land."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.contracts import load_contract
from pipelines.errors import AuditError, InputError, SourceRejected
from pipelines.landing.ingest import Ingested
from pipelines.landing.publish import land
from pipelines.privacy.masking import masked
from pipelines.secret_settings import Secrets
from pipelines.source_settings import FileSettings, Ga4ExportSettings
from pipelines.sources.base import Batch, Source, Window
from pipelines.sources.files.source import open_source
from pipelines.sources.ga4_export.lines import read_export
from pipelines.sources.ga4_export.source import Ga4ExportSource
from pipelines.sources.shapes.ads_metrics import Metrics, count, parted
from pipelines.suites import suite_of
from pipelines.warehouse import Warehouse
from tests.unit.warehouse_files import empty_warehouse

pytestmark = pytest.mark.slow

DAY = date(2026, 4, 2)
NOON = int(datetime(2026, 4, 2, 12, tzinfo=UTC).timestamp()) * 1_000_000
PERSON = "ada.lovelace@example.org"


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    return empty_warehouse(tmp_path_factory.mktemp("bad") / "w.duckdb")


def event(number: int = 1, **given: Any) -> dict[str, Any]:
    return {
        **{"event_date": "20260402", "event_timestamp": str(NOON + number), "event_name": "scroll"},
        **{"user_pseudo_id": f"{number}.7", "batch_page_id": "1", "batch_ordering_id": "1"},
        **{"batch_event_index": str(number), "device": {"category": "mobile"}},
        **given,
    }


def exported(folder: Path, *lines: object, end: bytes = b"\n", property_id: str = "7") -> Batch:
    text = b"\n".join(line if isinstance(line, bytes) else orjson.dumps(line) for line in lines)
    (folder / "events_20260402.json").write_bytes(text + end)
    source = Ga4ExportSource(
        Ga4ExportSettings(property_id=property_id, path=folder, time_zone="UTC"), "salt"
    )
    (batch,) = source.pull(property_id, Window(DAY, DAY))
    return batch


FAR = str(NOON + 90 * 86_400_000_000)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"<html>", "the line is not JSON"),
        (b'{"event_date": "20260402"', "the line is not JSON"),
        (b"\xff\xfe{}", "the line is not JSON"),
        (b"[]", "the line is not a JSON object"),
        (b"null", "the line is not a JSON object"),
        (b'"text"', "the line is not a JSON object"),
        ({}, "no event_date"),
        (event(event_timestamp=None), "no event_timestamp"),
        (event(event_name=None), "no event_name"),
        (event(event_name=""), "no event_name"),
        (event(event_timestamp="noon"), "event_timestamp is of another type"),
        (event(event_timestamp=FAR), "no microsecond near its day"),
        (event(event_timestamp="1775131200"), "no microsecond near its day"),
        (event(event_timestamp="99999999999999999999"), "event_timestamp is of another type"),
        (event(device="mobile"), "device is of another type"),
        (event(event_params={"key": "a"}), "event_params is of another type"),
        (event(event_date="20260403"), "it is not of 2026-04-02"),
        (event(event_date=20260402), "event_date is of another type"),
    ],
)
@pytest.mark.parametrize("place", [1, 3])
def test_an_event_that_cannot_be_read_is_set_aside_by_its_line(
    tmp_path: Path, line: object, why: str, place: int
) -> None:
    lines: list[object] = [event(n) for n in range(1, 6)]
    batch = exported(tmp_path, *lines[: place - 1], line, b"", *lines[place - 1 :])
    assert len(batch.rows) == 5  # type: ignore[arg-type]
    (one,) = batch.unreadable
    assert one.place == f"events_20260402.json line {place}"
    assert why in one.why
    assert (one.day, batch.rows_read) == (DAY, 6)


@settings(max_examples=15)
@given(bad=st.lists(st.booleans(), min_size=1, max_size=30).filter(lambda bad: not all(bad)))
def test_every_line_is_an_event_or_named(
    tmp_path_factory: pytest.TempPathFactory, bad: list[bool]
) -> None:
    lines = [b"{" if is_bad else event(n, news=n) for n, is_bad in enumerate(bad, start=1)]
    batch = exported(tmp_path_factory.mktemp("lines"), *lines)
    named = [int(one.key["line"]) for one in batch.unreadable]
    assert named == [n for n, is_bad in enumerate(bad, start=1) if is_bad]
    assert len(batch.rows) == len(bad) - len(named)  # type: ignore[arg-type]


def test_numbers_as_texts_and_as_numbers_and_a_column_of_two_types_are_read_in_one_file(
    tmp_path: Path,
) -> None:
    numbers = {"batch_page_id": 1, "batch_ordering_id": 1, "batch_event_index": 2}
    plain = event(2, event_timestamp=NOON, news="x", **numbers)
    batch = exported(tmp_path, event(1, news=1), plain, event(3))
    assert batch.unreadable == ()
    assert sorted(batch.rows["batch_event_index"].to_pylist()) == [1, 2, 3]  # type: ignore[index]
    assert sorted(map(str, batch.rows["news"].to_pylist())) == ["1", "None", "x"]  # type: ignore[index]


def test_only_a_file_that_is_cut_or_no_export_is_refused_whole(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"line 2 is not JSON \(the file ends in the middle"):
        exported(tmp_path, event(1), orjson.dumps(event(2))[:50], end=b"")
    with pytest.raises(InputError, match=r"none of its 2 lines can be read; line 1: the line is"):
        exported(tmp_path, b"Date,Clicks", b"1,2")
    with pytest.raises(InputError, match="it holds events of 20260403"):
        exported(tmp_path, event(1, event_date="20260403"))
    whole = gzip.compress(orjson.dumps(event(1)) + b"\n" + b"{\n")
    (tmp_path / "cut.json.gz").write_bytes(whole[:-4])
    with pytest.raises(InputError, match="cut off in copying"):
        read_export(tmp_path / "cut.json.gz", DAY)


def test_what_is_kept_of_a_line_has_nothing_of_a_person(
    tmp_path: Path, warehouse: Warehouse
) -> None:
    text = f'{{"event_name": "scroll", "user_id": "Ada", "mail": "{PERSON}", "tel": +491701234'
    bad = event(9, event_name=None, user_pseudo_id="11.22", user_id="Ada", note=PERSON)
    lines = [text.encode(), *(event(n) for n in range(1, 6)), bad]
    batch = exported(tmp_path, *lines, property_id="70")
    (landed,) = land(warehouse, batch)
    assert (landed.rows, landed.rejected_rows) == (5, 2)
    rows = warehouse.query(
        "SELECT row_key, why, row_json, CAST(day AS STRING) AS day FROM raw.rejected_rows "
        "WHERE account_id = '70' ORDER BY row_number"
    ).to_pylist()
    assert [json.loads(row["row_key"])["line"] for row in rows] == ["1", "7"]
    assert {row["day"] for row in rows} == {"2026-04-02"}
    assert (
        '"event_name": "xxxxxx", "user_id": "(redacted)"' in json.loads(rows[0]["row_json"])["text"]
    )
    for said in (str(rows), str(landed), str(Ingested("ga4_export", "70", (landed,)))):
        for raw in ("Ada", "ada", "11.22", "1701234"):
            assert raw not in said
    line = str(Ingested("ga4_export", "70", (landed,)))
    assert "2 set aside (ga4_events: the line is not JSON: events_20260402.json line 1" in line
    (again,) = land(warehouse, batch)
    assert (again.outcome, again.rejected_rows) == ("unchanged", 2)
    mended = exported(tmp_path, *(event(n) for n in range(1, 8)), property_id="70")
    (landed,) = land(warehouse, mended)
    assert (landed.rows, landed.rejected_rows) == (7, 0)
    left = "SELECT * FROM raw.rejected_rows WHERE account_id = '70'"
    assert warehouse.query(left).num_rows == 0


def test_more_lines_than_the_share_stop_the_day_and_the_first_are_named(
    tmp_path: Path, warehouse: Warehouse
) -> None:
    lines = [b"{"] * 4 + [event(n) for n in range(1, 6)]
    batch = exported(tmp_path, *lines, property_id="71")
    with pytest.raises(AuditError, match="too many rows to set aside: 4 of 9") as caught:
        land(warehouse, batch)
    assert "the line is not JSON (4 rows, such as events_20260402.json line 1; " in str(
        caught.value
    )


def test_a_day_without_much_consent_is_not_stopped_by_a_few_lines(
    tmp_path: Path, warehouse: Warehouse
) -> None:
    no = {"privacy_info": {"analytics_storage": "No"}}
    lines = [event(1), *(event(n, **no) for n in range(2, 12)), b"{", b"{"]
    (landed,) = land(warehouse, exported(tmp_path, *lines, property_id="72"))
    assert (landed.rows, landed.dropped_rows, landed.rejected_rows) == (1, 10, 2)


HEADER = "Day,Campaign ID,Impressions,Clicks,Cost,Results\n"
MAPPING: dict[str, Any] = {
    "platform": "reddit_ads",
    "account_id": {"constant": "7"},
    "level": "campaign",
    "date": {"column": "Day", "format": "%Y-%m-%d"},
    "currency": {"constant": "EUR"},
    "status": {"campaign": {"constant": "ENABLED"}},
    "time_zone": "UTC",
    "attribution_window": "account_default",
    "columns": {
        **{"campaign_id": "Campaign ID", "impressions": "Impressions", "clicks": "Clicks"},
        **{"cost": "Cost", "conversions": "Results", "conversion_value": "absent"},
    },
}
GOOD = [f"2026-04-02,c{n},100,10,1.25,1" for n in range(1, 11)]
Open = Callable[..., Source]


@pytest.fixture
def ads(tmp_path: Path) -> Open:
    def open_(rows: list[str], now: datetime | None = None, **keys: Any) -> Source:
        path, mapping = tmp_path / "export.csv", tmp_path / "mapping.yaml"
        path.write_text(HEADER + "\n".join(rows) + "\n")
        mapping.write_text(yaml.safe_dump(MAPPING | keys))
        return open_source(
            FileSettings(path=path, mapping=mapping, platform="reddit_ads"), Secrets(), now
        )

    return open_


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("2026-04-02,c99,100,10,#REF!,1", "column Cost is not an amount"),
        ("2026-04-02,c99,100,10,#DIV/0!,1", "column Cost is not an amount (a formula without"),
        ("2026-04-02,c99,100,10,Err:508,1", "column Cost is not an amount (a formula without"),
        ("2026-04-02,c99,100,=B2*2,1.25,1", "column Clicks is not a whole number (a formula"),
        ("2026-04-02,c99,100,10,1.2.3,1", "column Cost is not an amount"),
        ('2026-04-02,c99,100,10,"1,25",1', 'column Cost is not an amount (decimal: ","'),
        ("2026-04-02,c99,100,10,(3),1", "column Cost is not an amount"),
        ("2026-04-02,c99,many,10,1.25,1", "column Impressions is not a whole number"),
        ("2026-04-02,c99,100,2.5,1.25,1", "column Clicks is not a whole number"),
        ("2026-02-30,c99,100,10,1.25,1", "column Day is not a day as %Y-%m-%d"),
        (",c99,100,10,1.25,1", "column Day means nothing"),
        ("2062-04-02,c99,100,10,1.25,1", "column Day is not a day that can be"),
        ("0026-04-02,c99,100,10,1.25,1", "column Day is not a day that can be"),
        ("1926-04-02,c99,100,10,1.25,1", "column Day is not a day that can be"),
        ("2026-04-02,,100,10,1.25,1", "column Campaign ID means nothing"),
        ("2026-04-02,1.2E+15,100,10,1.25,1", "column Campaign ID"),
        ("2026-04-02,c99,100,10", "the row has fewer cells than the header"),
    ],
)
def test_a_bad_cell_in_a_file_is_its_rows_fault(ads: Open, row: str, why: str) -> None:
    good = [line.replace("1.25", f"{n}.25") for n, line in enumerate(GOOD)]
    source = ads([*good[:3], row, *good[3:]])
    (batch,) = source.pull("7", Window(DAY, DAY))
    assert batch.rows.read_all().num_rows == len(GOOD)  # type: ignore[union-attr]
    (one,) = batch.unreadable
    assert one.place == "export.csv row 5"
    assert one.why.startswith(why)
    assert batch.rows_read == len(GOOD) + 1


@pytest.mark.parametrize("day", [date(2062, 4, 2), date(26, 4, 2)])
def test_a_files_days_are_those_of_its_good_rows(ads: Open, day: date) -> None:
    assert ads([*GOOD, f"{day},c99,100,10,1.25,1"]).span == Window(DAY, DAY)
    # all of them wrong: it is the file, its format or the clock
    with pytest.raises(InputError, match="not a day that can be"):
        ads([row.replace("2026-04-02", f"{day}") for row in GOOD]).span  # noqa: B018


def test_no_day_of_a_file_is_later_than_its_clock(ads: Open) -> None:
    rows = [*GOOD, "2026-04-03,c98,100,10,1.25,1", "2026-04-04,c99,100,10,1.25,1"]
    source = ads(rows, now=datetime(2026, 4, 3, 12, tzinfo=UTC))
    (batch,) = source.pull("7", Window(DAY, date(2026, 4, 30)))
    assert source.span == Window(DAY, date(2026, 4, 3))
    assert [(one.place, one.day) for one in batch.unreadable] == [
        ("export.csv row 13", date(2026, 4, 4))
    ]


def test_bad_dates_that_fill_the_beginning_of_a_file_are_set_aside(
    ads: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.sources.files.header.CHUNK_ROWS", 1)
    (batch,) = ads(["2062-04-02,c99,100,10,1.25,1", *GOOD]).pull("7", Window(DAY, DAY))
    assert [one.place for one in batch.unreadable] == ["export.csv row 2"]


def test_a_row_that_is_too_short_is_of_its_own_day(ads: Open) -> None:
    later = [row.replace("-02,", "-05,") for row in GOOD]
    source = ads([*GOOD, "2026-04-03,c99,100", *later])
    (batch,) = source.pull("7", Window(DAY, date(2026, 4, 5)))
    assert [one.day for one in batch.unreadable] == [date(2026, 4, 3)]


def test_spend_that_a_platform_gave_back_lands(ads: Open, warehouse: Warehouse) -> None:
    back = [row.replace("c10", "c99").replace("1.25", "-1.50") for row in GOOD[-1:]]
    mapping = {"account_id": {"constant": "8"}}
    (batch,) = ads([*GOOD, *back], **mapping).pull("8", Window(DAY, DAY))
    (landed,) = land(warehouse, batch)
    assert (landed.rows, landed.rejected_rows) == (11, 0)
    ((least,),) = (
        warehouse.query(
            "SELECT MIN(cost_micros) FROM raw.ads_campaign_performance WHERE account_id = '8'"
        )
        .to_pydict()
        .values()
    )
    assert least == -1_500_000


def test_a_correct_file_brings_the_row_in(ads: Open, warehouse: Warehouse) -> None:
    broken = [*GOOD[:9], "2026-04-02,c10,100,10,n.a.,1"]
    (batch,) = ads(broken).pull("7", Window(DAY, DAY))
    (landed,) = land(warehouse, batch)
    assert (landed.rows, landed.rejected_rows) == (9, 1)
    (batch,) = ads(GOOD).pull("7", Window(DAY, DAY))
    (landed,) = land(warehouse, batch)
    assert (landed.rows, landed.rejected_rows) == (10, 0)
    assert warehouse.query("SELECT * FROM raw.rejected_rows WHERE account_id = '7'").num_rows == 0


@pytest.mark.parametrize(
    ("rows", "keys", "message"),
    [
        ([*GOOD, *["2026-04-02,x,1,1,#REF!,1"] * 4], {}, "4 bad cells or rows in all"),
        ([row.replace("1.25", '"1,25"') for row in GOOD], {}, "would read it"),
        # whole numbers say nothing of the sign: those that do say another one
        ([*(r.replace("1.25", "1") for r in GOOD), GOOD[0].replace("1.25", '"1,5"')], {}, "would"),
        ([*GOOD, "2026-04-02,c11,100"], {}, "cut off in copying"),
        ([*GOOD, "Total,,1000,100,12.50,10"], {}, "looks like a total"),
        ([*GOOD[:9], "2026-04-02,c10,100,10,,1"], {}, "there is no cost, though"),
        (
            [*GOOD[:9], "2026-04-02,c10,much,10,1.25,1", "Total,,1000,100,12.50,10"],
            {"leave_out": [{"column": "Day", "starts_with": "Total"}], "check_total": True},
            r"doesn't add up: its rows \(without 1 that can't be read\)",
        ),
    ],
)
def test_what_is_the_whole_files_fault_still_refuses_it(
    ads: Open, rows: list[str], keys: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        list(ads(rows, **keys).pull("7", Window(DAY, DAY)))


def test_a_row_of_a_report_with_a_bad_metric_is_set_aside_and_a_bad_column_refused() -> None:
    rows = [{"day": "2026-04-02", "id": str(n), "clicks": n} for n in range(4)]
    rows[2]["clicks"] = "many"
    metrics = Metrics(rows, "the report has", SourceRejected, ("day", "id"))
    assert metrics.read("clicks", count) == [0, 1, None, 3]
    (one,) = metrics.unreadable(["2026-04-02"] * 4)
    assert (one.place, one.why) == ("day=2026-04-02, id=2", "clicks can't be read")
    with pytest.raises(SourceRejected, match="the report has no views"):
        metrics.read("views", count)


def test_the_rows_that_no_table_can_be_made_of_are_parted_from_the_others() -> None:
    rows: list[dict[str, Any]] = [{"id": "1", "n": "1"}, {"id": "2", "n": "x"}, {"id": "3"}]
    whole, bad = parted(rows, lambda some: [int(row["n"]) for row in some], ("id",), "day")
    assert [row["id"] for row in whole] == ["1"]
    assert [(one.key["id"], one.why) for one in bad] == [
        ("2", "the row can't be read (ValueError)"),
        ("3", "the row can't be read (no 'n')"),
    ]


def test_a_masked_text_keeps_its_form_and_known_names_alone() -> None:
    assert masked('{"day": "Ünal 7"} ٣', {"day"}) == '{"day": "xxxx 0"} 0'
    assert len(masked("a" * 10_000)) == 501


@pytest.mark.parametrize("table", ["raw.fx_rates", "raw.ads_account_performance"])
def test_no_row_that_others_are_held_against_may_be_set_aside(table: str) -> None:
    assert suite_of(load_contract(table)).most_rejected(1_000) == 0
