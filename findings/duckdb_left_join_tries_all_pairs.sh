#!/usr/bin/env bash
# DuckDB 1.5.6 hashes a left join only where every condition of its ON compares the two sides. One
# condition of the left table alone, or an IN of both, and it tries every pair of rows
# (BLOCKWISE_NL_JOIN), although the ON holds an equality, too.
#
# A good guess: the equality is hashed and the rest is checked on what it matches, as PostgreSQL and
# BigQuery do with the same statement, as DuckDB does itself for an inner join, and for a left one
# whose extra condition is a comparison of both sides or of the right side alone. Seen: 200,000 rows
# against 20,000 take hundreds of times as long, with nothing to say so but the plan; on ten
# times the rows, a hundred times as long.
# In adcanary: purchases were joined to the transactions they are of, and identifiers to shared
# devices, in this way: 40% of the CPU time of a build of 330,000 events (docs/benchmarks.md). Such a
# condition is part of a key now (CASE WHEN … THEN key END), and a test holds every model's plan to it
# (tests/wire/test_build.py).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check duckdb==1.5.6
cat >"$folder/ask.py" <<'PYTHON'
import re
import time

import duckdb

JOINS = {
    "left, a condition of the left side": "LEFT JOIN r ON l.kind = 'purchase' AND l.k = r.k",
    "left, an IN of both sides": "LEFT JOIN r ON l.k = r.k AND l.kind IN ('none', r.kind)",
    "left, the condition within the key": "LEFT JOIN r ON "
    "CASE WHEN l.kind = 'purchase' THEN l.k END = r.k",
    "left, a condition of the right side": "LEFT JOIN r ON r.v > 3 AND l.k = r.k",
    "left, a comparison of both sides": "LEFT JOIN r ON l.k = r.k AND l.k >= r.v",
    "inner, a condition of the left side": "JOIN r ON l.kind = 'purchase' AND l.k = r.k",
}
db = duckdb.connect(config={"threads": 1})
db.execute(
    "CREATE TABLE l AS SELECT i AS k, CASE WHEN i % 10 = 0 THEN 'purchase' ELSE 'view' END AS kind "
    "FROM range(200000) t(i)"
)
db.execute("CREATE TABLE r AS SELECT i * 7 AS k, i AS v, 'view' AS kind FROM range(20000) t(i)")
seconds = {}
for name, join in JOINS.items():
    sql = f"SELECT count(v) FROM l {join}"
    ((_, plan),) = db.execute(f"EXPLAIN {sql}").fetchall()
    began = time.process_time()
    (count,) = db.execute(sql).fetchone()
    seconds[name] = time.process_time() - began
    (operator,) = re.findall(r"(\w+_JOIN)", plan)
    print(f"{name}: {operator}, {count} matches")
first, _, key, *_ = seconds.values()
print("more than 20 times as long:", first > 20 * key)
PYTHON
"$folder/venv/bin/python" "$folder/ask.py" >"$folder/seen"
diff - "$folder/seen" <<'EXPECTED'
left, a condition of the left side: BLOCKWISE_NL_JOIN, 2000 matches
left, an IN of both sides: BLOCKWISE_NL_JOIN, 18000 matches
left, the condition within the key: HASH_JOIN, 2000 matches
left, a condition of the right side: HASH_JOIN, 19996 matches
left, a comparison of both sides: HASH_JOIN, 20000 matches
inner, a condition of the left side: HASH_JOIN, 2000 matches
more than 20 times as long: True
EXPECTED
echo "As found: DuckDB 1.5.6 tries all pairs of a left join with a condition of its left side."
