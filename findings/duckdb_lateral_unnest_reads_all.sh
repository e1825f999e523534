#!/usr/bin/env bash
# DuckDB 1.5.6 doesn't push a condition on a table's own column below a lateral UNNEST of another of
# its columns: `FROM events CROSS JOIN UNNEST(events.items)` reads every row, and then filters. Below
# an UNNEST among the selected columns the same condition reaches the scan.
#
# A good guess: the two are the same, and the planner, which filters before it joins, filters before
# it unnests. Seen: of a table of a year of days, a query of one day reads all 365 with the join that
# BigQuery's users write (it has no UNNEST among the selected columns), and one without. A condition
# in the same SELECT is no better than one around it.
# In adcanary: what visitors saw and searched for on the last four days was read from all events that
# had ever landed, in a model and its test, every day. The macro `unnested`
# (dbt/macros/engine/unnested.sql) writes each engine's own form now, and a test holds the scans of
# the views on GA4's events to the day that is asked for (tests/wire/test_build.py).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check duckdb==1.5.6
cat >"$folder/ask.py" <<'PYTHON'
import json

import duckdb

DAY = "day = DATE '2025-06-01'"
FORMS = {
    "lateral, the condition around it": "SELECT * FROM (SELECT day, item.name FROM events "
    f"CROSS JOIN UNNEST(items) AS i (item)) WHERE {DAY}",
    "lateral, the condition in it": "SELECT day, item.name FROM events "
    f"CROSS JOIN UNNEST(items) AS i (item) WHERE {DAY}",
    "selected, the condition around it": "SELECT day, item.name FROM "
    f"(SELECT day, UNNEST(items) AS item FROM events) WHERE {DAY}",
}
db = duckdb.connect()
db.execute(
    "CREATE TABLE events AS SELECT DATE '2025-01-01' + CAST(i // 1000 AS INTEGER) AS day, "
    "[{'name': i % 7}, {'name': i % 5}] AS items FROM range(365000) t(i)"
)
db.execute("PRAGMA enable_profiling = 'no_output'")


def scanned(operator):
    """Rows that each scan hands on."""
    if operator.get("operator_rows_scanned"):
        yield operator["operator_cardinality"]
    for child in operator["children"]:
        yield from scanned(child)


for name, sql in FORMS.items():
    rows = len(db.execute(sql).fetchall())
    (read,) = scanned(json.loads(db.get_profiling_information(format="json")))
    print(f"{name}: {rows} rows of {read} that were read")
PYTHON
"$folder/venv/bin/python" "$folder/ask.py" >"$folder/seen"
diff - "$folder/seen" <<'EXPECTED'
lateral, the condition around it: 2000 rows of 365000 that were read
lateral, the condition in it: 2000 rows of 365000 that were read
selected, the condition around it: 2000 rows of 1000 that were read
EXPECTED
echo "As found: DuckDB 1.5.6 reads every row below a lateral unnest, whatever is asked for."
