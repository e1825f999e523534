"""``adcanary backup`` and ``restore``: one verified file, and nothing overwritten."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

from pipelines.cli.main import app
from pipelines.config import load_settings
from pipelines.errors import IntegrityError, StatementError, UsageError, WarehouseLocked
from pipelines.proposals.ledger import open_ledger
from pipelines.warehouse import Statement, backup, open_warehouse
from pipelines.warehouse.backup import back_up, put_back
from pipelines.warehouse.duckdb import DuckDBWarehouse
from pipelines.warehouse.duckdb_file import log_bytes, log_of
from tests.unit.ledger_rows import NOW, two_channels
from tests.unit.test_ledger import propose

pytestmark = pytest.mark.slow

SOUND = "it is sound"


def sound(copy: Path) -> str:
    return SOUND


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A warehouse with 1,000 rows, and 500 more in its log."""
    made = tmp_path / "w.duckdb"
    for rows, config in ((1000, {}), (500, {"checkpoint_threshold": "1TB"})):
        with duckdb.connect(str(made), config=config) as connection:
            if config:
                connection.execute("PRAGMA disable_checkpoint_on_shutdown")
            connection.execute("CREATE SCHEMA IF NOT EXISTS raw")
            connection.execute('CREATE TABLE IF NOT EXISTS raw."odd name" (n BIGINT, t VARCHAR)')
            connection.execute(f"INSERT INTO raw.\"odd name\" SELECT range, 'x' FROM range({rows})")
    assert log_bytes(made) > 0
    return made


def test_a_backup_is_one_file_with_all_that_was_committed(path: Path, tmp_path: Path) -> None:
    path.chmod(0o600)
    saved = back_up(path, tmp_path / "b.duckdb", 1, sound)
    assert (saved.tables, saved.rows, saved.verified) == (1, 1500, SOUND)
    assert saved.size == saved.path.stat().st_size
    assert saved.path.stat().st_mode & 0o777 == 0o600
    assert {p.name for p in tmp_path.iterdir()} == {"w.duckdb", "w.duckdb.wal", "b.duckdb"}
    for file in (path, log_of(path)):
        file.unlink()
    back = put_back(saved.path, path, sound)
    assert (back.tables, back.rows) == (1, 1500)
    assert {p.name for p in tmp_path.iterdir()} == {"w.duckdb", "b.duckdb"}


def test_a_copy_made_by_hand_with_its_log_can_be_put_back(path: Path, tmp_path: Path) -> None:
    by_hand = tmp_path / "hand.duckdb"
    path.rename(by_hand)
    log_of(path).rename(log_of(by_hand))
    assert put_back(by_hand, path, sound).rows == 1500
    assert by_hand.exists()


