#!/usr/bin/env bash
# bqemulator 1.4.0 subtracts 1 from every column that is called like the offset of an UNNEST, wherever
# in the statement it is: BigQuery counts offsets from 0, DuckDB from 1, and the rewrite goes by name.
#
# A good guess: a name holds in its own SELECT, so that `place` of one common table expression has
# nothing to do with `place` of another. Seen: it is counted down where another part of the statement
# unnests `WITH OFFSET AS place`, and where a view does that the statement reads, since views are put
# into its text. No error tells.
# In adcanary: `row_number() … as place … where place = 1` chose each account's currency in
# marts.ad_features_daily, which reads marts.attribution_touch_daily, whose text splits tags with an
# offset called place. No account was left: no features on the emulator, 54,943 rows on DuckDB, and
# the rules job NO_DATA, so that nothing was proposed for ad sets. The model qualifies now, and a
# test counts its rows on both (tests/e2e/test_bigquery.py).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check bqemulator==1.4.0
cat >"$folder/ask.py" <<'PYTHON'
from bqemulator.sql.rewriter.unnest_offset import rewrite_unnest_offset

for alias in ("place", "piece"):
    split = f"SELECT {alias} FROM UNNEST(['x']) AS part WITH OFFSET AS {alias}"
    sql = f"WITH other AS ({split}) SELECT place FROM (SELECT 7 AS place) AS own"
    print(f"offset {alias}: {rewrite_unnest_offset(sql).partition(') SELECT ')[2]}")
PYTHON
"$folder/venv/bin/python" "$folder/ask.py" >"$folder/seen"
diff - "$folder/seen" <<'EXPECTED'
offset place: (place - 1) FROM (SELECT 7 AS place) AS own
offset piece: place FROM (SELECT 7 AS place) AS own
EXPECTED
echo "As found: bqemulator 1.4.0 counts down a column that only shares its name with an offset."
