"""Fault 14: the disk is full, or a file was cut short; nothing is half published."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.conftest import Children, contents
from tests.faults.warm_child import open_warehouse

OF_SEVERAL_BATCHES = {"raw.load_heads", "raw.load_ledger"}


@pytest.mark.parametrize("file_bytes", [1, 4_000, 12_000])
def test_a_full_disk_is_an_error_with_a_name_and_no_batch_is_half_published(
    children: Children, export: Path, tmp_path: Path, file_bytes: int
) -> None:
    clean, target = ({"path": str(tmp_path / name)} for name in ("clean.duckdb", "w.duckdb"))
    assert children.run(clean, export) == 0
    expected = contents(open_warehouse(clean))
    assert children.run(target, export, file_bytes=file_bytes) == 1
    said = children.log.read_text()
    assert "StatementError" in said
    assert "Kept: " in said
    for table, rows in contents(open_warehouse(target)).items():
        assert table in OF_SEVERAL_BATCHES or rows in ([], expected[table])
    assert children.run(target, export) == 0
    assert contents(open_warehouse(target)) == expected


def test_a_file_that_was_cut_short_is_refused_and_keeps_what_was_published(
    children: Children, export: Path, tmp_path: Path
) -> None:
    target = {"path": str(tmp_path / "w.duckdb")}
    assert children.run(target, export) == 0
    before = contents(open_warehouse(target))
    export.write_bytes(export.read_bytes()[:-25])
    assert children.run(target, export) == 1
    assert "InputError" in children.log.read_text()
    assert contents(open_warehouse(target)) == before
