"""A report downloaded from GA4's page lands as its Data API's does, less what it doesn't say."""

from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pytest
import yaml

from pipelines.contracts import load_contract
from pipelines.errors import ConfigError, InputError
from pipelines.landing.conform import conform
from pipelines.secret_settings import Secrets
from pipelines.shipped import shipped
from pipelines.source_settings import FileSettings
from pipelines.sources.base import Batch, Window
from pipelines.sources.files.draft import write_draft
from pipelines.sources.files.source import load_mapping, open_source

READY = shipped("infra") / "mappings" / "ga4_report.yaml"
PROPERTY = "314159265"
EVER = Window(date(2020, 1, 1), date(2030, 1, 1))
COMMENTS = [
    "# ----------------------------------------",
    "# Traffic by day",
    "# Account: Fjord",
    "# Property: Fjord Mugs - GA4",
    "# ----------------------------------------",
    "# ",
    "# All Users",
    "# Start date: 20260302",
    "# End date: 20260303",
]
HEADER = [
    *("Date", "Session default channel group", "Session source / medium", "Session campaign"),
    *("Sessions", "Engaged sessions", "Total users", "Event count", "Key events"),
    *("Purchase revenue", "Total revenue", "City"),
]
TOTAL = ["", "", "", "", "172", "121", "160", "1204", "7.5", "512.4", "530", "", "Grand total"]
ROWS = [
    line.split("|")
    for line in (
        "20260302|Paid Search|google / cpc|Spring|90|70|82|700|4|310.40|320|Oslo",
        "20260302|Referral|a / b / referral|(referral)|12|9|11|80|0|0|0|Oslo",
        "20260303|Unassigned|(not set)|(not set)|60|40|58|380|3|214.5|210|Oslo",
        "20260303|Direct|(direct) / (none)|(direct)|10|2|9|44|0.5|-12.5|0|Oslo",
    )
]
CHART = ["Nth day,Paid Search,Direct", "0000,90,0", "0001,0,10", "", *COMMENTS[6:]]


def file(path: Path, *rows: list[str], above: list[str] = COMMENTS, header: Any = HEADER) -> Path:
    """The rows (without any, :data:`ROWS` and their total) as GA4 writes them."""
    table = [header, *(rows or (TOTAL, *ROWS))]
    if path.suffix == ".xlsx":  # as Google Sheets saves it
        book = openpyxl.Workbook()
        sheet = book.worksheets[0]
        for line in [*above, ""]:
            sheet.append([line or None])
        sheet.append(table[0])
        for row in table[1:]:
            sheet.append([_number(cell) for cell in row])
        book.save(path)
    else:
        path.write_text("\n".join([*above, "", *(",".join(row) for row in table)]) + "\n")
    return path


def _number(cell: str) -> object:
    try:
        return float(cell) if "." in cell else int(cell)
    except ValueError:
        return cell or None


def batch(path: Path, **keys: Any) -> Batch:
    """The file's one batch, by the ready mapping with the property's own keys."""
    ours = {"account_id": {"constant": PROPERTY}, "time_zone": "Europe/Oslo"}
    mapping = path.with_name("mapping.yaml")
    mapping.write_text(yaml.safe_dump(yaml.safe_load(READY.read_text()) | ours | keys))
    source = open_source(FileSettings(platform="ga4", path=path, mapping=mapping), Secrets())
    assert source.account_ids == (PROPERTY,)
    (batch,) = source.pull(PROPERTY, EVER)
    assert isinstance(batch.rows, pa.RecordBatchReader)
    return batch


def report(path: Path, **keys: Any) -> list[dict[str, Any]]:
    """Its rows as they land."""
    landing = batch(path, **keys)
    assert isinstance(landing.rows, pa.RecordBatchReader)
    rows = conform(landing.rows.read_all(), landing, load_contract(landing.table)).to_pylist()
    return sorted(rows, key=lambda row: (row["date"], row["sessions"]))


@pytest.mark.parametrize("name", ["download.csv", "sheet.xlsx"])
@pytest.mark.parametrize("above", [COMMENTS, [*COMMENTS, *CHART], []])
def test_a_report_lands_whole_whatever_stands_above_it(
    name: str, above: list[str], tmp_path: Path
) -> None:
    landing = batch(file(tmp_path / name, above=above))
    assert (landing.table, landing.window) == (
        "raw.ga4_daily_report",
        Window(date(2026, 3, 2), date(2026, 3, 3)),
    )
    rows = report(tmp_path / name)
    assert sum(row["sessions"] for row in rows) == 172
    assert sum(row["key_events"] for row in rows) == 7.5
    assert sum(row["purchase_revenue_micros"] for row in rows) == 512_400_000
    assert [(row["session_source"], row["session_medium"]) for row in rows] == [
        ("a / b", "referral"),
        ("google", "cpc"),
        ("(direct)", "(none)"),
        ("(not set)", "(not set)"),
    ]


def test_what_a_report_does_not_say_is_missing_and_not_none(tmp_path: Path) -> None:
    (row, *_) = report(file(tmp_path / "download.csv"))
    for name in ("new_users", "screen_page_views", "transactions", "subject_to_thresholding"):
        assert row[name] is None
    assert row["session_campaign_id"] == "(not exported)"
    assert (row["currency_code"], row["property_id"]) == ("USD", PROPERTY)


