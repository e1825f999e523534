"""DuckDB's own duties: the shared file, and statements it has to refuse by name."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest

from pipelines.contracts import load_contract
from pipelines.errors import StatementError, WarehouseLocked
from pipelines.warehouse import Statement, duckdb_turns
from pipelines.warehouse import transpile as transpiling
from pipelines.warehouse.duckdb import DuckDBWarehouse
from pipelines.warehouse.duckdb_turns import OpenFile
from pipelines.warehouse.googlesql import inline, script
from pipelines.warehouse.transpile import transpile

ORDERS = load_contract("raw.orders")
_HOLD = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""
_WRITES = """
import sys
from pathlib import Path
from pipelines.warehouse.duckdb import DuckDBWarehouse
with DuckDBWarehouse(Path(sys.argv[1])).unit():
    pass
"""


@contextmanager
def _held_by_another_process(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process has the file open for writing; it lets go when its input is closed."""
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "held\n"
            yield holder
        finally:
            holder.kill()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "test.duckdb"
    DuckDBWarehouse(found).create_tables([ORDERS])
    return found


def test_a_held_file_is_waited_for_and_then_its_holder_is_named(path: Path) -> None:
    with _held_by_another_process(path) as holder:
        started = time.monotonic()
        with pytest.raises(WarehouseLocked, match=rf"process {holder.pid} .*python") as caught:
            DuckDBWarehouse(path, lock_timeout_seconds=1).query("SELECT 1 AS x")
        assert 1 <= time.monotonic() - started < 5
    assert caught.value.exit_code == 3
    assert "the file is unchanged" in str(caught.value)


