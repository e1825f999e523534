"""The DuckDB file outlives whatever stops its writer: replaced whole, never written in place."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.errors import StatementError, WarehouseLocked
from pipelines.warehouse import Statement, duckdb_file
from pipelines.warehouse.duckdb import DuckDBWarehouse
from pipelines.warehouse.duckdb_file import fold, held_still, log_bytes, log_of, working_folder

pytestmark = pytest.mark.slow

TABLE = "raw.words"
COUNT = f"SELECT COUNT(*) AS n FROM {TABLE}"
FILL = f"""
CREATE SCHEMA IF NOT EXISTS raw;
CREATE TABLE IF NOT EXISTS {TABLE} (id BIGINT, word VARCHAR);
INSERT INTO {TABLE} SELECT range, hash(range)::VARCHAR FROM range(?);
"""


def write(path: Path, rows: int) -> None:
    """Append rows as landing does, without the turn in which a long log is moved."""
    with duckdb.connect(str(path), config=duckdb_file.NO_CHECKPOINT) as connection:
        connection.execute("PRAGMA disable_checkpoint_on_shutdown")
        connection.execute(FILL, [rows])


def count(path: Path) -> int:
    return int(DuckDBWarehouse(path).query(COUNT)["n"][0].as_py())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with 1,000 rows, and 500 more in its log."""
    made = tmp_path / "w.duckdb"
    duckdb_file.create(made)
    write(made, 1000)
    assert fold(made)
    write(made, 500)
    return made


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """As on a disk with so little room."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_the_log_is_moved_and_the_file_is_another_one(path: Path) -> None:
    inode = path.stat().st_ino
    assert fold(path)
    assert path.stat().st_ino != inode
    assert [p.name for p in path.parent.iterdir()] == ["w.duckdb"]
    assert count(path) == 1500
    assert not fold(path), "there is nothing to move"


def test_the_file_keeps_its_permissions_and_a_link_to_it(path: Path, tmp_path: Path) -> None:
    path.chmod(0o640)
    link = tmp_path / "elsewhere" / "w.duckdb"
    link.parent.mkdir()
    link.symlink_to(path)
    log_of(path).rename(log_of(link))  # DuckDB looks for the log beside the name it is given
    assert fold(link)
    assert link.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o640
    assert count(path) == 1500


def _dying(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """The calls that change the disk: the one of that number never comes to be."""
    calls = iter(range(1000))

    def dying(call: Any) -> Any:
        def wrapper(*given: Any, **named: Any) -> Any:
            if next(calls) == step:
                raise KeyboardInterrupt
            return call(*given, **named)

        return wrapper

    for module, names in {
        os: ("replace", "unlink", "fsync", "mkdir"),
        shutil: ("move", "copyfileobj", "copyfile"),
    }.items():
        for name in names:
            monkeypatch.setattr(module, name, dying(getattr(module, name)))
    # what a killed process leaves: nothing tidies up
    monkeypatch.setattr(duckdb_file, "remove_folder", lambda folder: None)


def test_wherever_it_stops_the_file_and_its_log_hold_the_same(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for step in range(100):
        again = tmp_path / str(step) / path.name
        again.parent.mkdir()
        for suffix in ("", ".wal"):
            shutil.copy(log_of(path, suffix), log_of(again, suffix))
        with monkeypatch.context() as patched:
            _dying(patched, step)
            try:
                ended = fold(again)
            except KeyboardInterrupt:
                ended = False
        with duckdb.connect(str(again), read_only=True) as connection:  # any DuckDB's reader
            assert connection.execute(COUNT).fetchone() == (1500,)
        write(again, 7)
        assert count(again) == 1507
        fold(again)
        assert count(again) == 1507
        assert [p.name for p in again.parent.iterdir()] == ["w.duckdb"]
        if ended:
            break
    assert 9 < step < 100


def test_a_log_that_was_moved_is_void_beside_the_copy_and_counts_beside_the_file(
    path: Path, tmp_path: Path
) -> None:
    """The mark is DuckDB's own; without it, DuckDB 1.5 reads the rows a second time."""
    old = tmp_path / "old"
    old.mkdir()
    with held_still(path, 0) as descriptor:
        duckdb_file.copy_database(path, descriptor, old / "w.duckdb")
    copy = tmp_path / "copy" / "w.duckdb"
    copy.parent.mkdir()
    with held_still(path, 0) as descriptor:
        duckdb_file.copy_database(path, descriptor, copy)
    duckdb_file.checkpoint(copy)
    for beside in (copy, old / "w.duckdb"):
        shutil.copy(log_of(copy, ".wal.moved"), log_of(beside))
        for _ in range(2):
            assert count(beside) == 1500
        write(beside, 1)
        assert count(beside) == 1501


def test_nobody_writes_while_the_file_is_held_and_readers_go_on(path: Path) -> None:
    command = "import duckdb, sys; duckdb.connect(sys.argv[1], read_only=sys.argv[2] == 'reader')"
    with held_still(path, 0):
        for who, status in (("reader", 0), ("writer", 1)):
            done = subprocess.run(
                [sys.executable, "-c", command, path, who], capture_output=True, check=False
            )
            assert done.returncode == status, who


