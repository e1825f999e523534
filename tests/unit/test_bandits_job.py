"""The bandits job shares spend among ads and among ad groups, or says what it needs to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from pipelines.config import Settings
from pipelines.contracts import load_contract
from pipelines.jobs.bandits.groups import LEVELS, read_groups
from pipelines.jobs.bandits.job import _maturity
from pipelines.jobs.run import JobRun, run_job
from pipelines.warehouse.duckdb import DuckDBWarehouse
from tests.unit.bandit_rows import ADS, KEYS, LAGS

pytestmark = pytest.mark.slow

Rows = list[dict[str, Any]]

AS_OF = date(2026, 6, 30)
DAYS = 60


def ad(
    ad_id: str,
    dollars: float,
    cac: float,
    *,
    days: int = DAYS,
    until: int = 0,
    adgroup: str = "g1",
    seed: int = 1,
    **changed: Any,
) -> Rows:
    """Days of an ad with a Poisson number of conversions, up to ``until`` days before AS_OF."""
    rng = np.random.default_rng([seed, *ad_id.encode()])
    return [
        {
            **dict(zip(KEYS, ("meta_ads", "a1", "c1", adgroup, ad_id), strict=True)),
            "finest_level": "ad",
            "reporting_currency_code": "USD",
            "date": AS_OF - timedelta(days=ago),
            "cost_reporting_micros": round(dollars * 1e6),
            "conversions": float(rng.poisson(dollars / cac)),
            **changed,
        }
        for ago in range(days - 1 + until, until - 1, -1)
    ]


def run(tmp_path: Path, rows: Sequence[dict[str, Any]], **given: Any) -> tuple[JobRun, Rows]:
    lags, guardrails = given.pop("lags", []), given.pop("guardrails", {})
    path = tmp_path / "w.duckdb"
    warehouse = DuckDBWarehouse(path)
    names = ("bandit_decisions", "job_runs")
    warehouse.create_tables([load_contract(f"contracts.{name}") for name in names])
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE SCHEMA IF NOT EXISTS marts")
        for name, schema, own in (
            ("fct_ad_spend_by_ad_daily", ADS, rows),
            ("ga4_lagged_daily", LAGS, lags),
        ):
            connection.register("given", pa.Table.from_pylist(list(own), schema))
            connection.execute(f"CREATE OR REPLACE TABLE marts.{name} AS SELECT * FROM given")
    policy = {"guardrails": guardrails}
    settings = Settings.model_validate({"jobs": {"bandits": given}, "policy": policy})
    done = run_job(warehouse, settings, "bandits", AS_OF)
    sql = """SELECT * FROM contracts.bandit_decisions WHERE run_id = @run_id
    ORDER BY arm_kind, adgroup_id, ad_id"""
    return done, warehouse.query(sql, {"run_id": done.run_id}).to_pylist()


NO_RATE = ad("b", 1, 1, days=1, until=70, cost_reporting_micros=None)
TWO = ad("cheap", 60, 15) + ad("dear", 60, 45)


def test_the_ad_whose_conversions_cost_least_gets_all_but_the_exploration(tmp_path: Path) -> None:
    done, (cheap, dear) = run(tmp_path, TWO)
    assert done.verdict == "PASS", done.reason
    assert "ad cheap of meta_ads/a1/c1/g1 from 50% to 95%" in done.reason
    assert (cheap["propensity"], dear["propensity"]) == pytest.approx((0.95, 0.05), abs=1e-4)
    assert cheap["spend_micros"] + dear["spend_micros"] == 120_000_000
    assert cheap["exploration_floor"] == 0.05
    assert cheap["cac_micros"] == pytest.approx(15e6, rel=0.2)
    assert cheap["cac_low_micros"] < cheap["cac_micros"] < cheap["cac_high_micros"]
    assert (cheap["date"], cheap["currency_code"]) == (AS_OF + timedelta(days=1), "USD")


def test_the_shares_are_valued_on_the_ad_groups_own_log(tmp_path: Path) -> None:
    _, (cheap, _) = run(tmp_path, TWO)
    assert cheap["logged_cac_micros"] == pytest.approx(22.5e6, rel=0.15)
    low, high = cheap["policy_cac_low_micros"], cheap["policy_cac_high_micros"]
    assert low < 1 / (0.95 / 15 + 0.05 / 45) * 1e6 < high
    assert high < cheap["logged_cac_micros"]


def test_shares_that_the_log_can_not_value_are_refused_with_what_would_change_it(
    tmp_path: Path,
) -> None:
    """The ad that would get most has had a hundredth of the spend."""
    rows = ad("old", 200, 60) + ad("small", 2, 4)
    done, written = run(tmp_path, rows)
    assert done.verdict == "INCONCLUSIVE"
    assert {row["verdict"] for row in written} == {"REFUSED"}
    assert "are needed" in written[0]["reason"]
    assert written[0]["reason"] in done.reason
    assert written[1]["propensity"] > 0.5


def test_an_ad_group_of_a_few_days_is_refused_until_they_have_matured(tmp_path: Path) -> None:
    done, written = run(tmp_path, ad("a", 60, 15, days=20) + ad("b", 60, 15, days=20))
    assert done.verdict == "INCONCLUSIVE"
    assert "and at least 14 are needed to value the shares on: wait" in written[0]["reason"]


def test_an_ad_over_the_cac_ceiling_keeps_no_more_than_the_floor(tmp_path: Path) -> None:
    rows = ad("a", 60, 20) + ad("b", 60, 20) + ad("c", 60, 90)
    _, free = run(tmp_path, rows)
    done, held = run(tmp_path, rows, guardrails={"cac_ceiling_micros": 40_000_000})
    assert [row["within_cac_ceiling"] for row in held] == [True, True, False]
    assert held[2]["spend_micros"] == held[2]["spend_floor_micros"] == 6_000_000
    assert sum(row["spend_micros"] for row in held) == 180_000_000
    assert free[2]["within_cac_ceiling"]
    assert done.verdict == "PASS"


def test_where_no_ad_holds_the_ceiling_only_the_floors_are_spent(tmp_path: Path) -> None:
    _, held = run(tmp_path, TWO, guardrails={"cac_ceiling_micros": 1_000_000})
    assert [row["spend_micros"] for row in held] == [6_000_000, 6_000_000]


def test_an_ad_that_stopped_informs_but_gets_no_share(tmp_path: Path) -> None:
    rows = TWO + ad("stopped", 60, 5, days=30, until=10)
    _, written = run(tmp_path, rows)
    assert [row["ad_id"] for row in written] == ["cheap", "dear"]


def test_a_new_ad_is_explored_and_its_young_days_are_not_read_as_failures(tmp_path: Path) -> None:
    """Without delays to go by, days younger than 14 days are left out."""
    rows = ad("a", 60, 20) + ad("b", 60, 30) + ad("new", 60, 1e9, days=10)
    _, written = run(tmp_path, rows)
    new = written[2]
    assert new["posterior_conversions"] < 15
    assert new["propensity"] >= 0.1 / 3
    assert new["cac_micros"] < 40_000_000


def test_a_known_delay_lets_young_days_count(tmp_path: Path) -> None:
    lags = [
        {
            "date": AS_OF - timedelta(days=ago),
            "lag_days": lag,
            "default_channel_group": "Paid Search",
            "last_non_direct_conversions": 10,
        }
        for ago in range(30)
        for lag in (0, 1)
        if lag <= ago
    ]
    done, known = run(tmp_path, TWO, lags=lags)
    assert done.diagnostics["median_delay_days"] == 0
    (tmp_path / "other").mkdir()
    _, unknown = run(tmp_path / "other", TWO)
    assert known[0]["posterior_conversions"] > unknown[0]["posterior_conversions"]


def test_delays_are_no_shorter_for_conversions_that_ga4_has_not_told_of_yet() -> None:
    """The platforms' day is in; GA4's last three are not, as in a run between two ingests."""

    def lags(last: int) -> pa.Table:
        days = [(ago, lag) for ago in range(last, 40) for lag in range(6) if ago - lag >= last]
        return pa.Table.from_pylist(
            [
                {"date": AS_OF - timedelta(days=ago), "lag_days": lag, "conversions": 20}
                for ago, lag in days
            ]
        )

    start = AS_OF - timedelta(days=DAYS - 1)
    known, median = _maturity(lags(0), start, AS_OF)
    behind, same = _maturity(lags(3), start, AS_OF)
    assert behind == pytest.approx(known, abs=0.01)
    assert median == same == 2


def test_a_run_within_the_hour_is_the_same_one_and_a_restated_day_makes_a_new_one(
    tmp_path: Path,
) -> None:
    """Both stay: each is a decision, from when its run finished until the next one did."""
    one, first = run(tmp_path, TWO)
    again, _ = run(tmp_path, TWO)
    assert (one.reused, again.reused, again.run_id) == (False, True, one.run_id)
    restated = [dict(row) for row in TWO]
    restated[DAYS - 1]["conversions"] += 1
    later, second = run(tmp_path, restated)
    assert not later.reused
    assert later.run_id != one.run_id
    assert first[0]["date"] == second[0]["date"]


def test_a_worn_out_ad_is_told_by_its_freshness_and_loses_its_share(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    worn = ad("worn", 100, 20, days=100)
    for age, row in enumerate(worn):
        row["conversions"] = float(rng.poisson(100 / 10 * (0.2 + 0.8 * 0.5 ** (age / 10))))
    _, (steady, old) = run(tmp_path, ad("steady", 100, 20, days=100) + worn)
    assert old["freshness"] < 0.5 < steady["freshness"]
    assert steady["propensity"] > 0.9


def test_ucb_shares_by_bounds(tmp_path: Path) -> None:
    done, (cheap, dear) = run(tmp_path, TWO, policy="ucb")
    assert (cheap["best_probability"], dear["best_probability"]) == (1, 0)
    assert (cheap["policy"], done.verdict) == ("ucb", "PASS")


def test_ad_groups_share_their_campaigns_spend_as_ads_share_their_ad_groups(
    tmp_path: Path,
) -> None:
    """An asset group has no ads: its spend is what no ad accounts for."""
    rows = TWO + ad("(none)", 60, 120, adgroup="g2", finest_level="adgroup")
    done, written = run(tmp_path, rows)
    assert done.verdict == "PASS"
    shares = {(r["arm_kind"], r["adgroup_id"], r["ad_id"]): r["propensity"] for r in written}
    assert shares == {
        ("ad_group", "g1", "(all)"): pytest.approx(0.95, abs=1e-3),
        ("ad_group", "g2", "(all)"): pytest.approx(0.05, abs=1e-3),
        ("creative", "g1", "cheap"): pytest.approx(0.95, abs=1e-3),
        ("creative", "g1", "dear"): pytest.approx(0.05, abs=1e-3),
    }
    (of_group,) = [row for row in written if row["adgroup_id"] == "g1" and row["ad_id"] == "(all)"]
    assert of_group["current_share"] == pytest.approx(2 / 3, abs=1e-5)
    assert sum(row["spend_micros"] for row in written if row["ad_id"] == "(all)") == 180_000_000


def test_what_ads_do_not_account_for_yet_is_not_spent_twice_by_their_ad_group() -> None:
    """The ad level was pulled after the ad group's, which is behind by what (none) takes off."""
    late = ad("(none)", 0, 1, days=1, finest_level="adgroup", cost_reporting_micros=-20_000_000)
    start = AS_OF - timedelta(days=DAYS - 1)
    (creatives,) = read_groups(TWO + late, LEVELS[0], start, AS_OF)
    (ad_groups,) = read_groups(TWO + late, LEVELS[1], start, AS_OF)
    assert creatives.cost[-1].tolist() == [60e6, 60e6]
    assert ad_groups.cost[-1].tolist() == [100e6]


