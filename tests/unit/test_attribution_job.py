"""The attribution job credits whole weeks of counted paths, to the last conversion, or refuses."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipelines.config import Settings
from pipelines.jobs.run import JobRun, run_job
from tests.unit.attribution_rows import Rows, warehouse_with

pytestmark = pytest.mark.slow

AS_OF = date(2026, 6, 30)  # a Tuesday: the last whole week began on the 22nd
MONDAY = date(2026, 6, 22)


def path(
    text: str, conversions: int, nulls: int = 0, ago: int = 0, currency: str = "USD"
) -> dict[str, Any]:
    """A row of the mart, of the week ``ago`` weeks before the last whole one."""
    return {
        "week_start": MONDAY - timedelta(weeks=ago),
        "channel_path": text,
        "conversions": conversions,
        "non_conversions": nulls,
        "conversion_value_micros": conversions * 20_000_000,
        "currency_code": currency if conversions else None,
    }


WEEK: Rows = [
    path("Direct", 40, 100),
    path("Paid Search", 30, 200),
    path("Paid Search > Direct", 23, 10),
    path("Paid Social > Paid Search > Direct", 7, 90),
    path("(other)", 11, 60),
]


def run(tmp_path: Path, rows: Sequence[dict[str, Any]], **jobs: Any) -> tuple[JobRun, Rows]:
    warehouse = warehouse_with(tmp_path / "w.duckdb", {"journey_paths_weekly": rows})
    settings = Settings.model_validate({"jobs": {"attribution": jobs}})
    done = run_job(warehouse, settings, "attribution", AS_OF)
    sql = "SELECT * FROM contracts.attribution_channel_weekly ORDER BY model, week_start, channel"
    return done, warehouse.query(sql).to_pylist()


def test_both_models_credit_every_conversion_of_the_week_to_the_millionth(tmp_path: Path) -> None:
    done, rows = run(tmp_path, WEEK)
    assert done.verdict == "PASS", done.reason
    assert "Direct is credited with the most of 111 conversions" in done.reason
    for model in ("markov", "shapley"):
        own = [row for row in rows if row["model"] == model]
        assert [row["channel"] for row in own] == [
            "(other)",
            "Direct",
            "Paid Search",
            "Paid Social",
        ]
        for column in ("conversions_micros", "linear_conversions_micros"):
            assert sum(row[column] for row in own) == 111_000_000
        assert sum(row["value_micros"] for row in own) == 111 * 20_000_000
        for row in own:
            assert row["conversions_p10_micros"] < row["conversions_micros"]
            assert row["conversions_micros"] < row["conversions_p90_micros"]
            assert row["conversions_p10_micros"] <= row["conversions_p50_micros"]
            assert (row["week_start"], row["currency_code"]) == (MONDAY, "USD")
    shapley = {row["channel"]: row for row in rows if row["model"] == "shapley"}
    assert shapley["Paid Search"]["conversions_micros"] == pytest.approx(
        (30 + 23 / 2 + 7 / 3) * 1e6
    )
    assert shapley["(other)"]["conversions_micros"] == 11_000_000
    assert shapley["Paid Search"]["paths"] == 230 + 33 + 97


def test_the_same_paths_give_the_same_rows_whatever_other_weeks_there_are(tmp_path: Path) -> None:
    _, rows = run(tmp_path, WEEK)
    (tmp_path / "more").mkdir()
    _, more = run(
        tmp_path / "more", [*WEEK, *(row | {"week_start": date(2026, 6, 8)} for row in WEEK)]
    )
    assert {row["week_start"] for row in more} == {MONDAY, date(2026, 6, 8)}
    own = ("run_id", "input_snapshot")
    last = [{k: v for k, v in r.items() if k not in own} for r in more if r["week_start"] == MONDAY]
    assert last == [{k: v for k, v in r.items() if k not in own} for r in rows]


def test_a_name_with_the_delimiters_sign_is_called_as_it_is(tmp_path: Path) -> None:
    _, rows = run(tmp_path, [path("Search >> Brand > Email", 80), path("Email", 10)])
    assert {row["channel"] for row in rows} == {"Search > Brand", "Email"}


@pytest.mark.parametrize(
    ("change", "currency"),
    [({"currency_code": "EUR"}, None), ({"conversion_value_micros": None}, None), ({}, "USD")],
    ids=["two currencies", "one not known", "known"],
)
def test_value_is_credited_where_it_is_known_in_one_currency(
    tmp_path: Path, change: dict[str, Any], currency: str | None
) -> None:
    _, rows = run(tmp_path, [WEEK[0] | change, *WEEK[1:]])
    assert {row["currency_code"] for row in rows} == {currency}
    assert {row["value_micros"] is None for row in rows} == {currency is None}


@pytest.mark.parametrize(
    ("rows", "jobs", "verdict", "reason"),
    [
        ([], {}, "NO_DATA", "no path that ended in the weeks up to 2026-06-28"),
        ([path("Direct", 90, ago=6)], {}, "NO_DATA", "in the week of 2026-05-11, 6 weeks before"),
        (
            [path("A > B", 49)],
            {},
            "INCONCLUSIVE",
            "49 conversions on shown paths",
        ),
        ([path("A > A", 90)], {}, "INCONCLUSIVE", "no path of two channels is shown"),
        ([path("A", 90), path("B", 9)], {}, "INCONCLUSIVE", "no path of two channels is shown"),
        (
            [path("A > B", 60), path("(other)", 61)],
            {},
            "INCONCLUSIVE",
            "61 of its 121 conversions are on paths that too few people went",
        ),
        ([path("(other)", 0, 5)], {}, "INCONCLUSIVE", "has 0 conversions"),
        (
            [path(f"c{i} > c{j}", 1) for i in range(64) for j in range(64)],
            {"order": 2},
            "INCONCLUSIVE",
            "has 4161 states, too many to solve. Lower jobs.attribution.order",
        ),
    ],
    ids=[
        "no path",
        "old",
        "few",
        "one channel",
        "one step each",
        "hidden",
        "nothing shown",
        "too many states",
    ],
)
def test_a_week_that_says_too_little_is_refused(
    tmp_path: Path, rows: Rows, jobs: dict[str, Any], verdict: str, reason: str
) -> None:
    done, written = run(tmp_path, rows, **jobs)
    assert done.verdict == verdict
    assert reason in done.reason
    assert written == []


def test_a_thin_last_week_leaves_the_weeks_before_it_credited(tmp_path: Path) -> None:
    before = [row | {"week_start": date(2026, 6, 15)} for row in WEEK]
    done, rows = run(tmp_path, [*before, path("Direct", 3)])
    assert done.verdict == "INCONCLUSIVE"
    assert {row["week_start"] for row in rows} == {date(2026, 6, 15)}


def test_an_order_is_a_run_of_its_own(tmp_path: Path) -> None:
    first, rows = run(tmp_path, WEEK)
    (tmp_path / "two").mkdir()
    second, deeper = run(tmp_path / "two", WEEK, order=2)
    assert first.run_id != second.run_id

    def direct(of: Rows) -> int:
        return next(r["conversions_micros"] for r in of if r["channel"] == "Direct")

    assert direct(rows) != direct(deeper)


def test_paths_of_a_week_that_is_not_over_are_not_read(tmp_path: Path) -> None:
    today = [row | {"week_start": date(2026, 6, 29)} for row in WEEK]
    done, _ = run(tmp_path, today)
    assert done.verdict == "NO_DATA"
