"""Ads exports land as their mapping says; what can't be used is named by row and column."""

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from pipelines.contracts import load_contract
from pipelines.errors import ConfigError, InputError, SourceRejected
from pipelines.sandbox.market.market import Market
from pipelines.sandbox.platforms.tiktok_ads.export import write_report
from pipelines.sources.base import Batch, Window
from pipelines.sources.files.ads.source import AdsFile
from tests.unit.exports import ads_file

ROOT = Path(__file__).parents[2]
MAPPINGS = ROOT / "infra" / "mappings"
KAG = ROOT.parent / "shared" / "data" / "meta_ads_kag.csv"
EVER = Window(date(2020, 1, 1), date(2027, 1, 1))
HEADER = "Date,ad_id,xyz_campaign_id,fb_campaign_id,Impressions,Clicks,Spent,Approved_Conversion\n"
Open = Callable[..., AdsFile]


@pytest.fixture
def kag(tmp_path: Path) -> Open:
    """A source over some text, with the shipped mapping; keywords replace lines of it."""

    def open_(text: str, **lines: str) -> AdsFile:
        path, mapping = tmp_path / "export.csv", tmp_path / "mapping.yaml"
        path.write_text(text)
        shipped = (MAPPINGS / "meta_kag.yaml").read_text().splitlines()
        for key, value in lines.items():
            found = [i for i, line in enumerate(shipped) if line.strip().startswith(f"{key}:")]
            indent = len(shipped[found[0]]) - len(shipped[found[0]].lstrip()) if found else 0
            for i in found[:1]:
                del shipped[i]
            at = found[0] if found else len(shipped)
            if value:
                shipped.insert(at, f"{' ' * indent}{key}: {value}")
        mapping.write_text("\n".join(shipped))
        return ads_file("meta", path, mapping)

    return open_


def _rows(batch: Batch) -> pa.Table:
    """What a batch's stream gives."""
    return batch.rows if isinstance(batch.rows, pa.Table) else batch.rows.read_all()


def _conform(batch: Batch) -> pa.Table:
    """A batch's rows, in exactly the columns and types of its contract."""
    schema = load_contract(batch.table).arrow_schema
    rows = _rows(batch)
    absent = {f.name for f in schema if f.nullable and f.name not in rows.column_names}
    wanted = pa.schema([f for f in schema if f.name not in absent | {"_run_id"}])
    assert set(rows.column_names) - set(wanted.names) <= {"interest", "Total_Conversion"}
    selected = rows.select(wanted.names)
    assert selected.schema.types == wanted.types
    return selected.cast(wanted)


def _row(day: str = "31-08-2023", ad: int = 1, spent: str = "1.25", clicks: str = "2") -> str:
    return f"{day},{ad},916,103916,100,{clicks},{spent},1\n"


def test_a_tiktok_export_lands_to_the_micro(tmp_path: Path) -> None:
    market, today = Market(), date(2026, 7, 1)
    path = tmp_path / "tiktok.csv"
    write_report(market, path, today)
    source = ads_file("tiktok", path, MAPPINGS / "tiktok_ads.yaml")
    account = source.account("7001002003")
    assert (account.currency_code, account.time_zone) == ("USD", "America/Los_Angeles")
    ads, campaigns = (_conform(b) for b in source.pull("7001002003", EVER))
    truth = market.campaign_days("7001002003", market.start, market.end, today)
    for column in ("date", "campaign_id", "impressions", "cost_micros", "conversions"):
        assert campaigns[column].to_pylist() == truth[column].to_pylist()
    assert len(ads) == len(market.ad_days("7001002003", market.start, market.end, today))
    entities, budgets = source.snapshot("7001002003", today)
    assert _conform(entities)["entity_type"].value_counts().to_pylist() == [
        {"values": "campaign", "counts": 2},
        {"values": "adgroup", "counts": 4},
        {"values": "ad", "counts": 10},
    ]
    assert entities.table == "raw.ads_entities"
    assert _conform(budgets)["daily_budget_micros"].to_pylist() == [130_000_000, 70_000_000]
    assert set(budgets.rows["effective_from"].to_pylist()) == {date(2026, 6, 30)}


