"""Which jobs may not propose, and how the lines of the scorecard are written."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from pipelines.proposals.events import SERVICE
from pipelines.proposals.ledger import Ledger
from pipelines.proposals.market import read_market
from pipelines.proposals.propose import propose
from pipelines.proposals.scorecard.run import by_month, latest_rows, score_all
from pipelines.proposals.scorecard.sequential import Standing, Tally
from pipelines.proposals.scorecard.standing import barred_jobs
from pipelines.warehouse import Warehouse
from tests.unit.ledger_rows import AS_OF, insert, insert_all
from tests.unit.ledgers import decided, execute, fresh, ids, in_force, policy, terms
from tests.unit.scorecard_market import CHANGED, OURS, market

pytestmark = pytest.mark.slow

LATER, NOW = date(2026, 8, 20), datetime(2026, 8, 21, 9, tzinfo=UTC)
LINE: dict[str, Any] = {
    **{"revision": 1, "evaluated_at": NOW, "kind": "budget_shift", "state": "SHADOW_RECORDED"},
    **{"job": "mmm", "predicted_by": "mmm", "model_version": "1"},
    **{"account_id": "a", "campaign_id": "c", "field": "daily_budget_micros"},
    **{"from_value": "1", "to_value": "2", "currency_code": "USD", "verdict": "TOLD"},
    **{"is_final": True, "reason": "x", "predicted_orders_p50": 2.0, "realised_orders": 1.0},
    **{"share_carried_out": 1.0},
}


def add(warehouse: Warehouse, covered: Iterable[bool], start: date, **changes: Any) -> None:
    """Lines of outcomes that were told on days one after the other."""
    line = LINE | {"outcome": "CARRIED_OUT", "platform": "google_ads"} | changes
    days = ((start + timedelta(days=i), is_covered) for i, is_covered in enumerate(covered))
    lines = [
        line
        | {"proposal_id": f"{day}-{line['platform']}-{line['outcome']}", "as_of": day}
        | {"is_covered": is_covered}
        for day, is_covered in days
    ]
    insert_all(warehouse, "canary.canary_scorecard", lines)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return fresh(tmp_path)


def long_ago(days: int) -> date:
    return AS_OF - timedelta(days=days)


def test_a_job_is_barred_once_its_intervals_miss_too_much() -> None:
    missed = Standing.of([False] * 5)
    assert missed.is_barred
    assert missed.barred_by
    assert missed.barred_by.coverage == 0
    assert not Standing.of([False]).is_barred


def test_intervals_that_hold_everything_are_too_wide_in_the_end() -> None:
    assert not Standing.of([True] * 50).is_barred
    assert Standing.of([True] * 150).is_barred


def test_a_job_within_the_band_stays_in_it_however_often_one_looks() -> None:
    rng = np.random.default_rng(7)
    bars = [Standing.of(rng.random(400) < 0.9).is_barred for _ in range(12)]
    assert sum(bars) <= 2


def test_a_job_is_back_when_enough_later_outcomes_are_within_the_band() -> None:
    standing = Standing.of([False] * 3)
    for i in range(19):
        standing.add(i % 10 > 0)
        assert standing.is_barred
    standing.add(True)
    assert not standing.is_barred


def test_a_job_that_misses_on_is_not_back() -> None:
    standing = Standing.of([False] * 5)
    for i in range(60):
        standing.add(i % 2 > 0)
    assert standing.is_barred


def test_an_outcome_told_in_part_is_worth_less_than_whole_ones() -> None:
    assert Tally(0, 10).has_left()
    assert not Tally(8.5, 10).has_left()


def test_the_jobs_own_record_bars_its_proposals_and_lets_them_in_again(ledger: Ledger) -> None:
    add(ledger.warehouse, [False] * 8, long_ago(60))
    propose(ledger, in_force(ledger, terms()), created_by=SERVICE.name)
    shift = ledger.read().proposal(ids(ledger)["g1"])
    assert shift.guardrails()["job_may_propose"] == "FAIL"
    assert (shift.verdict, shift.state) == ("FAIL", "DRAFT")
    message = next(c.message for c in shift.certificate() if c.name == "job_may_propose")
    assert "its 90% intervals held 0% of what came of its proposals" in message
    pause = ledger.read().proposal(ids(ledger)["m2"])
    assert pause.guardrails()["job_may_propose"] == "PASS"

    add(ledger.warehouse, [i % 10 > 0 for i in range(30)], long_ago(50))
    done = propose(ledger, terms(minutes=1), created_by=SERVICE.name)
    assert shift.proposal_id in done.created
    again = ledger.read().proposal(shift.proposal_id)
    assert again.guardrails()["job_may_propose"] == "PASS"
    assert again.state == "PENDING_REVIEW"


def test_the_policy_says_first_why_a_job_may_not_propose(ledger: Ledger) -> None:
    held = terms(jobs={"mmm": False})
    add(ledger.warehouse, [False] * 8, long_ago(60))
    barred = read_market(ledger.warehouse, held, stopped=False).standing.barred
    assert barred == {"mmm": "the policy doesn't let it"}
    assert policy() == terms().policy


def test_outcomes_of_one_platform_and_day_count_as_one(ledger: Ledger) -> None:
    line = {"as_of": long_ago(9), "is_covered": False}
    fixed = {"outcome": "CARRIED_OUT", "platform": "google_ads"}
    lines = [LINE | line | fixed | {"proposal_id": f"p-{i}"} for i in range(40)]
    insert_all(ledger.warehouse, "canary.canary_scorecard", lines)
    assert barred_jobs(ledger.warehouse, AS_OF) == {}


def test_what_another_version_of_the_model_predicted_is_not_held_against_this_one(
    ledger: Ledger,
) -> None:
    add(ledger.warehouse, [False] * 8, long_ago(60), model_version="0")
    assert barred_jobs(ledger.warehouse, AS_OF) == {}


def test_what_is_told_later_bars_nobody_earlier(ledger: Ledger) -> None:
    add(ledger.warehouse, [False] * 8, long_ago(20))
    assert barred_jobs(ledger.warehouse, long_ago(19)) == {}
    assert barred_jobs(ledger.warehouse, AS_OF).keys() == {"mmm"}


def test_what_nobody_approved_counts_only_for_a_job_that_is_barred(ledger: Ledger) -> None:
    add(ledger.warehouse, [False] * 8, long_ago(90), outcome="UNRECORDED")
    assert barred_jobs(ledger.warehouse, AS_OF) == {}
    add(ledger.warehouse, [False] * 8, long_ago(60))
    assert barred_jobs(ledger.warehouse, AS_OF).keys() == {"mmm"}
    covered = [i % 10 > 0 for i in range(30)]
    add(ledger.warehouse, covered, long_ago(50), outcome="UNRECORDED")
    assert barred_jobs(ledger.warehouse, AS_OF) == {}


def test_forecasts_of_weeks_bar_the_media_mix_on_their_own(ledger: Ledger) -> None:
    execute(
        ledger,
        "CREATE TABLE marts.mmm_input_weekly AS SELECT DATE_SUB(DATE '2026-06-22', INTERVAL 7 * n "
        "DAY) AS week_start, 200.0 AS orders, TRUE AS is_complete "
        "FROM UNNEST(GENERATE_ARRAY(0, 9)) AS n",
        "INSERT INTO contracts.job_runs (run_id, as_of, model_version, input_snapshot, job, "
        "verdict, reason, settings, diagnostics, finished_at) "
        "SELECT CAST(week_start AS STRING), DATE_SUB(week_start, INTERVAL 1 DAY), '1', 's', 'mmm', "
        "'PASS', 'x', '{}', '{}', CAST(week_start AS TIMESTAMP) FROM marts.mmm_input_weekly",
        "INSERT INTO contracts.mmm_predictions_weekly (run_id, as_of, model_version, "
        "input_snapshot, origin_week, week_start, orders_p10, orders_p50, orders_p90) "
        "SELECT CAST(week_start AS STRING), DATE_SUB(week_start, INTERVAL 1 DAY), '1', 's', "
        "DATE_SUB(week_start, INTERVAL 7 DAY), week_start, 90.0, 100.0, 110.0 "
        "FROM marts.mmm_input_weekly",
    )
    barred = barred_jobs(ledger.warehouse, AS_OF)
    assert "held 0% of the weeks that it forecast" in barred["mmm"]
    execute(ledger, "UPDATE marts.mmm_input_weekly SET orders = 100.0 WHERE TRUE")
    assert barred_jobs(ledger.warehouse, AS_OF) == {}


def build(folder: Path, ledger: Ledger) -> None:
    """The marts of a market in which m1's recorded cut was carried out and cost half its claims."""
    stored = ledger.read().proposal(ids(ledger)["m1"])
    before, after = int(stored.current_value), int(stored.proposed_value)
    known = market(lift=-0.5, budgets=((date(2026, 4, 20), before), (CHANGED, after)))

    def place(name: tuple[str, str, str]) -> dict[str, str]:
        campaign = "m1" if name == OURS else name[2]
        return {"platform": "meta_ads", "account_id": "a", "campaign_id": campaign}

    budgets = [
        {
            **place(name),
            **{"effective_from": b.day, "daily_budget_micros": b.micros},
            **{"previous_daily_budget_micros": before if b.changed else None},
            **{"shared_budget_id": b.shared, "currency_code": b.currency},
        }
        for name, own in known.budgets.items()
        for b in own
    ]
    days = [
        {
            **place(name),
            **{"date": day, "cost_micros": d.cost, "conversions": d.claims},
            **{"currency_code": d.currency, "status_on_day": d.status},
        }
        for name, own in known.days.items()
        for day, d in own.items()
    ]
    campaigns = [
        place(name)
        | {"campaign_status": "ENABLED", "time_zone": "UTC", "mmm_channel": "meta_ads"}
        | {"campaign_name": None, "daily_budget_micros": None, "shared_budget_id": None}
        | {"currency_code": "USD"}
        for name in known.places
    ]
    published = [
        {"platform": "meta_ads", "account_id": "a", "date": day}
        for day in sorted(known.published["google_ads", "g"])
    ]
    with duckdb.connect(str(folder / "w.duckdb")) as connection:
        for name, rows in (
            ("ads_budget_history", budgets),
            ("ads_campaign_daily", days),
            ("dim_campaign", campaigns),
            ("ads_account_days", published),
        ):
            table = pa.Table.from_pylist(rows)
            connection.register("rows", table)
            connection.execute(f"CREATE OR REPLACE TABLE marts.{name} AS SELECT * FROM rows")
    curve = known.curves["r1", "google_ads"]
    row: dict[str, Any] = {
        **{"channel": "meta_ads", "horizon_weeks": 0, "point": 0, "is_current": True},
        **{"weekly_spend_micros": 7_000_000_000, "currency_code": "USD"},
        **{f"orders_p{p}": getattr(curve.orders, f"p{p}") for p in (10, 50, 90)},
        **{f"marginal_orders_p{p}": 0.1 for p in (10, 50, 90)},
    }
    insert(ledger.warehouse, "contracts.mmm_curves", **row)


