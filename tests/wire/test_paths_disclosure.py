"""Nobody can work out, from the paths of days and of weeks together, a path of few people."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import combinations
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from pipelines.build import artifacts_folder, build
from pipelines.config import Settings, WarehouseSettings
from pipelines.warehouse import open_warehouse

pytestmark = pytest.mark.xdist_group("build")

K = 10
MONDAY = date(2025, 3, 3)
OTHER = "(other)"
MODELS = {
    "weekly": "intermediate/journeys/int_journeys_paths_weekly.sql",
    "daily": "marts/journeys/journey_paths_daily.sql",
}
_STEPS = pa.schema(
    [
        ("path_date", pa.date32()),
        ("journey_id", pa.string()),
        ("step", pa.int64()),
        ("path_length", pa.int64()),
        ("journey_key", pa.string()),
        ("is_converted", pa.bool_()),
        ("default_channel_group", pa.string()),
        ("net_value_micros", pa.int64()),
        ("currency_code", pa.string()),
    ]
)

Cell = tuple[int, int]
"""A path and a day of the week."""


@dataclass(frozen=True)
class Gone:
    """How people went a path on a day; their numbers begin with ``first``."""

    converted: int = 0
    not_converted: int = 0
    first: int = 0

    def persons(self) -> range:
        return range(self.first, self.first + self.converted + self.not_converted)


@dataclass
class Published:
    """What both tables show of one outcome: named paths by day and week, and what is hidden.

    Args:
        day: journeys of a path that its day shows.
        week: journeys of a path that the week shows.
        day_other: of each day, those of (other).
        week_other: of the week, those of (other).
    """

    day: dict[Cell, int] = field(default_factory=dict)
    week: dict[int, int] = field(default_factory=dict)
    day_other: dict[int, int] = field(default_factory=dict)
    week_other: int = 0

    def range_of(self, path: int, days: tuple[int, ...], number: int) -> tuple[float, float]:
        """The least and the most that a path's hidden journeys may be over some of ``number`` days.

        All that fits what is published is possible: a row a named path and one for all that the
        week names nowhere, a column a day, and what is published of both is their sums. Such a
        system is totally unimodular, so that bounds over reals are those over whole numbers.
        """
        named = sorted(self.week)
        cells = [(p, d) for p in [*named, -1] for d in range(number) if (p, d) not in self.day]
        rest = {
            p: self.week[p] - sum(self.day.get((p, d), 0) for d in range(number)) for p in named
        }
        rows = [[c[0] == p for c in cells] for p in [*named, -1]]
        columns = [[c[1] == d for c in cells] for d in range(number)]
        sums = [*rest.values(), self.week_other, *(self.day_other.get(d, 0) for d in range(number))]
        of_days = np.array([c[0] == path and c[1] in days for c in cells], dtype=float)
        ends = []
        for sign in (1, -1):
            solved = linprog(sign * of_days, A_eq=np.array([*rows, *columns], float), b_eq=sums)
            assert solved.status == 0, solved.message
            ends.append(float(of_days @ solved.x))
        return ends[0], ends[1]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Both models' SQL, as dbt compiles it where every day is built."""
    folder = tmp_path_factory.mktemp("paths")
    of_file = Settings(warehouse=WarehouseSettings(path=folder / "w.duckdb"))
    open_warehouse(of_file)
    both = ("int_journeys_paths_weekly", "journey_paths_daily")
    selected = " ".join(f"+{name},resource_type:model" for name in both)
    build(of_file, select=f"resource_type:seed {selected}")
    compiled = artifacts_folder(of_file) / "compiled/adcanary/models"
    return {
        name: re.sub(r'"w"\."intermediate"\."(\w+)"', r"\1", (compiled / path).read_text())
        for name, path in MODELS.items()
    }


def _steps(gone: Mapping[Cell, Gone]) -> Iterator[dict[str, Any]]:
    for (path, day), people in gone.items():
        for i, person in enumerate(people.persons()):
            converts = i < people.converted
            yield {
                "path_date": MONDAY + timedelta(days=day),
                "journey_id": f"{path} {day} {i}",
                "step": 1,
                "path_length": 1,
                "journey_key": f"{path} {person}",
                "is_converted": converts,
                "default_channel_group": str(path),
                "net_value_micros": 5 if converts else None,
                "currency_code": "USD" if converts else None,
            }


