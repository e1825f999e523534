"""The ready mappings read files of the form that each platform exports, drawn here."""

import csv
import io
from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from pathlib import Path

import openpyxl
import pyarrow as pa
import pytest

from pipelines.secret_settings import Secrets
from pipelines.shipped import shipped
from pipelines.source_settings import FileSettings
from pipelines.sources.base import Window
from pipelines.sources.files.source import open_source

MAPPINGS = shipped("infra") / "mappings"
DAYS = Window(date(2026, 4, 1), date(2026, 4, 2))
UUIDS = [f"{n}a1b2c3d-0000-4000-8000-000000000001" for n in (1, 2, 3)]
# Of two campaigns on two days, in every file: 1,234.50 + 0.99 + 17.00 + 0.00.
LISTS = ("experiments", "calendar_events", "media_plans")
COST, IMPRESSIONS, CLICKS, CONVERSIONS, VALUE = 1_252_490_000, 13_579, 321, 6.5, 980.25
_Table = Sequence[Sequence[str]]


def _lines(table: _Table, delimiter: str = ",") -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\r\n").writerows(table)
    return text.getvalue()


def _google(path: Path, state: str = "Campaign status") -> None:
    head = f"{state}\tCampaign\tDay\tCustomer ID\tCampaign ID\tCurrency code\tImpr.\tClicks"
    rows = [
        "Enabled\tAutumn\t2026-04-01\t987-654-3210\t21000000001\tUSD\t12,345\t300\t1,234.50\t5.50\t900.25",
        "Paused\tWinter\t2026-04-01\t987-654-3210\t21000000002\tUSD\t234\t1\t0.99\t --\t --",
        "Enabled\tAutumn\t2026-04-02\t987-654-3210\t21000000001\tUSD\t1,000\t20\t17.00\t1.00\t80.00",
        "Paused\tWinter\t2026-04-02\t987-654-3210\t21000000002\tUSD\t0\t0\t0.00\t0.00\t0.00",
        "Total: Campaigns\t --\t --\t --\t --\tUSD\t13,579\t321\t1,252.49\t6.50\t980.25",
        "Total: Account\t --\t --\t --\t --\tUSD\t13,579\t321\t1,252.49\t6.50\t980.25",
    ]
    title = ["Campaign report", "April 1, 2026 - April 2, 2026"]
    text = "\r\n".join([*title, head + "\tCost\tConversions\tConv. value", *rows]) + "\r\n"
    path.write_bytes(text.encode("utf-16"))


def _google_de(path: Path) -> None:
    head = "Kampagnenstatus\tKampagne\tTag\tKundennummer\tKampagnen-ID\tWährungscode\tImpr.\tKlicks"
    rows = [
        "Aktiviert\tHerbst\t2026-04-01\t987-654-3210\t21000000001\tEUR\t12.345\t300\t1.234,50\t5,50\t900,25",
        "Pausiert\tWinter\t2026-04-01\t987-654-3210\t21000000002\tEUR\t234\t1\t0,99\t --\t --",
        "Aktiviert\tHerbst\t2026-04-02\t987-654-3210\t21000000001\tEUR\t1.000\t20\t17,00\t1,00\t80,00",
        "Pausiert\tWinter\t2026-04-02\t987-654-3210\t21000000002\tEUR\t0\t0\t0,00\t0,00\t0,00",
        "Gesamt: Konto\t --\t --\t --\t --\tEUR\t13.579\t321\t1.252,49\t6,50\t980,25",
    ]
    title = ["Kampagnenbericht", "1. April 2026 - 2. April 2026"]
    text = "\r\n".join([*title, head + "\tKosten\tConversions\tConv.-Wert", *rows]) + "\r\n"
    path.write_bytes(text.encode("utf-16"))


def _rows(
    ids: Sequence[str], states: Sequence[str], day: str, thousands: str = ","
) -> list[list[str]]:
    """State, name, day, campaign, impressions, clicks, cost, conversions and their value."""
    first, second = (date(2026, 4, 1).strftime(day), date(2026, 4, 2).strftime(day))
    return [
        [
            states[0],
            "Autumn",
            first,
            ids[0],
            f"12{thousands}345",
            "300",
            f"1{thousands}234.50",
            "5.5",
            "900.25",
        ],
        [states[1], "Winter", first, ids[1], "234", "1", "0.99", "0", "0"],
        [states[0], "Autumn", second, ids[0], f"1{thousands}000", "20", "17.00", "1", "80.00"],
        [states[1], "Winter", second, ids[1], "0", "0", "0.00", "0", "0"],
    ]


def _with(rows: list[list[str]], more: Sequence[str]) -> list[list[str]]:
    return [[*row, *more] for row in rows]


_METRICS = ["Impressions", "Clicks", "Cost", "Conversions", "Value"]


