"""Rows that are weeks or months: seen by their days and columns, refused, or spread over days."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import InputError
from pipelines.sources.files.ads.periods import spread
from pipelines.sources.files.ads.source import AdsFile
from tests.unit.exports import NAMES, ROWS, landed, rows, source, spent, text


def daily(*days: date) -> str:
    return text(*((str(day), *ROWS[0][1:]) for day in days))


START = date(2025, 3, 2)


@pytest.mark.parametrize(
    "days",
    [
        [START, START + timedelta(7)],
        [START, START + timedelta(14), START + timedelta(21)],
        # the export began within a week, and ended within one
        [START + timedelta(2), START + timedelta(7), START + timedelta(14), START + timedelta(16)],
        [date(2025, 1, 1), date(2025, 2, 1), date(2025, 4, 1)],
        [date(2025, 1, 31), date(2025, 2, 28)],
        [START, START + timedelta(28), START + timedelta(58)],
        [START, START + timedelta(10), START + timedelta(20)],
        [date(2025, 2, 1), date(2025, 2, 16), date(2025, 3, 1), date(2025, 3, 16)],
        [date(2025, 1, 15), date(2025, 1, 31), date(2025, 2, 15), date(2025, 2, 28)],
    ],
)
def test_days_that_are_all_far_apart_are_periods_unless_the_mapping_knows(
    tmp_path: Path, days: list[date]
) -> None:
    with pytest.raises(InputError, match="must be a day"):
        landed(tmp_path / "export", daily(*days))
    assert len(landed(tmp_path / "export", daily(*days), sparse=True)) == len(days)


@pytest.mark.parametrize("days", [[START], [START, START + timedelta(1), START + timedelta(31)]])
def test_days_that_are_near_each_other_are_days(tmp_path: Path, days: list[date]) -> None:
    assert len(landed(tmp_path / "export", daily(*days))) == len(days)


def test_a_row_that_ends_on_another_day_is_a_period(tmp_path: Path) -> None:
    names = (*NAMES, "Reporting ends")
    with pytest.raises(InputError, match="from 2025-11-03 to 2025-11-09"):
        landed(tmp_path / "export", text((*ROWS[0], "2025-11-09"), names=names))
    assert len(landed(tmp_path / "export", text((*ROWS[0], "2025-11-03"), names=names))) == 1


@pytest.mark.parametrize("end", ["2025-11-09", "2025-11-10"])
def test_a_column_of_any_name_that_ends_each_week_makes_rows_periods(
    tmp_path: Path, end: str
) -> None:
    names = (*NAMES, "Schluss")
    with pytest.raises(InputError, match=f"from 2025-11-03 to {end}"):
        landed(tmp_path / "export", text((*ROWS[0], end), names=names))
    for other in ("2025-11-04", "2025-12-31", ""):
        assert len(landed(tmp_path / "export", text((*ROWS[0], other), names=names))) == 1


@given(st.integers(0, 10**15), st.integers(0, 10**9), st.floats(0, 1e9), st.integers(1, 31))
def test_a_period_is_spread_evenly_and_adds_up_exactly(
    micros: int, clicks: int, conversions: float, days: int
) -> None:
    numbers = {"cost_micros": micros, "clicks": clicks, "conversions": conversions}
    values: dict[str, list[Any]] = {name: [number] for name, number in numbers.items()}
    parts = spread(values | {"date": [START]}, [(START, START + timedelta(days - 1))], "week")
    assert (sum(parts["cost_micros"]), sum(parts["clicks"])) == (micros, clicks)
    assert max(parts["cost_micros"]) - min(parts["cost_micros"]) <= 1
    assert sum(parts["conversions"]) == pytest.approx(conversions)


@pytest.mark.parametrize(
    ("row", "grain", "first", "days"),
    [
        (("2025-11-03", {"format": "%Y-%m-%d"}), "week", date(2025, 11, 3), 7),
        (("2025-11-09", {"format": "%Y-%m-%d", "marks": "last"}), "week", date(2025, 11, 3), 7),
        (("2025-W45", {"format": "%G-W%V"}), "week", date(2025, 11, 3), 7),
        (("February 2024", {"format": "%B %Y"}), "month", date(2024, 2, 1), 29),
        (("2025-11-30", {"format": "%Y-%m-%d", "marks": "last"}), "month", date(2025, 11, 1), 30),
    ],
)
def test_a_spread_row_lands_as_its_days_and_is_marked(
    tmp_path: Path, row: tuple[str, dict[str, str]], grain: str, first: date, days: int
) -> None:
    day, date_ = row
    keys = {"date": {"column": "Tag"} | date_, "grain": grain, "spread": "evenly"}
    table = landed(tmp_path / "export", text((day, *ROWS[0][1:])), **keys)
    assert sorted(table["date"].to_pylist()) == [first + timedelta(i) for i in range(days)]
    assert spent(table) == 18_400_000
    assert set(table["spread_from"].to_pylist()) == {grain}


def test_a_month_that_does_not_begin_with_its_first_day_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="2025-11-03 is no month"):
        landed(tmp_path / "export", text(ROWS[0]), grain="month", spread="evenly")


@pytest.mark.parametrize(
    ("grain", "period"),
    [("month", "2025-11-01 to 2025-11-30"), ("week", "2025-11-01 to 2025-11-07")],
)
def test_a_period_that_is_not_over_is_refused_unless_the_file_says_its_last_day(
    tmp_path: Path, grain: str, period: str
) -> None:
    def read(content: str, **date_: str) -> list[date]:
        day = {"column": "Tag", "format": "%Y-%m-%d"} | date_
        (tmp_path / "export").write_text(content)
        described = source(tmp_path / "export", date=day, grain=grain, spread="evenly").mapping
        file = AdsFile(tmp_path / "export", described, datetime(2025, 11, 5, 12, tzinfo=UTC))
        return sorted(rows(file)["date"].to_pylist())

    row = ("2025-11-01", *ROWS[0][1:])
    with pytest.raises(InputError, match=f"the {grain} from {period} isn't over"):
        read(text(row))
    days = read(text((*row, "2025-11-04"), names=(*NAMES, "Bis")), ends="Bis")
    assert days == [date(2025, 11, n) for n in range(1, 5)]
