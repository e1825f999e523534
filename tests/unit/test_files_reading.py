"""An export is read as it was written, whatever wrote it, or refused with what to do."""

import gzip
import io
import re
import tarfile
import zipfile
from contextlib import suppress
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from babel.numbers import format_decimal
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import ConfigError, InputError
from pipelines.sources.files.ids import NotAnId, look_rounded, read_id
from pipelines.sources.files.layout import Layout
from pipelines.sources.files.numerals import NotANumber, Numerals
from pipelines.sources.files.source import load_mapping
from pipelines.yaml_files import read_yaml
from tests.unit.exports import MAPPING, NAMES, ROWS, SPENT, landed, rows, source, spent, text


def zipped(**files: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def tarred(content: str) -> bytes:
    """An archive of the oldest kind, which has no mark."""
    buffer, member = io.BytesIO(), tarfile.TarInfo("export.csv")
    member.size = len(content)
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        archive.addfile(member, io.BytesIO(content.encode()))
    whole = bytearray(buffer.getvalue())
    whole[257:265], whole[148:156] = bytes(8), b" " * 8
    whole[148:156] = b"%06o\0 " % sum(whole[:512])
    return bytes(whole)


def workbook(*sheets: tuple[str, list[list[object]]], hidden: tuple[str, ...] = ()) -> bytes:
    book, buffer = openpyxl.Workbook(), io.BytesIO()
    book.remove(book.active)
    for name, lines in sheets:
        sheet = book.create_sheet(name)
        for line in lines:
            sheet.append(line)
        if name in hidden:
            sheet.sheet_state = "hidden"
    book.save(buffer)
    return buffer.getvalue()


def edited(content: bytes, pattern: str, replacement: str) -> bytes:
    """A workbook with its first worksheet's XML changed."""
    buffer, part = io.BytesIO(), "xl/worksheets/sheet1.xml"
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(buffer, "w") as new:
        for name in old.namelist():
            xml = old.read(name).decode()
            new.writestr(name, re.sub(pattern, replacement, xml) if name == part else xml)
    return buffer.getvalue()


CELLS: list[list[object]] = [
    list(NAMES),
    *([d, int(c), int(i), int(k), float(s), float(n)] for d, c, i, k, s, n in ROWS),
]
TITLED = "Kampagnenbericht\n3. - 4. November 2025\n" + text() + "Gesamt: Konto;;805;21;35.45;1.5\n"
TOTAL = {"column": "Tag", "starts_with": "Gesamt"}


@pytest.mark.parametrize(
    ("content", "keys"),
    [
        (text(), {}),
        (text().encode("utf-8-sig"), {}),
        (text().encode("utf-16"), {"encoding": "utf-16"}),
        (text(delimiter="\t").encode("utf-16-be"), {"encoding": "utf-16-be", "delimiter": "tab"}),
        (text().replace("Tag", "Tag für").encode("cp1252"), {"encoding": "cp1252"}),
        (text().replace("Tag;Kampagnen-ID", "Tag; Kampagnen-ID\u200b\u00a0"), {}),
        (gzip.compress(text().encode()), {}),
        (gzip.compress(text().encode()), {"compression": "gzip"}),
        (zipped(**{"bericht.csv": text(), "__MACOSX/._bericht.csv": "x"}), {}),
        ("sep=;\n" + text(), {"header_row": 2}),
        (TITLED, {"header_row": 3, "leave_out": [TOTAL], "check_total": True}),
        (workbook(("Daten", CELLS)), {}),
        (workbook(("Alt", [["x"]]), ("Daten", CELLS), hidden=("Alt",)), {}),
        (workbook(("Notiz", [["x"]]), ("Daten", CELLS)), {"sheet": "Daten"}),
        (workbook(("Daten", [[], *CELLS])), {"header_row": 2}),
        (edited(workbook(("D", CELLS)), 'ref="A1:F3"', 'ref="A1:B2"'), {}),
        (edited(workbook(("D", CELLS)), 'ref="A1:F3"', 'ref="A1"'), {}),
    ],
    ids=count(),  # a packed file differs from second to second
)
def test_a_file_lands_whole_however_it_was_written(
    tmp_path: Path, content: str | bytes, keys: dict[str, Any]
) -> None:
    day = {"column": "Tag für", "format": "%Y-%m-%d"} if "cp1252" in keys.values() else None
    table = landed(tmp_path / "export", content, **keys, **({"date": day} if day else {}))
    assert (len(table), spent(table)) == (2, SPENT)


BOMB = gzip.compress(b"0;" * 2**24)
PLAIN = text(*[("2025-11-03", "70001", "1", "1", "1", "x" * 2_000)] * 600)
HTML = "<html><table><tr><td>Tag</td></tr></table></html>"


@pytest.mark.parametrize(
    ("content", "keys", "message"),
    [
        (text().encode("utf-16"), {}, "Say encoding: utf-16 in the mapping"),
        (text().encode("utf-16-le"), {}, "Say encoding: utf-16-le in the mapping"),
        (text().replace("Tag", "Tag für").encode("cp1252"), {}, "In encoding: cp1252 .* is 'ü'"),
        (text().replace("Tag", "Tag für"), {"encoding": "latin-1"}, "Say encoding: utf-8"),
        (text(), {"compression": "gzip"}, "is not packed, and the mapping says"),
        (gzip.compress(text().encode())[:-9], {}, "can't be unpacked"),
        (gzip.compress(gzip.compress(b"x")), {}, "holds a packed file"),
        (zipped(a="x", b="y"), {}, "holds 2 files: a, b"),
        (BOMB, {}, "unpacks to more than 100 times .*raise max_unpacked_times"),
        (gzip.compress(b"x" * 2**21), {"max_unpacked_mib": 1}, "raise max_unpacked_mib"),
        (PLAIN + text(ROWS[0])[:-1] + "; Köln", {"encoding": "cp1252"}, "Say encoding: utf-8"),
        (tarred(text()), {}, "is a tar archive"),
        (gzip.compress(tarred(text())), {}, "is a tar archive"),
        (text() + ";;805;21;35.45;1.5\n", {}, "leave_out: .*column: .Tag., empty: true"),
        (HTML, {}, "is a web page"),
        ("\ufeff" + HTML, {}, "is a web page"),
        ('{"rows": []}', {}, "is JSON"),
        ('[\n  {"Tag": 1}]', {}, "is JSON"),
        (b"\x89PNG\r\n\x1a\n" + bytes(64), {}, "is binary"),
        (gzip.compress(bytes(range(256))), {}, "is binary"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 99, {}, r"old Excel workbook \(.xls\)"),
        (b"%PDF-1.7", {}, "is a PDF"),
        ("sep=;\n" + text(), {}, "say header_row: 2 in"),
        (text(), {"delimiter": ","}, 'say delimiter: ";" in'),
        ("Bericht\n" + text(delimiter="\t"), {}, "say header_row: 2 and delimiter: tab in"),
        ("\n\n" + text(), {}, "say header_row: 3 in"),
        (TITLED, {"header_row": 3}, "looks like a total.*column: .Tag., starts_with: .Gesamt."),
        (text() + "Gesamt;;;;99.00;\n", {"leave_out": [TOTAL], "check_total": True}, "add up"),
        (text() + "© 2025\n", {}, "is a note, leave it out"),
        (workbook(("A", CELLS), ("B", CELLS)), {}, "several worksheets with rows: A, B"),
        (workbook(("A", CELLS), ("B", []), hidden=("A",)), {"sheet": "Z"}, r"has A \(hidden\)"),
        (workbook(("A", [[], *CELLS])), {}, "nothing in row 1.*say header_row: 2"),
        (edited(workbook(("A", CELLS)), 'row r="3"', 'row r="2"'), {}, "row 2 after row 2"),
        (edited(workbook(("A", CELLS)), 'row r="3"', 'row r="99999999"'), {}, "row 99999999"),
        (text(*((*r[:4], "", r[5]) for r in ROWS)), {}, "empty_cost: zero"),
        (text(ROWS[0], (*ROWS[1][:4], "--", "0")), {}, "row 3, column Kosten: there is no cost"),
        (text(*((*r[:2], "0", "0", "", "0") for r in ROWS)), {}, "has no cost in any row"),
        (text((*ROWS[0][:4], "1.250", "0")), {}, "'1.250' is a fraction, or thousands"),
        (text((*ROWS[0][:4], "1.234,50", "0")), {}, 'decimal: ",", thousands: "." would read'),
        (text((*ROWS[0][:4], "CHF 4.50", "0")), {}, r'strip: \["CHF"\] would read'),
    ],
    ids=count(),  # a packed file differs from second to second
)
def test_what_a_file_cannot_be_read_by_is_said_with_the_key_that_would(
    tmp_path: Path, content: str | bytes, keys: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError) as caught:
        landed(tmp_path / "export", content, **keys)
    assert re.search(message, str(caught.value), re.DOTALL)


def test_a_cost_that_is_empty_is_0_where_the_mapping_says_so(tmp_path: Path) -> None:
    content = text(*((*r[:4], "", r[5]) for r in ROWS))
    assert spent(landed(tmp_path / "export", content, empty_cost="zero")) == 0


@pytest.mark.parametrize(
    ("cell", "keys"),
    [
        ("1,234.50", {"thousands": ","}),
        ("1.234,50", {"thousands": "."}),
        ("1 234,50", {"decimal": ",", "thousands": " "}),
        ("1\u202f234,50 €", {"decimal": ",", "thousands": "\u00a0", "strip": "€"}),
        ("CHF\u00a01’234.50", {"thousands": "'", "strip": ["€", "CHF"]}),
        ("1234.50%", {"strip": "%"}),
        ("viel", {"read_as": {"viel": 1234.5}}),
    ],
)
def test_an_amount_is_read_by_the_signs_that_the_mapping_names(
    tmp_path: Path, cell: str, keys: dict[str, Any]
) -> None:
    content = text((*ROWS[0][:4], cell, "0"))
    assert spent(landed(tmp_path / "export", content, **keys)) == 1_234_500_000


LOCALES = {"en_US": ".,", "de_DE": ",.", "fr_FR": ",\u202f", "de_CH": ".’", "en_IN": ".,"}


@given(
    st.decimals(0, 10**9, places=2), st.sampled_from(sorted(LOCALES)), st.sampled_from(".,"),
    st.sampled_from(["", ".", ",", " ", "'"]),
)  # fmt: skip
def test_an_amount_of_any_locale_is_read_exactly_or_refused(
    amount: Decimal, locale: str, decimal: Any, thousands: str
) -> None:
    cell = format_decimal(amount, "#,##0.00", locale=locale)
    if locale == "en_IN":
        cell = format_decimal(amount, "#,##,##0.00", locale=locale)
    own = Layout(decimal=LOCALES[locale][0], thousands=LOCALES[locale][1])  # type: ignore[arg-type]
    assert Numerals(own).number(cell) == amount
    if decimal != thousands:
        with suppress(NotANumber):
            assert Numerals(Layout(decimal=decimal, thousands=thousands)).number(cell) == amount


@given(st.integers(1, 10**18))
def test_an_id_comes_back_as_it_was_however_a_spreadsheet_quotes_it(number: int) -> None:
    for cell in (str(number), f' ="{number}"', f"'{number}\t", number):
        assert read_id(cell, "meta_ads", "campaign") == str(number)
    for cell in (f"{number}.0", f"{number}e+1", f"{number:.4E}", number + 0.5):
        with pytest.raises(NotAnId, match="kept all of its digits"):
            read_id(cell, "meta_ads", "campaign")


def test_ids_that_all_end_as_rounding_leaves_them_are_refused(tmp_path: Path) -> None:
    real = [120_210_334_455_667_000 + 7 * i + 1_000_003 * i for i in range(1, 9)]
    assert not look_rounded([str(i) for i in real])
    assert look_rounded([str(i // 1_000 * 1_000) for i in real])
    assert look_rounded([str(int(float(i))) for i in real])
    content = text((ROWS[0][0], "120210334455667000", *ROWS[0][2:]))
    with pytest.raises(InputError, match="kept all of its digits"):
        landed(tmp_path / "export", content)
    assert len(landed(tmp_path / "export", content, rounded_ids="keep")) == 1


def parquet(path: Path, columns: dict[str, pa.Array], *more: tuple[str, pa.Array]) -> Path:
    names, arrays = [*columns, *(n for n, _ in more)], [*columns.values(), *(a for _, a in more)]
    pq.write_table(pa.Table.from_arrays(arrays, names), path)
    return path


def test_a_parquet_file_may_double_columns_but_not_hold_ids_as_floats(tmp_path: Path) -> None:
    columns = {name: pa.array([row[i] for row in ROWS]) for i, name in enumerate(NAMES)} | {
        "Kampagnen-ID": pa.array([70_001, 70_001])
    }
    more = [("Aktion", pa.array(["a", "b"])), ("Aktion", pa.array(["c", "d"]))]
    table = rows(source(parquet(tmp_path / "e", columns, *more)))
    assert (table["Aktion"][0].as_py(), table["Aktion (2)"][0].as_py()) == ("a", "c")
    columns["Kampagnen-ID"] = pa.array([70_001.0, 70_001.0])
    with pytest.raises(InputError, match="Kampagnen-ID as double: an id has not kept all"):
        rows(source(parquet(tmp_path / "e", columns)))


@pytest.mark.parametrize("header_row", [1, "find"])
def test_a_column_may_have_another_name_in_other_versions_of_an_export(
    tmp_path: Path, header_row: int | str
) -> None:
    content = text(names=tuple("Ausgaben" if name == "Kosten" else name for name in NAMES))
    also = {"Kosten": ["Spend", "Ausgaben"], "Klicks": "Impr."}
    table = landed(tmp_path / "e", content, also_called=also, header_row=header_row)
    assert (spent(table), sum(table["clicks"].to_pylist())) == (SPENT, 21)
    with pytest.raises(InputError, match="has no column 'Kosten'"):
        landed(tmp_path / "e", content, also_called={"Kosten": "Spend"}, header_row=header_row)


def test_columns_that_differ_in_capitals_or_from_a_contracts_keep_their_values(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    names = (*NAMES, "Ziel", "ziel", "Ziel", "DATE", "video_views")
    table = landed(tmp_path / "export", text((*ROWS[0], "1", "2", "3", "4", "5"), names=names))
    extra = ("Ziel", "ziel", "Ziel (2)", "file_DATE", "file_video_views")
    assert [table[name][0].as_py() for name in extra] == ["1", "2", "3", "4", "5"]
    assert "column Ziel occurs again" in caplog.text


def test_an_export_without_conversions_says_so_in_its_mapping(tmp_path: Path) -> None:
    columns = MAPPING["columns"] | {"conversions": "absent"}
    table = landed(tmp_path / "export", text(), columns=columns)
    assert table["conversions"].to_pylist() == [0, 0]


def test_an_error_quotes_no_address_out_of_a_cell(tmp_path: Path) -> None:
    for place in range(len(ROWS[0])):
        row = [*ROWS[0]]
        row[place] = "li.wei@example.org"
        with pytest.raises(InputError, match=r"\(e-mail\)") as caught:
            landed(tmp_path / "export", text(tuple(row)))
        assert "li.wei" not in str(caught.value)


def test_of_rounded_ids_those_that_are_whole_are_not_named() -> None:
    for rounded in ("120210334455667000", "120210334455668000"):
        assert look_rounded(["4711", rounded]) == [rounded]
    floats = [str(int(float(120_210_334_455_667_123 + 1_000_003 * i))) for i in range(9)]
    assert look_rounded(["4711", *floats]) == sorted(floats)


def test_a_currency_may_be_in_small_letters(tmp_path: Path) -> None:
    content = text((*ROWS[0], "eur"), (*ROWS[1], "EUR"), names=(*NAMES, "Währung"))
    table = landed(tmp_path / "e", content, currency={"column": "Währung"})
    assert set(table["currency_code"].to_pylist()) == {"EUR"}


@pytest.mark.parametrize("spelling", ["555-000-1111", "5550001111"])
def test_an_account_has_one_spelling(tmp_path: Path, spelling: str) -> None:
    table = landed(tmp_path / "export", text(), account_id={"constant": spelling})
    assert set(table["account_id"].to_pylist()) == {"5550001111"}
    names, line = (*NAMES, "Kunde"), (*ROWS[0], spelling)
    table = landed(tmp_path / "e", text(line, names=names), account_id={"column": "Kunde"})
    assert table["account_id"].to_pylist() == ["5550001111"]


@pytest.mark.parametrize("content", ["a: &a [*a]", "a: &a {b: {c: *a}}", "[" * 5_000], ids=count())
def test_yaml_that_holds_itself_or_is_nested_without_end_is_refused_in_words(
    tmp_path: Path, content: str
) -> None:
    path = tmp_path / "mapping.yaml"
    path.write_text(content)
    with pytest.raises(ConfigError, match=r"alias of|nested too deep"):
        load_mapping(path)
    path.write_text("a: &a [1]\nb: *a")
    assert read_yaml(path)[0] == {"a": [1], "b": [1]}