@pytest.mark.data
@pytest.mark.skipif(not KAG.exists(), reason=f"no {KAG}")
def test_the_real_facebook_export_lands_whole() -> None:
    source = ads_file("meta", KAG, MAPPINGS / "meta_kag.yaml")
    assert source.account_ids == ("act_1",)
    assert source.span == Window(date(2023, 8, 1), date(2023, 8, 31))
    ads, campaigns = (_conform(b) for b in source.pull("act_1", EVER))
    assert len(ads) == 1_143
    assert set(campaigns["campaign_id"].to_pylist()) == {"916", "936", "1178"}
    spent = sum(campaigns["cost_micros"].to_pylist())
    assert spent == sum(ads["cost_micros"].to_pylist())
    assert spent / 1e6 == pytest.approx(58_705.23, abs=0.01)
    assert sum(ads["conversions"].to_pylist()) == 1_079
    assert set(ads["conversion_value"].to_pylist()) == {0.0}
    first = _rows(next(source.pull("act_1", EVER))).to_pylist()[0]
    assert (first["interest"], first["Total_Conversion"]) == ("15", "2")
    assert not {"age", "gender"} & set(first)
    assert list(source.snapshot("act_1", date(2023, 9, 1))) == []


def test_a_bad_date_is_named_by_its_spreadsheet_row(kag: Open) -> None:
    rows = [_row(ad=i) for i in range(2, 4_711)] + [_row("2023-08-31", ad=1)]
    source = kag(HEADER + "".join(rows))
    ads, campaigns = source.pull("act_1", EVER)
    (one,) = ads.unreadable
    assert (one.place, one.why) == (
        *("export.csv row 4711", "column Date is not a day as %d-%m-%Y"),
    )
    assert len(_rows(ads)) == 4_709
    assert campaigns.note == "in no sum are rows that can't be read: 1"