def test_a_file_that_a_writer_holds_is_left_for_later(path: Path) -> None:
    hold = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print(1, flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", hold, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        assert not fold(path)
        with pytest.raises(WarehouseLocked, match=str(holder.pid)), held_still(path, 0.2):
            pass
        holder.kill()
    assert count(path) == 1500


def test_another_thread_waits_its_turn_and_no_longer(path: Path) -> None:
    started, done = threading.Event(), threading.Event()

    def hold() -> None:
        with DuckDBWarehouse(path).rebuilding():
            started.set()
            done.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    started.wait()
    try:
        with pytest.raises(WarehouseLocked, match="another thread"):
            DuckDBWarehouse(path, lock_timeout_seconds=0.2).query("SELECT 1 AS x")
    finally:
        done.set()
        thread.join()
    assert count(path) == 1500


def test_work_that_fails_leaves_the_file_and_work_that_ends_replaces_it(path: Path) -> None:
    warehouse = DuckDBWarehouse(path)
    for fails in (True, False):
        try:
            with warehouse.rebuilding() as copy:
                assert copy is not None
                assert copy.path.name == path.name
                with duckdb.connect(str(copy.path)) as connection:
                    connection.execute("CREATE SCHEMA marts; CREATE TABLE marts.m AS SELECT 1 AS a")
                if fails:
                    raise RuntimeError
        except RuntimeError:
            pass
        assert ("marts" in warehouse.datasets()) != fails
        assert [p.name for p in path.parent.iterdir()] == ["w.duckdb"]
    assert count(path) == 1500


def test_without_room_for_a_copy_the_log_stays_and_it_is_said(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("pipelines.warehouse.duckdb._LOG_BYTES", -(1 << 30))
    monkeypatch.setattr(duckdb_file, "_share_blocks", lambda source, target: False)
    monkeypatch.setattr(duckdb_file, "_SPARE_BYTES", 1 << 60)
    DuckDBWarehouse(path).transaction(
        [Statement(f"DELETE FROM {COUNT.rpartition(' ')[2]} WHERE id = 1")], label="x"
    )
    assert "its disk has" in caplog.text
    assert log_bytes(path) > 0
    assert count(path) == 1498
    with pytest.raises(StatementError, match="its disk has"), DuckDBWarehouse(path).rebuilding():
        pass


def test_a_disk_that_fills_during_a_copy_costs_nothing(path: Path) -> None:
    with largest_file(path.stat().st_size + 4096), pytest.raises(StatementError, match="File too"):
        fold(path)
    assert count(path) == 1500
    assert not working_folder(path).exists()
    assert fold(path)


def test_what_a_killed_process_left_goes_with_the_next_write(path: Path) -> None:
    working_folder(path).mkdir()
    (working_folder(path) / path.name).write_bytes(b"half a copy")
    assert count(path) == 1500
    DuckDBWarehouse(path).drop_stages(["raw.none"])
    assert not working_folder(path).exists()
    assert count(path) == 1500


def test_a_file_is_whole_from_its_first_moment(tmp_path: Path) -> None:
    path = tmp_path / "w.duckdb"
    log_of(path).write_bytes(b"of a file that was moved away")
    makers = [threading.Thread(target=duckdb_file.create, args=[path]) for _ in range(4)]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()
    assert [p.name for p in tmp_path.iterdir()] == ["w.duckdb"]
    assert DuckDBWarehouse(path).query("SELECT 1 AS x").num_rows == 1


def test_changes_wait_beside_the_file_until_the_process_ends(tmp_path: Path) -> None:
    path = tmp_path / "w.duckdb"
    script = f"""
from pathlib import Path
from pipelines.contracts import load_contract
from pipelines.warehouse.duckdb import DuckDBWarehouse
path = Path({str(path)!r})
DuckDBWarehouse(path).create_tables([load_contract("raw.orders")])
inode = path.stat().st_ino
DuckDBWarehouse(path).create_tables([load_contract("raw.load_heads")])
assert path.stat().st_ino == inode
assert path.with_name("w.duckdb.wal").stat().st_size > 0
"""
    subprocess.run([sys.executable, "-c", script], check=True)
    assert [p.name for p in tmp_path.iterdir()] == ["w.duckdb"]
    assert DuckDBWarehouse(path).query("SELECT COUNT(*) AS n FROM raw.orders")["n"][0].as_py() == 0


def _cut(content: bytes, at: int) -> bytes:
    return content[:at]


def _zero(content: bytes, at: int) -> bytes:
    return content[:at] + bytes(64) + content[at + 64 :]


@pytest.mark.parametrize(
    ("harm", "share"),
    [
        *((_cut, share) for share in (0.0, 0.00001, 0.0005, 0.005, 0.3, 0.6, 0.9999)),
        *((_zero, share) for share in (0.0, 0.3, 0.6)),
    ],
)
def test_a_damaged_file_says_how_to_put_a_backup_in_its_place(
    tmp_path: Path, harm: Any, share: float
) -> None:
    path = tmp_path / "w.duckdb"
    duckdb_file.create(path)
    write(path, 200_000)
    fold(path)
    content = path.read_bytes()
    path.write_bytes(harm(content, int(len(content) * share)))
    with pytest.raises(StatementError, match="adcanary restore BACKUP") as raised:
        DuckDBWarehouse(path).query(f"{COUNT} WHERE word > ''")
    assert "space" not in str(raised.value.fix)


def test_a_damaged_log_says_how_to_put_a_backup_in_its_place(path: Path) -> None:
    log = log_of(path)
    content = log.read_bytes()
    middle = len(content) // 2
    log.write_bytes(content[:middle] + b"\xff" * 8 + content[middle + 8 :])
    with pytest.raises(StatementError, match="adcanary restore BACKUP"):
        count(path)


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\0" + bytes(9000), b"a,b\n1,2\n" * 99])
def test_a_file_that_is_no_warehouse_is_told_from_a_damaged_one(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "w.duckdb"
    path.write_bytes(content)
    with pytest.raises(StatementError, match=r"isn't a DuckDB file|is empty") as raised:
        DuckDBWarehouse(path).query("SELECT 1 AS x")
    assert "warehouse.path" in str(raised.value.fix)
