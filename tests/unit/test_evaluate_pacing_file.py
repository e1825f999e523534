"""`adcanary evaluate pacing --data`: months that anyone brings are scored, bad files refused."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipelines.cli.main import app
from pipelines.errors import InputError, UsageError
from pipelines.evaluate.pacing import score_file
from pipelines.evaluate.pacing_file import read_months

START, END = date(2026, 3, 1), date(2026, 4, 30)
FAULT = date(2026, 4, 13)
Row = dict[str, str]


def rows(campaign: str = "a", cost: Callable[[date], str] = lambda _: "99.5") -> list[Row]:
    """Two months of a campaign with 100 a day."""
    days = [START + timedelta(days=i) for i in range((END - START).days + 1)]
    return [
        {"campaign": campaign, "date": str(d), "cost": cost(d), "budget": "100", "fault": ""}
        for d in days
    ]


def written(folder: Path, lines: list[Row]) -> Path:
    path = folder / "months.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, lines[0].keys())
        writer.writeheader()
        writer.writerows(lines)
    return path


def stopped(day: date) -> str:
    return "0" if day >= FAULT else "99.5"


def planted(name: str = "zero_delivery") -> list[Row]:
    return [
        row | {"fault": name if date.fromisoformat(row["date"]) >= FAULT else ""}
        for row in rows("b", stopped)
    ]


def test_a_planted_fault_is_scored_and_the_events_are_listed(tmp_path: Path) -> None:
    path = written(tmp_path, rows() + planted())
    result = CliRunner().invoke(
        app, ["evaluate", "pacing", "--data", str(path), "--format", "json"], catch_exceptions=False
    )
    score = json.loads(result.stdout)

    assert (score["months"], score["healthy_months"], score["alerted"]) == (2, 1, 0)
    fault = score["faults"]["zero_delivery"]
    assert (fault["recall"], fault["delay_median"], fault["misspent"]) == (1, 0, 0.995)
    assert score["events"] == [
        {
            "campaign": "b",
            "detector": "zero_delivery",
            "first": FAULT.isoformat(),
            "last": END.isoformat(),
        }
    ]
    assert score["has_truth"] is True
    assert "Not scored: 2 campaign-month(s)" in result.stderr


def test_without_truth_nothing_is_called_right(tmp_path: Path) -> None:
    lines = [{k: v for k, v in row.items() if k != "fault"} for row in rows("b", stopped)]
    brought, scores, events = score_file(written(tmp_path, lines), "US", 1)
    assert not brought.has_truth
    assert scores["pacing"].by_fault["zero_delivery"].recall is None
    assert [event["detector"] for event in events] == ["zero_delivery"]
    result = CliRunner().invoke(
        app, ["evaluate", "pacing", "--data", str(tmp_path / "months.csv"), "--format", "json"]
    )
    assert set(json.loads(result.stdout)) == {"has_truth", "currency", "events"}


@pytest.mark.parametrize("truth", [True, False])
def test_csv_is_one_table(truth: bool, tmp_path: Path) -> None:
    lines = rows() + planted()
    if not truth:
        lines = [{k: v for k, v in row.items() if k != "fault"} for row in lines]
    command = ["evaluate", "pacing", "--data", str(written(tmp_path, lines)), "--format", "csv"]
    result = CliRunner().invoke(app, command, catch_exceptions=False)
    head, *table = list(csv.reader(result.stdout.splitlines()))
    assert {len(row) for row in table} == {len(head)}
    if truth:
        assert next(row[head.index("recall")] for row in table if "zero_delivery" in row) == "1.0"
        assert head[:3] == ["months of", "alerter", "healthy months"]
    else:
        assert head == ["campaign", "detector", "first", "last"]
    assert ("--format json has all figures" in " ".join(result.stderr.split())) == truth


@pytest.mark.parametrize("option", ["--months", "--simulator"])
def test_options_of_simulated_months_are_refused_beside_a_file(option: str, tmp_path: Path) -> None:
    command = ["evaluate", "pacing", "--data", str(written(tmp_path, rows())), option, "7"]
    result = CliRunner().invoke(app, command)
    assert isinstance(result.exception, UsageError)
    assert f"{option} can't be used with --data" in str(result.exception)


def test_the_currency_of_the_amounts_is_told(tmp_path: Path) -> None:
    lines = [row | {"currency": "JPY", "note": "x"} for row in rows() + rows("b")]
    brought = read_months(written(tmp_path, lines))
    assert brought.currency == "JPY"
    assert "the column note" in brought.notes


def test_a_day_that_another_campaign_has_cost_nothing_and_an_empty_cost_is_missing(
    tmp_path: Path,
) -> None:
    gap, empty = "2026-04-07", "2026-04-08"
    lines = [row for row in rows("b") if row["date"] != gap]
    for row in lines:
        row["cost"] = "" if row["date"] == empty else row["cost"]
    _, month = read_months(written(tmp_path, rows() + lines)).months
    history = month.campaigns[0]
    assert history.cost(date.fromisoformat(gap)) == 0
    assert history.cost(date.fromisoformat(empty)) is None


def test_the_month_in_which_a_fault_goes_on_is_left_out(tmp_path: Path) -> None:
    early = [
        row | {"fault": "underspend" if row["date"] in ("2026-03-31", "2026-04-01") else ""}
        for row in rows()
    ]
    brought = read_months(written(tmp_path, early + rows("b")))
    assert [month.campaigns[0].campaign_id for month in brought.months] == ["b"]
    assert "1 campaign-month(s) that began within a fault" in brought.notes


def changed(**cells: str) -> list[Row]:
    lines = rows()
    lines[40] |= cells
    return lines


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (rows()[:30], "has no campaign-month that follows on 28 days"),
        (changed(cost="much"), "line 42: cost 'much' is no amount"),
        (changed(cost="-1"), "line 42: cost '-1' is below 0"),
        (changed(cost="nan"), "line 42: cost 'nan' is no amount"),
        (changed(budget="1,000"), "line 42: budget '1,000' is no amount"),
        (changed(budget="1_000"), "line 42: budget '1_000' is no amount"),
        (changed(cost="１"), "line 42: cost '１' is no amount"),
        (changed(cost="9" * 100), r"line 42: cost '9{80}…' \(100 characters\) is no amount"),
        ([r | {"currency": ("USD", "EUR")[i % 2]} for i, r in enumerate(rows())], "2 currencies"),
        ([row | {"currency": "$"} for row in rows()], r"line 2: currency '\$' is no code"),
        (changed(date="10.04.2026"), "line 42: date '10.04.2026' is no day"),
        (changed(date="20260409"), "line 42: date '20260409' is no day"),
        (changed(date="0001-01-01"), "line 42: date '0001-01-01' is no day of 2000 to 2099"),
        (changed(date="2026-04-09"), "campaign a has 2026-04-09 twice"),
        (changed(fault="1"), "line 42: there is no fault '1'"),
        (changed(campaign=""), "campaign is empty"),
        ([row | {"cost": "0"} for row in rows()], "has no spend"),
        ([row | {"budget": ""} for row in rows()], "has no budget on any day"),
        ([{"campaign": "a", "date": "2026-04-01"}], "has no column cost"),
        (
            [r | {"fault": "overspend" if r["date"][-1] == "5" else ""} for r in rows()],
            "has several faults in March 2026|has several faults in April 2026",
        ),
    ],
    ids=[
        *(
            "30-rows",
            "text",
            "negative",
            "nan",
            "thousands",
            "python",
            "wide",
            "huge",
            "currencies",
            "sign",
            "day",
            "spelling",
            "year",
        ),
        *("twice", "number", "nobody"),
        *("no-spend", "no-budget", "no-column", "several"),
    ],
)
def test_a_bad_file_is_refused_with_why(lines: list[Row], reason: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=reason) as refusal:
        read_months(written(tmp_path, lines))
    assert refusal.value.kept == "nothing was scored."


def test_a_country_without_known_holidays_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No public holidays of 'XX'"):
        score_file(written(tmp_path, rows()), "XX", 1)
