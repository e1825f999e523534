"""What one peer of the component benchmark does, in a process of its own; prints one JSON object.

Each reads edges of node texts from a DuckDB file and writes a row a node to another one.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

# A peer's solver, given a connection with the view `edges`: makes the table `clusters` (node,
# component), and returns the seconds of solving alone and the rounds (0 where it has none).
Solver = Callable[[duckdb.DuckDBPyConnection], tuple[float, int]]

_NODES = """
CREATE TABLE nodes AS
SELECT node, row_number() OVER () - 1 AS i
FROM (SELECT left_node AS node FROM edges UNION SELECT right_node FROM edges)
"""
_NUMBERED = """
SELECT one.i AS a, other.i AS b
FROM edges
INNER JOIN nodes AS one ON one.node = left_node
INNER JOIN nodes AS other ON other.node = right_node
"""


def scipy(connection: duckdb.DuckDBPyConnection) -> tuple[float, int]:
    """Nodes numbered in SQL, components by ``scipy.sparse.csgraph``."""
    import numpy as np
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    connection.execute(_NODES)
    ends = connection.execute(_NUMBERED).fetchnumpy()
    size = connection.execute("SELECT count(*) FROM nodes").fetchall()[0][0]
    started = time.perf_counter()
    ones = np.ones(len(ends["a"]), dtype=np.int8)
    graph = coo_array((ones, (ends["a"], ends["b"])), shape=(size, size))
    labels = connected_components(graph, directed=False)[1]
    seconds = time.perf_counter() - started
    connection.register("found", {"i": np.arange(size), "component": labels})
    connection.execute(
        "CREATE TABLE clusters AS SELECT node, component FROM nodes INNER JOIN found USING (i)"
    )
    return seconds, 0


def splink(connection: duckdb.DuckDBPyConnection) -> tuple[float, int]:
    """Nodes numbered in SQL, clusters by Splink's ``cluster_pairwise_predictions_at_threshold``."""
    from splink import DuckDBAPI
    from splink.clustering import cluster_pairwise_predictions_at_threshold

    connection.execute(_NODES)
    connection.execute(f"CREATE TABLE pairs AS SELECT a AS i_l, b AS i_r FROM ({_NUMBERED})")
    started = time.perf_counter()
    api = DuckDBAPI(connection=connection)
    found = cluster_pairwise_predictions_at_threshold(
        api.register("nodes"), api.register("pairs"), db_api=api, node_id_column_name="i"
    )
    seconds = time.perf_counter() - started
    connection.execute(
        "CREATE TABLE clusters AS SELECT node, cluster_id AS component FROM nodes"
        f" INNER JOIN {found.physical_name} USING (i)"
    )
    return seconds, 0


def minimum_label(connection: duckdb.DuckDBPyConnection) -> tuple[float, int]:
    """Every node takes the least label among its neighbours, until none changes: in SQL."""
    connection.execute(_NODES)
    connection.execute(
        f"CREATE TABLE numbered AS SELECT a, b FROM ({_NUMBERED}) UNION ALL SELECT b, a"
        f" FROM ({_NUMBERED})"
    )
    started = time.perf_counter()
    connection.execute("CREATE TABLE labels AS SELECT i, i AS label FROM nodes")
    changed, rounds = 1, 0
    while changed:
        rounds += 1
        connection.execute(
            "CREATE TABLE lower AS SELECT a AS i, min(label) AS least FROM numbered"
            " INNER JOIN labels ON labels.i = b GROUP BY a"
        )
        connection.execute(
            "CREATE TABLE later AS SELECT i, least(label, coalesce(least, label)) AS label,"
            " label > least AS moved FROM labels LEFT JOIN lower USING (i)"
        )
        changed = connection.execute("SELECT count(*) FROM later WHERE moved").fetchall()[0][0]
        connection.execute("DROP TABLE lower; DROP TABLE labels")
        connection.execute("CREATE TABLE labels AS SELECT i, label FROM later")
        connection.execute("DROP TABLE later")
    seconds = time.perf_counter() - started
    connection.execute(
        "CREATE TABLE clusters AS SELECT node, label AS component FROM nodes"
        " INNER JOIN labels USING (i)"
    )
    return seconds, rounds


SIDES: dict[str, Solver] = {"scipy": scipy, "splink": splink, "minimum-label": minimum_label}


def main() -> None:
    """Solve, and print the seconds from texts to texts, those of solving, and what was found."""
    parser = argparse.ArgumentParser()
    parser.add_argument("side", choices=tuple(SIDES))
    parser.add_argument("edges", type=Path, help="DuckDB file with the edges")
    parser.add_argument("table")
    parser.add_argument("result", type=Path, help="DuckDB file to make")
    args = parser.parse_args()
    config = {"threads": 2, "preserve_insertion_order": "false"}
    with duckdb.connect(str(args.result), config=config) as connection:
        connection.execute(f"ATTACH '{args.edges}' AS input (READ_ONLY)")
        connection.execute(f"CREATE VIEW edges AS SELECT * FROM input.main.{args.table}")
        started = time.perf_counter()
        solve_seconds, rounds = SIDES[args.side](connection)
        connection.execute("CHECKPOINT")
        seconds = time.perf_counter() - started
        components = connection.execute("SELECT count(DISTINCT component) FROM clusters").fetchall()
    found = {
        "seconds": seconds,
        "solve_seconds": solve_seconds,
        "rounds": rounds,
        "components": components[0][0],
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