def test_total_revenue_is_kept_beside_and_a_place_of_persons_is_not(tmp_path: Path) -> None:
    rows = report(file(tmp_path / "download.csv", ROWS[0]))
    assert rows[0]["_extra"] == '{"Total revenue":"320"}'


@pytest.mark.parametrize("channel", ["Direct", "(other)"])
def test_a_report_that_lost_rows_to_other_says_so(channel: str, tmp_path: Path) -> None:
    other = [*ROWS[3][:1], channel, *ROWS[3][2:]]
    rows = report(file(tmp_path / "download.csv", ROWS[0], other))
    assert {row["data_loss_from_other_row"] for row in rows} == {channel == "(other)"}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ((ROWS[0], ROWS[0]), r"row 13: date 2026-03-02, .*google.* was in row 12 already"),
        ((["20260302", *ROWS[0][1:4], "-5", *ROWS[0][5:]],), "column Sessions: '-5' is not a"),
        ((["0001", *ROWS[0][1:]],), "column Date: '0001' is not a day as %Y%m%d"),
        ((ROWS[0], ["# All Users"]), "row 13: 1 cells, the header has 12"),
        ((TOTAL,), "has a header and no rows"),
    ],
)
def test_what_is_no_row_of_a_day_is_refused(
    rows: tuple[list[str], ...], message: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=message):
        report(file(tmp_path / "download.csv", *rows))


def test_a_report_without_days_names_the_missing_column_and_those_there_are(
    tmp_path: Path,
) -> None:
    path = file(tmp_path / "download.csv", ROWS[0][1:], header=HEADER[1:])
    with pytest.raises(InputError, match=r"has no column 'Date'.*Its columns: Session default"):
        report(path)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"account_id": {"constant": "G-ABC123"}}, "'G-ABC123' is no GA4 property"),
        ({"currency": {"constant": "TODO"}}, "'TODO' is no currency"),
        ({"date": {"column": "Month", "format": "%Y%m"}}, "a row must be a day"),
        (
            {"columns": {"sessions": "S", "session_source_medium": "A", "session_source": "B"}},
            "alr",
        ),
        ({"columns": {"session": "S"}}, "did you mean 'sessions'?"),
        ({"table": "orderz"}, "'table'"),
    ],
)
def test_a_mapping_of_a_report_that_cannot_be_meant_is_refused(
    keys: dict[str, Any], message: str, tmp_path: Path
) -> None:
    mapping = tmp_path / "m.yaml"
    mapping.write_text(yaml.safe_dump(yaml.safe_load(READY.read_text()) | keys))
    with pytest.raises(ConfigError) as caught:
        load_mapping(mapping)
    assert message in caught.value.message


GERMAN = [
    *("Datum", "Sitzung – Quelle/Medium", "Sitzung – Kampagne", "Sitzungen"),
    *("Sitzungen mit Interaktionen", "Ereignisanzahl", "Gesamtumsatz"),
]


@pytest.mark.parametrize(
    ("header", "cells", "columns"),
    [
        (HEADER, range(12), {"sessions": "Sessions", "total_users": "Total users"}),
        (GERMAN, (0, 2, 3, 4, 5, 7, 10), {"sessions": "Sitzungen", "event_count": GERMAN[5]}),
    ],
)
def test_a_draft_of_a_report_has_the_columns_that_it_has(
    header: list[str], cells: Any, columns: dict[str, str], tmp_path: Path
) -> None:
    rows = [[row[i] for i in cells] for row in ROWS]
    path = file(tmp_path / "d.csv", *rows, above=[*COMMENTS, *CHART], header=header)
    draft = write_draft(path, None)
    text = draft.read_text()
    with pytest.raises(ConfigError):
        load_mapping(draft)
    mapping = yaml.safe_load(text)
    assert (mapping["table"], mapping["header_row"]) == ("ga4_daily_report", "find")
    assert mapping["date"] == {"column": header[0], "format": "%Y%m%d"}
    assert columns.items() <= mapping["columns"].items()
    ours = {"account_id": {"constant": PROPERTY}, "time_zone": "UTC"}
    draft.write_text(yaml.safe_dump(mapping | ours | {"currency": {"constant": "NOK"}}))
    source = open_source(FileSettings(path=path, mapping=draft), Secrets())
    (landed,) = source.pull(PROPERTY, EVER)
    assert isinstance(landed.rows, pa.RecordBatchReader)
    assert sum(landed.rows.read_all()["sessions"].to_pylist()) == 172


def test_a_row_of_a_report_that_cannot_be_read_is_set_aside(tmp_path: Path) -> None:
    bad = ["20260303", *ROWS[0][1:4], "many", *ROWS[0][5:]]
    landing = batch(file(tmp_path / "download.csv", bad, *ROWS))
    (one,) = landing.unreadable
    assert one.place == "download.csv row 12"
    assert (one.why, one.day) == ("column Sessions is not a whole number", date(2026, 3, 3))
    assert landing.rows_read == 5
    assert isinstance(landing.rows, pa.RecordBatchReader)
    assert len(landing.rows.read_all()) == 4
