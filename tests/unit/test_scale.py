"""docs/scale.md says what the arithmetic of the benchmark gives."""

from __future__ import annotations

import re
from pathlib import Path

from tests.bench.bigquery_calls import arithmetic, counted

DOC = (Path(__file__).parents[2] / "docs" / "scale.md").read_text()
TIB = 6.25
EVENT, COMPARED, KEY, DAYS, KEPT_DAYS = 541, 202, 17, 4, 90
READERS = 10


def rows(first: str) -> list[list[float]]:
    """The numbers of the table whose head begins with ``first``."""
    table = DOC[DOC.index(f"| {first}") :].split("\n\n")[0]
    lines = [line.strip("| ").split("|") for line in table.splitlines()[2:]]
    return [[float(re.sub(r"[^\d.]", "", cell)) for cell in line[-6:]] for line in lines]


def test_an_accounts_day_is_as_the_benchmark_counts_it() -> None:
    head = "| a day on which"
    table = DOC[DOC.index(head) :].split("\n\n")[0].splitlines()[2:]
    for line, day in zip(table, ("restated", "unchanged", "first"), strict=True):
        stated = [int(cell) for cell in line.strip("| ").split("|")[1:]]
        one = arithmetic(1, day)
        assert stated == [
            one[name] for name in ("load jobs", "query jobs", "other metadata", "MiB billed")
        ]


def test_a_day_of_accounts_follows_from_one() -> None:
    for (loads, queries, calls, gib, cost, month), accounts in zip(
        rows("accounts"), (10, 100, 1000), strict=True
    ):
        day = arithmetic(accounts, "restated")
        assert [loads, queries, calls] == [
            day[name] for name in ("load jobs", "query jobs", "other metadata")
        ]
        assert gib == round(day["MiB billed"] / 1024, 1)
        assert cost == round(day["MiB billed"] / 1024**2 * TIB, 2)
        assert month == round(30 * day["MiB billed"] / 1024**2 * TIB, 1)


def test_a_day_of_events_follows_from_the_size_of_one() -> None:
    landed = 2 * COMPARED + (KEY + EVENT) + EVENT
    for millions, row in zip((1, 10, 100), rows("events a day"), strict=True):
        events = millions * 1_000_000
        land, build = (DAYS * events * n / 1024**3 for n in (landed, READERS * EVENT))
        kept = KEPT_DAYS * events * EVENT / 1024**3
        cost = (land + build) / 1024 * TIB
        assert row[1:] == [
            *(round(land, 1), round(build, 1), round(cost, 2), round(kept), round(kept * 0.02, 2))
        ]


def test_a_script_is_billed_for_the_tables_that_its_statements_read() -> None:
    script = (
        "UPDATE raw.load_heads SET version = 1 "
        "WHERE (SELECT COUNT(*) FROM raw.privacy_tombstones) = 0"
        "\n;\nINSERT INTO raw.load_ledger (table_name) VALUES ('raw.orders')"
        "\n;\nINSERT INTO raw.orders (id) SELECT id FROM landing_stage.raw__orders__x\n;"
    )
    counts = counted([], [{"configuration": {"query": {"query": script}}}])
    assert (counts.query_jobs, counts.statements, counts.billed_mib) == (1, 3, 30)
