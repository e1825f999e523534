"""A compacted DuckDB file holds what it held, and no byte of what was deleted."""

from pathlib import Path

import duckdb
import pytest

from pipelines.errors import StatementError
from pipelines.warehouse import compaction
from pipelines.warehouse.duckdb import DuckDBWarehouse

MARK = b"heron-"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Hundred rows left of 50,000, in a name that has to be quoted; a view of a view reads them."""
    path = tmp_path / "ad's canary.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("PRAGMA force_compression = 'uncompressed'")  # so that bytes are seen
        connection.execute("CREATE SCHEMA raw; CREATE SCHEMA marts")
        connection.execute("CREATE TABLE raw.visits (id BIGINT PRIMARY KEY, visitor VARCHAR)")
        connection.execute(
            "INSERT INTO raw.visits SELECT i, 'heron-' || hash(i) FROM range(50000) AS t(i)"
        )
        connection.execute("CREATE VIEW marts.visitors AS SELECT visitor FROM raw.visits")
        connection.execute("CREATE VIEW marts.seen AS SELECT COUNT(*) AS n FROM marts.visitors")
        connection.execute("CHECKPOINT")
        connection.execute("DELETE FROM raw.visits WHERE id >= 100")
    return path


def test_deleted_bytes_are_gone_and_what_is_left_is_whole(path: Path) -> None:
    warehouse = DuckDBWarehouse(path)
    assert path.read_bytes().count(MARK) > 1000
    path.chmod(0o600)
    size = compaction.compact(warehouse)
    assert size == path.stat().st_size
    assert path.read_bytes().count(MARK) < 1000
    assert path.stat().st_mode & 0o777 == 0o600
    assert warehouse.query("SELECT n FROM marts.seen").to_pylist() == [{"n": 100}]
    with duckdb.connect(str(path), read_only=True) as connection:
        (text,) = connection.execute(
            "SELECT constraint_text FROM duckdb_constraints() WHERE constraint_type = 'PRIMARY KEY'"
        ).fetchone() or ("",)
    assert text == "PRIMARY KEY(id)"
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_compaction_that_fails_leaves_the_file_as_it_was(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(old: Path, new: Path) -> None:
        new.write_bytes(b"half")
        raise StatementError("no room")

    before = path.read_bytes()
    monkeypatch.setattr(compaction, "_copy", fails)
    with pytest.raises(StatementError):
        compaction.compact(DuckDBWarehouse(path))
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]