def test_the_same_rows_and_seed_give_the_same_bytes(tmp_path: Path) -> None:
    one, first = run(tmp_path, TWO)
    (tmp_path / "again").mkdir()
    other, again = run(tmp_path / "again", TWO)
    assert (one.run_id, first) == (other.run_id, again)


@pytest.mark.parametrize(
    ("rows", "verdict", "reason"),
    [
        ([], "NO_DATA", "has no ad with spend from 2026-03-03 to 2026-06-30"),
        (ad("a", 60, 15), "INCONCLUSIVE", "and no campaign two such ad groups: there is no choice"),
        (
            ad("a", 1, 15, days=9) + ad("b", 1, 15, days=9),
            "INCONCLUSIVE",
            "its ads brought 0 conversions in 120 days, and at least 30 are needed",
        ),
        (
            ad("a", 60, 15, until=4) + ad("b", 60, 15, until=4),
            "INCONCLUSIVE",
            "no day of its account was published in the last 3: ingest and build",
        ),
        (
            ad("a", 60, 15) + ad("b", 60, 15) + NO_RATE,
            "INCONCLUSIVE",
            "some of its spend has no exchange rate",
        ),
    ],
)
def test_a_group_without_enough_to_go_by_is_told_why(
    tmp_path: Path, rows: Rows, verdict: str, reason: str
) -> None:
    ordered = sorted(rows, key=lambda row: (row["ad_id"], row["date"]))
    done, written = run(tmp_path, ordered)
    assert done.verdict == verdict
    assert reason in done.reason
    assert written == []


def test_days_that_were_not_published_are_not_days_without_conversions() -> None:
    start, missing = AS_OF - timedelta(days=29), AS_OF - timedelta(days=5)
    rows = [row for row in TWO if row["date"] >= start and row["date"] != missing]
    (group,) = read_groups(rows, LEVELS[0], start, AS_OF)
    assert group.published.sum() == 29
    assert group.daily_budget == 120_000_000