def _table(header: Sequence[str], rows: list[list[str]], below: _Table = ()) -> _Table:
    return [list(header), *rows, *below]


META = [
    *("Campaign delivery", "Campaign name", "Day", "Campaign ID", "Impressions", "Clicks (all)"),
    *("Amount spent (USD)", "Purchases", "Purchases conversion value", "Account ID", "Currency"),
    *("Reporting starts", "Reporting ends"),
]


def _meta_rows(thousands: str) -> list[list[str]]:
    rows = _rows(
        ["120210000000011", "120210000000012"], ["active", "inactive"], "%Y-%m-%d", thousands
    )
    return [[*row, "10150000000017", "USD", row[2], row[2]] for row in rows]


def _meta(path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(META)
    for row in _meta_rows(","):
        sheet.append([*row[:6], f"${row[6]}", *row[7:]])
    sheet.append([None] * 6 + ["$1,252.49", 6.5, 980.25])
    book.save(path)


def _meta_raw(path: Path) -> None:
    total = [
        "",
        "",
        "",
        "",
        "13579",
        "321",
        "1252.49",
        "6.5",
        "980.25",
        "",
        "",
        "2026-04-01",
        "2026-04-02",
    ]
    path.write_text(_lines(_table(META, _meta_rows(""), [total])), encoding="utf-8-sig")


def _linkedin(path: Path) -> None:
    header = [
        *(
            "Campaign Group Status",
            "Campaign Group Name",
            "Start Date (in UTC)",
            "Campaign Group ID",
        ),
        *("Impressions", "Clicks", "Total Spent", "Conversions", "Total Conversion Value"),
        *("Account ID", "Currency"),
    ]
    rows = _with(
        _rows(["610000001", "610000002"], ["Active", "Paused"], "%m/%d/%Y"), ["507000009", "USD"]
    )
    title = "Campaign Group Performance Report (in UTC)\r\nReport Start: April 1, 2026\r\n"
    title += "Report End: April 2, 2026\r\nDate Generated: April 3, 2026\r\n\r\n"
    path.write_bytes((title + _lines(_table(header, rows), "\t")).encode("utf-16"))


def _microsoft(path: Path) -> None:
    header = [
        *("CampaignStatus", "CampaignName", "TimePeriod", "CampaignId", "Impressions", "Clicks"),
        *("Spend", "Conversions", "Revenue", "AccountId", "CurrencyCode"),
    ]
    rows = _with(
        _rows(["330000001", "330000002"], ["Active", "Paused"], "%Y-%m-%d", ""),
        ["180000007", "USD"],
    )
    title = [
        *("Report Name: Campaigns", "Report Time: 4/1/2026,4/2/2026", "Time Zone: Pacific Time"),
        *("Last Completed Available Day: 4/2/2026", "Last Completed Available Hour: 4/2/2026 23"),
        *(
            "Report Aggregation: Daily",
            "Report Filter: ",
            "Potential Incomplete Data: false",
            "Rows: 4",
        ),
    ]
    above = "".join(f'"{line}"\r\n' for line in title) + "\r\n"
    below = '"©2026 Microsoft Corporation. All rights reserved. "\r\n'
    path.write_text(above + _lines(_table(header, rows)) + below, encoding="utf-8-sig")


def _reddit(path: Path) -> None:
    header = [
        *(
            "State",
            "Campaign Name",
            "Date",
            "Campaign ID",
            "Impressions",
            "Clicks",
            "Amount Spent (USD)",
        ),
        *("Purchases (Total)", "Purchases Total Value (USD)", "Account ID"),
    ]
    rows = _with(_rows(["1980000001", "1980000002"], ["", ""], "%Y-%m-%d"), ["t2_9xyz"])
    total = ["", "", "Total", "", "13,579", "321", "1,252.49", "6.5", "980.25", ""]
    path.write_text(_lines(_table(header, rows, [total])))


def _pinterest(path: Path) -> None:
    header = [
        *(
            "Campaign status",
            "Campaign name",
            "Date",
            "Campaign ID",
            "Impressions",
            "Outbound clicks",
        ),
        *(
            "Spend in account currency",
            "Total conversions (Checkout)",
            "Total order value (Checkout)",
        ),
        *("Ad account ID", "Currency"),
    ]
    rows = _rows(["626740000001", "626740000002"], ["Active", "Paused"], "%Y-%m-%d")
    path.write_text(_lines(_table(header, _with(rows, ["549760000001", "USD"]))))


def _snapchat(path: Path) -> None:
    header = [
        *("Campaign Status", "Campaign Name", "Date", "Campaign ID", "Paid Impressions", "Clicks"),
        *("Amount Spent", "Purchases", "Purchases Value", "Ad Account ID", "Currency"),
    ]
    rows = _with(_rows(UUIDS, ["ACTIVE", "PAUSED"], "%Y-%m-%d"), [UUIDS[2].upper(), "USD"])
    path.write_text(_lines(_table(header, rows)))


TIKTOK = [
    *("Ad status", "Ad name", "Date", "Ad ID", "Impressions", "Clicks", "Cost", "Conversions"),
    *("Total value", "Ad group ID", "Campaign ID", "Account ID", "Currency", "Campaign status"),
    *("Ad group status", "Campaign name", "Ad group name", "Campaign daily budget"),
]


def _tiktok(path: Path, first: str = "Ad status") -> None:
    """A workbook of numbers, with a total whose name stands in its first column."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    order = [first, *(name for name in TIKTOK if name != first)]
    sheet.append(order)
    for row in _rows(["1800000001", "1800000002"], ["Active", "Paused"], "%m/%d/%Y", ""):
        numbers: list[object] = [int(row[4]), int(row[5]), *map(float, row[6:])]
        ids = ["1810000001", "1820000001", "7000000000000000009", "USD"]
        more = [*ids, "Active", "Active", "Spring", "Everybody", 50]
        cells = dict(zip(TIKTOK, [*row[:4], *numbers, *more], strict=True))
        sheet.append([cells[name] for name in order])
    sums = dict(zip(TIKTOK[4:9], (13579, 321, 1252.49, 6.5, 980.25), strict=True))
    sheet.append(["Total of 4 results", *(sums.get(name, "-") for name in order[1:])])
    book.save(path)


EXPORTS: dict[str, tuple[Callable[[Path], None], str, str]] = {
    "google_ads_ui": (_google, "csv", "9876543210"),
    "google_ads_ui, older": (partial(_google, state="Campaign state"), "csv", "9876543210"),
    "google_ads_ui_de": (_google_de, "csv", "9876543210"),
    "meta_ads_manager": (_meta, "xlsx", "act_10150000000017"),
    "meta_ads_manager_raw": (_meta_raw, "csv", "act_10150000000017"),
    "linkedin_ads": (_linkedin, "csv", "507000009"),
    "microsoft_ads": (_microsoft, "csv", "180000007"),
    "reddit_ads": (_reddit, "csv", "t2_9xyz"),
    "pinterest_ads": (_pinterest, "csv", "549760000001"),
    "snapchat_ads": (_snapchat, "csv", UUIDS[2]),
    "tiktok_ads": (_tiktok, "xlsx", "7000000000000000009"),
}


@pytest.mark.parametrize("name", EXPORTS)
def test_an_export_as_it_comes_lands_whole_under_its_accounts_one_spelling(
    name: str, tmp_path: Path
) -> None:
    draw, ending, account = EXPORTS[name]
    path = tmp_path / f"export.{ending}"
    draw(path)
    mapping = MAPPINGS / f"{name.split(',', maxsplit=1)[0]}.yaml"
    platform = name.split("_ads", maxsplit=1)[0] + "_ads"
    source = open_source(FileSettings(platform=platform, path=path, mapping=mapping), Secrets())
    assert source.account_ids == (account,)
    batch = next(source.pull(account, DAYS))
    rows = batch.rows if isinstance(batch.rows, pa.Table) else batch.rows.read_all()
    summed = {
        column: sum(rows[column].to_pylist())
        for column in ("cost_micros", "impressions", "clicks", "conversions", "conversion_value")
    }
    assert list(summed.values()) == [COST, IMPRESSIONS, CLICKS, CONVERSIONS, VALUE]
    assert (len(rows), batch.window) == (4, DAYS)
    assert set(rows["status"].to_pylist()) <= {"ENABLED", "PAUSED"}


@pytest.mark.parametrize("first", ["Date", "Campaign ID", "Account ID"])
def test_the_total_of_a_tiktok_workbook_is_left_out_wherever_it_is_named(
    first: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "export.xlsx"
    _tiktok(path, first)
    settings = FileSettings(path=path, mapping=MAPPINGS / "tiktok_ads.yaml")
    ads, campaigns = open_source(settings, Secrets()).pull("7000000000000000009", DAYS)
    assert not isinstance(ads.rows, pa.Table)
    assert not isinstance(campaigns.rows, pa.Table)
    assert sum(ads.rows.read_all()["cost_micros"].to_pylist()) == COST
    assert sum(campaigns.rows.read_all()["cost_micros"].to_pylist()) == COST
    assert "left out, as the mapping says: 1 row(s)" in caplog.text


def test_every_ready_mapping_is_drawn_here_or_has_an_export_of_its_own() -> None:
    # tests/e2e/test_real_export.py, test_files_{orders,ga4_report,lists}.py
    elsewhere = {"meta_kag", "shopify_orders", "ga4_report", *LISTS}
    drawn = {name.split(",")[0] for name in EXPORTS}
    assert {path.stem for path in MAPPINGS.glob("*.yaml")} == {*drawn, *elsewhere}