def test_every_proposal_is_scored_once_for_good(tmp_path: Path) -> None:
    ledger = decided(tmp_path)
    build(tmp_path, ledger)
    known = ids(ledger)
    scored = score_all(ledger, LATER, NOW, "USD")
    rows = {row["proposal_id"]: row for row in latest_rows(ledger.warehouse, LATER)}
    assert rows.keys() == set(known.values())
    cut = rows[known["m1"]]
    assert (cut["outcome"], cut["controls"]) == ("CARRIED_OUT", 8)
    # a cut of 5% was to cost 2 orders a week: nobody can tell
    assert (cut["verdict"], cut["is_final"]) == ("INCONCLUSIVE", True)
    assert cut["realised_orders_high"] < 0
    assert rows[known["m2"]]["outcome"] == "NO_DATA"

    assert score_all(ledger, LATER, NOW, "USD") == scored
    assert len(latest_rows(ledger.warehouse, LATER)) == 3
    final = sum(row["is_final"] for row in rows.values())
    next_day = score_all(ledger, LATER + timedelta(days=1), NOW, "USD")
    assert (len(next_day.rows), next_day.finished) == (3 - final, final)
    assert {r["proposal_id"] for r in latest_rows(ledger.warehouse, LATER)} == rows.keys()


def test_coverage_bias_and_hits_are_told_by_job_and_month(ledger: Ledger) -> None:
    add(ledger.warehouse, [True, True, False, True], date(2026, 6, 1))
    add(ledger.warehouse, [True], date(2026, 5, 1), realised_orders=-1.0)
    may, june = by_month(ledger.warehouse, AS_OF)
    assert (may["job"], may["month_start"]) == ("mmm", date(2026, 5, 1))
    assert (may["coverage_90"], may["hit_rate"], may["bias_orders"]) == (1.0, 0.0, 3.0)
    assert (june["told"], june["coverage_90"], june["hit_rate"]) == (4, 0.75, 1.0)
    assert june["bias_orders"] == 1.0