def test_a_writer_is_waited_for_and_named(path: Path, tmp_path: Path) -> None:
    hold = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print(1, flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", hold, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(WarehouseLocked, match=str(holder.pid)):
            back_up(path, tmp_path / "b.duckdb", 0.2, sound)
        holder.kill()
    assert not (tmp_path / "b.duckdb").exists()


def test_nothing_is_overwritten(path: Path, tmp_path: Path) -> None:
    saved = back_up(path, tmp_path / "b.duckdb", 1, sound)
    before = saved.path.read_bytes()
    with pytest.raises(UsageError, match="never overwritten"):
        back_up(path, saved.path, 1, sound)
    with pytest.raises(UsageError, match="never overwritten"):
        put_back(saved.path, path, sound)
    path.unlink()
    with pytest.raises(UsageError, match=re.escape("w.duckdb.wal is there")):
        put_back(saved.path, path, sound)
    assert saved.path.read_bytes() == before


def test_what_does_not_pass_the_check_is_not_written(path: Path, tmp_path: Path) -> None:
    def broken(copy: Path) -> str:
        raise IntegrityError("the chain is broken")

    saved = back_up(path, tmp_path / "b.duckdb", 1, sound)
    with pytest.raises(IntegrityError, match="chain"):
        back_up(path, tmp_path / "c.duckdb", 1, broken)
    with pytest.raises(IntegrityError, match="chain"):
        put_back(saved.path, tmp_path / "back" / "w.duckdb", broken)
    left = {p.name for p in tmp_path.rglob("*")} - {"back"}
    assert left == {"w.duckdb", "w.duckdb.wal", "b.duckdb"}


def test_rows_that_read_differently_are_named(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = backup._contents
    calls = iter([1, 2])

    def contents(copy: Path) -> Any:
        return {t: (n, next(calls)) for t, (n, _) in real(copy).items()}

    monkeypatch.setattr(backup, "_contents", contents)
    with pytest.raises(IntegrityError, match=r"raw\.odd name"):
        back_up(path, tmp_path / "b.duckdb", 1, sound)
    assert not (tmp_path / "b.duckdb").exists()


@pytest.mark.parametrize("cut", [0.0, 0.001, 0.5, 0.99])
def test_a_damaged_backup_is_refused(path: Path, tmp_path: Path, cut: float) -> None:
    saved = back_up(path, tmp_path / "b.duckdb", 1, sound)
    content = saved.path.read_bytes()
    saved.path.write_bytes(content[: int(len(content) * cut)])
    back = tmp_path / "back" / "w.duckdb"
    with pytest.raises(StatementError, match=re.escape(f"{saved.path} is no backup")) as refused:
        put_back(saved.path, back, sound)
    assert "Name another one" in str(refused.value.fix)
    assert not back.exists()


def test_a_folder_that_is_not_there_is_named(path: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nowhere"):
        back_up(path, tmp_path / "nowhere" / "b.duckdb", 1, sound)


def _invoke(config: Path, *arguments: str) -> Any:
    return CliRunner().invoke(app, [*arguments, "--config", str(config)])


def test_an_older_copy_of_the_decisions_is_put_back_with_words(tmp_path: Path) -> None:
    config, path = tmp_path / "adcanary.yaml", tmp_path / "w.duckdb"
    config.write_text("warehouse: {kind: duckdb, path: w.duckdb}\n")
    settings = load_settings(config)
    two_channels(path)
    ledger = open_ledger(open_warehouse(settings), settings)
    propose(ledger)
    written = _invoke(config, "backup")
    assert written.exit_code == 0, written.output
    (saved,) = (tmp_path / "backups").iterdir()
    assert str(saved) in written.output.replace("\n", "")
    propose(ledger, now=NOW + timedelta(days=40))  # what was open has expired by then
    anchor = next((tmp_path / ".adcanary").iterdir())
    knows = anchor.read_bytes()
    refused = _invoke(config, "restore", str(saved))
    assert isinstance(refused.exception, UsageError)
    path.rename(tmp_path / "old.duckdb")
    log_of(path).unlink(missing_ok=True)
    restored = _invoke(config, "restore", str(saved))
    assert restored.exit_code == 0, restored.output
    assert "repeat every erasure" in restored.output
    assert "knows more than this backup" in restored.output
    assert anchor.read_bytes() == knows
    assert isinstance(_invoke(config, "audit", "verify").exception, IntegrityError)


def test_a_changed_decision_is_seen_by_a_backup(tmp_path: Path) -> None:
    config, path = tmp_path / "adcanary.yaml", tmp_path / "w.duckdb"
    config.write_text("warehouse: {kind: duckdb, path: w.duckdb}\n")
    settings = load_settings(config)
    warehouse = two_channels(path)
    propose(open_ledger(warehouse, settings))
    warehouse.transaction(
        [Statement("UPDATE canary.canary_events SET actor = 'mallory' WHERE sequence = 1")],
        label="test",
    )
    assert isinstance(_invoke(config, "backup").exception, IntegrityError)
    assert list((tmp_path / "backups").iterdir()) == []


def test_on_bigquery_it_says_what_to_use_instead(tmp_path: Path) -> None:
    config = tmp_path / "adcanary.yaml"
    config.write_text("warehouse: {kind: bigquery, project: p}\n")
    for arguments in (["backup"], ["restore", "b.duckdb"]):
        refused = _invoke(config, *arguments)
        assert isinstance(refused.exception, UsageError)
        assert "SNAPSHOT" in str(refused.exception)
        assert refused.exception.exit_code == 2


def test_a_backup_of_nothing_is_refused(tmp_path: Path) -> None:
    config = tmp_path / "adcanary.yaml"
    config.write_text("warehouse: {kind: duckdb, path: w.duckdb}\n")
    assert isinstance(_invoke(config, "backup").exception, UsageError)
    assert isinstance(_invoke(config, "restore", "none.duckdb").exception, UsageError)
    assert [p.name for p in tmp_path.iterdir()] == ["adcanary.yaml"]


def test_others_write_while_a_backup_is_verified(path: Path, tmp_path: Path) -> None:
    def write(copy: Path) -> str:
        DuckDBWarehouse(path, 0.2).transaction(
            [Statement("DELETE FROM raw.`odd name` WHERE n >= 0")], label="test"
        )
        return SOUND

    assert back_up(path, tmp_path / "b.duckdb", 1, write).rows == 1500
    rows = DuckDBWarehouse(path).query("SELECT COUNT(*) AS n FROM raw.`odd name`")
    assert rows["n"].to_pylist() == [0]
