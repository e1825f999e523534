"""The edges that the component benchmark solves: identifiers and the devices they were seen on."""

from __future__ import annotations

from pathlib import Path

import duckdb

PATH_NODES = 100_000
# Edges of a person are drawn by a power law; 2 in 100 tie two persons of a household, 1 in 100 lies
# on a chain of 10,000 devices. Click and order ids are of one device only, as they are in life.
# {count} numbers are drawn from {first} on; repeats are counted once, which leaves fewer edges.
_EDGES = """
WITH drawn AS (
  SELECT
    e,
    hash(e) AS h,
    CAST(floor({persons} * pow((hash(e, 1) % 1000003) / 1000003.0, 2)) AS BIGINT) AS person,
    CAST(floor(4 * pow((hash(e, 2) % 1009) / 1009.0, 2)) AS BIGINT) AS nth
  FROM range({first}, {first} + {count}) AS t (e)
), told AS (
  SELECT
    CASE
      WHEN h % 100 = 0 THEN 'chain:' || md5(CAST(e // 200 AS VARCHAR))
      WHEN h % 100 < 45 THEN 'gclid:' || md5(CAST(e AS VARCHAR))
      WHEN h % 100 < 52 THEN 'order:' || md5(CAST(e AS VARCHAR))
      WHEN h % 100 < 80 THEN 'user_id:' || md5(CAST(person AS VARCHAR))
      WHEN h % 100 < 98 THEN 'email_hash:' || md5(CAST(2 * person + nth % 2 AS VARCHAR))
      ELSE 'user_id:' || md5(CAST(xor(person, 1) AS VARCHAR))
    END AS left_node,
    CASE
      WHEN h % 100 = 0 AND (e // 200) % 10000 != 0
        THEN 'device:' || md5('chain' || (e // 200 - (h >> 32) % 2))
      WHEN h % 100 = 0 THEN 'device:' || md5('chain' || (e // 200))
      ELSE 'device:' || md5(CAST(4 * person + nth AS VARCHAR))
    END AS right_node,
    TIMESTAMPTZ '2025-01-01 00:00:00+00'
      + to_microseconds(CAST(e * (480 * 86400e6 / {span}) AS BIGINT)) AS first_seen_at
  FROM drawn
)
SELECT left_node, right_node, min(first_seen_at) AS first_seen_at
FROM told
GROUP BY left_node, right_node
ORDER BY first_seen_at
"""


def write_edges(path: Path, edges: int, later: int) -> None:
    """Make ``edges`` and ``later_edges`` of so many rows in a DuckDB file, and ``path_edges``.

    ``later_edges`` come after the others in time and tie into them; ``path_edges`` are one path of
    ``PATH_NODES`` nodes in the order of their names.
    """
    persons = edges // 6
    with duckdb.connect(str(path), config={"threads": 2}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        # repeats take about a fifth
        count = int(edges * 1.4)
        drawn = _EDGES.format(persons=persons, first=0, count=count, span=edges)
        connection.execute(f"CREATE TABLE edges AS SELECT * FROM ({drawn}) LIMIT {edges}")
        last = connection.execute("SELECT max(first_seen_at) FROM edges").fetchone()
        drawn = _EDGES.format(persons=persons, first=count, count=2 * later, span=edges)
        connection.execute(
            f"CREATE TABLE later_edges AS SELECT new.* FROM ({drawn}) AS new"
            " ANTI JOIN edges USING (left_node, right_node) ORDER BY first_seen_at"
            f" LIMIT {later}"
        )
        found = connection.execute(
            "SELECT (SELECT count(*) FROM edges), count(*), min(first_seen_at) FROM later_edges"
        ).fetchone()
        assert found is not None
        assert last is not None
        assert found[:2] == (edges, later), found
        assert found[2] > last[0], found
        connection.execute(
            "CREATE TABLE path_edges AS SELECT printf('n%06d', i) AS left_node,"
            " printf('n%06d', i + 1) AS right_node,"
            " TIMESTAMPTZ '2025-01-01 00:00:00+00' + to_seconds(i) AS first_seen_at"
            f" FROM range({PATH_NODES - 1}) AS t (i)"
        )