def test_threads_that_wait_share_an_opening_and_leave_nothing_open(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[bool] = []
    original = DuckDBWarehouse._open

    def counted(self: DuckDBWarehouse, read_only: bool) -> OpenFile:
        opened.append(read_only)
        return original(self, read_only)

    monkeypatch.setattr(DuckDBWarehouse, "_open", counted)
    monkeypatch.setattr(duckdb_turns, "_LONGEST_OPEN_SECONDS", 60)
    with ThreadPoolExecutor(8) as threads:
        with DuckDBWarehouse(path).unit():
            jobs = [threads.submit(DuckDBWarehouse(path).query, "SELECT 1 AS x") for _ in range(8)]
            while len(duckdb_turns._waiting) < 8:
                time.sleep(0.01)
        assert [job.result()["x"].to_pylist() for job in jobs] == [[1]] * 8
    assert opened == [False]
    assert duckdb_turns._left == []
    with _held_by_another_process(path):
        pass


def test_threads_that_never_stop_let_another_process_have_its_turn(path: Path) -> None:
    stop = threading.Event()

    def busy() -> None:
        while not stop.is_set():
            DuckDBWarehouse(path).query("SELECT 1 AS x")
            with DuckDBWarehouse(path).unit():
                time.sleep(0.02)

    with ThreadPoolExecutor(4) as threads:
        jobs = [threads.submit(busy) for _ in range(4)]
        try:
            write = [sys.executable, "-c", _WRITES, str(path)]
            said = subprocess.run(write, check=False, capture_output=True, text=True)
        finally:
            stop.set()
        for job in jobs:
            job.result()
    assert (said.returncode, said.stderr) == (0, "")


def test_a_statement_is_translated_once_whatever_its_stage_is_called() -> None:
    first = transpile("INSERT INTO raw.orders SELECT * FROM landing_stage.raw__orders__a1")
    before = transpiling._parsed.cache_info().misses
    again = transpile("INSERT INTO raw.orders SELECT * FROM landing_stage.raw__orders__b2")
    assert transpiling._parsed.cache_info().misses == before
    assert again == first.replace("raw__orders__a1", "raw__orders__b2")
    assert "landing_stage.raw__orders__b2" in again


def test_a_file_that_is_let_go_in_time_is_read(path: Path) -> None:
    with _held_by_another_process(path) as holder:
        assert holder.stdin is not None
        holder.stdin.close()
        found = DuckDBWarehouse(path, lock_timeout_seconds=20).query("SELECT 1 AS x")
    assert found["x"].to_pylist() == [1]


def test_a_file_that_is_no_warehouse_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "locked.duckdb"
    path.write_text("this is not a database, and its name says locked" * 100)
    with pytest.raises(StatementError, match=re.escape(str(path))):
        DuckDBWarehouse(path).query("SELECT 1 AS x")


def test_a_query_makes_no_file(tmp_path: Path) -> None:
    path = tmp_path / "none" / "missing.duckdb"
    with pytest.raises(StatementError, match="no warehouse"):
        DuckDBWarehouse(path).query("SELECT 1 AS x")
    assert not path.parent.exists()


def test_a_statement_that_cannot_be_transpiled_is_named(path: Path) -> None:
    with pytest.raises(StatementError, match=r"line 1, column \d+(.|\n)*SELECT FROM WHERE"):
        DuckDBWarehouse(path).query("SELECT FROM WHERE")


@pytest.mark.parametrize("sql", ["", "  ", "-- nothing"])
def test_an_empty_statement_is_refused(path: Path, sql: str) -> None:
    with pytest.raises(StatementError, match="none were given"):
        DuckDBWarehouse(path).query(sql)


def test_a_second_statement_is_refused(path: Path) -> None:
    with pytest.raises(StatementError, match="2 were given"):
        DuckDBWarehouse(path).query("SELECT 1 AS x; DROP TABLE raw.orders")


def test_a_mart_that_is_not_built_yet_is_named_with_what_builds_it(path: Path) -> None:
    warehouse = DuckDBWarehouse(path)
    for made in (False, True):
        if made:
            warehouse.transaction([Statement("CREATE SCHEMA marts")], label="test")
        with pytest.raises(StatementError) as refused:
            warehouse.query("SELECT COUNT(*) AS n FROM marts.daily AS d WHERE d.spend > 0")
        assert refused.value.message == "There is no table marts.daily."
        assert "adcanary build" in str(refused.value.fix)


def test_a_refused_statement_is_shown_in_both_dialects(path: Path) -> None:
    with pytest.raises(StatementError, match=r"SAFE_CAST\(nobody(.|\n)*TRY_CAST\(nobody"):
        DuckDBWarehouse(path).query("SELECT SAFE_CAST(nobody AS INT64) AS x FROM raw.orders")


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("DATE_TRUNC(DATE '2025-01-08', ISOWEEK)", date(2025, 1, 6)),
        ("DATE_ADD(DATE_TRUNC(DATE '2025-01-08', MONTH), INTERVAL 1 DAY)", date(2025, 1, 2)),
        ("EXTRACT(DAYOFWEEK FROM DATE '2025-01-05')", 1),
        ("EXTRACT(DAYOFWEEK FROM DATE '2025-01-04')", 7),
        ("1.5", 1.5),
        ("3 * 0.1", 3 * 0.1),
        ("LEAST(1, NULL)", None),
    ],
)
def test_googlesql_keeps_its_meaning(path: Path, sql: str, expected: object) -> None:
    assert DuckDBWarehouse(path).query(f"SELECT {sql} AS x")["x"].to_pylist() == [expected]


def test_transpiling_leaves_parameters_in_strings_and_comments_alone() -> None:
    sql = "SELECT '@a' AS x, @a AS y, @@row_count AS z -- @a"
    assert inline(sql, {"a": 1}) == "SELECT '@a' AS x, 1 AS y, @@row_count AS z -- @a"
    assert "$a" in transpile("SELECT @a AS y")


def test_a_parameter_without_a_value_is_named() -> None:
    with pytest.raises(StatementError, match="@missing"):
        script([Statement("DELETE FROM raw.orders WHERE order_id = @missing")])


def test_rows_that_cannot_be_counted_are_refused() -> None:
    merge = "MERGE raw.orders AS t USING raw.orders AS s ON FALSE WHEN MATCHED THEN DELETE"
    with pytest.raises(StatementError, match="can't be counted"):
        script([Statement(merge, expect_rows=1)])