def _published(models: Mapping[str, str], gone: Mapping[Cell, Gone]) -> dict[str, Published]:
    """What the models show, by outcome."""
    with duckdb.connect() as connection:
        connection.execute("SET threads = 1")
        steps = pa.Table.from_pylist(list(_steps(gone)), _STEPS)
        connection.register("int_journeys_path_steps", steps)
        rows = {n: connection.sql(q).to_arrow_table().to_pylist() for n, q in models.items()}
    shown = {name: Published() for name in ("conversions", "non_conversions")}
    for outcome, of in shown.items():
        for row in rows["daily"]:
            day = (row["date"] - MONDAY).days
            if row["channel_path"] == OTHER:
                of.day_other[day] = row[outcome]
            else:
                assert row["persons"] >= K
                of.day[int(row["channel_path"]), day] = row[outcome]
        for row in rows["weekly"]:
            if row["channel_path"] == OTHER:
                of.week_other = row[outcome]
            else:
                assert row["persons"] >= K
                of.week[int(row["channel_path"])] = row[outcome]
    return shown


def _given_away(models: Mapping[str, str], gone: Mapping[Cell, Gone]) -> list[str]:
    """Counts of fewer than K people on a path that are no secret to who has both tables."""
    number = 1 + max(day for _, day in gone)
    result = []
    for outcome, shown in _published(models, gone).items():
        for path in shown.week:
            hidden = [d for p, d in gone if p == path and (path, d) not in shown.day]
            if shown.week[path] == sum(shown.day.get((path, d), 0) for d in range(number)):
                continue  # the week names nothing of what its days hide
            for size in range(1, len(hidden) + 1):
                for days in combinations(sorted(hidden), size):
                    people = {i for d in days for i in gone[path, d].persons()}
                    kind = "converted" if outcome == "conversions" else "not_converted"
                    count = sum(getattr(gone[path, d], kind) for d in days)
                    if count and len(people) < K:
                        least, most = shown.range_of(path, days, number)
                        if most - least < 0.5:
                            result.append(f"{count} {outcome} of path {path} on {days}")
    return result


# Mostly fewer than K a day, some on several days.
PEOPLE = st.builds(
    Gone,
    converted=st.sampled_from([1, 2, 4, 0, 3]),
    not_converted=st.sampled_from([3, 1, 0, 5, 9]),
    first=st.sampled_from([20, 40, 0, 60]),
).filter(lambda people: len(people.persons()) > 0)
WEEK = st.dictionaries(
    st.tuples(st.integers(0, 3), st.integers(0, 3)), PEOPLE, min_size=6, max_size=14
)
SEVENTH = {(0, d): Gone(2, 10, 20 * d) for d in range(6)} | {(0, 6): Gone(1, 2, 200)}
ALONE_IN_OTHER = {(0, d): Gone(2, 4, 20 * d) for d in range(3)}
COVERED = {(0, d): Gone(2, 3, 20 * d) for d in range(5)} | {
    (p, d): Gone(1, 1, 20 * d) for p in (1, 2, 3) for d in range(4)
}
RARE_ON_ANOTHER_DAY = (
    ALONE_IN_OTHER | {(0, 3): Gone(3, 9, 100)} | {(p, 3): Gone(4, 4) for p in (1, 2, 3)}
)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(gone=WEEK)
@example(gone=SEVENTH)
@example(gone=ALONE_IN_OTHER)
@example(gone=RARE_ON_ANOTHER_DAY)
@example(gone=COVERED)
def test_no_count_of_few_people_on_a_path_follows_from_both_tables(
    models: dict[str, str], gone: dict[Cell, Gone]
) -> None:
    assert _given_away(models, gone) == []


def test_a_path_shown_on_six_days_has_those_six_in_the_week(models: dict[str, str]) -> None:
    shown = _published(models, SEVENTH)
    assert {o: (s.week, s.week_other) for o, s in shown.items()} == {
        "conversions": ({0: 12}, 1),
        "non_conversions": ({0: 60}, 2),
    }


def test_the_week_names_what_no_day_shows_where_others_cover_it(models: dict[str, str]) -> None:
    shown = _published(models, COVERED)
    assert shown["conversions"].day == {}
    assert (shown["conversions"].week, shown["conversions"].week_other) == ({0: 10}, 12)
