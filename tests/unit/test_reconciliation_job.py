"""What the media mix credits to a channel's week is all split over its campaigns and days."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipelines.config import Settings
from pipelines.contracts import load_contract
from pipelines.jobs.run import JobRun, run_job
from pipelines.warehouse import Statement
from pipelines.warehouse.base import insert_row
from tests.unit.attribution_rows import Rows, warehouse_with

pytestmark = pytest.mark.slow

AS_OF = date(2026, 6, 30)
MONDAY = date(2026, 6, 22)
RUN = {"as_of": date(2026, 6, 29), "model_version": "1", "input_snapshot": "s"}


def contribution(channel: str, mean: float, week: date = MONDAY, **columns: Any) -> dict[str, Any]:
    """A row of contracts.mmm_contributions_weekly."""
    orders = {"orders_mean": mean, "orders_p50": mean}
    interval = {"orders_p10": mean - 20, "orders_p90": mean + 40}
    return {"channel": channel, "week_start": week, **orders, **interval, **columns}


def touch(
    platform: str, campaign: str, credit: float, later: int = 0, group: str = "Paid Search"
) -> dict[str, Any]:
    """A row of marts.attribution_touch_daily, ``later`` days after the Monday."""
    return {
        "date": MONDAY + timedelta(days=later),
        "default_channel_group": group,
        "platform": platform,
        "account_id": "a",
        "campaign_id": campaign,
        "linear_conversions_micros": round(credit * 1e6),
    }


def spend(platform: str, campaign: str, cost: int | None, later: int = 0) -> dict[str, Any]:
    """A row of marts.fct_ad_spend_daily."""
    return {
        "date": MONDAY + timedelta(days=later),
        "channel": platform,
        "platform": platform,
        "account_id": "a",
        "campaign_id": campaign,
        "cost_reporting_micros": cost,
    }


def run(
    tmp_path: Path,
    contributions: Sequence[dict[str, Any]],
    touches: Rows,
    costs: Rows,
    *,
    markov: Mapping[str, tuple[int, int]] | None = None,
    mmm: Mapping[str, Any] | None = None,
    as_of: date = AS_OF,
) -> tuple[JobRun, Rows]:
    """Run the job after an mmm run and, with ``markov``, an attribution run that credited groups
    with (Markov, linear) conversions."""
    marts = {"attribution_touch_daily": touches, "fct_ad_spend_daily": costs}
    warehouse = warehouse_with(tmp_path / "w.duckdb", marts)
    done = {
        **RUN,
        "verdict": "PASS",
        "reason": "ok",
        "settings": "{}",
        "diagnostics": "{}",
        "finished_at": datetime(2026, 6, 30, tzinfo=UTC),
    }
    earlier = {"as_of": date(2026, 6, 28), "run_id": "m0"}
    refused = {"as_of": date(2026, 6, 30), "run_id": "m2", "verdict": "INCONCLUSIVE"}
    rows = [
        ("mmm_contributions_weekly", {**RUN, "run_id": run_id, **row})
        for run_id in ("m0", "m1", "m2")
        for row in (contributions if run_id == "m1" else [contribution("meta_ads", 9e9)])
    ]
    for own in (earlier, {"run_id": "m1"} | dict(mmm or {}), refused):
        rows.append(("job_runs", {**done, "job": "mmm", **own}))
    for group, (credited, linear) in (markov or {}).items():
        credit = {
            "run_id": "at1",
            "model": "markov",
            "week_start": MONDAY,
            "channel": group,
            "conversions_micros": credited * 1_000_000,
            "linear_conversions_micros": linear * 1_000_000,
            "paths": 9,
            **{f"conversions_p{p}_micros": 1 for p in (10, 50, 90)},
        }
        rows.append(("attribution_channel_weekly", {**RUN, **credit}))
    if markov:
        rows.append(("job_runs", {**done, "job": "attribution", "run_id": "at1"}))
    statements: list[Statement] = [
        insert_row(load_contract(f"contracts.{name}"), row) for name, row in rows
    ]
    warehouse.transaction(statements, label="test")
    job = run_job(warehouse, Settings(), "attribution_reconciled", as_of)
    sql = (
        "SELECT * FROM contracts.attribution_reconciled_daily "
        "ORDER BY channel, date, platform, campaign_id"
    )
    return job, warehouse.query(sql).to_pylist()


def totals(rows: Rows, *by: str) -> dict[Any, float]:
    sums: dict[Any, float] = defaultdict(float)
    for row in rows:
        sums[tuple(row[name] for name in by)] += row["orders_mean"]
    return dict(sums)


TOUCHES = [
    touch("google_ads", "brand", 30),
    touch("google_ads", "brand", 15, later=3),
    touch("google_ads", "shop", 10, later=3, group="Cross-network"),
    touch("google_ads", "(none)", 5, later=6),
    touch("meta_ads", "m1", 3, group="Paid Social"),
]
COSTS = [
    spend("google_ads", "brand", 100),
    spend("meta_ads", "m1", 75, later=1),
    spend("meta_ads", "m2", 25, later=2),
    spend("meta_ads", "m2", None, later=3),
]
MIX = [
    contribution("google_ads", 123.456789),
    contribution("meta_ads", 81.1),
    contribution("tv", 7.7),
    contribution("meta_ads", 3.3, week=date(2026, 6, 15)),
]


def test_the_parts_sum_to_each_channels_week(tmp_path: Path) -> None:
    job, rows = run(tmp_path, MIX, TOUCHES, COSTS)
    assert job.verdict == "PASS", job.reason
    sums = totals(rows, "channel", "week_start")
    assert len(sums) == 4
    for each in MIX:
        whole = each["orders_mean"]
        assert abs(sums[each["channel"], each["week_start"]] - whole) < 1e-9 * whole
    assert {row["mmm_run_id"] for row in rows} == {"m1"}  # the latest that passed
    assert all(row["orders_p10"] <= row["orders_p50"] <= row["orders_p90"] for row in rows)


def test_the_basis_is_credit_where_journeys_saw_enough_else_spend_else_none(
    tmp_path: Path,
) -> None:
    _, rows = run(tmp_path, MIX, TOUCHES, COSTS)
    parts = totals(rows, "basis", "channel", "week_start", "campaign_id")
    assert parts == pytest.approx(
        {
            ("linear", "google_ads", MONDAY, "brand"): 123.456789 * 45 / 60,
            ("linear", "google_ads", MONDAY, "shop"): 123.456789 * 10 / 60,
            ("linear", "google_ads", MONDAY, "(none)"): 123.456789 * 5 / 60,
            ("spend", "meta_ads", MONDAY, "m1"): 81.1 * 0.75,  # of 3 conversions nothing is told
            ("spend", "meta_ads", MONDAY, "m2"): 81.1 * 0.25,
            ("none", "tv", MONDAY, "(none)"): 7.7,
            ("none", "meta_ads", date(2026, 6, 15), "(none)"): 3.3,
        },
        rel=1e-5,
    )
    days = totals(rows, "campaign_id", "date")
    assert days["brand", MONDAY] == pytest.approx(2 * days["brand", MONDAY + timedelta(days=3)])


def test_a_channel_group_weighs_as_much_as_the_markov_chain_credits_it(tmp_path: Path) -> None:
    """Cross-network is due twice its linear credit by Markov, Paid Search half of it."""
    markov = {"Paid Search": (20, 40), "Cross-network": (20, 10), "Direct": (0, 0)}
    _, rows = run(tmp_path, MIX, TOUCHES, COSTS, markov=markov)
    parts = totals([row for row in rows if row["channel"] == "google_ads"], "basis", "campaign_id")
    weight = {"brand": 45 / 2, "shop": 20.0, "(none)": 5 / 2}
    assert parts == pytest.approx(
        {("markov", name): 123.456789 * w / 45 for name, w in weight.items()}, rel=1e-5
    )
    assert {row["attribution_run_id"] for row in rows} == {"at1"}


def test_the_interval_holds_the_models_doubt_and_that_of_few_conversions(tmp_path: Path) -> None:
    _, rows = run(tmp_path, [contribution("google_ads", 100.0)], TOUCHES, COSTS)
    (tmp_path / "spend").mkdir()
    _, by_spend = run(
        tmp_path / "spend", [contribution("google_ads", 100.0)], [], [spend("google_ads", "c", 9)]
    )
    (alone,) = by_spend  # has the channel's whole interval
    assert alone["orders_p10"] == pytest.approx(80, abs=5)
    assert alone["orders_p90"] == pytest.approx(140, abs=8)
    for row in rows:
        assert row["orders_p10"] < row["orders_mean"] * 0.8
        assert row["orders_p90"] > row["orders_mean"] * 1.2
    unsure = next(row for row in rows if row["campaign_id"] == "(none)")
    assert unsure["orders_p90"] / unsure["orders_mean"] > 1.5  # five conversions


@pytest.mark.parametrize(
    ("contributions", "mmm", "verdict", "reason"),
    [
        ([], {}, "NO_DATA", "No mmm run that passed up to 2026-06-30 has contributions"),
        (MIX, {"verdict": "NO_DATA", "as_of": date(2026, 6, 1)}, "PASS", "1 channels"),
        ([contribution("tv", 5.0)], {}, "INCONCLUSIVE", "No campaign of tv is known"),
    ],
    ids=["no contributions", "an earlier run", "no campaign"],
)
def test_what_cannot_be_split_is_refused(
    tmp_path: Path,
    contributions: Rows,
    mmm: dict[str, Any],
    verdict: str,
    reason: str,
) -> None:
    job, _ = run(tmp_path, contributions, TOUCHES, COSTS, mmm=mmm)
    assert job.verdict == verdict, job.reason
    assert reason in job.reason


def test_a_media_mix_of_three_weeks_ago_is_not_split(tmp_path: Path) -> None:
    job, rows = run(tmp_path, MIX, TOUCHES, COSTS, as_of=date(2026, 7, 20))
    assert job.verdict == "NO_DATA"
    assert "is of 2026-06-29, 21 days before 2026-07-20 (at most 14)" in job.reason
    assert rows == []
