#!/usr/bin/env bash
# PyArrow 26.0.1: reading one instant as a Python value imports pandas, where it is installed.
#
# A good guess: `to_pylist` and `as_py` make Python values without pandas, which is what one calls them
# for, and `import pyarrow` alone loads none of it. Seen: dates, texts, numbers and timestamps without a
# zone do; a timestamp with a zone (TIMESTAMPTZ in DuckDB, TIMESTAMP in BigQuery, and so nearly every
# table of a warehouse) imports pandas on the first value, and `pa.array` of a list of Python values does
# too. That is about a third of a second of CPU, once a process: a fifth of what a command takes that
# shows a few rows. Reading the column without its zone, and giving datetime's UTC back, avoids it.
# In adcanary: `rows_of` in pipelines/warehouse/results.py; tests/unit/test_starting.py holds it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  pyarrow==26.0.1 pandas==3.1.1 duckdb==1.5.6
cat > "$folder/read.py" <<'PY'
import sys

import duckdb

table = duckdb.sql(f"SELECT {sys.argv[1]} AS value").to_arrow_table()
before = "pandas" in sys.modules
table.to_pylist()
print(f"{table.schema.field(0).type}: pandas is imported: {before} before, {'pandas' in sys.modules} after")
PY
read_value() { "$folder/venv/bin/python" "$folder/read.py" "$1"; }
bare=$(read_value "TIMESTAMP '2026-01-01'")
instant=$(read_value "TIMESTAMPTZ '2026-01-01 00:00:00+00'")
listed=$("$folder/venv/bin/python" -c "
import sys, pyarrow
pyarrow.array([1])
print('a list of Python values: pandas is imported:', 'pandas' in sys.modules)")
echo "$bare"
echo "$instant"
echo "$listed"
case "$bare" in *"False before, False after") ;; *) echo "changed: a bare timestamp"; exit 1 ;; esac
case "$instant" in *"False before, True after") ;; *) echo "changed: an instant"; exit 1 ;; esac
case "$listed" in *True) ;; *) echo "changed: a list of values"; exit 1 ;; esac
echo "As found: PyArrow 26.0.1 imports pandas to read an instant."