def test_blank_lines_count_as_rows_and_only_five_problems_are_shown(kag: Open) -> None:
    bad = "".join(_row(ad=i, spent="1;2") for i in range(1, 8))
    with pytest.raises(InputError) as caught:
        list(kag(HEADER + _row(ad=99) + "\n" + bad + "31-08-2023,5\n").pull("act_1", EVER))
    lines = caught.value.message.splitlines()
    assert "row 4, column Spent: '1;2' is not an amount" in lines[0]
    assert len(lines) == 6
    assert lines[-1] == "8 bad cells or rows in all."


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (_row(clicks="2.5"), "column Clicks: '2.5' is not a whole number"),
        (_row(spent="(3)"), "column Spent: '(3)' is not an amount"),
        (_row(spent="nan"), "column Spent: 'nan' is not an amount"),
        (_row(day=""), "column Date: '' means nothing"),
        ("31-08-2023,5\n", "row 2: 2 cells, the header has 8"),
        (_row() + _row(), "row 3: date 2023-08-31, campaign_id 916, adgroup_id 103916, ad_id 1"),
    ],
)
def test_a_cell_or_row_that_cannot_be_used_is_refused(kag: Open, row: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        list(kag(HEADER + row).pull("act_1", EVER))
    assert message in caught.value.message


def test_a_missing_column_is_named_with_the_columns_there_are(kag: Open) -> None:
    with pytest.raises(InputError) as caught:
        kag(HEADER.replace("Spent", "Amount spent") + _row()).account("act_1")
    assert "has no column 'Spent' (is it 'Amount spent'?)" in caught.value.message
    assert "xyz_campaign_id" in caught.value.message


@pytest.mark.parametrize(("text", "message"), [("", "is empty"), (HEADER, "no rows")])
def test_an_empty_file_is_refused(kag: Open, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        kag(text).account("act_1")


def test_duplicates_are_summed_where_the_mapping_says_so(kag: Open) -> None:
    text = HEADER + _row(spent="0.1") + _row(spent="0.2")
    for batch in kag(text, duplicate_rows="sum").pull("act_1", EVER):
        assert _rows(batch)["cost_micros"].to_pylist() == [300_000]


def test_campaign_rows_need_the_statement_that_the_file_is_complete(kag: Open) -> None:
    source = kag(HEADER + _row(), campaign_totals="")
    assert source.tables == ("raw.ads_ad_performance",)
    assert [b.table for b in source.pull("act_1", EVER)] == ["raw.ads_ad_performance"]


def test_a_batch_replaces_no_day_that_the_file_does_not_reach(kag: Open) -> None:
    source = kag(HEADER + _row("05-08-2023") + _row("09-08-2023", ad=2))
    (ads, _) = source.pull("act_1", Window(date(2023, 8, 6), date(2023, 8, 31)))
    assert ads.window == Window(date(2023, 8, 6), date(2023, 8, 9))
    assert _rows(ads)["ad_id"].to_pylist() == ["2"]
    assert list(source.pull("act_1", Window(date(2023, 8, 10), date(2023, 8, 31)))) == []


def test_an_unknown_account_is_refused_naming_those_there_are(kag: Open) -> None:
    with pytest.raises(SourceRejected, match="has no account other; it has act_1"):
        kag(HEADER + _row()).account("other")


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ({"atribution_window": "7d"}, "did you mean 'attribution_window'?"),
        ({"time_zone": "Nowhere"}, "not an IANA time zone"),
        ({"impressions": ""}, "missing key 'columns.impressions'"),
        ({"ad": "{constant: LIVE}"}, "ENABLED, PAUSED or REMOVED"),
        ({"platform": "reddit_ads"}, "is a mapping for reddit_ads, not meta"),
    ],
)
def test_a_wrong_mapping_is_refused_in_words(
    kag: Open, lines: dict[str, str], message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        kag(HEADER + _row(), **lines)
    assert message in caught.value.message


def _workbook(text: str, path: Path) -> None:
    """The export of some CSV text as a spreadsheet program saves it: days and numbers as such."""
    header, *rows = (line.split(",") for line in text.splitlines())
    workbook = openpyxl.Workbook()
    workbook.active.append(header)
    for day, *cells in rows:
        numbers = [float(c) if "." in c else int(c) for c in cells]
        workbook.active.append([datetime.strptime(day, "%d-%m-%Y"), *numbers])
    workbook.save(path)


def _parquet(text: str, path: Path) -> None:
    table = pyarrow.csv.read_csv(pa.BufferReader(text.encode()))
    days = [datetime.strptime(day, "%d-%m-%Y").date() for day in table["Date"].to_pylist()]
    table = table.set_column(0, "Date", pa.array(days, pa.date32()))
    spent = table["Spent"].cast(pa.decimal128(12, 2))
    pq.write_table(table.set_column(table.column_names.index("Spent"), "Spent", spent), path)


@pytest.mark.parametrize("save", [_workbook, _parquet], ids=["xlsx", "parquet"])
def test_a_workbook_and_a_parquet_file_land_as_the_csv_does(
    kag: Open, tmp_path: Path, save: Callable[[str, Path], None]
) -> None:
    text = HEADER + _row(spent="0.10") + _row("05-08-2023", ad=2, spent="1234.07", clicks="9")
    path = tmp_path / f"export.{'xlsx' if save is _workbook else 'parquet'}"
    save(text, path)
    source = kag(text)
    other = AdsFile(path, source.mapping)
    for batch, expected in zip(other.pull("act_1", EVER), source.pull("act_1", EVER), strict=True):
        assert batch.window == expected.window
        assert _rows(batch).equals(_rows(expected))
    # thousands separators are for texts: 1.25 in a cell that is a number stays 1.25
    german = kag(text, thousands='"."', delimiter='";"')
    other = AdsFile(path, german.mapping)
    assert sum(_rows(next(other.pull("act_1", EVER)))["cost_micros"].to_pylist()) == 1_234_170_000


@pytest.mark.parametrize("save", [_workbook, _parquet], ids=["xlsx", "parquet"])
def test_a_file_that_was_cut_off_is_named(
    kag: Open, tmp_path: Path, save: Callable[[str, Path], None]
) -> None:
    path = tmp_path / f"cut.{'xlsx' if save is _workbook else 'parquet'}"
    save(HEADER + _row(), path)
    path.write_bytes(path.read_bytes()[:-300])
    source = AdsFile(path, kag(HEADER).mapping)
    with pytest.raises(InputError, match=r"cut\.\w+ is not a whole"):
        source.account("act_1")


def test_what_a_workbook_cannot_say_for_certain_is_refused(kag: Open, tmp_path: Path) -> None:
    path = tmp_path / "export.xlsx"
    _workbook(HEADER + _row(), path)
    workbook = openpyxl.load_workbook(path)
    workbook.active.append([datetime(2023, 8, 31, 14), 120_210_100_101_234_567, 916, 1, 1, 1, 1, 1])
    workbook.active.append([datetime(2023, 8, 31), 3, 916, 1, True, 1, "=G2+1", 1])
    workbook.save(path)
    source = AdsFile(path, kag(HEADER).mapping)
    with pytest.raises(InputError) as caught:
        source.account("act_1")
    assert caught.value.message.splitlines() == [
        f"{path} row 3, column Date: '2023-08-31 14:00:00' is not a day as %d-%m-%Y",
        # Excel keeps 15 digits of a number: this is another ad
        f"{path} row 3, column ad_id: '1.202101001012346e+17' has not kept all of its digits: a "
        "spreadsheet took it for a number",
        f"{path} row 4, column Impressions: 'True' is not a whole number",
        # the program that wrote it saved no value with the formula
        f"{path} row 4, column Spent: '=G2+1' is not an amount (a formula without a result: "
        "correct it, or put its value in its place)",
        "4 bad cells or rows in all.",
    ]


def test_a_column_that_the_mapping_does_not_name_is_drift_in_the_files_own_level(
    kag: Open, caplog: pytest.LogCaptureFixture
) -> None:
    header = HEADER.rstrip() + ",Placement,status,Contact e-mail\n"
    source = kag(header + _row().rstrip() + ",feed,live,joe@example.org\n")
    ads, campaigns = (_rows(batch) for batch in source.pull("act_1", EVER))
    assert ads["Placement"].to_pylist() == ["feed"]
    assert (ads["status"].to_pylist(), ads["file_status"].to_pylist()) == (["ENABLED"], ["live"])
    assert "Contact e-mail" not in ads.column_names
    assert "not taken: Contact e-mail" in caplog.text
    assert "Placement" not in campaigns.column_names
    (summed, _) = kag(header + _row().rstrip() + ",-,,\n", duplicate_rows="sum").pull("act_1", EVER)
    assert "Placement" not in _rows(summed).column_names


def test_two_currencies_on_one_day_of_an_account_are_refused_by_name(kag: Open) -> None:
    header = HEADER.rstrip() + ",Currency\n"
    rows = [_row(ad=i).rstrip() + f",{c}\n" for i, c in enumerate(("USD", "EUR", "USD"), start=1)]
    source = kag(header + "".join(rows), currency="{column: Currency}")
    with pytest.raises(InputError) as caught:
        source.account("act_1")
    assert "account act_1 has several currencies on 2023-08-31: EUR, USD." in caught.value.message
    other_day = _row("30-08-2023", ad=9).rstrip() + ",EUR\n"
    kag(header + rows[0] + other_day, currency="{column: Currency}").account("act_1")


def test_a_campaign_without_a_budget_has_no_budget_row_and_dash_means_nothing(kag: Open) -> None:
    header = HEADER.rstrip() + ",Budget\n"
    row = _row(clicks="-").rstrip()
    cells = [row + ",5.00\n", _row("01-08-2023", ad=2).rstrip().replace("916", "7", 1) + ",-\n"]
    source = kag(header + "".join(cells), daily_budget="Budget")
    (budgets,) = source.snapshot("act_1", date(2023, 9, 1))
    assert _rows(budgets)["campaign_id"].to_pylist() == ["916"]
    assert _rows(budgets)["daily_budget_micros"].to_pylist() == [5_000_000]
    ads = _rows(next(source.pull("act_1", EVER)))
    assert sorted(ads["clicks"].to_pylist()) == [0, 2]
    # the last row decides: a budget that was taken away is none
    later = _row("31-08-2023", ad=3).rstrip() + ",\n"
    (budgets,) = kag(header + cells[0] + later, daily_budget="Budget").snapshot("act_1", EVER.end)
    assert len(_rows(budgets)) == 0


@pytest.mark.parametrize(
    ("budget_id", "ids"),
    [
        ("Budget ID", {"916": "88", "7": "88", "8": None}),
        ("{constant: autumn}", dict.fromkeys(("916", "7", "8"), "autumn")),
    ],
)
def test_a_budget_that_campaigns_share_is_known_by_its_id(
    kag: Open, budget_id: str, ids: dict[str, str | None]
) -> None:
    header = HEADER.rstrip() + ",Budget,Budget ID\n"
    other = _row("01-08-2023", ad=2).rstrip().replace("916", "7", 1)
    rows = [_row().rstrip() + ",5.00,88\n", other + ",5.00,88\n"]
    rows.append(_row("01-08-2023", ad=3).rstrip().replace("916", "8", 1) + ",2.00,-\n")
    source = kag(header + "".join(rows), daily_budget="Budget", budget_id=budget_id)
    (budgets,) = source.snapshot("act_1", date(2023, 9, 1))
    columns = (_rows(budgets)[c].to_pylist() for c in ("campaign_id", "budget_id"))
    assert dict(zip(*columns, strict=True)) == ids


def test_a_file_of_several_chunks_is_streamed(kag: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.sources.files.header.CHUNK_ROWS", 7)
    text = HEADER + "".join(_row(ad=i, spent="0.01") for i in range(1, 51))
    ads, campaigns = kag(text).pull("act_1", EVER)
    assert isinstance(ads.rows, pa.RecordBatchReader)
    assert len(_rows(ads)) == 50
    assert _rows(campaigns)["cost_micros"].to_pylist() == [500_000]
    with pytest.raises(InputError, match=r"row 52: .* ad_id 3 was in row 4 already"):
        kag(text + _row(ad=3)).account("act_1")
