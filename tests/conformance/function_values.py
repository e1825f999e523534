"""What the functions of googlesql_functions.yaml are tried on: adversarial values by kind."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

# GoogleSQL literals; every kind but the literals of a form has NULL, too
VALUES: dict[str, Sequence[str]] = {
    "int": ["0", "1", "-1", "3", "-7", "9223372036854775807", "-9223372036854775808"],
    "small": ["0", "1", "-1", "2", "5"],
    "count": ["0", "1", "-1", "13", "400", "-366", "3000000"],
    "year": ["2024", "1", "9999", "0"],
    "month": ["1", "2", "12", "13"],
    "day": ["1", "29", "31", "0"],
    "hour": ["0", "23", "24"],
    "minute": ["0", "59"],
    "second": ["0", "59"],
    "days": ["0", "-1", "19782", "2932896", "2932897", "-719162"],
    "code": ["1", "65", "228", "8364", "128512"],
    "float": ["0.0", "0.5", "-0.5", "2.5", "-2.5", "1.005", "-1e-9", "123456789.125", "1e300"],
    "numeric": ["NUMERIC '0'", "NUMERIC '0.5'", "NUMERIC '-2.5'", "NUMERIC '0.000000001'",
                "NUMERIC '12345678901234567890.123456789'"],
    "string": ["''", "'a'", "'  Ab c '", "'Straße İß'", "'añ😀e'", "'e\\u0301'", "'a,b,,c'", "'%_'",
               "'Zeile\\n2'", "'0123456789abcdefXYZ'"],
    "bool": ["TRUE", "FALSE"],
    "date": ["DATE '2024-02-29'", "DATE '2023-12-31'", "DATE '2024-01-01'", "DATE '2021-01-03'",
             "DATE '1969-12-31'", "DATE '0001-01-01'", "DATE '9999-12-31'", "DATE '2026-03-29'"],
    "modern_date": ["DATE '2024-02-29'", "DATE '2023-12-31'", "DATE '1969-12-31'"],
    "near_date": ["DATE '2024-01-31'", "DATE '2024-03-01'", "DATE '2024-02-29'"],
    "timestamp": ["TIMESTAMP '2026-03-29 00:59:59.999999+00'", "TIMESTAMP '2026-03-29 01:00:00+00'",
                  "TIMESTAMP '2026-10-25 00:30:00+00'", "TIMESTAMP '2026-10-25 01:30:00.5+00'",
                  "TIMESTAMP '2024-02-29 23:59:59+00'", "TIMESTAMP '1969-12-31 23:59:59.5+00'",
                  "TIMESTAMP '2018-11-04 12:00:00+00'", "TIMESTAMP '2023-12-31 23:30:00.123+00'",
                  "TIMESTAMP '1970-01-01 00:00:00+00'"],
    "datetime": ["DATETIME '2024-02-29 23:59:59.999999'", "DATETIME '2026-03-29 02:30:00'",
                 "DATETIME '2026-10-25 02:30:00'", "DATETIME '1969-12-31 23:59:59.5'",
                 "DATETIME '2021-01-03 00:00:00'"],
    "zone": ["'UTC'", "'Europe/Berlin'", "'America/New_York'", "'America/Sao_Paulo'",
             "'Asia/Kathmandu'", "'Australia/Lord_Howe'"],
    "date_text": ["'2024-02-29'", "'2023-02-29'", "'20240131'", "'31.12.2023'", "'12/31/2023'",
                  "''", "'2024-1-5'", "'x'"],
    "time_text": ["'2026-03-29 02:30:00'", "'2026-10-25 02:30:00'", "'2024-02-30 00:00:00'", "''",
                  "'2026-03-01T10:00:00'", "'2026-03-01'"],
    "timestamp_text": ["'2026-03-29 02:30:00'", "'2026-10-25 02:30:00'", "'2026-03-01'",
                       "'2026-03-01T10:00:00Z'", "'2026-03-01 10:00:00.123456+05:30'", "'x'", "''",
                       "'2026-10-25 02:30:00 America/New_York'", "'2026-10-25 02:30:00-7'"],
    "bytes": ["SHA256('a')", "MD5('')"],
    "ints": ["[1, 2, 3]", "[4]", "CAST([] AS ARRAY<INT64>)"],
    "strings": ["['a', 'b']", "['']", "CAST([] AS ARRAY<STRING>)"],
    "json": ["'{\"a\": \"x\", \"b\": {\"c\": 1.50, \"d\": true}, \"e\": [1, \"z\"]}'", "'{}'",
             "'{\"a\": null}'", "'{\"a\": \"\"}'"],
}  # fmt: skip
# what has to be a literal, so that it is a column's text rather than a column's value
LITERALS: dict[str, Sequence[str]] = {
    "replacement": ["'x'", "''", "'<\\\\0>'"],
    "text": ["','", "''", "'; '"],
    "path": ["'$.a'", "'$.b'", "'$.b.c'", "'$.b.d'", "'$.e[1]'", "'$'"],
    "regexp": [
        "'a'",
        "'^$'",
        "'[A-Z]+'",
        "'(b)'",
        "'.'",
        "'(?i)STRASSE|straße'",
        "r'\\d+([a-f]*)'",
    ],
    "date_format": ["'%Y-%m-%d'", "'%F %j %a %A %b %B %y'", "'%u %w %V %G %U %W'", "'100%%'"],
    "time_format": ["'%Y-%m-%d %H:%M:%S'", "'%F %T %I %p'"],
}
MOST_ROWS = 48


def rows_of(kinds: Sequence[str]) -> list[tuple[str, ...]]:
    """Rows of literals for some kinds: each value meets each other, up to a bound, and NULL."""
    nulls = [tuple("NULL" for _ in kinds)] if kinds else []
    crossed = list(itertools.product(*(VALUES[kind] for kind in kinds)))
    step = max(1, len(crossed) // MOST_ROWS)
    # a step that shares a factor with a length would pass values by
    while step > 1 and any(step % len(VALUES[kind]) == 0 for kind in kinds):
        step -= 1
    single = [
        tuple("NULL" if at == index else VALUES[kind][0] for at, kind in enumerate(kinds))
        for index in range(len(kinds))
    ]
    return [*nulls, *single, *crossed[::step]]
