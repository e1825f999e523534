"""Files that people bring to ``adcanary evaluate``: read as they are written, or refused."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from pipelines.errors import InputError
from pipelines.evaluate.csv_file import line_of, numbers_of, read_cells


def test_cells_are_texts_and_names_are_stripped(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text('\ufeffa, b\n007,""\n\n1e5," x\ny"\n')
    assert read_cells(path, "k").to_pylist() == [{"a": "007", "b": ""}, {"a": "1e5", "b": " x\ny"}]


def test_a_file_without_a_header_loses_no_row(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("1,2\n3,4\n")
    rows = read_cells(path, "k", has_header=False).to_pylist()
    assert rows == [{"f0": "1", "f1": "2"}, {"f0": "3", "f1": "4"}]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a,b\n1,2\n3\n", "Expected 2 columns, got 1"),
        ("a,b\n1,2,3\n", "Expected 2 columns, got 3"),
        ("a,b,a\n1,2,3\n", "has the column a twice"),
        ("a,,\n1,2,3\n", "has 2 columns without a name"),
        ("a;b\n1;2\n", "separates its columns by semicolons"),
        ("a\tb\n1\t2\n", "separates its columns by tabs"),
        ("", "can't be read as CSV: it is empty"),
        ("a,b", "it is empty, or a header and nothing else"),
        ('a,b\n1,"x\n2,y\n', "line 2: a quote is opened and never closed"),
        ('a,b\n\n1,"x""\n2,y\n3,z', "line 3: a quote is opened and never closed"),
    ],
)
def test_what_is_no_table_is_refused_with_why(text: str, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=reason):
        read_cells(path, "nothing was read.")


def test_another_encoding_an_archive_a_folder_and_no_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("a\né\n", encoding="latin-1")
    (tmp_path / "rows.csv.gz").write_bytes(gzip.compress(b"a,b\n1,2\n"))
    for name in ("rows.csv", "rows.csv.gz", "."):
        with pytest.raises(InputError, match="can't be read as CSV"):
            read_cells(tmp_path / name, "nothing was read.")
    (tmp_path / "wide.csv").write_text("a,b\n1,2\n", encoding="utf-16")
    with pytest.raises(InputError, match=r"it is in UTF-16\."):
        read_cells(tmp_path / "wide.csv", "nothing was read.")
    with pytest.raises(InputError, match="does not exist"):
        read_cells(tmp_path / "no.csv", "nothing was read.")


def test_a_table_that_is_named_like_an_archive_is_read(tmp_path: Path) -> None:
    path = tmp_path / "rows.zip"
    path.write_text("a\n1\n")
    assert read_cells(path, "k").to_pylist() == [{"a": "1"}]


def test_a_line_is_counted_as_an_editor_does(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(b'a,b\n\n1,"x\ny"\r\n\n\n2,3\r4,5\n')
    assert [line_of(path, record) for record in (1, 2, 3, 4)] == [1, 3, 7, 8]
    path.write_bytes(b"a,b\n\n1,2\n\n3\n")
    with pytest.raises(InputError, match="line 5: Expected 2 columns, got 1: '3'"):
        read_cells(path, "k")


def test_only_plain_numbers_are_numbers() -> None:
    cells = ["1_000", "1,000", "inf", "nan", "１", "٣", "0x10", "1e", "1e309", "+-1", "", "1d"]
    assert np.isnan(numbers_of(pa.array(cells))).all()
    assert numbers_of(pa.array([" 2 ", "+1", ".5", "1.", "-1e5"])).tolist() == [2, 1, 0.5, 1, -1e5]


def test_a_cell_of_a_megabyte_is_read(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("a,b\n1," + "x" * 3_000_000 + "\n")
    assert len(read_cells(path, "k")["b"][0].as_py()) == 3_000_000
